"""Volcano's scheduler: its cycles, and what is asked of it between them.

It keeps no time: the caller says which cycle it is. Of v1.15.1. Left out: tasks of VolcanoJobs, network topology,
`reclaim`, `backfill` (pods without requests are placed as any).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING

from kubeinfer_sim.cluster.scheduler.binpack import Binpack
from kubeinfer_sim.cluster.scheduler.choice import NodeChoice, Placing
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.pods import Pod
from kubeinfer_sim.cluster.scheduler.volcano.cycle import Cycle
from kubeinfer_sim.cluster.scheduler.volcano.draws import Draws
from kubeinfer_sim.cluster.scheduler.volcano.job import GroupKey, Job, Task, TaskStatus
from kubeinfer_sim.cluster.scheduler.volcano.jobs import Jobs
from kubeinfer_sim.cluster.scheduler.volcano.places import Places
from kubeinfer_sim.cluster.scheduler.volcano.session import Session
from kubeinfer_sim.manifest.releases import release_of

if TYPE_CHECKING:
    from kubeinfer_sim.cluster.scheduler.volcano.verdict import Verdict

#: The Kubernetes libraries Volcano v1.15.1 is built with.
LIBRARIES = release_of("1.35")


class VolcanoScheduler:
    """All jobs, and the cycle that places their pods.

    Args:
        index: the nodes, which other schedulers may share.
        uniform: draws numbers in [0, 1) for a pod, by what they decide.
        placement: other scores than Volcano's own (`default`).
        preempts: the action `preempt` is configured.
        enqueues: the action `enqueue` is.

    Attributes:
        jobs: what it has to place.
    """

    def __init__(
        self,
        index: NodeIndex,
        uniform: Callable[[Hashable, int | str], Callable[[], float]],
        *,
        binpack: Binpack | None = None,
        placement: Placing = "default",
        preempts: bool = False,
        enqueues: bool = True,
    ) -> None:
        self._index = index
        self._draws = Draws(uniform)
        self._choice = NodeChoice(
            index,
            placement,
            self._draws.of_pod,
            binpack=Binpack() if binpack is None else binpack,
            spreads=False,
            kubernetes=LIBRARIES,
        )
        self._preempts = preempts
        self._enqueues = enqueues
        self.jobs = Jobs()

    def run(self, number: int) -> Cycle:
        """Look at all jobs once; `number` counts cycles."""
        session = self._session(number)
        try:
            session.enqueue(all_of_them=not self._enqueues)
            session.allocate()
            if self._preempts:
                session.preempt()
        finally:
            session.close()
        return session.result

    def _session(self, number: int, explained: Job | None = None, alone: bool = False) -> Session:
        return Session(self.jobs, self._index, self._choice, self._draws, number, explained, alone)

    def explain(self, job: Job, number: int) -> Verdict:
        """What a cycle makes of a job as things are now; nothing is changed."""
        from kubeinfer_sim.cluster.scheduler.volcano.verdict import Verdict

        session = self._session(number, job)
        try:
            session.enqueue(all_of_them=not self._enqueues)
            session.allocate()
            shortage, others = session.shortage(job), session.promised_to_others(job)
            ready = session.ready(job)
        finally:
            session.close()
        if others and not self._fits_alone(job, number):
            others = ()
        return Verdict(job, session.fates, session.held_back, session.origin, ready, shortage, others)

    def _fits_alone(self, job: Job, number: int) -> bool:
        """Whether a job would get places, or the promise of them, if no other waited."""
        session = self._session(number, job, alone=True)
        try:
            session.enqueue(all_of_them=not self._enqueues)
            session.allocate()
            return session.gives_enough(job)
        finally:
            session.close()

    def place_now(self, job: Job, tasks: Iterable[Task], number: int) -> dict[Hashable, NodeState] | None:
        """Places for pods of a job at once, past all that wait, which are taken; None when not all find one."""
        places = Places(self._index, self._choice, {})
        taken: list[tuple[Task, NodeState]] = []
        self._draws.begin(number)
        for task in sorted(tasks, key=lambda task: task.order):
            self._index.register(task.pod.spec)
            found = places.find(task.pod, task.prefer)
            if found is None:
                for other, node in taken:
                    places.give_back(other.pod, node)
                return None
            places.take(task.pod, found[0])
            taken.append((task, found[0]))
        return {task.pod.key: node for task, node in taken}

    def find(self, pods: Sequence[Pod], attempt: str) -> dict[Hashable, NodeState] | None:
        """Reserve nodes for pods one by one, with draws of their own; None, and nothing, when one finds none."""
        self._draws.begin(attempt)
        places = Places(self._index, self._choice, {})
        taken: list[tuple[Pod, NodeState]] = []
        for pod in pods:
            found = places.find(pod)
            if found is None:
                for other, node in taken:
                    places.give_back(other, node)
                return None
            places.take(pod, found[0])
            taken.append((pod, found[0]))
        return {pod.key: node for pod, node in taken}

    def remove_tried(self, pod: Hashable, node: NodeState) -> None:
        """Give back what `find` has reserved for a pod."""
        self._index.remove(node, pod)

    def has_place_in_other_draws(self, tasks: Sequence[Task]) -> bool:
        """Whether pods would have places, had chance given those that are placed others of equal nodes."""
        from kubeinfer_sim.cluster.scheduler.volcano.other_draws import OtherDraws

        placed = [each for each in self.jobs.tasks.values() if each[1].status is TaskStatus.ALLOCATED]
        gangs: dict[tuple[int, GroupKey], list[Task]] = {}
        for job, task in sorted(placed, key=_turn):
            gangs.setdefault((task.cycle, job.key), []).append(task)
        draws = OtherDraws(self._index, self._choice, self._draws.begin, self._draws.of_uid)
        return draws.place(list(gangs.values()), tasks)


def _turn(placed: tuple[Job, Task]) -> tuple[int, int, int]:
    """Sort key of a pod that is placed: its cycle, and the order there of PodGroups."""
    job, task = placed
    group = job.group
    return (task.cycle, 0, 0) if group is None else (task.cycle, -group.priority, group.created // 1000)
