"""Which pods of a ReplicaSet go first when it shrinks.

Source: pkg/controller/controller_utils.go (ActivePodsWithRanks, ActivePods), replica_set.go (getPodsToDelete).
Ages are compared by the power of two of their nanoseconds only, so that among pods of about the same age
chance decides, not age: there the lower UID goes, which here is the lower number. Where nothing differs
Kubernetes leaves the choice to the order of a map; here, too, the lowest number goes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cmp_to_key

from kubeinfer_sim.controllers.deployment.replica_pod import ReplicaPod

_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def pods_to_delete(
    pods: Sequence[ReplicaPod], count: int, related: Iterable[ReplicaPod], now: int
) -> list[ReplicaPod]:
    """The `count` of the active `pods` that go first, in that order, at `now` (ms).

    Args:
        pods: what there is to choose from.
        count: how many are to go.
        related: active pods of the ReplicaSets with the same controller, its own included (none: it has no
            controller); the more of them share a pod's node, the sooner it goes.
        now: the time, in ms.
    """
    if count >= len(pods):
        return list(pods)
    per_node = Counter([pod.node for pod in related])

    def order(a: ReplicaPod, b: ReplicaPod) -> int:
        return compare(a, b, per_node[a.node], per_node[b.node], now) or a.number - b.number

    # What all pods can be told apart by comes first, so that few are left to be compared two by two.
    keys = [
        (pod.node != "", _PHASES[pod.phase], pod.ready, pod.deletion_cost, -per_node[pod.node])
        for pod in pods
    ]
    last = sorted(keys)[count - 1]
    sure = [pod for pod, key in zip(pods, keys, strict=True) if key < last]
    tied = [pod for pod, key in zip(pods, keys, strict=True) if key == last]
    by_order = cmp_to_key(order)
    return sorted(sure, key=by_order) + sorted(tied, key=by_order)[: count - len(sure)]


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


def _bucket(age: int) -> int:
    """The power of two of an age in nanoseconds; the age is given in ms."""
    return (age * 1_000_000).bit_length() - 1 if age > 0 else -1
