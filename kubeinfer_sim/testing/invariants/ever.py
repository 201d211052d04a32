"""What a scenario has at some time: the templates of its pods, its nodes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from kubeinfer_sim.cluster.records import PodRef
from kubeinfer_sim.manifest.accelerators import accelerators_of
from kubeinfer_sim.manifest.model import KubeInfer, PodTemplate, WorkloadSpec
from kubeinfer_sim.scenario.actions.model import AddNodes, Apply, Create, Put
from kubeinfer_sim.scenario.cluster.model import LimitRange, NodeSpec
from kubeinfer_sim.scenario.model import Scenario

#: Whose pods: kind and name of the object, and the role ("" of a pod that has none: the object's name).
Whose = tuple[str, str, str]


def whose(pod: PodRef) -> Whose:
    """Under which key its template stands."""
    return pod.instance.kind, pod.instance.owner, pod.role


def _versions(scenario: Scenario) -> Iterator[WorkloadSpec]:
    yield from scenario.workloads
    for action in scenario.actions:
        if isinstance(action, Apply | Create):
            yield action.workload


def templates_ever(scenario: Scenario) -> Iterator[tuple[str, Whose, PodTemplate]]:
    """Of every version of every object: its namespace, whose pods, and their template."""
    for spec in _versions(scenario):
        for role, template in _templates(spec).items():
            yield spec.namespace, (spec.kind, spec.name, role), template


def revisions_ever(scenario: Scenario) -> Iterator[tuple[Whose, str, PodTemplate]]:
    """Whose pods, of which revision, and their template."""
    for spec in _versions(scenario):
        for role, template in _templates(spec).items():
            yield (spec.kind, spec.name, role), spec.revision, template


def _templates(spec: WorkloadSpec) -> dict[str, PodTemplate]:
    roles = spec.roles if isinstance(spec, KubeInfer) else ()
    return {role.name: role.template for role in roles} or {spec.name: spec.pod_templates[0]}


def nodes_ever(scenario: Scenario) -> Iterator[NodeSpec]:
    """All that there ever are."""
    yield from scenario.nodes
    for action in scenario.actions:
        if isinstance(action, AddNodes):
            yield from action.nodes


class Asked:
    """How many accelerators pods ask for, as far as the scenario says it: in every version of an object the same.

    Of a namespace with a LimitRange that names accelerators nothing is known.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._counts: defaultdict[Whose, set[int]] = defaultdict(set)
        limited = set(_limited(scenario))
        for namespace, key, template in templates_ever(scenario):
            if namespace not in limited:
                self._counts[key].add(template.accelerators)

    def by(self, pod: PodRef) -> int | None:
        """By a pod; None where it is not known."""
        counts = self._counts.get(whose(pod), set())
        return next(iter(counts)) if len(counts) == 1 else None


class Requested:
    """What pods ask for of their nodes, as far as the scenario says it: the least that any version does."""

    def __init__(self, scenario: Scenario) -> None:
        self._least: dict[Whose, dict[str, int]] = {}
        for _, key, template in templates_ever(scenario):
            before = self._least.setdefault(key, dict(template.requests))
            for resource in before:
                before[resource] = min(before[resource], template.requests.get(resource, 0))

    def by(self, pod: PodRef) -> Mapping[str, int]:
        """By a pod."""
        return self._least.get(whose(pod), {})


def _limited(scenario: Scenario) -> Iterator[str]:
    """Namespaces in which containers are given accelerators that they do not ask for, at some time."""
    later = (action.object for action in scenario.actions if isinstance(action, Put))
    for each in (*scenario.objects, *later):
        if isinstance(each.content, LimitRange) and accelerators_of(dict.fromkeys(each.content.requests, 1)):
            yield each.namespace
