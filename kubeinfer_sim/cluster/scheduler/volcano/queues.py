"""Queues: how much each may have, and whether a PodGroup is looked at at all.

Source: pkg/scheduler/plugins/proportion/proportion.go, overcommit/overcommit.go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from math import inf

from msgspec import Struct, field

from kubeinfer_sim.cluster.scheduler.volcano.job import Account, HeldBack, Job, Task
from kubeinfer_sim.scenario.cluster.model import Queue

DEFAULT_QUEUE = Queue("default")
#: PodGroups are let in up to so many times what the cluster has (overcommit-factor).
OVERCOMMIT = 1.2
OVERUSED = "resource in cluster is overused: overused "
INSUFFICIENT = "queue resource quota insufficient: insufficient "


class Share(Struct, eq=False):
    """What a queue has and may have, in one cycle.

    Attributes:
        deserved: by resource; what is missing there is 0.
    """

    queue: Queue
    allocated: Counter[str]
    asked: Counter[str]
    inqueue: Counter[str] = field(default_factory=Counter)
    elastic: Counter[str] = field(default_factory=Counter)
    deserved: dict[str, float] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)

    @property
    def overused(self) -> bool:
        """Whether it has all it may have, so that its jobs are not looked at."""
        return all(limit <= self.allocated[name] for name, limit in self.deserved.items())

    def allows(self, task: Task) -> bool:
        """Whether one more pod stays within what it may have."""
        return all(
            self.allocated[name] + amount <= self.deserved.get(name, 0)
            for name, amount in task.pod.spec.asked
        )

    def take(self, task: Task, sign: int = 1) -> None:
        """A pod of it gets a place, or with -1 loses it."""
        for name, amount in task.pod.spec.asked:
            self.allocated[name] += sign * amount

    @property
    def part(self) -> float:
        """How much it has of what it may have: the queue with the smallest part goes first."""
        return max(
            (self.allocated[name] / limit for name, limit in self.deserved.items() if limit not in (0, inf)),
            default=0.0,
        )


class Shares:
    """The queues of one cycle.

    Args:
        queues: by name.
        accounts: of those with jobs, by name.
        limited: the jobs whose PodGroups have minResources.
        total: how much of a resource all nodes offer; infinite where one of them never runs out of it.
        used: how much of it is requested there.
    """

    def __init__(
        self,
        queues: Mapping[str, Queue],
        accounts: Mapping[str, Account],
        limited: Iterable[Job],
        total: Callable[[str], float],
        used: Callable[[str], int],
    ) -> None:
        self._total = total
        self._used = used
        self._guaranteed: Counter[str] = Counter()
        for queue in queues.values():
            self._guaranteed.update(queue.guarantee)
        self._inqueue: Counter[str] = Counter()
        self._by_name = {
            name: Share(queues[name], Counter(account.allocated), account.asked)
            for name, account in accounts.items()
            if name in queues
        }
        for job in limited:
            assert job.group is not None
            if job.group.queue in self._by_name and job.group.min_resources is not None:
                self._count_in(job, self._by_name[job.group.queue], job.group.min_resources)
        self._share_out()

    def _count_in(self, job: Job, share: Share, least: Mapping[str, int]) -> None:
        assert job.group is not None
        left = {name: max(0, amount - job.allocated[name]) for name, amount in least.items()}
        if job.group.phase == "Inqueue":
            self._inqueue.update(least)
            share.inqueue.update(left)
        share.elastic.update(
            {name: max(0, amount - least.get(name, 0)) for name, amount in job.allocated.items()}
        )

    def __getitem__(self, queue: str) -> Share:
        return self._by_name[queue]

    def __contains__(self, queue: object) -> bool:
        return queue in self._by_name

    def _limit(self, queue: Queue, name: str) -> float:
        """The most of a resource that a queue may have (realCapability)."""
        left = max(0, self._total(name) - self._guaranteed[name]) + queue.guarantee.get(name, 0)
        return min(left, queue.capability.get(name, inf))

    def _share_out(self) -> None:
        """Give each queue what it asks for, as far as its weight, its capability and the cluster allow."""
        shares = list(self._by_name.values())
        names = {name for share in shares for name in (*share.asked, *share.allocated)}
        for name in names:
            total = self._total(name)
            for share in shares:
                share.limits[name] = self._limit(share.queue, name)
            open_shares = {id(share): share for share in shares}
            left = total
            for share in shares:
                share.deserved[name] = 0
            while open_shares and left > 0:
                weights = sum(share.queue.weight for share in open_shares.values())
                given = 0.0
                for key, share in list(open_shares.items()):
                    most = min(share.limits[name], share.asked[name] + share.allocated[name])
                    before = share.deserved[name]
                    fair = inf if left == inf else left * share.queue.weight / weights
                    share.deserved[name] = max(min(most, before + fair), share.queue.guarantee.get(name, 0))
                    given += share.deserved[name] - before
                    if share.deserved[name] >= most:
                        del open_shares[key]
                if not given:
                    break
                left -= given

    def hold_back(self, job: Job) -> HeldBack | None:
        """Why a PodGroup is not looked at yet; None where it is, and counts from now on."""
        group = job.group
        assert group is not None
        least = group.min_resources
        if least is None:
            return None
        share = self._by_name[group.queue]
        short = [
            name
            for name, amount in least.items()
            if self._inqueue[name] + amount > OVERCOMMIT * self._total(name) - self._used(name)
        ]
        if short:
            return HeldBack(OVERUSED + ", ".join(sorted(short)), by_queue=False)
        short = [
            name
            for name, amount in least.items()
            if amount + share.allocated[name] + share.inqueue[name] - share.elastic[name]
            > self._limit(share.queue, name)
        ]
        if short:
            limited = any(self._limit(share.queue, name) < self._total(name) for name in short)
            return HeldBack(INSUFFICIENT + ", ".join(sorted(short)), limited)
        self._inqueue.update(least)
        share.inqueue.update(least)
        return None
