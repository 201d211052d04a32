"""Means, proportions and their confidence intervals, over replications with different seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """The mean of some numbers; `low` and `high` bound its 95 % interval, None for a single number."""

    mean: float
    low: float | None = None
    high: float | None = None

    @property
    def half(self) -> float | None:
        """Half the width of the interval."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    @property
    def differs(self) -> bool:
        """Whether 0 lies outside the interval (for a single number: whether it is not 0)."""
        if self.low is None or self.high is None:
            return self.mean != 0
        return self.low > 0 or self.high < 0


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and Student's t interval.

    For differences of runs under the same seeds this is the paired t interval: with common random numbers the
    differences vary far less than what they are differences of (Law, Simulation Modeling and Analysis, 11.2).

    Raises:
        ValueError: there are no values.
    """
    count = len(values)
    if not count:
        raise ValueError("no values to estimate a mean from")
    mean = fsum(values) / count
    if count == 1:
        return Estimate(mean)
    deviation = sqrt(fsum((value - mean) ** 2 for value in values) / (count - 1))
    if deviation <= 1e-12 * abs(mean):  # they are equal but for rounding
        return Estimate(mean, mean, mean)
    from scipy.special import stdtrit  # the quantile alone: scipy.stats takes ten times as long to import

    half = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * deviation / sqrt(count)
    return Estimate(mean, mean - half, mean + half)


def proportion(values: Sequence[float]) -> Estimate:
    """The part of them that is 1, not 0, with Wilson's interval.

    It stays within 0 and 1 and does not shrink to nothing when all are alike (Wilson, JASA 22, 1927; Brown, Cai and
    DasGupta, Statistical Science 16, 2001).

    Raises:
        ValueError: there are no values.
    """
    count = len(values)
    if not count:
        raise ValueError("no values to estimate a proportion from")
    mean = fsum(values) / count
    if count == 1:
        return Estimate(mean)
    from scipy.special import ndtri

    z = float(ndtri((1 + CONFIDENCE) / 2))
    middle = (mean + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * sqrt(mean * (1 - mean) / count + z * z / (4 * count * count))
    return Estimate(mean, min(mean, max(0.0, middle - half)), max(mean, min(1.0, middle + half)))
