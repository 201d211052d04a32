"""The binpack plugin: prefer the node whose resources become the most used.

Source: pkg/scheduler/plugins/binpack/binpack.go (BinPackingScore).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins.interface import MAX_SCORE
from kubeinfer_sim.cluster.scheduler.pods import PODS, PodSpec


class Binpack(Struct, frozen=True):
    """Its weight among the scores, and that of each resource; of others it knows nothing."""

    weight: int = 1
    resources: Mapping[str, int] = field(default_factory=lambda: {"cpu": 1, "memory": 1})

    def scores(self, spec: PodSpec, nodes: Sequence[NodeState]) -> dict[str, float] | None:
        """By node; None where the pod asks for nothing it knows of."""
        counted = [
            (name, amount, self.resources[name])
            for name, amount in spec.demand
            if name != PODS and name in self.resources
        ]
        weights = sum(weight for _, _, weight in counted)
        if not self.weight or not weights:
            return None
        factor = MAX_SCORE * self.weight / weights
        return {node.name: factor * sum(_used(node, *each) for each in counted) for node in nodes}


def _used(node: NodeState, name: str, amount: int, weight: int) -> float:
    """How much of a resource is used with the pod there, times its weight; of what never runs out nothing."""
    if name in node.unlimited or not node.allocatable.get(name):
        return 0.0
    return weight * (node.requested.get(name, 0) + amount) / node.allocatable[name]
