"""The NPUs of a node in rings: a pod that fits into one ring gets all its NPUs there, a larger one whole rings.

An HCCS ring links NPUs directly; across rings they talk over slower paths, so the Ascend device plugin and Volcano's
NPU plugin never split what fits into one (MindCluster's affinity scheduling rules). Of the rings with room the
fullest is taken, the first of equal ones. This is the one place that knows the rule: the scheduler's account is kept
by it, and whoever gives pods single NPUs takes them from the rings that `take` chose.
"""

from __future__ import annotations

from collections.abc import Sequence


class Rings:
    """How many NPUs are free in each ring of a node.

    Attributes:
        resource: the resource the NPUs are counted as.
        size: NPUs of a ring; the last ring has fewer where the node's NPUs are no multiple.
        missing: by ring, how many are out of service.
        free: by ring; below 0 while a pod holds NPUs that are out of service.
        account: the name under which `largest` is kept among a node's resources.
    """

    __slots__ = ("account", "free", "missing", "resource", "size", "total")

    def __init__(self, resource: str, size: int, total: int) -> None:
        self.resource = resource
        self.size = size
        self.total = total
        self.free = [min(size, total - begin) for begin in range(0, total, size)]
        self.missing = [0] * len(self.free)
        self.account = f"{resource} in rings of {size}"

    @property
    def names(self) -> list[str]:
        """The names under which the rings are kept among a node's resources, the freest first."""
        return [f"{self.account} #{ring}" for ring in range(len(self.free))]

    def accounts(self) -> list[tuple[str, int]]:
        """What is free by name: the most one pod can have, then the rings, the freest first."""
        return [(self.account, self.largest), *zip(self.names, sorted(self.free, reverse=True), strict=True)]

    def when_empty(self) -> list[tuple[str, int]]:
        """The same of the node without pods and with all its NPUs in service."""
        return Rings(self.resource, self.size, self.total).accounts()

    @property
    def largest(self) -> int:
        """The most NPUs one pod can have now: all wholly free rings, and the best of the others."""
        whole = sum(free for free in self.free if free == self.size)
        return whole + max((free for free in self.free if 0 < free < self.size), default=0)

    def take(self, amount: int) -> tuple[int, ...]:
        """Take NPUs for one pod; returns how many of each ring.

        Where there is no room by the rule, the freest rings give what they have: the pod is there already.
        """
        taken = [0] * len(self.free)
        left = amount
        if amount <= self.largest:
            for ring, free in enumerate(self.free):
                if left >= self.size and free == self.size:
                    taken[ring] = free
                    left -= free
            fitting = [ring for ring, free in enumerate(self.free) if not taken[ring] and free >= left]
            if left:
                taken[min(fitting, key=lambda ring: self.free[ring])] = left
        else:
            for ring in sorted(range(len(self.free)), key=lambda ring: -self.free[ring]):
                taken[ring] = min(max(self.free[ring], 0), left)
                left -= taken[ring]
        return self.restore(taken)

    def restore(self, taken: Sequence[int]) -> tuple[int, ...]:
        """Take just these NPUs, which a pod had before."""
        self.free = [free - amount for free, amount in zip(self.free, taken, strict=True)]
        return tuple(taken)

    def release(self, taken: Sequence[int]) -> None:
        """A pod's NPUs are free again."""
        self.free = [free + amount for free, amount in zip(self.free, taken, strict=True)]

    def change_npus(self, more: int, ring: int | None = None) -> None:
        """So many NPUs come into service, or with a negative number go out of it.

        Where it is not said in which ring: the freest loses them, the first that misses some gets them back.
        """
        rings = range(len(self.free))
        for _ in range(abs(more)):
            where = ring
            if where is None and more < 0:
                where = max(rings, key=lambda each: (self.free[each], -each))
            elif where is None:
                where = next((each for each in rings if self.missing[each]), 0)
            step = 1 if more > 0 else -1
            self.free[where] += step
            self.missing[where] -= step


def pods_that_fit(free: Sequence[int], size: int, amount: int, enough: int) -> int:
    """How many pods of so many NPUs find place in rings with so many free, at most `enough`."""
    if amount <= size:
        return min(sum(max(each, 0) // amount for each in free), enough)
    rings = Rings("", size, 0)
    rings.free = list(free)
    count = 0
    while count < enough and rings.largest >= amount:
        rings.take(amount)
        count += 1
    return count


def reason(resource: str) -> str:
    """Of a node that has enough NPUs free, but not in one ring."""
    return f"node(s) didn't have enough {resource} free in one ring"
