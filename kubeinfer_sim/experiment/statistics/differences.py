"""Differences of two ways under the same seeds: how much more often, and where the one in the middle lies.

What is compared seed by seed differs far less than runs of different seeds do (common random numbers: Law, Simulation
Modeling and Analysis, 11.2). Of means see `means.estimate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf

from kubeinfer_sim.experiment.statistics.estimate import CONFIDENCE, TOO_FEW, Estimate
from kubeinfer_sim.experiment.statistics.means import alike, fewest_for_signs
from kubeinfer_sim.experiment.statistics.percentiles import percentile
from kubeinfer_sim.experiment.statistics.proportions import proportion

EXACT_PAIRED = "Clopper-Pearson, paired by seed"


def more_often(
    gained: int,
    lost: int,
    runs: int,
    unknown: int = 0,
    confidence: float = CONFIDENCE,
    mean: float | None = None,
) -> Estimate:
    """How much more often something comes about in one way than in the other, as a part of the runs.

    The interval is of the part of the seeds with which only the one way has it, less that with which only the other
    has: each part exact (Clopper and Pearson), with half of what may go wrong (Bonferroni). What is unknown may be
    either.

    Args:
        gained: under how many seeds only the one way had it.
        lost: under how many only the other had.
        runs: how many seeds there are.
        unknown: of how many it is not known of both ways.
        confidence: of the interval.
        mean: the difference that was seen; if not given, that of the two numbers.

    Raises:
        ValueError: there are no runs, or more seeds than these.
    """
    if gained + lost + unknown > runs:
        raise ValueError(f"{gained} + {lost} + {unknown} of {runs}")
    each = (1 + confidence) / 2
    more, fewer = proportion(gained, runs, each), proportion(lost, runs, each)
    at_most = proportion(gained + unknown, runs, each), proportion(lost + unknown, runs, each)
    low = (more.low or 0.0) - (at_most[1].high or 0.0)
    high = (at_most[0].high or 0.0) - (fewer.low or 0.0)
    seen = (gained - lost) / runs if mean is None else mean
    return Estimate(seen, low, high, EXACT_PAIRED, differs=low > 0 or high < 0)


def middle(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate | None:
    """The median with its interval (order statistics, exact for any distribution); None of too few values for one."""
    if len(values) < fewest_for_signs(confidence):
        return None
    return percentile(sorted(values), 0.5, confidence)


def apart(one: float, other: float) -> float:
    """How much more the one is; nothing where neither finishes."""
    return 0.0 if one == other else one - other


def typical(values: Sequence[float], confidence: float = CONFIDENCE, *, drawn: bool = True) -> Estimate:
    """The median with its interval, if there are enough values for one; of values that are not `drawn` each is true.

    Raises:
        ValueError: there are no values.
    """
    made = percentile(sorted(values), 0.5, confidence)
    if not drawn:
        return Estimate(made.mean, made.mean, made.mean)
    if len(values) < fewest_for_signs(confidence):
        return Estimate(made.mean, reason=TOO_FEW)
    if not any(map(isinf, values)) and alike(values):
        return Estimate(made.mean, made.mean, made.mean, made.method)
    return made
