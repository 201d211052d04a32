"""Settings and objects of Volcano's that have no effect in a scenario: each is said at its line."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from kubeinfer_sim.diagnostics import Diagnostic, Path, Severity
from kubeinfer_sim.manifest.load import OtherObject
from kubeinfer_sim.manifest.model import VOLCANO, KubeInfer
from kubeinfer_sim.manifest.pod_group_annotations import GROUP_NAME, QUEUE_NAME
from kubeinfer_sim.manifest.register.kinds import is_simulated
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.actions.model import AddNodes, Put
from kubeinfer_sim.scenario.cluster.model import DEFAULT_QUEUE, ObjectKey, PodGroup, PriorityClass
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.schema import SpecForm

_CODE = "no-effect"
#: What needs no node that says so: kubelets report it.
_OF_EVERY_NODE = ("cpu", "memory", "pods", "ephemeral-storage")
_NO_LIMIT = "it limits nobody"
#: Where amounts of resources stand, with what comes of a resource that no node has.
_AMOUNTS: Mapping[str, Mapping[Path, str]] = {
    "Queue": {
        ("spec", "capability"): _NO_LIMIT,
        ("spec", "deserved"): _NO_LIMIT,
        ("spec", "guarantee", "resource"): "it keeps nothing for the queue",
    },
    "PodGroup": {("spec", "minResources"): "the PodGroup is never let in"},
}
#: The state of a queue whose pods Volcano places (plugins/proportion); `kubectl apply` does not set it.
_OPEN = "Open"
#: Those that every cluster has.
_SYSTEM_CLASSES = ("system-cluster-critical", "system-node-critical")


def warn_of_volcano_settings(
    scenario: Scenario,
    spec: SpecForm,
    versions: Sequence[KubeInfer],
    others: Collection[OtherObject],
    context: Context,
) -> Iterator[Diagnostic]:
    """What is set and changes nothing, and names that nothing has.

    Args:
        scenario: as compiled.
        spec: as written.
        versions: all that ever owns pods, as KubeInfers.
        others: the objects that own no pods, as they are at time 0 and as they are last.
        context: where it is written.
    """
    for path, message in (*_of_assumptions(scenario, spec), *_of_configuration(scenario, spec)):
        yield context.document.diagnostic(path, message, code=_CODE, severity=Severity.WARNING, key=True)
    queues = {DEFAULT_QUEUE.name, *(each.name for each in others if each.kind == "Queue")}
    resources = _resources(scenario, versions)
    said: set[tuple[ObjectKey, str]] = set()  # an object that is patched stands there twice
    for other in others:
        if other.kind in ("PodGroup", "Queue") and is_simulated(other.document.value):
            told = (
                _of_pod_group(other, scenario, versions, queues)
                if other.kind == "PodGroup"
                else _of_queue(other, scenario, versions, others)
            )
            for path, message in (*told, *_of_resources(other, resources)):
                if (other.key, message) in said:
                    continue
                said.add((other.key, message))
                yield other.document.diagnostic(
                    path, message, code=_CODE, severity=Severity.WARNING, key=True
                )
    queue = scenario.volcano.queue
    if queue not in queues and _instances_by_volcano(scenario):
        message = _no_queue(queue, queues, "Volcano never looks at KubeInfers' pods")
        yield context.document.diagnostic(
            ("spec", "scheduler", "queue"), message, code=_CODE, severity=Severity.WARNING
        )


def _instances_by_volcano(scenario: Scenario) -> list[KubeInfer]:
    """The KubeInfers whose instances Volcano places."""
    assumed = scenario.assumptions.scheduler
    if assumed == "kube-scheduler":
        return []
    specs = (*scenario.workloads, *scenario.created)
    return [
        each
        for each in specs
        if isinstance(each, KubeInfer)
        and (assumed == "volcano" or any(pod.scheduler_name == VOLCANO for pod in each.pod_templates))
    ]


def _of_assumptions(scenario: Scenario, spec: SpecForm) -> Iterator[tuple[Path, str]]:
    written = spec.assumptions
    if written is None:
        return
    given = {name for name in written.model_fields_set if getattr(written, name) is not None}
    specs = (*scenario.workloads, *scenario.created)
    kubeinfers = [each for each in specs if isinstance(each, KubeInfer)]
    by_volcano = _instances_by_volcano(scenario)
    path: Path = ("spec", "assumptions")
    if "scheduler" in given and not kubeinfers:
        named = any(pod.scheduler_name == VOLCANO for each in specs for pod in each.pod_templates)
        if scenario.assumptions.scheduler == "volcano":
            yield (*path, "scheduler"), "has no effect: it is about KubeInfers, and there is none"
        elif not named:
            yield (*path, "scheduler"), "has no effect: kube-scheduler places all pods anyway"
    for field, name in ("pod_group", "podGroup"), ("min_member", "minMember"):
        if field in given and not by_volcano:
            yield (*path, name), "has no effect: Volcano places no KubeInfer's instances here"
    members = scenario.assumptions.min_member
    largest = max((sum(role.replicas for role in each.roles) for each in by_volcano), default=0)
    if members is not None and members > largest > 0:
        pods = f"{largest} pod{'s' if largest > 1 else ''}"
        yield (
            (*path, "minMember"),
            f"has no effect: an instance has {pods} at most, and all of them are taken",
        )
    if "placement" in given and scenario.placed_by == ("Volcano",):
        yield (
            (*path, "placement"),
            "has no effect: Volcano places all pods, by `scheduler.binpack` and its own scores",
        )


def _of_configuration(scenario: Scenario, spec: SpecForm) -> Iterator[tuple[Path, str]]:
    given = set() if spec.scheduler is None else spec.scheduler.model_fields_set
    if given and not scenario.uses_volcano:
        yield (
            ("spec", "scheduler"),
            "has no effect: it is Volcano's configuration, and Volcano places no pods here",
        )
    elif "queue" in given and not _instances_by_volcano(scenario):
        message = f"has no effect: it is about KubeInfers; other pods say their queue by the annotation {QUEUE_NAME}"
        yield ("spec", "scheduler", "queue"), message


def _named(versions: Sequence[KubeInfer], key: str) -> set[tuple[str, str]]:
    """What pods name by an annotation, each with the namespace of the pods."""
    return {
        (each.namespace, value)
        for each in versions
        for role in each.roles
        if (value := role.template.annotations.get(key))
    }


def _resources(scenario: Scenario, versions: Sequence[KubeInfer]) -> set[str]:
    """The resources that nodes offer or pods ask for."""
    nodes = [each.nodes for each in scenario.actions if isinstance(each, AddNodes)]
    known = {
        name for node in (*scenario.nodes, *(n for ns in nodes for n in ns)) for name in node.allocatable
    }
    known.update(name for each in versions for pod in each.pod_templates for name in pod.requests)
    return known.union(_OF_EVERY_NODE)


def _of_resources(written: OtherObject, known: Collection[str]) -> Iterator[tuple[Path, str]]:
    """Resources that no node has: a limit of them limits nobody, and nobody gets what is asked for."""
    for path, effect in _AMOUNTS[written.kind].items():
        value: Any = written.document.value
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        for resource in value if isinstance(value, dict) else ():
            if resource not in known:
                near = did_you_mean(str(resource), known)
                yield (*path, resource), f"no node has {resource}, so {effect}{near}"


def _no_queue(name: str, queues: Collection[str], effect: str) -> str:
    return f"there is no Queue {name}, so {effect}{did_you_mean(name, queues)}"


def _of_pod_group(
    group: OtherObject, scenario: Scenario, versions: Sequence[KubeInfer], queues: Collection[str]
) -> Iterator[tuple[Path, str]]:
    named = _named(versions, GROUP_NAME)
    if (group.namespace, group.name) not in named:
        elsewhere = sorted(namespace for namespace, name in named if name == group.name)
        there = f"; those of namespace {elsewhere[0]} that do mean one of their own" if elsewhere else ""
        whose = f"no pod of namespace {group.namespace} names it ({GROUP_NAME})"
        yield ("metadata", "name"), f"PodGroup {group.name} has no effect: {whose}{there}"
    spec = group.document.value.get("spec")
    queue = spec.get("queue") if isinstance(spec, dict) else None
    if isinstance(queue, str) and queue and queue not in queues:
        yield ("spec", "queue"), _no_queue(queue, queues, "Volcano never looks at its pods")
    wanted = spec.get("priorityClassName") if isinstance(spec, dict) else None
    classes = {each.name for each in scenario.priority_classes}.union(_SYSTEM_CLASSES)
    classes.update(
        each.object.name
        for each in scenario.actions
        if isinstance(each, Put) and isinstance(each.object.content, PriorityClass)
    )
    if wanted and wanted not in classes:
        message = f"there is no PriorityClass {wanted}: Volcano takes the default priority"
        yield ("spec", "priorityClassName"), message


def _of_queue(
    queue: OtherObject, scenario: Scenario, versions: Sequence[KubeInfer], others: Collection[OtherObject]
) -> Iterator[tuple[Path, str]]:
    status = queue.document.value.get("status")
    state = status.get("state") if isinstance(status, dict) else None
    if state is not None and state != _OPEN:
        yield (
            ("status", "state"),
            f"has no effect: every queue is {_OPEN} here; Volcano places nobody of one that is not",
        )
    spec = queue.document.value.get("spec")
    if queue.name == DEFAULT_QUEUE.name or (isinstance(spec, dict) and spec.get("guarantee")):
        return
    used = {name for _, name in _named(versions, QUEUE_NAME)}
    if _instances_by_volcano(scenario):
        used.add(scenario.volcano.queue)
    for each in others:
        of_group = each.document.value.get("spec") if each.kind == "PodGroup" else None
        if isinstance(of_group, dict):
            used.add(str(of_group.get("queue")))
    for change in scenario.actions:
        if isinstance(change, Put) and isinstance(change.object.content, PodGroup):
            used.add(change.object.content.queue)
    if queue.name not in used:
        yield ("metadata", "name"), f"Queue {queue.name} has no effect: nobody is in it"
