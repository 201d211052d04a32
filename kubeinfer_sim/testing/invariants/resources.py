"""No node gives away more of anything than it offers: cpu, memory, places for pods, adapters."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from kubeinfer_sim.cluster.records import GangScheduled, PodFinished, PodGone, PodPreempted, PodRef
from kubeinfer_sim.engine.meter import Handlers
from kubeinfer_sim.manifest.accelerators import family_of
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.testing.invariants.ever import Requested, nodes_ever
from kubeinfer_sim.testing.invariants.invariant import Finished, Report

#: The resource that counts places for pods: each takes one.
_PODS = "pods"


class NothingOvercommitted:
    """INV-16: at no time do the pods of a node ask for more of a resource than it offers."""

    number = "INV-16"
    statement = "what the pods of a node ask for is at no time more than it offers, of any resource"
    reason = "kube-scheduler and Volcano place by requests (NodeResourcesFit), and a kubelet admits by them"
    caught = "pods that are placed take nothing of a node, of which cpu is short"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._requested = Requested(scenario)
        self._nodes = {node.name: node for node in nodes_ever(scenario)}
        self._held: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._holds: dict[PodRef | str, tuple[str, Mapping[str, int]]] = {}
        for each in scenario.running:
            self._take(f"{each.namespace}/{each.name}", each.node, each.requests)
        # A real cluster may have given away too much before the simulation begins.
        self._before = {node: Counter(held) for node, held in self._held.items()}

    def handlers(self) -> Handlers:
        """Places that are taken and given back."""
        return {
            GangScheduled: self._scheduled,
            PodFinished: self._given_back,
            PodGone: self._given_back,
            PodPreempted: self._given_back,
        }

    def finish(self, finished: Finished) -> None:
        """All has been said."""

    def _take(self, pod: PodRef | str, node: str, requests: Mapping[str, int]) -> None:
        self._give_back(pod)
        self._holds[pod] = node, requests
        self._held[node].update(requests)
        self._held[node][_PODS] += 1

    def _give_back(self, pod: PodRef | str) -> None:
        if (held := self._holds.pop(pod, None)) is not None:
            where, requests = held
            self._held[where].subtract(requests)
            self._held[where][_PODS] -= 1

    def _scheduled(self, record: GangScheduled) -> None:
        for pod, node in record.nodes:
            self._take(pod, node, self._requested.by(pod))
        for name in dict.fromkeys(where for _, where in record.nodes):
            if name in self._nodes:
                self._check(self._nodes[name], record)

    def _check(self, node: NodeSpec, record: GangScheduled) -> None:
        before = self._before.get(node.name, Counter())
        for resource, held in self._held[node.name].items():
            offered = node.allocatable.get(resource)
            if offered is None or resource in node.unlimited or family_of(resource):
                continue
            if held > max(offered, before[resource]):
                self._report(f"{node.name} offers {offered} {resource}, and its pods ask for {held}", record)

    def _given_back(self, record: PodFinished | PodGone | PodPreempted) -> None:
        self._give_back(record.pod)
