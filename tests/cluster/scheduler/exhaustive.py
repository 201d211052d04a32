"""A slow gang scheduler that tries everything: what the indexed one is held to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kubeinfer_sim.cluster.scheduler import Gang
from kubeinfer_sim.manifest.kubernetes.selectors import match_node_selector_term, tolerates
from kubeinfer_sim.manifest.model import PodTemplate
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint


@dataclass
class SlowNode:
    spec: NodeSpec
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    allocatable: dict[str, int]
    unschedulable: bool = False
    pods: dict[object, PodTemplate] = field(default_factory=dict)

    def used(self, resource: str) -> int:
        return sum(pod.requests.get(resource, 0) for pod in self.pods.values())

    def admits(self, pod: PodTemplate) -> bool:
        if self.unschedulable and not any(
            tolerates(t, Taint("node.kubernetes.io/unschedulable")) for t in pod.tolerations
        ):
            return False
        for taint in self.taints:
            if taint.effect != "PreferNoSchedule" and not any(tolerates(t, taint) for t in pod.tolerations):
                return False
        if any(self.labels.get(key) != value for key, value in pod.node_selector.items()):
            return False
        terms = pod.required_node_affinity
        return terms is None or any(match_node_selector_term(t, self.labels, self.spec.name) for t in terms)

    def fits(self, pod: PodTemplate) -> bool:
        if len(self.pods) + 1 > self.allocatable.get("pods", 110):
            return False
        return all(
            amount == 0
            or name in self.spec.unlimited
            or self.used(name) + amount <= self.allocatable.get(name, 0)
            for name, amount in pod.requests.items()
        )


class SlowCluster:
    def __init__(self, nodes: Iterable[NodeSpec]) -> None:
        self.nodes = {n.name: SlowNode(n, n.labels, n.taints, dict(n.allocatable)) for n in nodes}

    def feasible(self, gang: Gang) -> bool:
        return self._place(list(gang.pods), 0)

    def _place(self, pods: list, at: int) -> bool:
        if at == len(pods):
            return True
        pod = pods[at]
        for node in self.nodes.values():
            if node.admits(pod.template) and node.fits(pod.template):
                node.pods[pod.key] = pod.template
                found = self._place(pods, at + 1)
                del node.pods[pod.key]
                if found:
                    return True
        return False
