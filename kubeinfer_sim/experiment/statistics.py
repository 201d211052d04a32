"""Means and their confidence intervals, over replications with different seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """The mean of some numbers; `half` is half the width of its 95 % interval, None for a single number."""

    mean: float
    half: float | None

    @property
    def differs(self) -> bool:
        """Whether 0 lies outside the interval (for a single number: whether it is not 0)."""
        return abs(self.mean) > (self.half or 0)


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
        return Estimate(mean, None)
    deviation = sqrt(fsum((value - mean) ** 2 for value in values) / (count - 1))
    if deviation <= 1e-12 * abs(mean):  # they are equal but for rounding
        return Estimate(mean, 0.0)
    from scipy.special import stdtrit  # the quantile alone: scipy.stats takes ten times as long to import

    quantile = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2))
    return Estimate(mean, quantile * deviation / sqrt(count))
