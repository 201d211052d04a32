"""Estimates with their intervals, as parts of JSON documents."""

from __future__ import annotations

from math import isinf

from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.report.result_part import Part


class IntervalPart(Part):
    """An estimate, and the bounds between which the true number lies with the confidence."""

    value: float | None
    """Null: infinite, it lies among runs that do not finish."""
    low: float | None
    """Null: too few runs to say, or infinite (where `value` is, too)."""
    high: float | None
    high_infinite: bool = False
    """The bound lies among runs that do not finish."""
    method: str
    """Empty without an interval."""


class QuantilePart(Part):
    """A percentile."""

    part: float
    value: IntervalPart


def interval_part(number: Estimate) -> IntervalPart:
    """An estimate as a part of a document."""
    high = number.high
    return IntervalPart(
        value=finite(number.mean),
        low=None if number.low is None else finite(number.low),
        high=None if high is None else finite(high),
        high_infinite=high is not None and isinf(high),
        method=number.method,
    )


def finite(value: float) -> float | None:
    """The value; None when it is infinite, for which JSON has no number."""
    return None if isinf(value) else value


def quantile_part(part: float, number: Estimate) -> QuantilePart:
    """A percentile as a part of a document."""
    return QuantilePart(part=part, value=interval_part(number))
