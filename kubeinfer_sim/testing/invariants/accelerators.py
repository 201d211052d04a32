"""Accelerators are conserved, and no node gives away more than it has."""

from __future__ import annotations

from collections import defaultdict

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
from kubeinfer_sim.manifest.accelerators import accelerator_count
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.testing.invariants.ever import Asked, nodes_ever
from kubeinfer_sim.testing.invariants.invariant import Finished, Report


class Conserved:
    """INV-01: what is in use is what pods hold that have a place on a node of the cluster."""

    number = "INV-01"
    statement = "accelerators in use are those of pods that have a place, no more and no fewer"
    reason = "an accelerator that is lost or counted twice makes every later placement wrong"
    caught = "what a pod held is given back twice"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._asked = Asked(scenario)
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
    caught = "pods that are placed take nothing of a node"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._asked = Asked(scenario)
        self._has = {node.name: accelerator_count(node.allocatable) for node in nodes_ever(scenario)}
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
