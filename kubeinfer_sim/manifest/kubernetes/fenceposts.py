"""What the budgets of a rolling update come to: the one rule, for Deployments and for KubeInfers.

Source: pkg/controller/deployment/util/deployment_util.go (ResolveFenceposts). The vendor's guide rounds the budgets of
InstanceRollingUpdate the same way.
"""

from __future__ import annotations

from msgspec import Struct

from kubeinfer_sim.manifest.kubernetes.intstr import scaled_value
from kubeinfer_sim.manifest.model import IntOrPercent

Budget = int | str | IntOrPercent


class Fenceposts(Struct, frozen=True):
    """The bounds of a rolling update, in pods or instances.

    Attributes:
        surge: how many there may be above the wanted number.
        unavailable: how many may be missing, by the budgets alone.
        max_unavailable: how many may be missing, at most all.
        min_available: how many must be there.
    """

    surge: int
    unavailable: int
    max_unavailable: int
    min_available: int


def resolve_fenceposts(max_surge: Budget, max_unavailable: Budget, replicas: int) -> Fenceposts:
    """What budgets come to for a number of replicas.

    maxSurge rounds up, maxUnavailable down; where both come out as 0, one may be missing. Numbers are of 32 bits and
    overflow.

    Raises:
        ValueError: a budget is neither a number nor a percentage.
    """
    surge = _int32(scaled_value(max_surge, replicas, round_up=True))
    unavailable = _int32(scaled_value(max_unavailable, replicas, round_up=False))
    if surge == 0 and unavailable == 0:
        unavailable = 1
    used = min(unavailable, replicas) if replicas else 0
    return Fenceposts(surge, unavailable, used, replicas - used)


def _int32(number: int) -> int:
    return (number + 2**31) % 2**32 - 2**31
