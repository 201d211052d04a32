"""Whether pods without a place would have one, had chance drawn otherwise: Volcano's placement played anew.

A packing of all pods is no proof of that: where scores tell nodes apart nothing is drawn, and no draw packs what they
spread.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from kubeinfer_sim.cluster.scheduler.choice import NodeChoice
from kubeinfer_sim.cluster.scheduler.node_class import accepts
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.pods import Pod
from kubeinfer_sim.cluster.scheduler.volcano.job import Task
from kubeinfer_sim.cluster.scheduler.volcano.places import Places

#: So many other draws are tried, and fewer where they would place more pods than that.
_TRIALS, _PLACEMENTS = 64, 2_000


class OtherDraws:
    """Places the same pods again, with draws of its own.

    Args:
        index: the nodes, left as they were.
        choice: Volcano's, whose draws are those of the trial that `begin` was told last.
        begin: told of a trial, by a name of its own.
        luck: the number that stands for a pod's UID in the trial.
    """

    def __init__(
        self,
        index: NodeIndex,
        choice: NodeChoice,
        begin: Callable[[str], None],
        luck: Callable[[Hashable], float],
    ) -> None:
        self._index = index
        self._choice = choice
        self._begin = begin
        self._luck = luck

    def place(self, gangs: Sequence[Sequence[Task]], wanted: Sequence[Task]) -> bool:
        """Whether in some trial all that are placed find nodes again, gang by gang in their order, and `wanted` too.

        Pods with a constraint on other pods, and those whose nodes would not take them now, stay where they are.
        """
        lifted: list[tuple[NodeState, Pod]] = []
        moved: list[list[Task]] = []
        for gang in gangs:
            movable = [task for task in gang if self._may_move(task)]
            lifted += [
                (node := self._index.nodes[t.node], self._index.remove(node, t.pod.key)) for t in movable
            ]
            moved.append(movable)
        number = len(lifted) + len(wanted)
        trials = max(1, min(_TRIALS, _PLACEMENTS // number))
        try:
            return any(self._try(f"redrawn/{trial}", [*moved, wanted]) for trial in range(trials))
        finally:
            for node, pod in lifted:
                self._index.place(node, pod, back=True)

    def _may_move(self, task: Task) -> bool:
        node = self._index.nodes.get(task.node)
        if node is None or task.pod.key not in node.pods or not self._choice.is_independent(task.pod.spec):
            return False
        return accepts(node, task.pod.spec)

    def _try(self, trial: str, gangs: Sequence[Sequence[Task]]) -> bool:
        self._begin(trial)
        places = Places(self._index, self._choice, {})
        taken: list[tuple[Pod, NodeState]] = []
        for gang in gangs:
            for task in sorted(gang, key=lambda each: (*each.order[:-1], self._luck(each.pod.key))):
                pod = Pod(task.pod.key, task.pod.spec)  # its own notes are those of its own node
                self._index.register(pod.spec)
                place = places.find(pod, task.prefer)
                if place is None:
                    break
                places.take(pod, place[0])
                taken.append((pod, place[0]))
            else:
                continue
            break
        for pod, node in reversed(taken):
            places.give_back(pod, node)
        return len(taken) == sum(map(len, gangs))
