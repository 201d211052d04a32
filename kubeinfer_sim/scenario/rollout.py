"""The scenario of one update without a scenario file: what runs, what is applied, on which nodes.

scenario = rollout_scenario(old, None, "8x8")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypedDict, TypeGuard, Unpack, get_args

from msgspec.structs import replace

from kubeinfer_sim.diagnostics import Diagnostic, Path
from kubeinfer_sim.errors import UsageError, expect
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.load import OtherObject
from kubeinfer_sim.manifest.model import KubeInfer, WorkloadSpec
from kubeinfer_sim.manifest.names_apart import NamesApart, full_name, in_namespace
from kubeinfer_sim.manifest.references import ASSUMED_CLASS
from kubeinfer_sim.manifest.register.check import CODE as NOT_SIMULATED
from kubeinfer_sim.manifest.releases import LATEST
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.actions.model import Action, Apply, Refused
from kubeinfer_sim.scenario.compile import lint_of
from kubeinfer_sim.scenario.configuration import Configuration
from kubeinfer_sim.scenario.load import check_nodes, compile_document, read_horizon, typed_value
from kubeinfer_sim.scenario.model import Configured, Scenario
from kubeinfer_sim.scenario.schema import API_VERSION
from kubeinfer_sim.scenario.timings.profiles import Profile
from kubeinfer_sim.scenario.workloads.manifests import too_many_pods


class RolloutOptions(TypedDict, total=False):
    """What else an update is simulated with; the rest is as in a scenario that does not name it.

    Attributes:
        profile: of the stages; `kubernetes_version`, `seed` and `horizon` are as in a scenario file.
        pods: with nodes that kubectl get nodes wrote, the path of what kubectl get pods -A wrote.
        beside: what else owns pods in the manifest; `beside_new`: their new versions.
        restarted: those of `beside` that get a new revision, too, where no new version is given.
        objects: those of other kinds there; `objects_new`: those that are applied with the new version.
        configuration: what holds where nothing is given.
        objectives: what must hold, as in a scenario's `spec.objectives`.
        places: where what is given here stands, for what is said of it.
    """

    profile: Profile | None
    kubernetes_version: str | None
    seed: int
    horizon: str
    pods: str | None
    beside: Sequence[WorkloadSpec]
    beside_new: Sequence[WorkloadSpec]
    restarted: Sequence[WorkloadSpec]
    objects: Sequence[OtherObject]
    objects_new: Sequence[OtherObject]
    configuration: Configuration | None
    objectives: Mapping[str, Any] | None
    places: Mapping[Path, tuple[Document, Path]]


def rollout_scenario(
    old: WorkloadSpec,
    new: WorkloadSpec | None,
    nodes: str | None = None,
    *,
    warnings: Sequence[Diagnostic] = (),
    written: Sequence[tuple[WorkloadSpec, Document]] = (),
    **options: Unpack[RolloutOptions],
) -> Scenario:
    """The scenario of one update without a scenario file: `old` runs, `new` is applied at 0s.

    `new` None stands for the same manifest with a new revision, as `kubectl rollout restart` makes one. `nodes`
    is `8x8`, or the path of a file of kind Cluster or of what kubectl get nodes wrote. `warnings` are those of the
    files they were read from, `written` what owns pods there with its documents; `options`: see `RolloutOptions`.

    Raises:
        InputError: the nodes cannot carry the pods' labels and resources, or the Cluster file is wrong.
        UsageError: an argument is wrong, or `new` is another object than `old`; nobody gives the nodes.
    """
    for each in (old, old if new is None else new):
        expect(each, get_args(WorkloadSpec), "rollout_scenario", "of load_manifest('old.yaml')")
    names = _names_apart(old, new, options.get("beside", ()), options.get("beside_new", ()))
    old, new = names.named(old), None if new is None else names.named(new)
    document, facts = rollout_document(old, new, nodes, **options)
    configuration, pods = options.get("configuration"), options.get("pods")
    scenario = compile_document(document, frozenset(filter(None, (nodes, pods))), {}, {})
    if configuration is not None and facts:
        scenario = replace(scenario, configuration=Configured(configuration.file, tuple(facts)))
    # As they are in their own files: with where they were read from.
    rest = [each for each in scenario.workloads if (each.kind, each.name) != (old.kind, old.name)]
    scenario = replace(scenario, workloads=(old, *rest))
    if written:
        named = [(names.named(workload), its) for workload, its in written]
        own = tuple(_where_written(each, written) for each in scenario.warnings)
        scenario = replace(scenario, lint=tuple(lint_of(named)), warnings=own)
    if warnings:
        scenario = replace(scenario, warnings=_together_told(warnings, scenario.warnings))
    if new is None:
        return scenario
    name = f"{new.kind}/{new.name}"
    # As an autoscaler that is there leaves it, and as it is in its own file.
    applied = next((each.workload for each in scenario.actions if _applies(each, name)), new)
    version = new if isinstance(new, KubeInfer) else replace(applied, source=new.source)
    sources: dict[tuple[str, str], str] = {
        (each.kind, each.name): each.source for each in map(names.named, options.get("beside_new", ()))
    }
    actions = [_from_its_file(each, sources) for each in scenario.actions if not _applies(each, name)]
    if not any(isinstance(each, Refused) and each.object == name for each in actions):
        # Objects of other kinds are there before it, and other workloads come after it.
        place = next((i for i, each in enumerate(actions) if isinstance(each, Apply)), len(actions))
        actions.insert(place, Apply(0, version, new.source))
    return replace(scenario, actions=tuple(actions))


def rollout_document(
    old: WorkloadSpec,
    new: WorkloadSpec | None,
    nodes: str | None = None,
    *,
    profile: Profile | None = None,
    kubernetes_version: str | None = None,
    seed: int = 0,
    horizon: str = "settled",
    pods: str | None = None,
    beside: Sequence[WorkloadSpec] = (),
    beside_new: Sequence[WorkloadSpec] = (),
    restarted: Sequence[WorkloadSpec] = (),
    objects: Sequence[OtherObject] = (),
    objects_new: Sequence[OtherObject] = (),
    configuration: Configuration | None = None,
    objectives: Mapping[str, Any] | None = None,
    places: Mapping[Path, tuple[Document, Path]] = MappingProxyType({}),
) -> tuple[Document, list[str]]:
    """The scenario as somebody would have written it, and what the configuration gave; see `rollout_scenario`.

    Raises:
        UsageError: an argument is wrong, or `new` is another object than `old`; nobody gives the nodes.
    """
    require_nodes(nodes, configuration)
    read_horizon(horizon)
    names = _names_apart(old, new, beside, beside_new)
    old, new = names.named(old), None if new is None else names.named(new)
    beside, beside_new, restarted = ([*map(names.named, each)] for each in (beside, beside_new, restarted))
    if new is not None and (type(new), full_name(new)) != (type(old), full_name(old)):
        raise UsageError(
            f"{new.kind} {full_name(new)} is another object than {old.kind} {full_name(old)}: an update keeps kind, "
            "name and namespace"
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
        "manifest": _together(old, beside, objects),
        "seed": seed,
        "horizon": horizon,
    }
    again = {"newRevision": True}
    if new is not None:
        spec["update"] = _together(new, beside_new, objects_new)
    elif beside:  # which ones are meant
        spec["actions"] = [
            {"at": "0s", "object": f"{each.kind}/{each.name}", "apply": again} for each in (old, *restarted)
        ]
    else:
        spec["update"] = again
    if objectives:
        spec["objectives"] = dict(objectives)
    if nodes is not None:
        spec["cluster"] = nodes if pods is None else {"file": nodes, "pods": pods}
    configured = {} if configuration is None else configuration.document.value
    if profile is not None or "timings" not in configured:
        spec["timings"] = {"profile": profile or "typical"}
    if kubernetes_version is not None or "kubernetesVersion" not in configured:
        spec["kubernetesVersion"] = kubernetes_version or LATEST.version
    value = {
        "apiVersion": API_VERSION,
        "kind": "Scenario",
        "metadata": {"name": in_namespace(old.name)},
        "spec": spec,
    }
    parts = {
        **_origins("manifest", old, beside, objects),
        **_origins("update", new or old, beside_new, objects_new),
        **places,
    }
    if nodes is not None:
        parts["spec", "cluster"] = typed_value("--nodes", nodes)
    document = Document(SourceText("rollout", ""), value, 0, parts=parts)
    facts: list[str] = []
    if configuration is not None:
        document, facts = configuration.give(document)
    return document, facts


def _names_apart(
    old: WorkloadSpec,
    new: WorkloadSpec | None,
    beside: Sequence[WorkloadSpec],
    beside_new: Sequence[WorkloadSpec],
) -> NamesApart:
    """The names by which all that are there go."""
    names = NamesApart()
    names.note([old, *([] if new is None else [new]), *beside, *beside_new])
    return names


def asked_of(
    one: WorkloadSpec,
    beside: Sequence[WorkloadSpec],
    objectives: Mapping[str, Any],
    places: Mapping[Path, tuple[Document, Path]],
) -> tuple[Mapping[str, Any], Mapping[Path, tuple[Document, Path]]]:
    """Objectives that are meant of the one that is updated, as a scenario says it, and where they stand.

    In a scenario they are asked of every KubeInfer, or without one of every other workload: where that would be others
    than the one, they go under its name.
    """
    meant = [
        each
        for each in beside
        if each.kind == "KubeInfer" or (one.kind != "KubeInfer" and each.kind != "Pod")
    ]
    if not (meant and objectives):
        return objectives, places
    from kubeinfer_sim.scenario.objective_forms import WorkloadObjectivesForm

    of_one = {field.alias or name for name, field in WorkloadObjectivesForm.model_fields.items()}
    own = {key: value for key, value in objectives.items() if key in of_one}
    name = f"{one.kind}/{_names_apart(one, None, beside, ()).named(one).name}"
    rest = {key: value for key, value in objectives.items() if key not in own}
    under = {**rest.get("objects", {}), name: own}
    head = ("spec", "objectives")
    moved = {
        (*head, "objects", name, *path[2:]) if path[:2] == head and path[2:3] and path[2] in own else path: at
        for path, at in places.items()
    }
    return {**rest, "objects": under}, moved


def require_nodes(nodes: str | None, configuration: Configuration | None) -> None:
    """Check that somebody gives the nodes, which only a scenario file has of its own.

    Raises:
        UsageError: nobody does, or `nodes` is neither a count nor a file.
    """
    if nodes is not None:
        check_nodes(nodes)
    elif configuration is None or "cluster" not in configuration.document.value:
        raise UsageError("give the nodes either as --nodes 8x8 or as --cluster FILE")


def _together_told(files: Sequence[Diagnostic], own: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The warnings of the files, and those of the scenario made of them that no file has.

    Which classes nothing gives is known of all files together.
    """
    known = {each.message for each in own}
    of_files = dict.fromkeys(each for each in files if each.code != ASSUMED_CLASS or each.message in known)
    told = {each.message for each in of_files}
    return *of_files, *(each for each in own if each.code != NOT_SIMULATED and each.message not in told)


