"""In how many of all runs something comes about: exact intervals, and a test that may be looked at after every run."""

from __future__ import annotations

from collections.abc import Callable
from math import expm1, lgamma, log, log1p

from kubeinfer_sim.experiment.statistics.estimate import CONFIDENCE, Estimate

EXACT = "Clopper-Pearson"
#: Where none, or all, of the runs have it, the interval has one side.
EXACT_ONE_SIDED = "Clopper-Pearson, one-sided"
SEQUENCE = "confidence sequence"


def proportion(hits: int, runs: int, confidence: float = CONFIDENCE) -> Estimate:
    """The part `hits` of `runs` with its exact interval (Clopper and Pearson, Biometrika 26, 1934).

    When none of n runs had it the interval is one-sided: at most 1 - 0.05^(1/n), which is 3/n; likewise when all had.

    Raises:
        ValueError: there are no runs, or more hits than runs.
    """
    if not 0 <= hits <= runs or not runs:
        raise ValueError(f"no proportion: {hits} of {runs}")
    if hits in (0, runs):
        never = -expm1(log1p(-confidence) / runs)
        low, high = (0.0, never) if not hits else (1 - never, 1.0)
        return Estimate(hits / runs, low, high, EXACT_ONE_SIDED)
    tail = (1 - confidence) / 2
    return Estimate(hits / runs, at_least(hits, runs, 1 - tail), at_most(hits, runs, 1 - tail), EXACT)


def at_least(hits: int, runs: int, confidence: float = CONFIDENCE) -> float:
    """The exact lower bound, one-sided."""
    if not hits:
        return 0.0
    from scipy.special import betaincinv  # scipy.stats takes ten times as long to import

    return float(betaincinv(hits, runs - hits + 1, 1 - confidence))


def at_most(hits: int, runs: int, confidence: float = CONFIDENCE) -> float:
    """The exact upper bound, one-sided."""
    if hits == runs:
        return 1.0
    from scipy.special import betaincinv

    return float(betaincinv(hits + 1, runs - hits, confidence))


def decided(hits: int, runs: int, wanted: float, confidence: float = CONFIDENCE) -> bool | None:
    """Whether the true proportion is above `wanted` (True) or below (False); None: it cannot be told yet.

    However often one looks, the error stays within 1 - confidence: (n+1) Binom(s; n, p) is a martingale under p, a
    mixture of likelihood ratios over all other proportions (Robbins 1970; arXiv 1611.01675, confidence sequences).
    """
    if not runs or log(runs + 1) + _log_binomial(hits, runs, wanted) > log1p(-confidence):
        return None
    return hits > wanted * runs


def _log_binomial(hits: int, runs: int, chance: float) -> float:
    """The logarithm of the probability of just so many hits."""
    if chance in (0, 1):
        return 0.0 if hits == chance * runs else float("-inf")
    ways = lgamma(runs + 1) - lgamma(hits + 1) - lgamma(runs - hits + 1)
    return ways + hits * log(chance) + (runs - hits) * log1p(-chance)


def always_valid(hits: int, runs: int, confidence: float = CONFIDENCE) -> Estimate:
    """The part `hits` of `runs` with an interval that holds however often one has looked: what is not `decided`."""
    mean = hits / runs
    return Estimate(
        mean,
        _edge(lambda wanted: decided(hits, runs, wanted, confidence) is None, 0.0, mean),
        _edge(lambda wanted: decided(hits, runs, wanted, confidence) is None, 1.0, mean),
        SEQUENCE,
    )


def _edge(holds: Callable[[float], bool], outside: float, inside: float) -> float:
    """Where it begins to hold, between a place where it may not and one where it does."""
    if holds(outside):
        return outside
    for _ in range(60):
        middle = (outside + inside) / 2
        outside, inside = (outside, middle) if holds(middle) else (middle, inside)
    return outside
