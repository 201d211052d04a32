"""NodeResourcesBalancedAllocation: prefer the node whose resources become more evenly used.

Source: pkg/scheduler/framework/plugins/noderesources/balanced_allocation.go. In newer releases the
score is the change a pod makes (75 is neutral), before it was the balance with the pod there.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins.interface import MAX_SCORE, Cluster
from kubeinfer_sim.cluster.scheduler.pods import Pod

NAME = "NodeResourcesBalancedAllocation"
RESOURCES = ("cpu", "memory")


def balance(fractions: Sequence[float]) -> int:
    """100 when all fractions are equal, less the standard deviation in per cent; rounded down."""
    used = [min(fraction, 1.0) for fraction in fractions]
    deviation = 0.0
    if len(used) == 2:
        deviation = abs((used[0] - used[1]) / 2)
    elif len(used) > 2:
        mean = sum(used) / len(used)
        deviation = sqrt(sum((fraction - mean) ** 2 for fraction in used) / len(used))
    return int((1 - deviation) * MAX_SCORE)


def scores(
    pod: Pod,
    cluster: Cluster,
    feasible: Sequence[NodeState],
    resources: Sequence[str] = RESOURCES,
) -> dict[str, int] | None:
    """How balanced the node becomes; None for a pod that requests nothing."""
    requests = pod.spec.requests
    if not any(requests.get(resource) for resource in resources):
        return None
    result = {}
    for node in feasible:
        counted = [
            resource
            for resource in resources
            if node.allocatable.get(resource, 0)
            and resource not in node.unlimited
            and ("/" not in resource or requests.get(resource))
        ]
        before = [node.requested.get(r, 0) / node.allocatable[r] for r in counted]
        after = [(node.requested.get(r, 0) + requests.get(r, 0)) / node.allocatable[r] for r in counted]
        if not cluster.kubernetes.scores_change_of_balance:
            result[node.name] = balance(after)
            continue
        gain = MAX_SCORE // 2 + balance(after) - balance(before)
        result[node.name] = MAX_SCORE // 2 + int(gain / 2)
    return result
