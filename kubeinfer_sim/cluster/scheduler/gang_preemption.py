"""Room made for a whole gang: which pods of lower priority would have to go, all of them or none.

Pod by pod as DefaultPreemption chooses (`preemption.py`), each on top of the choices before it. Nobody is evicted
for a gang that would not fit all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.cluster.scheduler import framework
from kubeinfer_sim.cluster.scheduler.choice import NodeChoice
from kubeinfer_sim.cluster.scheduler.gang import Gang, GangPlacer, Placed
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.pods import Pod
from kubeinfer_sim.cluster.scheduler.preemption import Budget, preempt


class Room(Struct, frozen=True):
    """Room for a gang.

    Attributes:
        pods: its pods, each with the node it gets.
        victims: the pods that have to leave, with their nodes.
    """

    gang: Gang
    pods: tuple[tuple[Pod, NodeState], ...]
    victims: tuple[tuple[Pod, NodeState], ...]


def room_for(
    gang: Gang,
    index: NodeIndex,
    choice: NodeChoice,
    placer: GangPlacer,
    budgets: Sequence[Budget] = (),
) -> Room | None:
    """The room that could be made for a gang; None when that would not help. Everything is left as it was.

    Looks at every node for each pod of the gang that finds no place.
    """
    if index.lowest_priority >= gang.priority:
        return None
    placed: Placed = {}
    pods: list[tuple[Pod, NodeState]] = []
    gone: list[tuple[Pod, NodeState]] = []
    try:
        for pod in placer.order(gang):
            node = choice.best(pod)
            if node is None:
                index.stats.nodes += len(index.nodes)
                verdict = framework.judge(pod, index.cluster)
                chosen = preempt(pod, index.cluster, verdict, budgets).choice
                if chosen is None:
                    return None
                node = chosen.node
                gone += [(index.remove(node, victim.key), node) for victim in chosen.victims]
                budgets = [_after(budget, chosen.victims) for budget in budgets]
            index.place(node, pod)
            placed[pod.key] = node
            pods.append((pod, node))
        return Room(gang, tuple(pods), tuple(gone))
    finally:
        placer.undo(placed)
        for pod, node in gone:
            index.place(node, pod, back=True)


def _after(budget: Budget, victims: Iterable[Pod]) -> Budget:
    """A budget once these pods have gone."""
    return replace(budget, allowed=budget.allowed - sum(budget.covers(victim) for victim in victims))
