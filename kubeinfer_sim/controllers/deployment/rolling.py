"""The steps of a rolling update and of Recreate, as plain functions on ReplicaSets.

Source: pkg/controller/deployment/rolling.go, recreate.go and util/deployment_util.go. They count what
ReplicaSets were asked for and what those report as available; pods that are still terminating count nowhere,
so more of them than replicas + surge may hold devices.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from operator import attrgetter

from msgspec import Struct

from kubeinfer_sim.controllers.deployment.replica_set import ReplicaSet
from kubeinfer_sim.manifest.kubernetes.fenceposts import resolve_fenceposts
from kubeinfer_sim.manifest.model import Deployment, IntOrPercent

_number = attrgetter("number")
#: A ReplicaSet and the size it is to get.
Change = tuple[ReplicaSet, int]


class Bounds(Struct, frozen=True, dict=True):
    """The budgets of a Deployment resolved against its replicas; both 0 with Recreate.

    Attributes:
        surge: pods above `replicas` that may exist.
        max_unavailable: pods that may be missing, at most all.
        rolling: whether the strategy is RollingUpdate; Recreate has no budgets.
    """

    replicas: int
    surge: int
    max_unavailable: int
    rolling: bool = True

    @classmethod
    def of(cls, spec: Deployment) -> Bounds:
        """Resolve a Deployment's budgets."""
        if spec.strategy != "RollingUpdate":
            return cls(spec.replicas, 0, 0, rolling=False)
        budgets = spec.rolling_update
        return _resolved(budgets.max_surge, budgets.max_unavailable, spec.replicas)

    @cached_property
    def min_available(self) -> int:
        """From how many available pods on the condition Available holds."""
        return self.replicas - self.max_unavailable

    @property
    def guaranteed(self) -> int:
        """How many pods an update leaves available (MinAvailable); none with Recreate."""
        return self.min_available if self.rolling else 0

    @cached_property
    def ceiling(self) -> int:
        """How many pods ReplicaSets may be asked for together."""
        return self.replicas + self.surge


@lru_cache(maxsize=256)  # asked for at each of a controller's syncs
def _resolved(max_surge: IntOrPercent, max_unavailable: IntOrPercent, replicas: int) -> Bounds:
    posts = resolve_fenceposts(max_surge, max_unavailable, replicas)
    return Bounds(replicas, posts.surge, posts.max_unavailable)


def by_age(replica_sets: Sequence[ReplicaSet]) -> list[ReplicaSet]:
    """Oldest first."""
    return sorted(replica_sets, key=_number) if len(replica_sets) > 1 else list(replica_sets)


def active(replica_sets: Sequence[ReplicaSet]) -> list[ReplicaSet]:
    """Those that are asked for any pods."""
    return [each for each in replica_sets if each.replicas > 0]


def wanted(replica_sets: Sequence[ReplicaSet]) -> int:
    """How many pods they are asked for together."""
    number = 0
    for each in replica_sets:
        number += each.replicas
    return number


def new_replica_set_size(size: int, total: int, bounds: Bounds) -> int:
    """How far the new ReplicaSet may grow (NewRSNewReplicas), from `size`, with `total` pods asked for in all."""
    if not bounds.rolling:
        return bounds.replicas
    if total >= bounds.ceiling:
        return size
    return size + min(bounds.ceiling - total, bounds.replicas - size)


def reconcile_new(replica_sets: Sequence[ReplicaSet], new: ReplicaSet, bounds: Bounds) -> list[Change]:
    """Cut the new ReplicaSet to the wanted size, or let it grow as far as the surge allows."""
    if new.replicas > bounds.replicas:
        return [(new, bounds.replicas)]
    total = wanted(replica_sets)
    if bounds.rolling and total >= bounds.ceiling:
        return []
    size = new_replica_set_size(new.replicas, total, bounds)
    return [] if size == new.replicas else [(new, size)]


def reconcile_old(old: Sequence[ReplicaSet], new: ReplicaSet, bounds: Bounds) -> list[Change]:
    """Shrink the old ReplicaSets: what is not available first, then as many as availability allows.

    New pods that are not available reserve their own share of the room, so that a template that never works
    does not eat up the old one.
    """
    room = wanted(old) + new.replicas - bounds.min_available - (new.replicas - new.status.available)
    if room <= 0:
        return []
    old = by_age(active(old))
    sizes = clean_up_unhealthy(old, room)
    if all(each.status.available <= each.replicas for each in old[: len(sizes)]):
        available = new.status.available + sum(each.status.available for each in old)
        sizes = scale_down(sizes, available - bounds.min_available)
    return [(each, size) for each, size in zip(old, sizes, strict=False) if size != each.replicas]


def clean_up_unhealthy(old: Sequence[ReplicaSet], limit: int) -> list[int]:
    """Sizes of old ReplicaSets (oldest first) without up to `limit` pods that are not available.

    A ReplicaSet that reports more available pods than it is asked for has just been shrunk: its report is out of
    date, the real controller fails there, and nothing after it is touched in this sync.
    """
    sizes = []
    for each in old:
        unhealthy = each.replicas - each.status.available
        cut = max(0, min(limit, unhealthy))
        limit -= cut
        sizes.append(each.replicas - cut)
        if unhealthy < 0 < limit:
            break
    return sizes


def scale_down(sizes: Sequence[int], spare: int) -> list[int]:
    """Sizes of old ReplicaSets (oldest first) with up to `spare` fewer pods."""
    result = []
    for size in sizes:
        cut = max(0, min(size, spare))
        spare -= cut
        result.append(size - cut)
    return result
