"""Accelerators are conserved, and no node gives away more than it has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from kubeinfer_sim.cluster.records import (
    GangScheduled,
    NodeJoined,
    NodeRemoved,
    PodFinished,
    PodGone,
    PodPreempted,
    PodRef,
)
from kubeinfer_sim.engine.meter import Handlers
from kubeinfer_sim.manifest.accelerators import accelerator_count, accelerators_of
from kubeinfer_sim.manifest.model import KubeInfer, WorkloadSpec
from kubeinfer_sim.scenario.actions.model import AddNodes, Apply, Create, Put
from kubeinfer_sim.scenario.cluster.model import LimitRange, NodeSpec
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.testing.invariants.invariant import Finished, Report


def _versions(scenario: Scenario) -> Iterator[WorkloadSpec]:
    yield from scenario.workloads
    for action in scenario.actions:
        if isinstance(action, Apply | Create):
            yield action.workload


def _limited(scenario: Scenario) -> Iterator[str]:
    """Namespaces in which containers are given accelerators that they do not ask for, at some time."""
    later = (action.object for action in scenario.actions if isinstance(action, Put))
    for each in (*scenario.objects, *later):
        if isinstance(each.content, LimitRange) and accelerators_of(dict.fromkeys(each.content.requests, 1)):
            yield each.namespace


def _nodes(scenario: Scenario) -> Iterator[NodeSpec]:
    """All that there ever are."""
    yield from scenario.nodes
    for action in scenario.actions:
        if isinstance(action, AddNodes):
            yield from action.nodes


class _Asked:
    """How many accelerators pods ask for, as far as the scenario says it: in every version of an object the same.

    Of a namespace with a LimitRange that names accelerators nothing is known.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._counts: defaultdict[tuple[str, str, str], set[int]] = defaultdict(set)
        limited = set(_limited(scenario))
        for spec in _versions(scenario):
            if spec.namespace in limited:
                continue
            roles = spec.roles if isinstance(spec, KubeInfer) else ()
            pods = {role.name: role.template for role in roles} or {spec.name: spec.pod_templates[0]}
            for role, template in pods.items():
                self._counts[spec.kind, spec.name, role].add(template.accelerators)

    def by(self, pod: PodRef) -> int | None:
        """By a pod; None where it is not known."""
        counts = self._counts.get((pod.instance.kind, pod.instance.owner, pod.role), set())
        return next(iter(counts)) if len(counts) == 1 else None


class Conserved:
    """INV-01: what is in use is what pods hold that have a place on a node of the cluster."""

    number = "INV-01"
    statement = "accelerators in use are those of pods that have a place, no more and no fewer"
    reason = "an accelerator that is lost or counted twice makes every later placement wrong"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._asked = _Asked(scenario)
        # What else runs there may leave without a record.
        self._known = not any(accelerator_count(each.requests) for each in scenario.running)
        self._there = {node.name for node in scenario.nodes}
        self._held: dict[PodRef, tuple[str, int]] = {}

    def handlers(self) -> Handlers:
        """Places that are taken and given back, nodes that come and go."""
        return {
            GangScheduled: self._scheduled,
            PodFinished: self._given_back,
            PodGone: self._given_back,
            NodeJoined: self._joined,
            NodeRemoved: self._removed,
        }

    def finish(self, finished: Finished) -> None:
        """All has been said."""

    def _scheduled(self, record: GangScheduled) -> None:
        for pod, node in record.nodes:
            asked = self._asked.by(pod)
            self._known &= asked is not None
            self._held[pod] = node, asked or 0
        self._check(record)

    def _given_back(self, record: PodFinished | PodGone) -> None:
        self._held.pop(record.pod, None)
        self._check(record)

    def _joined(self, record: NodeJoined) -> None:
        self._there.add(record.node)
        self._check(record)

    def _removed(self, record: NodeRemoved) -> None:
        self._there.discard(record.node)
        self._check(record)

    def _check(self, record: GangScheduled | PodFinished | PodGone | NodeJoined | NodeRemoved) -> None:
        if record.in_use < 0:
            self._report(f"{record.in_use} are in use", record)
        if self._known:
            held = sum(npus for node, npus in self._held.values() if node in self._there)
            # A pod whose node goes before it is bound there counts until it is.
            underway = sum(npus for node, npus in self._held.values() if node not in self._there)
            if not held <= record.in_use <= held + underway:
                self._report(f"{record.in_use} are said to be in use, and pods hold {held}", record)


class NeverOvercommitted:
    """INV-02: at no time do the pods of a node hold more accelerators than it has."""

    number = "INV-02"
    statement = "the pods of a node hold at no time more accelerators than it has"
    reason = "two pods on one accelerator is what schedulers and device plugins exist to prevent"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._asked = _Asked(scenario)
        self._has = {node.name: accelerator_count(node.allocatable) for node in _nodes(scenario)}
        self._others: dict[str, tuple[str, int]] = {}
        self._held: defaultdict[str, dict[PodRef, int]] = defaultdict(dict)
        self._node: dict[PodRef, str] = {}
        for each in scenario.running:
            npus = accelerator_count(each.requests)
            self._others[f"{each.namespace}/{each.name}"] = each.node, npus

    def handlers(self) -> Handlers:
        """Places that are taken and given back."""
        return {
            GangScheduled: self._scheduled,
            PodFinished: self._given_back,
            PodGone: self._given_back,
            PodPreempted: self._preempted,
        }

    def finish(self, finished: Finished) -> None:
        """All has been said."""

    def _scheduled(self, record: GangScheduled) -> None:
        for pod, node in record.nodes:
            self._held[node][pod] = self._asked.by(pod) or 0
            self._node[pod] = node
        for node in dict.fromkeys(node for _, node in record.nodes):
            others = sum(npus for where, npus in self._others.values() if where == node)
            held = sum(self._held[node].values())
            # A real cluster may have given away too much before the simulation begins.
            if held and held + others > self._has.get(node, 0):
                self._report(
                    f"{node} has {self._has.get(node, 0)}, and its pods hold {held + others}", record
                )

    def _given_back(self, record: PodFinished | PodGone) -> None:
        if (node := self._node.pop(record.pod, None)) is not None:
            self._held[node].pop(record.pod, None)

    def _preempted(self, record: PodPreempted) -> None:
        self._others.pop(record.pod, None)
