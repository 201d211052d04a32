"""PodGroups, and jobs: a PodGroup with the pods that name it, as Volcano counts them.

Source: pkg/scheduler/api/job_info.go, pkg/scheduler/framework/session.go (getPodGroupPhase).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from enum import StrEnum
from typing import Literal, NamedTuple

from msgspec import Struct, field

from kubeinfer_sim.cluster.scheduler.pods import Pod

#: Namespace and name of a PodGroup; another one of the same name, after it, has another number.
GroupKey = tuple[str, str, int]
Phase = Literal["", "Pending", "Inqueue", "Running", "Unknown", "Completed"]


class PodGroup(Struct, eq=False):
    """A PodGroup object.

    Attributes:
        created: in ms; its age decides among jobs, by whole seconds.
        min_member: so many pods must fit, or none is placed.
        min_resources: what the queue and the cluster must have room for before it is looked at; None: nothing.
        phase: "" until the scheduler has seen it.
    """

    namespace: str
    name: str
    created: int
    min_member: int
    queue: str = "default"
    priority: int = 0
    min_resources: Mapping[str, int] | None = None
    phase: Phase = ""


class TaskStatus(StrEnum):
    """What a pod counts as; the words are Volcano's."""

    PENDING = "Pending"
    ALLOCATED = "Running"
    RELEASING = "Releasing"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class Task(Struct, eq=False):
    """A pod of a job.

    Attributes:
        pod: as the nodes know it.
        name: of the pod.
        created: in ms.
        luck: stands for its UID, which decides among pods of one second.
        prefer: the node it is to take if it fits there; "" for any.
        cycle: the number of the cycle that placed it; -1: none.
    """

    pod: Pod
    name: str
    created: int
    luck: float
    prefer: str = ""
    status: TaskStatus = TaskStatus.PENDING
    node: str = ""
    cycle: int = -1

    @property
    def order(self) -> tuple[int, int, int, float]:
        """Sort key, the first to be placed first: priority, then the index in its name, then age."""
        return -self.pod.priority, _index(self.name), self.created // 1000, self.luck


def _index(name: str) -> int:
    """The number at the end of a name of three parts or more (GetPodIndexUnderTask); else 0 for all."""
    parts = name.split("-")
    return int(parts[-1]) if len(parts) >= 3 and parts[-1].isdecimal() else 0


class Account(Struct, eq=False):
    """What the pods of a queue's jobs have (`allocated`) and wait for (`asked`)."""

    allocated: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)


class Job(Struct, eq=False):
    """The pods that name a PodGroup.

    Attributes:
        group: None while there is no such PodGroup: its pods are not looked at.
        account: of its queue; None without a PodGroup.
        tasks: by the pod's key, in the order of coming.
        counts: how many of each status.
        allocated: what those hold that are placed and do not end.
        first_cycle: when it was first looked at since it last got a node, by the number of the cycle; None: not yet.
        last_cycle: the last that placed pods of it; -1: none.
        promised: in the last cycle it was given all it needs, some of it on places that are yet to be released.
        promised_on: the nodes where these are.
    """

    key: GroupKey
    group: PodGroup | None = None
    account: Account | None = None
    tasks: dict[Hashable, Task] = field(default_factory=dict)
    counts: Counter[TaskStatus] = field(default_factory=Counter)
    allocated: Counter[str] = field(default_factory=Counter)
    first_cycle: int | None = None
    last_cycle: int = -1
    promised: bool = False
    promised_on: frozenset[str] = frozenset()

    def add(self, task: Task) -> None:
        """A pod comes."""
        self.tasks[task.pod.key] = task
        self.counts[task.status] += 1
        self._hold(task, 1)

    def remove(self, key: Hashable) -> Task:
        """A pod is gone."""
        task = self.tasks.pop(key)
        self.counts[task.status] -= 1
        self._hold(task, -1)
        return task

    def set_status(self, task: Task, status: TaskStatus) -> None:
        """A pod counts as something else now."""
        self.counts[task.status] -= 1
        self._hold(task, -1)
        task.status = status
        self.counts[status] += 1
        self._hold(task, 1)

    def set_group(self, group: PodGroup | None, account: Account | None) -> None:
        """Its PodGroup appears in a queue, or is gone."""
        for task in self.tasks.values():
            self._hold(task, -1)
        self.group, self.account = group, account
        for task in self.tasks.values():
            self._hold(task, 1)

    def _hold(self, task: Task, sign: int) -> None:
        allocated = task.status is TaskStatus.ALLOCATED
        if not allocated and task.status is not TaskStatus.PENDING:
            return
        account = self.account
        for name, amount in task.pod.spec.demand:
            if allocated:
                self.allocated[name] += sign * amount
            if account is not None:
                (account.allocated if allocated else account.asked)[name] += sign * amount

    @property
    def ready(self) -> int:
        """ReadyTaskNum: the pods that run, are about to, or have succeeded."""
        return self.counts[TaskStatus.ALLOCATED] + self.counts[TaskStatus.SUCCEEDED]

    @property
    def valid(self) -> bool:
        """Whether it has as many pods as it needs (the gang plugin's JobValid)."""
        assert self.group is not None
        return self.ready + self.counts[TaskStatus.PENDING] >= self.group.min_member

    @property
    def waits(self) -> bool:
        """Whether the scheduler has anything to place of it."""
        return self.group is not None and self.counts[TaskStatus.PENDING] > 0

    def bound(self, cycle: int | None = None) -> int:
        """How many pods have a node and do not terminate; with a cycle, only those placed before it."""
        if cycle is None or self.last_cycle < cycle:
            return self.counts[TaskStatus.ALLOCATED]
        return sum(task.status is TaskStatus.ALLOCATED and task.cycle < cycle for task in self.tasks.values())

    def pending(self) -> list[Task]:
        """The pods without a node, in the order in which they are tried."""
        waiting = (each for each in self.tasks.values() if each.status is TaskStatus.PENDING)
        return sorted(waiting, key=lambda task: task.order)

    def phase_after(self, phase: Phase, *, running: bool, bound: int) -> Phase:
        """The PodGroup's phase at the end of a cycle in which it had this one before (getPodGroupPhase).

        Args:
            phase: as it was.
            running: whether any of its pods is Running.
            bound: its pods with a node that do not terminate.
        """
        assert self.group is not None
        least = self.group.min_member
        if running and self.ready < least:
            return "Unknown"
        completed = self.counts[TaskStatus.SUCCEEDED] + self.counts[TaskStatus.FAILED]
        if bound + completed >= least:
            return "Running" if bound or not completed else "Completed"
        return "Inqueue" if phase == "Inqueue" else "Pending"


class HeldBack(NamedTuple):
    """Why a PodGroup is not looked at yet, in a plugin's words and in figures; `by_queue`: its queue is full."""

    message: str
    figures: str
    by_queue: bool
