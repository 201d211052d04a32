"""Scaling a Deployment: all to one ReplicaSet, or, while several have pods, in proportion to their sizes.

Source: pkg/controller/deployment/sync.go (scale, isScalingEvent) and util/deployment_util.go
(FindActiveOrLatest, IsSaturated, GetReplicaSetProportion).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from kubeinfer_sim.controllers.deployment.replica_set import ReplicaSet
from kubeinfer_sim.controllers.deployment.rolling import Bounds, Change, active, by_age, wanted


def is_scaling_event(replica_sets: Sequence[ReplicaSet], replicas: int) -> bool:
    """Whether the Deployment's replicas changed since an active ReplicaSet was last scaled."""
    event = False
    for each in replica_sets:  # asked at each sync, where `any` would cost a call for each ReplicaSet
        event |= each.replicas > 0 and each.desired not in (None, replicas)
    return event


def scaled(
    new: ReplicaSet | None,
    old: Sequence[ReplicaSet],
    bounds: Bounds,
    total: int,
) -> list[Change]:
    """The sizes the ReplicaSets get when the Deployment's replicas changed, or while it is paused.

    Args:
        new: the ReplicaSet of the present template, if it exists.
        old: the others.
        bounds: the budgets, resolved for the replicas now asked for.
        total: the pods the Deployment reports, for ReplicaSets without a recorded maximum.
    """
    everything = [*old, new] if new is not None else list(old)
    living = by_age(active(everything))
    if len(living) <= 1:
        only = living[0] if living else new or max(everything, key=lambda each: each.number, default=None)
        return [] if only is None or only.replicas == bounds.replicas else [(only, bounds.replicas)]
    if new is not None and _saturated(new, bounds.replicas):
        return [(each, 0) for each in living if each is not new]
    return _in_proportion(living, bounds, total) if bounds.rolling else []


def _saturated(new: ReplicaSet, replicas: int) -> bool:
    return new.replicas == new.desired == new.status.available == replicas


def _in_proportion(living: list[ReplicaSet], bounds: Bounds, total: int) -> list[Change]:
    """Largest first; of equal ones the newest grows and the oldest shrinks first; what is left goes to the first."""
    to_add = (bounds.ceiling if bounds.replicas > 0 else 0) - wanted(living)
    if to_add == 0:
        return [(each, each.replicas) for each in living]  # their annotations are brought up to date
    newer_first = -1 if to_add > 0 else 1
    living.sort(key=lambda each: (-each.replicas, newer_first * each.number))
    added = 0
    sizes = []
    for each in living:
        share = _share(each, bounds, total)
        share = min(share, to_add - added) if to_add > 0 else max(share, to_add - added)
        added += share
        sizes.append(each.replicas + share)
    sizes[0] = max(0, sizes[0] + to_add - added)
    return list(zip(living, sizes, strict=True))


def _share(replica_set: ReplicaSet, bounds: Bounds, total: int) -> int:
    """By how much a ReplicaSet should grow to keep its part of the whole; halves round away from zero."""
    if bounds.replicas == 0:
        return -replica_set.replicas
    before = replica_set.maximum or total
    if before == 0:
        return 0
    return math.floor(replica_set.replicas * bounds.ceiling / before + 0.5) - replica_set.replicas
