"""Room made for a whole gang: which pods of lower priority would have to go, all of them or none.

Pod by pod as DefaultPreemption chooses (`preemption.py`), each on top of the choices before it. Nobody is evicted
for a gang that would not fit all the same.
"""

from __future__ import annotations

from kubeinfer_sim.cluster.scheduler import framework
from kubeinfer_sim.cluster.scheduler.choice import NodeChoice
from kubeinfer_sim.cluster.scheduler.gang import Gang, GangPlacer, Placed
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.pods import Pod
from kubeinfer_sim.cluster.scheduler.preemption import preempt


def victims_for(
    gang: Gang, index: NodeIndex, choice: NodeChoice, placer: GangPlacer
) -> list[tuple[Pod, str]] | None:
    """The pods that would have to leave, with their nodes; None when that would not help.

    Looks at every node for each pod of the gang that finds no place. Everything is left as it was.
    """
    if not any(pod.priority < gang.priority for node in index.nodes.values() for pod in node.pods.values()):
        return None
    placed: Placed = {}
    gone: list[tuple[Pod, NodeState]] = []
    try:
        for pod in placer.order(gang):
            node = choice.best(pod)
            if node is None:
                index.stats.nodes += len(index.nodes)
                chosen = preempt(pod, index.cluster, framework.judge(pod, index.cluster)).choice
                if chosen is None:
                    return None
                node = chosen.node
                gone += [(index.remove(node, victim.key), node) for victim in chosen.victims]
            index.place(node, pod)
            placed[pod.key] = node
        return [(pod, node.name) for pod, node in gone]
    finally:
        placer.undo(placed)
        for pod, node in gone:
            index.place(node, pod, back=True)
