"""The budgets of InstanceRollingUpdate, resolved against the number of instances.

By the rule of Deployments, but that both written as 0 are refused; the vendor's guide rounds them likewise.
"""

from __future__ import annotations

from msgspec import Struct

from kubeinfer_sim.manifest.kubernetes.fenceposts import resolve_fenceposts
from kubeinfer_sim.manifest.model import IntOrPercent, RollingUpdate


class Budget(Struct, frozen=True):
    """How far a rolling update may go.

    Attributes:
        replicas: R, the instances wanted.
        surge: S, instances above R that may exist while old ones do.
        unavailable: U, instances below R that need not be ready.
        warnings: what a user should know about how they came out.
    """

    replicas: int
    surge: int
    unavailable: int
    warnings: tuple[str, ...] = ()

    @property
    def ceiling(self) -> int:
        """How many instances may be live while an old one exists."""
        return self.replicas + self.surge

    @property
    def min_available(self) -> int:
        """How many ready instances the update leaves alone."""
        return self.replicas - self.unavailable


class BothZero(ValueError):
    """maxSurge and maxUnavailable are both the number 0: no update could ever go on."""


def resolve(rolling_update: RollingUpdate, replicas: int) -> Budget:
    """Resolve the budgets for `replicas` instances.

    Raises:
        BothZero: both are written as the number 0. (Written as 0 % they resolve like any percentages that
            round to nothing; validation refuses both spellings in a manifest.)
    """
    max_surge, max_unavailable = rolling_update.max_surge, rolling_update.max_unavailable
    if IntOrPercent(0) == max_surge == max_unavailable:
        raise BothZero("maxSurge and maxUnavailable are both 0")
    posts = resolve_fenceposts(max_surge, max_unavailable, replicas)
    surge, unavailable = posts.surge, posts.max_unavailable
    warnings = []
    if replicas and not (surge or max_unavailable.of(replicas, round_up=False)):
        warnings.append("both resolve to 0: unavailable raised to 1")
    if surge > replicas:
        warnings.append("surge above replicas has no further effect")
    if replicas and unavailable == replicas:
        warnings.append("no instance is guaranteed to stay up")
    if replicas == 1 and unavailable == 0:
        warnings.append("single instance: needs room for a second instance during the update")
    return Budget(replicas, surge, unavailable, tuple(warnings))
