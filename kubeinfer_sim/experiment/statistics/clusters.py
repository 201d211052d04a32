"""Means and percentiles of what comes several times in a run: what one run has in common makes it know less.

Ten recoveries of one run are not ten runs: they share its faults, its spares, its repair crew. So the interval is that
of a sample of clusters, the runs. For a percentile it is Woodruff's (Journal of the American Statistical Association,
1952): how many values lie below it varies from run to run, which tells how many independent values would be as good
(Kish's design effect), and the order statistics are those of so many. Where no run has more than one value they are the
exact ones. It covers 93 to 97 % where enough runs have values on either side (`tests/experiment/test_statistics.py`);
with fewer, and where a few runs have most of them, there is no interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from math import ceil, floor, isinf

from kubeinfer_sim.experiment.statistics.estimate import CONFIDENCE, TOO_FEW, Estimate
from kubeinfer_sim.experiment.statistics.means import STUDENT, effective, estimate
from kubeinfer_sim.experiment.statistics.percentiles import check_part, percentile

WOODRUFF = "order statistics, runs as clusters (Woodruff)"
STUDENT_OF_CLUSTERS = f"{STUDENT}, runs as clusters"
#: So many runs of equal weight must have values up to the percentile, and as many from it on.
ENOUGH_RUNS = 50


def clustered_mean(clusters: Sequence[Sequence[float]], confidence: float = CONFIDENCE) -> Estimate:
    """The mean of all finite values, and its interval by how the runs differ from it.

    Args:
        clusters: the values of each run, of some none.
        confidence: of the interval.

    Raises:
        ValueError: there are no finite values.
    """
    finite = [[value for value in own if not isinf(value)] for own in clusters]
    number = sum(map(len, finite))
    if not number:
        raise ValueError("no values to estimate a mean from")
    mean = sum(map(sum, finite)) / number
    each = number / len(finite)
    told = estimate([mean + (sum(own) - mean * len(own)) / each for own in finite], confidence)
    return Estimate(
        mean, told.low, told.high, STUDENT_OF_CLUSTERS if told.method else "", told.reason, told.differs
    )


def clustered_percentile(
    clusters: Sequence[Sequence[float]], part: float, confidence: float = CONFIDENCE
) -> Estimate:
    """The value that the `part` of all values, of whichever run, does not exceed; of infinite ones as of others.

    Args:
        clusters: the values of each run, of some none.
        part: above 0 and below 1.
        confidence: of the interval.

    Raises:
        ValueError: there are no values, or it is no such part.
    """
    check_part(part)
    ordered = sorted(chain.from_iterable(clusters))
    if all(len(own) <= 1 for own in clusters):
        return percentile(ordered, part, confidence)
    number = len(ordered)
    if not number:
        raise ValueError("no values to take a percentile of")
    value = ordered[min(number, max(1, ceil(number * part - 1e-9))) - 1]
    below = [sum(each < value for each in own) for own in clusters]
    upto = [sum(each <= value for each in own) for own in clusters]
    onwards = [len(own) - less for own, less in zip(clusters, below, strict=True)]
    if min(effective(upto), effective(onwards)) < ENOUGH_RUNS:
        return Estimate(value, reason=TOO_FEW)
    sizes = [len(own) for own in clusters]
    independent = number / max(1.0, *(_design_effect(hits, sizes) for hits in (below, upto)))
    low, high = _ranks(part, independent, sum(map(bool, sizes)), number, confidence)
    return Estimate(
        value,
        ordered[low - 1] if low >= 1 else None,
        ordered[high - 1] if high <= number else None,
        WOODRUFF,
        "" if low >= 1 and high <= number else TOO_FEW,
    )


def _design_effect(hits: Sequence[int], sizes: Sequence[int]) -> float:
    """The variance of the part that is hit by that of independent values (Kish, Survey Sampling, 8.2)."""
    number, runs = sum(sizes), len(sizes)
    part = sum(hits) / number
    alone = part * (1 - part) / number
    if not alone or runs < 2:
        return 1.0
    squares = sum((hit - part * size) ** 2 for hit, size in zip(hits, sizes, strict=True))
    return runs / (runs - 1) * squares / number**2 / alone


def _ranks(part: float, independent: float, clusters: int, number: int, confidence: float) -> tuple[int, int]:
    """From which of the ordered values to which: as of so many independent ones, told by so many clusters."""
    from scipy.special import betaincinv, stdtrit

    tail = (1 - confidence) / 2
    wider = float(stdtrit(number - 1, 1 - tail) / stdtrit(max(clusters - 1, 1), 1 - tail)) ** 2
    independent *= wider  # how they vary is itself told by the clusters alone (Korn and Graubard, 1998)
    hits = part * independent
    least = float(betaincinv(hits, independent - hits + 1, tail))
    most = float(betaincinv(hits + 1, independent - hits, 1 - tail))
    return ceil(number * least), floor(number * most) + 1
