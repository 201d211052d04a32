"""Whether pods come to a tainted node and are evicted, one after the other, while nothing else comes of anything."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from kubeinfer_sim.cluster.nodes.taint_eviction import MANY, REMEMBERED, TaintEvictionController
from kubeinfer_sim.cluster.pod import Pod

#: Within so many ms `MANY` pods are evicted: slower ones do not make a run long.
SOON = 3_600_000


def evicts_endlessly(controller: TaintEvictionController, since: int, now: int, pods: Iterable[Pod]) -> bool:
    """Whether the run is given up for them.

    Args:
        controller: evicts them.
        since: when anything last came nearer to its end, or somebody did something for the last time, ms.
        now: the time, ms.
        pods: all there are: while one is on its way to be ready, or to make room, the run goes on; but not after
            `REMEMBERED` evictions.
    """
    evicted = controller.in_vain
    if len(evicted) < MANY or evicted[-MANY].at < max(since, now - SOON):
        return False
    if len(evicted) == REMEMBERED and evicted[0].at >= since:
        return True
    nodes = {each.node for each in islice(reversed(evicted), MANY)}
    return not any(_under_way(pod, controller, nodes) for pod in pods)


def _under_way(pod: Pod, controller: TaintEvictionController, nodes: set[str]) -> bool:
    """Whether something will come of it; not of what is evicted, by these nodes."""
    if pod.node is None or pod.final_phase is not None:
        return False
    if pod.terminating:
        return pod.holds_place and pod.node.reachable and pod.node.name not in nodes
    return not pod.ready and not controller.will_evict(pod)
