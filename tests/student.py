"""Student's t interval by the book, for published numbers that were given with it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev

from scipy.special import stdtrit

from kubeinfer_sim.experiment.statistics.estimate import Estimate


def student(values: Sequence[float]) -> Estimate:
    """The mean with its 95 % interval."""
    mean = fmean(values)
    if len(values) == 1:
        return Estimate(mean)
    half = float(stdtrit(len(values) - 1, 0.975)) * stdev(values) / len(values) ** 0.5
    return Estimate(mean, mean - half, mean + half)
