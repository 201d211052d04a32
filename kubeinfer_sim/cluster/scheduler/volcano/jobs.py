"""The jobs Volcano's cache holds: PodGroups, their pods, and which of them wait.

Source: pkg/scheduler/cache and api/job_info.go of v1.15.1.
"""

from __future__ import annotations

from collections.abc import Hashable

from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.volcano.job import Account, GroupKey, Job, PodGroup, Task, TaskStatus
from kubeinfer_sim.scenario.cluster.model import DEFAULT_QUEUE, Queue


class Jobs:
    """All jobs and queues.

    Attributes:
        queues: by name.
        by_group: the jobs, by their PodGroup.
        accounts: what the jobs of a queue hold, by its name.
        limited: the jobs whose PodGroup has minResources.
        waiting: those with pods that wait for a node.
        tasks: each pod, with its job.
        releasing: pods that terminate and still hold what they hold, of whatever scheduler.
    """

    def __init__(self) -> None:
        self.queues: dict[str, Queue] = {DEFAULT_QUEUE.name: DEFAULT_QUEUE}
        self.by_group: dict[GroupKey, Job] = {}
        self.accounts: dict[str, Account] = {}
        self.limited: dict[GroupKey, Job] = {}
        self.waiting: dict[GroupKey, Job] = {}
        self.tasks: dict[Hashable, tuple[Job, Task]] = {}
        self.releasing: dict[Hashable, NodeState] = {}

    @property
    def waits(self) -> bool:
        """Whether any pod waits for a node that the scheduler looks at."""
        return bool(self.waiting)

    @property
    def partly_placed(self) -> list[Job]:
        """The jobs of which some pods run and others, which they can do without, wait."""
        return [
            job
            for job in self.waiting.values()
            if job.group is not None
            and job.group.min_member <= job.ready
            and job.counts[TaskStatus.ALLOCATED]
        ]

    def awaited_by(self, job: Job) -> list[Hashable]:
        """The pods that terminate on the nodes where places are promised to a job."""
        return [pod for pod, node in self.releasing.items() if node.name in job.promised_on]

    def job(self, key: GroupKey) -> Job:
        """The job of a PodGroup, whether or not there is one of this name."""
        job = self.by_group.get(key)
        if job is None:
            job = self.by_group[key] = Job(key)
        return job

    def job_of(self, pod: Hashable) -> Job | None:
        """The job a pod belongs to."""
        found = self.tasks.get(pod)
        return None if found is None else found[0]

    def set_group(self, key: GroupKey, group: PodGroup | None) -> None:
        """There is such a PodGroup from now on, or (None) none any more."""
        job = self.job(key)
        account = None if group is None else self.accounts.setdefault(group.queue, Account())
        job.set_group(group, account)
        self.limited.pop(key, None)
        if group is not None and group.min_resources is not None:
            self.limited[key] = job
        self.settle(job)

    def add(self, key: GroupKey, task: Task) -> None:
        """A pod of a job comes; with a node it runs there already."""
        job = self.job(key)
        job.add(task)
        self.tasks[task.pod.key] = job, task
        self.settle(job)

    def remove(self, pod: Hashable) -> None:
        """A pod is gone; nothing happens if it is of no job."""
        self.releasing.pop(pod, None)
        found = self.tasks.pop(pod, None)
        if found is not None:
            job, _ = found
            self._keep_phase(job)
            job.remove(pod)
            self.settle(job)

    def ended(self, pod: Hashable, status: TaskStatus) -> None:
        """A pod has succeeded or failed: what it held is free, its object stays."""
        self.releasing.pop(pod, None)
        self._set_status(pod, status)

    def terminates(self, pod: Hashable, node: NodeState) -> None:
        """A pod on a node, of whatever scheduler, has a deletion timestamp."""
        self.releasing[pod] = node
        self._set_status(pod, TaskStatus.RELEASING)

    def _set_status(self, pod: Hashable, status: TaskStatus) -> None:
        found = self.tasks.get(pod)
        if found is not None:
            job, task = found
            self._keep_phase(job)
            job.set_status(task, status)
            self.settle(job)

    def _keep_phase(self, job: Job) -> None:
        """Pods of a job are about to go: cycles that were left out since it was let in have seen them run."""
        if job.key in self.limited:
            assert job.group is not None
            if job.group.phase == "Inqueue":
                job.group.phase = job.phase_after("Inqueue", running=False, bound=job.bound())

    def node_gone(self, node: NodeState) -> None:
        """A node is deleted: nothing there is released any more."""
        for key in [key for key, where in self.releasing.items() if where is node]:
            del self.releasing[key]

    def settle(self, job: Job) -> None:
        """Keep account of whether a job waits."""
        if job.waits:
            self.waiting[job.key] = job
        else:
            self.waiting.pop(job.key, None)
            if job.group is None and not job.tasks:
                self.by_group.pop(job.key, None)
