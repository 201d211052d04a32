"""From a scenario file to a `Scenario`: everything that is wrong is found and said at once.

scenario = load_scenario("scenarios/rolling-update-2p1d.yaml")
scenario = rollout_scenario(old, None, "8x8")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from kubeinfer_sim.diagnostics import Diagnostic, Path
from kubeinfer_sim.errors import InputError, UsageError
from kubeinfer_sim.manifest.model import PlainWorkload, WorkloadSpec
from kubeinfer_sim.manifest.register.check import CODE as NOT_SIMULATED
from kubeinfer_sim.manifest.releases import LATEST
from kubeinfer_sim.manifest.source import SourceText, read_source
from kubeinfer_sim.manifest.yaml_tree import load_documents
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.cluster.forms import ClusterForm
from kubeinfer_sim.scenario.cluster.short_form import parse_nodes
from kubeinfer_sim.scenario.compile import compile_scenario
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.findings import read_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.schema import API_VERSION
from kubeinfer_sim.scenario.timings.profiles import Profile
from kubeinfer_sim.scenario.units import parse_duration
from kubeinfer_sim.scenario.workloads.manifests import to_yaml, too_many_pods


def load_scenario(
    source: str | SourceText,
    *,
    set_values: Mapping[str, Any] | None = None,
    seed: int | None = None,
    horizon: str | None = None,
    cluster: str | None = None,
    pods: str | None = None,
    changes: Mapping[Path, Any] | None = None,
) -> Scenario:
    """Read a scenario file (`-` for standard input) or text.

    Args:
        source: the file's name, or a text with a name for messages; relative paths in it start at its folder.
        set_values: values for `${name}` in the scenario's own manifest, over those the scenario gives.
        seed: instead of the scenario's.
        horizon: instead of the scenario's: `settled` or a duration.
        cluster: instead of the scenario's: `8x8`, or the path of a Cluster file or of what kubectl get nodes wrote.
        pods: with a `cluster` from kubectl, the path of what kubectl get pods -A wrote.
        changes: path -> value to read in place of what the file has there; a file's path in it starts at the working
            directory.

    Raises:
        InputError: everything that is wrong, here and in the files it names.
        UsageError: a wrong override.
    """
    overrides: dict[str, Any] = {} if seed is None else {"seed": seed}
    if horizon is not None:
        overrides["horizon"] = _horizon(horizon)
    if pods is not None and cluster is None:
        raise UsageError("--pods are those of the nodes given as --cluster FILE: give both")
    if cluster is not None:
        written = {"file": cluster, "pods": pods} if pods is not None else cluster
        try:
            overrides["cluster"] = ClusterForm.model_validate(written)
        except ValidationError as error:
            raise UsageError(f"cluster: {error.errors()[0]['msg']}") from None
    text = read_source(source) if isinstance(source, str) else source
    documents = load_documents(text)
    if len(documents) != 1:
        message = f"expected one document of kind Scenario, found {len(documents)}"
        raise InputError([Diagnostic(text.name, 0, 0, message, code="no-scenario")])
    document = documents[0]
    typed = [each for each in (cluster, pods, *(changes or {}).values()) if isinstance(each, str)]
    for path, value in (changes or {}).items():
        try:
            document = replace(document, value=_with(document.value, path, value))
        except IndexError as error:
            raise UsageError(f"{'.'.join(map(str, path))}: there is no item {error}") from None
    context = Context(document, typed=frozenset(typed))
    readable = read_scenario(context)
    scenario = None
    if readable is not None:
        readable.spec = readable.spec.model_copy(update=overrides)
        if cluster is not None:
            readable.broken.discard("cluster")
        scenario = compile_scenario(readable, context, set_values or {})
    if context.errors or scenario is None:
        raise InputError(sorted(dict.fromkeys(context.errors), key=_order(text.name)))
    return scenario


def _with(value: Any, path: Path, new: Any) -> Any:
    """A copy of what a document holds, with another value at a path; mappings on the way are made.

    Raises:
        IndexError: a list has no such item; the argument is its number.
    """
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        if not isinstance(value, list) or step >= len(value):
            raise IndexError(step)
        return [*value[:step], _with(value[step], rest, new), *value[step + 1 :]]
    held = value if isinstance(value, dict) else {}
    return {**held, step: _with(held.get(step), rest, new)}


def rollout_scenario(
    old: WorkloadSpec,
    new: WorkloadSpec | None,
    nodes: str,
    *,
    profile: Profile = "typical",
    kubernetes_version: str = LATEST.version,
    seed: int = 0,
    horizon: str = "settled",
    pods: str | None = None,
    beside: Sequence[PlainWorkload] = (),
    beside_new: Sequence[PlainWorkload] = (),
    warnings: Sequence[Diagnostic] = (),
    autoscalers: Sequence[Mapping[str, Any]] = (),
) -> Scenario:
    """The scenario of one update without a scenario file: `old` runs, `new` is applied at 0s.

    `new` None stands for the same manifest with a new revision, as `kubectl rollout restart` makes one. `nodes`
    is `8x8`, or the path of a file of kind Cluster or of what kubectl get nodes wrote; with the latter, `pods` is
    the path of what kubectl get pods -A wrote. `beside` is what else owns pods in the manifest,
    `beside_new` their new versions. `warnings` are those of the files they were read from,
    `autoscalers` the objects there that keep the number of replicas. The rest is written as in
    a scenario file.

    Raises:
        InputError: the nodes cannot carry the pods' labels and resources, or the Cluster file is wrong.
        UsageError: an argument is wrong, or `new` is another object than `old`.
    """
    if nodes != "-" and not nodes.endswith((".yaml", ".yml", ".json")):
        try:
            parse_nodes(nodes)
        except ValueError as error:
            raise UsageError(f"nodes: {error}") from None
    _horizon(horizon)
    if new is not None and (type(new), new.namespace, new.name) != (type(old), old.namespace, old.name):
        raise UsageError(
            f"{new.namespace}/{new.name} is another object than {old.namespace}/{old.name}: "
            "an update keeps name and namespace"
        )
    for given in (old, new, *beside, *beside_new):
        if given is not None and (message := too_many_pods(given)):
            raise UsageError(f"{given.source}: {message}")
    there = {(each.kind, each.name) for each in beside}
    for each in beside_new:
        if (each.kind, each.name) not in there:
            raise UsageError(
                f"{each.kind} {each.name} is in the new manifest only: an update creates no objects"
            )
    spec: dict[str, Any] = {
        "manifest": _together(old, beside, autoscalers),
        "update": {"newRevision": True} if new is None else _together(new, beside_new),
        "cluster": nodes if pods is None else {"file": nodes, "pods": pods},
        "timings": {"profile": profile},
        "kubernetesVersion": kubernetes_version,
        "seed": seed,
        "horizon": horizon,
    }
    value = {"apiVersion": API_VERSION, "kind": "Scenario", "metadata": {"name": old.name}, "spec": spec}
    scenario = load_scenario(SourceText("rollout", to_yaml(value)))
    # As they are in their own files: with where they were read from.
    rest = [each for each in scenario.workloads if (each.kind, each.name) != (old.kind, old.name)]
    scenario = replace(scenario, workloads=(old, *rest))
    if warnings:
        own = [each for each in scenario.warnings if each.code != NOT_SIMULATED]
        scenario = replace(scenario, warnings=(*dict.fromkeys(warnings), *own))
    if new is None:
        return scenario
    others = [
        each
        for each in scenario.actions
        if isinstance(each, Apply) and (each.workload.kind, each.workload.name) != (old.kind, old.name)
    ]
    return replace(scenario, actions=(Apply(0, new, new.source), *others))


def _together(
    one: WorkloadSpec, beside: Sequence[PlainWorkload], others: Sequence[Mapping[str, Any]] = ()
) -> Mapping[str, Any]:
    """The document of one object, or a List of several."""
    if not (beside or others):
        return one.raw
    return {"apiVersion": "v1", "kind": "List", "items": [one.raw, *(each.raw for each in beside), *others]}


def _horizon(text: str) -> int | None:
    """Milliseconds, None for `settled`.

    Raises:
        UsageError: it is neither.
    """
    try:
        return None if text == "settled" else parse_duration(text)
    except ValueError as error:
        raise UsageError(f"horizon: {error}") from None


def _order(first: str) -> Any:
    """The scenario's own findings first, then those of other files; each in the order of its text."""
    return lambda each: (each.file != first, each.file, each.line, each.column)