def _where_written(warning: Diagnostic, written: Sequence[tuple[WorkloadSpec, Document]]) -> Diagnostic:
    """A warning about a part of an object, of which the scenario knows no more than where the object begins."""
    begins = f"{warning.file}:{warning.line}"
    for workload, document in written if warning.path else ():
        if workload.source == begins:
            return document.diagnostic(
                warning.path,
                warning.message,
                code=warning.code,
                severity=warning.severity,
                hint=warning.hint,
            )
    return warning


def _from_its_file(action: Action, sources: Mapping[tuple[str, str], str]) -> Action:
    """The action, of a workload that is applied with the place where it is written."""
    if isinstance(action, Apply):
        return replace(action, label=sources.get((action.workload.kind, action.workload.name), action.label))
    return action


def _applies(action: Action, name: str) -> TypeGuard[Apply]:
    return isinstance(action, Apply) and f"{action.workload.kind}/{action.workload.name}" == name


def _origins(
    field: str, one: WorkloadSpec, beside: Sequence[WorkloadSpec], others: Sequence[OtherObject]
) -> dict[Path, tuple[Document, Path]]:
    """Where the objects of a field of the spec stand, so that what is wrong with one is told of its own file."""
    origins: dict[Path, tuple[Document, Path]] = {("spec", field): (_stands(one), ())}
    documents = [*map(_stands, (one, *beside)), *(each.document for each in others)]
    for index, document in enumerate(documents) if len(documents) > 1 else ():
        origins["spec", field, "items", index] = (document, ())
    return origins


def _stands(workload: WorkloadSpec) -> Document:
    """A document of which no more is known than in which line of which file it begins."""
    name, _, line = workload.source.rpartition(":")
    if not name or not line.isdecimal():
        return Document(SourceText(workload.source or workload.name, ""), workload.raw, 0)
    return Document(SourceText(name, "\n" * int(line)), workload.raw, int(line) - 1)


def _together(
    one: WorkloadSpec, beside: Sequence[WorkloadSpec], others: Sequence[OtherObject]
) -> Mapping[str, Any]:
    """The document of one object, or a List of several."""
    if not (beside or others):
        return one.raw
    items = [*(each.raw for each in (one, *beside)), *(each.document.value for each in others)]
    return {"apiVersion": "v1", "kind": "List", "items": items}
