"""NodeResourcesFit: what a pod requests must be free; scores by how much is allocated.

Source: pkg/scheduler/framework/plugins/noderesources/fit.go, least_allocated.go, most_allocated.go,
resource_allocation.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from kubeinfer_sim.cluster.scheduler import npu_rings
from kubeinfer_sim.cluster.scheduler.messages import insufficient
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins.interface import MAX_SCORE, Cluster, Filter, Rejection
from kubeinfer_sim.cluster.scheduler.pods import PODS, Pod, PodSpec

NAME = "NodeResourcesFit"


class Shortage(Struct, frozen=True):
    """A resource there is too little of; amounts in the resource's units."""

    resource: str
    requested: int
    used: int
    capacity: int

    @property
    def unresolvable(self) -> bool:
        """Whether the empty node would not do either."""
        return self.requested > self.capacity


def shortages(
    spec: PodSpec, node: NodeState, ignored: Iterable[str] = (), ignored_groups: Iterable[str] = ()
) -> list[Shortage]:
    """What a node has too little of for one more pod.

    Args:
        spec: the pod.
        node: the node.
        ignored: extended resources not to look at.
        ignored_groups: prefixes (before the slash) of extended resources not to look at.
    """
    short = []
    skipped, groups = frozenset(ignored), frozenset(ignored_groups)
    for resource, amount in spec.demand:
        if resource in node.unlimited or resource in skipped or resource.partition("/")[0] in groups:
            continue
        if node.free(resource) < amount:
            used = node.requested.get(resource, 0)
            short.append(Shortage(resource, amount, used, node.allocatable.get(resource, 0)))
    return short


def filters(pod: Pod, cluster: Cluster) -> Filter:
    """The check of one node: all shortages at once."""
    spec = pod.spec

    def check(node: NodeState) -> Rejection | None:
        if node.fits(spec):
            return None
        short = shortages(spec, node)
        if not short and node.rings is not None:
            split = node.allocatable[node.rings.account] < spec.requests[node.rings.resource]
            return Rejection(NAME, (npu_rings.reason(node.rings.resource),), split)
        return Rejection(
            NAME,
            tuple(insufficient(shortage.resource) for shortage in short),
            any(shortage.unresolvable for shortage in short if shortage.resource != PODS),
        )

    return check


class Strategy(Struct, frozen=True):
    """How allocation is scored: resources with weights; least or most allocated is best."""

    kind: Literal["LeastAllocated", "MostAllocated"] = "LeastAllocated"
    resources: tuple[tuple[str, int], ...] = (("cpu", 1), ("memory", 1))


LEAST_ALLOCATED = Strategy()


def allocation_score(
    strategy: Strategy, scoring: Mapping[str, int], requests: Mapping[str, int], node: NodeState
) -> int:
    """0 to 100 for one pod on one node.

    cpu and memory count as `scoring` says, other resources only where the pod requests them.

    Args:
        strategy: what to score.
        scoring: cpu and memory of the pod as scores see them.
        requests: what the pod requests.
        node: with what is allocated on it.
    """
    total = weights = 0
    for resource, weight in strategy.resources:
        capacity = 0 if resource in node.unlimited else node.allocatable.get(resource, 0)
        if resource in scoring:
            asked = scoring[resource] + node.scoring[resource]
        elif requests.get(resource, 0):
            asked = requests[resource] + node.requested.get(resource, 0)
        else:
            continue
        if capacity == 0:
            continue
        if strategy.kind == "LeastAllocated":
            score = 0 if asked > capacity else (capacity - asked) * MAX_SCORE // capacity
        else:
            score = min(asked, capacity) * MAX_SCORE // capacity
        total += score * weight
        weights += weight
    return total // weights if weights else 0


def scores(
    pod: Pod, cluster: Cluster, feasible: Sequence[NodeState], strategy: Strategy = LEAST_ALLOCATED
) -> dict[str, int]:
    """How much would be left free, or be taken, with the pod there."""
    spec = pod.spec
    return {node.name: allocation_score(strategy, spec.scoring, spec.requests, node) for node in feasible}
