"""Which pods of a ReplicaSet go first when it shrinks.

Source: pkg/controller/controller_utils.go (ActivePodsWithRanks, ActivePods), replica_set.go (getPodsToDelete).
Ages are compared by the power of two of their nanoseconds only, so that among pods of about the same age
chance decides, not age: there the lower UID goes, which here is the lower number. Where nothing differs
Kubernetes leaves the choice to the order of a map; here, too, the lowest number goes.

An update deletes pods one by one; if all were ranked each time, it would cost the square of their number. So the ready
pods of a ReplicaSet, which go last, are held by rank (`ReadyPods`, `Neighbours`); the others are few.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Sequence
from functools import cmp_to_key
from operator import attrgetter

from kubeinfer_sim.controllers.deployment.replica_pod import ReplicaPod

_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}
_by_number = attrgetter("number")


def first_to_go(pods: Sequence[ReplicaPod], count: int, now: int) -> list[ReplicaPod]:
    """The `count` of active pods, given by number, that go first, in that order, at `now` (ms)."""

    def order(a: ReplicaPod, b: ReplicaPod) -> int:
        return compare(a, b, a.rank, b.rank, now) or a.number - b.number

    return sorted(pods, key=cmp_to_key(order))[:count]


def compare(a: ReplicaPod, b: ReplicaPod, rank_a: int, rank_b: int, now: int | None) -> int:
    """Negative when `a` is deleted before `b`, positive after, 0 when nothing tells them apart.

    Args:
        a: one pod.
        b: another.
        rank_a: active pods of the same owner on the node of `a`.
        rank_b: the same on the node of `b`.
        now: in ms; None compares ages themselves, not their powers of two.
    """
    first = (
        (bool(a.node) - bool(b.node))
        or (_PHASES[a.phase] - _PHASES[b.phase])
        or (a.ready - b.ready)
        or (a.deletion_cost - b.deletion_cost)
        or (rank_b - rank_a)
    )
    if first:
        return first
    if a.ready and b.ready and a.ready_since != b.ready_since:
        return _younger_first(a, b, a.ready_since, b.ready_since, now)
    if a.restarts != b.restarts:
        return b.restarts - a.restarts
    if a.created != b.created:
        return _younger_first(a, b, a.created, b.created, now)
    return 0


def _younger_first(
    a: ReplicaPod, b: ReplicaPod, since_a: int | None, since_b: int | None, now: int | None
) -> int:
    """Compare two times that differ; one that is not known goes first."""
    if since_a is None or since_b is None:
        return -1 if since_a is None else 1
    if now is None:
        return since_b - since_a
    buckets = _bucket(now - since_a) - _bucket(now - since_b)
    return buckets or a.number - b.number


def _same_bucket(times: Sequence[int | None], now: int) -> bool:
    """Whether no two times are so different that it counts; those that are not known count."""
    known = [each for each in times if each is not None]
    return len(known) == len(times) and _bucket(now - min(known)) == _bucket(now - max(known))


def _bucket(age: int) -> int:
    """The power of two of an age in nanoseconds; the age is given in ms."""
    return (age * 1_000_000).bit_length() - 1 if age > 0 else -1


class _Group:
    """Ready pods that differ in nothing but age and restarts, by number; how many there are of each kind."""

    __slots__ = ("kinds", "pods")

    def __init__(self) -> None:
        self.pods: list[ReplicaPod] = []
        self.kinds: Counter[tuple[int | None, int | None, int]] = Counter()

    def alike(self, now: int) -> bool:
        """Whether restarts, and ages as far as they are compared, tell none of them apart."""
        if len(self.kinds) == 1:
            return True
        ready_since, created, restarts = zip(*self.kinds, strict=True)
        return len(set(restarts)) == 1 and _same_bucket(ready_since, now) and _same_bucket(created, now)


class ReadyPods:
    """The ready pods of one ReplicaSet, in groups that go one after the other: by deletion cost, then by rank."""

    def __init__(self) -> None:
        self._groups: dict[tuple[int, int], _Group] = {}

    def add(self, pod: ReplicaPod) -> None:
        """It is active and ready, and its rank is known."""
        key = (pod.deletion_cost, -pod.rank)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group()
        insort(group.pods, pod, key=_by_number)
        group.kinds[pod.ready_since, pod.created, pod.restarts] += 1

    def remove(self, pod: ReplicaPod) -> None:
        """From now on it is not ready, or not active, or of another rank."""
        key = (pod.deletion_cost, -pod.rank)
        group = self._groups[key]
        del group.pods[bisect_left(group.pods, pod.number, key=_by_number)]
        if not group.pods:
            del self._groups[key]
            return
        kind = pod.ready_since, pod.created, pod.restarts
        group.kinds[kind] -= 1
        if not group.kinds[kind]:
            del group.kinds[kind]

    def first(self, count: int, now: int) -> list[ReplicaPod]:
        """The `count` that go first, in that order, at `now` (ms)."""
        chosen: list[ReplicaPod] = []
        for key in sorted(self._groups):
            if len(chosen) == count:
                break
            group, left = self._groups[key], count - len(chosen)
            chosen += group.pods[:left] if group.alike(now) else first_to_go(group.pods, left, now)
        return chosen


class Neighbours:
    """The active pods of all ReplicaSets of one owner by node: a pod's rank is the number of those on its own."""

    def __init__(self) -> None:
        self._on: dict[str, dict[ReplicaPod, ReadyPods]] = {}

    def add(self, pod: ReplicaPod, own: ReadyPods) -> None:
        """It is on its node, and not ready; `own` are the ready pods of its ReplicaSet."""
        there = self._on.get(pod.node)
        if there is None:
            self._on[pod.node] = {pod: own}
            pod.rank = 1
        else:
            there[pod] = own
            _rank(there)

    def remove(self, pod: ReplicaPod) -> None:
        """It is not active any more."""
        there = self._on.get(pod.node)
        if there is None or pod not in there:
            return
        del there[pod]
        if there:
            _rank(there)
        else:
            del self._on[pod.node]


def _rank(there: dict[ReplicaPod, ReadyPods]) -> None:
    """The pods of a node have become more or fewer."""
    rank = len(there)
    for pod, own in there.items():
        if pod.ready:
            own.remove(pod)
        pod.rank = rank
        if pod.ready:
            own.add(pod)
