"""Queues: how much each may have, and whether a PodGroup is looked at at all.

Source: pkg/scheduler/plugins/proportion/proportion.go, overcommit/overcommit.go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Literal

from msgspec import Struct, field

from kubeinfer_sim.cluster.records import Awaited
from kubeinfer_sim.cluster.scheduler.pods import format_amount
from kubeinfer_sim.cluster.scheduler.volcano.job import Account, HeldBack, Job, Phase, Task, TaskStatus
from kubeinfer_sim.scenario.cluster.model import Queue

#: PodGroups are let in up to so many times what the cluster has (overcommit-factor).
OVERCOMMIT = 1.2
OVERUSED = "resource in cluster is overused: overused "
INSUFFICIENT = "queue resource quota insufficient: insufficient "


class Shortage(Struct, frozen=True):
    """A resource of which a queue may have too little for pods of a gang.

    Attributes:
        may_have, has: what the queue may have of it, and what its pods have.
        needs: what so many `pods`, the least that can be placed, need besides.
        by: what sets the limit: the queue's capability, its weight, or what other queues are guaranteed.
        also: the other resources of which that is true.
    """

    queue: str
    resource: str
    may_have: float
    has: int
    needs: int
    pods: int
    by: Literal["capability", "weight", "guarantee"]
    also: tuple[str, ...] = ()

    def text(self, group: str) -> str:
        """`queue q may have 8 huawei.com/ascend-1980 by its capability and has 0 in use, and PodGroup a needs …`."""
        limit = "beside what others are guaranteed" if self.by == "guarantee" else f"by its {self.by}"
        more = f" (and too little {', '.join(self.also)})" if self.also else ""
        pods = f"{self.pods} pod{'' if self.pods == 1 else 's'}"
        return (
            f"queue {self.queue} may have {format_amount(self.resource, int(self.may_have))} {limit} and has "
            f"{_number(self.resource, self.has)} in use, and PodGroup {group} needs "
            f"{_number(self.resource, self.needs)} for {pods}{more}"
        )

    @property
    def awaits(self) -> Awaited:
        """What would let the pods have it: of a capability that is too small for them alone no end of others."""
        if self.by != "capability":
            return self.by
        return "larger capability" if self.needs > self.may_have else "quota"


def _number(resource: str, amount: float) -> str:
    return format_amount(resource, int(amount)).partition(" ")[0]


class Share(Struct, eq=False):
    """What a queue has and may have, in one cycle.

    Attributes:
        elastic: what its pods have beyond minResources.
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
            for name, amount in task.pod.spec.demand
        )

    def take(self, task: Task, sign: int = 1) -> None:
        """A pod of it gets a place, or with -1 loses it."""
        for name, amount in task.pod.spec.demand:
            self.allocated[name] += sign * amount

    def too_little_for(self, tasks: Sequence[Task], needed: int) -> tuple[str, ...]:
        """The resources of which so many of the pods, tried in this order, need more than it may have."""
        admitted = []
        for task in tasks:
            if self.allows(task):
                self.take(task)
                admitted.append(task)
        for task in admitted:
            self.take(task, -1)
        if len(admitted) >= needed:
            return ()
        asked = _asked(tasks[:needed])
        return tuple(
            name
            for name, amount in asked.items()
            if self.allocated[name] + amount > self.deserved.get(name, 0)
        )

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
        limited: the jobs whose PodGroups have minResources, with the phases these count with.
        total: how much of a resource all nodes offer; infinite where one of them never runs out of it.
        used: how much of it is requested there.
    """

    def __init__(
        self,
        queues: Mapping[str, Queue],
        accounts: Mapping[str, Account],
        limited: Iterable[tuple[Job, Phase]],
        total: Callable[[str], float],
        used: Callable[[str], int],
    ) -> None:
        self._total = total
        self._used = used
        self._guaranteed: Counter[str] = Counter()
        for queue in queues.values():
            self._guaranteed.update(queue.guarantee)
        self._inqueue: Counter[str] = Counter()
        self._outstanding: Counter[str] = Counter()
        self._by_name = {
            name: Share(
                queues[name],
                Counter(account.allocated),
                account.asked,
                elastic=Counter(account.allocated),
            )
            for name, account in accounts.items()
            if name in queues
        }
        for job, phase in limited:
            assert job.group is not None
            if job.group.queue in self._by_name and job.group.min_resources is not None:
                self._count_in(job, phase, self._by_name[job.group.queue], job.group.min_resources)
        self._share_out()

    def _count_in(self, job: Job, phase: Phase, share: Share, least: Mapping[str, int]) -> None:
        """What a PodGroup that is let in, or runs, keeps of its minResources beside what its pods have.

        For the cluster (not for the queue) all of them are kept until it runs.
        """
        assert job.group is not None
        bound = job.counts[TaskStatus.ALLOCATED]
        if phase == "Inqueue" or (phase == "Running" and bound >= job.group.min_member):
            left = {name: max(0, amount - job.allocated[name]) for name, amount in least.items()}
            self._inqueue.update(least if phase == "Inqueue" else left)
            self._outstanding.update(left)
            share.inqueue.update(left)
        for name, amount in job.allocated.items():
            share.elastic[name] -= min(amount, least.get(name, 0))

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

    def shortage(self, queue: str, tasks: Sequence[Task], needed: int) -> Shortage | None:
        """What a queue has too little of for so many of these pods; None where only the nodes have too little."""
        share = self._by_name[queue]
        short = [
            name
            for name in share.too_little_for(tasks, needed)
            if share.deserved.get(name, 0) < self._total(name)
        ]
        if not short:
            return None
        name = short[0]
        may_have, limit = share.deserved.get(name, 0), self._limit(share.queue, name)
        by: Literal["capability", "weight", "guarantee"] = "weight"
        if may_have == limit:
            by = "capability" if limit == share.queue.capability.get(name) else "guarantee"
        needs = _asked(tasks[:needed])[name]
        return Shortage(queue, name, may_have, share.allocated[name], needs, needed, by, tuple(short[1:]))

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
            return HeldBack(
                OVERUSED + ", ".join(sorted(short)), self._of_nodes(short[0], least), by_queue=False
            )
        short = [
            name
            for name, amount in least.items()
            if amount + share.allocated[name] + share.inqueue[name] - share.elastic[name]
            > self._limit(share.queue, name)
        ]
        if short:
            limited = any(self._limit(share.queue, name) < self._total(name) for name in short)
            figures = self._of_queue(share, short[0], least)
            return HeldBack(INSUFFICIENT + ", ".join(sorted(short)), figures, limited)
        for counted in self._inqueue, self._outstanding, share.inqueue:
            counted.update(least)
        return None

    def _of_nodes(self, name: str, least: Mapping[str, int]) -> str:
        asks, total = format_amount(name, least[name]), _number(name, self._total(name))
        used, others = _number(name, self._used(name)), _let_in(name, self._outstanding[name])
        return f"it asks for {asks}, and of the {total} that there are {used} are in use{others}"

    def _of_queue(self, share: Share, name: str, least: Mapping[str, int]) -> str:
        asks, limit = format_amount(name, least[name]), _number(name, self._limit(share.queue, name))
        has, others = _number(name, share.allocated[name]), _let_in(name, share.inqueue[name])
        spare = share.elastic[name]
        beyond = f" ({_number(name, spare)} of them beyond minResources, which do not count)" if spare else ""
        return (
            f"it asks for {asks}, and queue {share.queue.name} may have {limit} and has {has} in "
            f"use{beyond}{others}"
        )


def _let_in(name: str, amount: int) -> str:
    return f", {_number(name, amount)} more are for PodGroups let in before it" if amount else ""


def _asked(tasks: Iterable[Task]) -> Counter[str]:
    asked: Counter[str] = Counter()
    for task in tasks:
        asked.update(dict(task.pod.spec.demand))
    return asked
