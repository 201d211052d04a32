"""Percentiles by order statistics: they hold whatever the distribution, infinite values included."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from math import ceil
from typing import Literal

from kubeinfer_sim.experiment.statistics.estimate import CONFIDENCE, TOO_FEW, Estimate

ORDER_STATISTICS = "order statistics"
#: Those that are told, of numbers of which a low one is the better; the last are of the bad runs.
PARTS = (0.5, 0.9, 0.95, 0.99)
#: Of numbers of which a high one is the better.
LOW_PARTS = (0.5, 0.1, 0.05, 0.01)


def parts(better: Literal["high", "low"]) -> tuple[float, ...]:
    """The percentiles that are told of a number: the middle and the bad end."""
    return LOW_PARTS if better == "high" else PARTS


def check_part(part: float) -> None:
    """Refuse what is no part of all runs.

    Raises:
        ValueError: it is not above 0 and below 1.
    """
    if not 0 < part < 1:
        raise ValueError(f"{part!r}: expected a part between 0 and 1, as 0.95")


def percentile(ordered: Sequence[float], part: float, confidence: float = CONFIDENCE) -> Estimate:
    """The value that the `part` of all runs does not exceed, with its interval.

    The number of values below the true percentile is binomial; so the interval goes from one of the ordered values to
    another (David and Nagaraja, Order Statistics, 7.1). Where there are too few values for a bound on one side there
    is none.

    Args:
        ordered: the values in ascending order; infinite for runs that did not finish.
        part: above 0 and below 1.
        confidence: of the interval; each side may err by half of the rest.

    Raises:
        ValueError: there are no values, or it is no such part.
    """
    check_part(part)
    count = len(ordered)
    if not count:
        raise ValueError("no values to take a percentile of")
    from scipy.special import bdtr

    tail = (1 - confidence) / 2
    # Ranks count from 1; X(r) > x with probability P(fewer than r below it).
    low = (_first(lambda rank: float(bdtr(rank - 1, count, part)) > tail, count) or count + 1) - 1
    high = _first(lambda rank: 1 - float(bdtr(rank - 1, count, part)) <= tail, count)
    return Estimate(
        ordered[min(count, max(1, ceil(count * part - 1e-9))) - 1],
        ordered[low - 1] if low else None,
        ordered[high - 1] if high else None,
        ORDER_STATISTICS if low or high else "",
        "" if low and high else TOO_FEW,
    )


def _first(holds: Callable[[int], bool], count: int) -> int | None:
    """The first rank from which on it holds; None when it holds for none."""
    rank = bisect_left(range(1, count + 1), True, key=holds) + 1
    return rank if rank <= count else None
