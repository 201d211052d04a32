"""What a scenario at random has of all that there is: a word for each, to be counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubeinfer_sim.manifest.releases import LATEST, RELEASES
from kubeinfer_sim.scenario.actions.forms import ActionForm
from kubeinfer_sim.scenario.assumption_forms import AssumptionsForm
from kubeinfer_sim.scenario.faults.kinds import KINDS as FAULT_KINDS
from kubeinfer_sim.scenario.schema import SpecForm
from kubeinfer_sim.scenario.timings.forms import DistributionForm
from kubeinfer_sim.scenario.workloads import time_line
from kubeinfer_sim.testing.strategies import WrittenScenario
from kubeinfer_sim.testing.strategies.written import Raw

_BESIDE = (
    "several workloads",
    "several KubeInfers",
    "KubeInfer beside Deployment",
    "several pools",
    "budget",
    "cluster of kubectl",
    "pods of kubectl",
    "process",
)


def written(form: Any) -> set[str]:
    """The fields of a form as a user writes them."""
    return {field.alias or name for name, field in form.model_fields.items()}


def all_there_is() -> set[str]:
    """Every word that `drawn` may say."""
    return {
        *(f"field {each}" for each in written(SpecForm)),
        *(f"action {each}" for each in written(ActionForm) - {"at", "object"}),
        *(f"fault {each}" for each in FAULT_KINDS),
        *(f"assumption {each}" for each in written(AssumptionsForm)),
        *(f"distribution {each}" for each in written(DistributionForm)),
        *(f"Kubernetes {each}" for each in RELEASES),
        *(f"workload {each}" for each in time_line.KINDS),
        *_BESIDE,
    }


def drawn(scenario: WrittenScenario) -> Iterator[str]:
    """What it has; some words more than once."""
    spec = scenario.spec
    yield from (f"field {each}" for each in spec)
    yield from (f"assumption {each}" for each in spec.get("assumptions", ()))
    yield f"Kubernetes {spec.get('kubernetesVersion', LATEST.version)}"
    for action in spec.get("actions", ()):
        yield from (f"action {each}" for each in action.keys() - {"at", "object"})
    faults = spec.get("faults")
    if isinstance(faults, dict) and faults.get("processes"):
        yield "process"
    documents = [each for name, file in scenario.files.items() if name != "scenario.yaml" for each in file]
    manifest = spec["manifest"]
    if isinstance(manifest, dict) and "kind" in manifest:
        documents.append(manifest)
    yield from _of_objects([each.get("kind", "") for each in documents], spec)
    yield from _of_cluster(spec, documents)
    for each in _mappings(spec):
        if each.get("kind") in FAULT_KINDS:
            yield f"fault {each['kind']}"
        yield from (f"fault {fault}" for fault in (each.get("fault"),) if isinstance(fault, str))
        yield from (f"fault {fault}" for fault in each.get("mix", ()) if isinstance(fault, str))
        if len(kinds := each.keys() & _DISTRIBUTIONS) == 1 and each.keys() <= kinds | {"min", "max"}:
            yield from (f"distribution {kind}" for kind in each)


_DISTRIBUTIONS = written(DistributionForm) - {"min", "max"}


def _of_objects(kinds: list[str], spec: Raw) -> Iterator[str]:
    owners = [each for each in kinds if each in time_line.KINDS]
    yield from (f"workload {each}" for each in owners)
    if len(owners) > 1:
        yield "several workloads"
    if owners.count("KubeInfer") > 1:
        yield "several KubeInfers"
    if {"KubeInfer", "Deployment"} <= set(owners):
        yield "KubeInfer beside Deployment"
    if "PodDisruptionBudget" in kinds or "podDisruptionBudgets" in spec:
        yield "budget"


def _of_cluster(spec: Raw, documents: list[Raw]) -> Iterator[str]:
    cluster = spec["cluster"]
    if isinstance(cluster, dict) and "file" in cluster:
        yield "cluster of kubectl"
        yield from ("pods of kubectl" for _ in range("pods" in cluster))
    pools = cluster.get("pools", ()) if isinstance(cluster, dict) else ()
    pools = pools or [
        pool for each in documents if each.get("kind") == "Cluster" for pool in each["spec"]["pools"]
    ]
    if len(pools) > 1:
        yield "several pools"


def _mappings(value: Any) -> Iterator[Raw]:
    """All mappings within, itself among them."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _mappings(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _mappings(each)
