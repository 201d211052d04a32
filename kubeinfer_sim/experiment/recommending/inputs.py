"""What a recommendation is made from: a scenario to play, and the manifest in its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.manifest.chosen import chosen_workload, others_than
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.file_kinds import kind_in_file
from kubeinfer_sim.manifest.load import load_manifest
from kubeinfer_sim.manifest.model import WorkloadSpec
from kubeinfer_sim.manifest.names_apart import NamesApart, in_namespace
from kubeinfer_sim.manifest.source import SourceText, read_source
from kubeinfer_sim.manifest.yaml_tree import load_documents
from kubeinfer_sim.scenario.configuration import Configuration
from kubeinfer_sim.scenario.load import Overrides, load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.rollout import asked_of, rollout_document, rollout_scenario
from kubeinfer_sim.scenario.self_contained import self_contained, whole_scenario


class Inputs(Struct, frozen=True):
    """What is played, and the manifest as its file has it, holes included.

    Attributes:
        whole: makes the scenario's document with all that it is made of.
        others: what else could have been meant, where no name is given.
    """

    scenario: Scenario
    document: Document
    whole: Callable[[], dict[str, Any]]
    others: tuple[str, ...] = ()


#: What `recommend` takes besides, each as `read_inputs` does.
INPUTS = ("pods", "objectives", "places", "name", "timings", "set_values", "seed", "horizon", "configuration")


def read_inputs(
    manifest: str,
    nodes: str | None = None,
    *,
    pods: str | None = None,
    objectives: Mapping[str, Any] | None = None,
    places: Mapping[Any, Any] | None = None,
    name: str | None = None,
    timings: str | None = None,
    set_values: Mapping[str, Any] | None = None,
    seed: int | None = None,
    horizon: str | None = None,
    configuration: Configuration | None = None,
) -> Inputs:
    """A manifest that is updated to a new revision on these nodes, or a scenario with one of its manifests.

    Raises:
        InputError: a file is wrong.
        UsageError: nodes or objectives for a scenario, which has its own, or none for a manifest; no one workload is
            meant; it is no document of its own in its file.
    """
    source = read_source(manifest)
    if kind_in_file(manifest) == "Scenario":
        own = {"--nodes": nodes, "--pods": pods, "--timings": timings, "objectives": objectives or None}
        for option, value in own.items():
            if value is not None:
                raise UsageError(f"{option}: a scenario has its own: give the manifest in place of it")
        loaded = Overrides(seed=seed, horizon=horizon, configuration=configuration)
        scenario = load_scenario(source, set_values=set_values or {}, **loaded)
        workload, others = _one(scenario.workloads, name, manifest)
        file = workload.source.rpartition(":")[0]
        document = _document(read_source(file) if file else source, workload)
        return Inputs(
            scenario, document, lambda: whole_scenario(source, set_values=set_values or {}, **loaded), others
        )
    if nodes is None and configuration is None:
        raise UsageError(
            "give the nodes as --nodes 8x8 or --cluster FILE, or a scenario in place of the manifest"
        )
    manifests = load_manifest([source], set_values=set_values or {})
    names = NamesApart()
    names.note(manifests.workloads)
    workloads = [*map(names.named, manifests.workloads)]
    workload, others = _one(workloads, name, manifest)
    beside = [each for each in workloads if each is not workload]
    asked, given_at = asked_of(workload, beside, objectives or {"completes": True}, places or {})
    options: dict[str, Any] = {
        "profile": timings,
        "seed": seed or 0,
        "horizon": horizon or "settled",
        "pods": pods,
        "beside": beside,
        "objects": manifests.others,
        "configuration": configuration,
        "objectives": asked,
        "places": given_at,
    }

    def whole() -> dict[str, Any]:
        written, _ = rollout_document(workload, None, nodes, **options)
        return self_contained(written, typed=frozenset(filter(None, (nodes, pods))))

    scenario = rollout_scenario(workload, None, nodes, **options)
    return Inputs(scenario, _document(source, workload), whole, others)


def _one(
    workloads: Sequence[WorkloadSpec], name: str | None, file: str
) -> tuple[WorkloadSpec, tuple[str, ...]]:
    kinds = ("KubeInfer", "Deployment")
    one = chosen_workload(workloads, name, file, kinds)
    return one, () if name is not None else tuple(others_than(one, workloads, kinds))


def _document(source: SourceText, workload: WorkloadSpec) -> Document:
    """Where a workload stands in its file, holes as they are."""
    for each in load_documents(source):
        value = each.value
        if not isinstance(value, dict) or value.get("kind") != workload.kind:
            continue
        metadata = value.get("metadata") or {}
        if (metadata.get("namespace") or "default", metadata.get("name")) == (
            workload.namespace,
            in_namespace(workload.name),
        ):
            return each
    raise UsageError(
        f"{source.name}: {workload.kind} {workload.name} is no document of its own there, so no patch can be made of it"
    )
