"""The PodGroups as the API server shows them: phase and condition, as the last cycle has written them.

Nothing is kept up to date for it while nobody looks: what a cycle would have written follows from the pods, as long as
somebody looks after whatever happens.
"""

from __future__ import annotations

from msgspec import Struct

from kubeinfer_sim.cluster.scheduler.volcano.job import GroupKey, Job, Phase, TaskStatus
from kubeinfer_sim.cluster.scheduler.volcano.scheduler import VolcanoScheduler

#: The message of the condition Scheduled.
READY = "tasks in gang are ready to be scheduled"


class PodGroupAt(Struct, frozen=True):
    """A PodGroup at a time; `message` is that of its condition Scheduled or Unschedulable."""

    namespace: str
    name: str
    phase: Phase
    message: str


class PodGroupView:
    """Looks at them from cycle to cycle."""

    def __init__(self, volcano: VolcanoScheduler) -> None:
        self._volcano = volcano
        self._shown: dict[GroupKey, PodGroupAt] = {}
        self._cycle = -1

    def at(self, cycle: int, began: int) -> tuple[PodGroupAt, ...]:
        """All that there are, once the cycle of this number, which began at `began` ms, has been the last."""
        there = {key: job for key, job in self._volcano.jobs.by_group.items() if job.group is not None}
        for key in [key for key in self._shown if key not in there]:
            del self._shown[key]
        for key, job in there.items():
            if key not in self._shown:
                assert job.group is not None
                self._shown[key] = PodGroupAt(key[0], key[1], "", "")
            if cycle > self._cycle and self._was_looked_at(job, began):
                self._shown[key] = self._after(self._shown[key], job, cycle)
        self._cycle = max(cycle, self._cycle)
        return tuple(self._shown.values())

    def _was_looked_at(self, job: Job, began: int) -> bool:
        """Whether a cycle has seen it as it is: with its queue, and all its pods."""
        group = job.group
        if group is None or group.queue not in self._volcano.jobs.queues or group.created > began:
            return False
        return all(task.created <= began for task in job.tasks.values())

    def _after(self, before: PodGroupAt, job: Job, cycle: int) -> PodGroupAt:
        group = job.group
        assert group is not None
        phase, message = before.phase, before.message
        if phase in ("", "Pending"):
            held = group.min_resources is not None and job.waits and group.phase != "Inqueue"
            phase = "Pending" if held else "Inqueue"
        ready = job.ready >= group.min_member
        # What this very cycle has placed is being bound.
        placed = (task for task in job.tasks.values() if task.status is TaskStatus.ALLOCATED)
        bound = sum(task.cycle < cycle for task in placed)
        phase = job.phase_after(phase, running=bound > 0, bound=bound)
        if job.tasks:
            message = READY if ready else self._volcano.explain(job, cycle).pod_group
        return PodGroupAt(before.namespace, before.name, phase, message)
