"""The budgets of InstanceRollingUpdate, resolved against the number of instances.

maxSurge rounds up, maxUnavailable down; the vendor's guide says so, and so does the Deployment controller
(pkg/controller/deployment/util/deployment_util.go, ResolveFenceposts). Whole-number arithmetic only: 286 % of
100 is no float.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubeinfer_sim.manifest.model import IntOrPercent, RollingUpdate


@dataclass(frozen=True, slots=True)
class Budget:
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
    surge = _scaled(rolling_update.max_surge, replicas, up=True)
    unavailable = min(_scaled(rolling_update.max_unavailable, replicas, up=False), replicas)
    if IntOrPercent(0) == rolling_update.max_surge == rolling_update.max_unavailable:
        raise BothZero("maxSurge and maxUnavailable are both 0")
    warnings = []
    if replicas and surge == 0 and unavailable == 0:
        unavailable = 1
        warnings.append("both resolve to 0: unavailable raised to 1")
    if surge > replicas:
        warnings.append("surge above replicas has no further effect")
    if replicas and unavailable == replicas:
        warnings.append("no instance is guaranteed to stay up")
    if replicas == 1 and unavailable == 0:
        warnings.append("single instance: needs room for a second instance during the update")
    return Budget(replicas, surge, unavailable, tuple(warnings))


def _scaled(value: IntOrPercent, total: int, *, up: bool) -> int:
    if not value.percent:
        return value.value
    product = value.value * total
    return -(-product // 100) if up else product // 100
