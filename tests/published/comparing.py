"""Numbers others have published beside ours: by how many standard errors the two means differ."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

#: Nothing here may be further off. Of a hundred right comparisons hardly one in three batches is.
MOST = 3.0


@dataclass(frozen=True)
class Published:
    """A mean, the standard deviation of the replications it is of, and how many there were."""

    mean: float
    deviation: float
    count: int = 30

    def z(self, values: Sequence[float]) -> float:
        """How far the mean of our replications is off, in standard errors of the difference of two means."""
        own = statistics.variance(values) / len(values)
        return (statistics.fmean(values) - self.mean) / sqrt(own + self.deviation**2 / self.count)


def z_of_count(counts: Sequence[int], expected: float) -> float:
    """How far the sum of counts of a Poisson process, each expected to be `expected`, is off."""
    total = expected * len(counts)
    return (sum(counts) - total) / sqrt(total)


def z_of_mean(values: Sequence[float], expected: float) -> float:
    """How far a mean is off, in standard errors estimated from the values."""
    return (statistics.fmean(values) - expected) / (statistics.stdev(values) / sqrt(len(values)))
