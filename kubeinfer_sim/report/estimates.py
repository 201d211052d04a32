"""Numbers of a column, and estimates of them with their bounds, as people write them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from math import ceil, isinf, log10

from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.report.words import point, rounded
from kubeinfer_sim.scenario.units import format_duration

TIMES = ("ms", "instance-ms", "pod-ms")


def between(what: str, number: Estimate, unit: str, endless: str = "never") -> str:
    """`p50 31m (30m–32m)`; a bound that cannot be told is left out, too few for any are said.

    Bounds of parts of a whole are rounded away from the estimate. `endless`: what is said of an infinite one.
    """
    text = f"{what} {amount(number.mean, unit, endless=endless)}"
    if number.low is None and number.high is None:
        return f"{text} (too few to say)"
    if number.low is not None and number.low == number.high:
        return text
    low = "…" if number.low is None else amount(number.low, unit, ROUND_FLOOR, endless)
    high = "…" if number.high is None else amount(number.high, unit, ROUND_CEILING, endless)
    return f"{text} ({low}–{high})"


def amount(value: float, unit: str, rounding: str = ROUND_HALF_EVEN, endless: str = "never") -> str:
    """A number of a column as people write it; infinite is `endless`. `rounding` is that of parts of a whole."""
    if isinf(value):
        return endless
    if unit in TIMES:
        return rounded(round(value))
    if unit in ("fraction", "held"):
        return f"{fine(value * 100, rounding)} %"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def amounts(values: Sequence[float], unit: str, endless: str = "never") -> list[str]:
    """Numbers that stand side by side, as `amount` writes each; times that differ are written so that they differ."""
    written = [amount(each, unit, endless=endless) for each in values]
    for finer in (point, format_duration) if unit in TIMES else ():
        alike: dict[str, set[int]] = {}
        for text, value in zip(written, values, strict=True):
            if not isinf(value):
                alike.setdefault(text, set()).add(round(value))
        written = [
            finer(round(value)) if len(alike.get(text, ())) > 1 else text
            for text, value in zip(written, values, strict=True)
        ]
    return written


def fine(percent: float, rounding: str = ROUND_HALF_EVEN) -> str:
    """A percentage to so many places that it is neither 0 nor 100 when it is not."""
    if percent in (0, 100):
        return f"{percent:.0f}"
    edge = min(abs(percent), abs(100 - percent))
    places = max(2, ceil(-log10(edge)) + 1)
    exact = Decimal(f"{percent:.15g}")  # what was 7 % before it was multiplied is 7 %
    return f"{exact.quantize(Decimal(1).scaleb(-places), rounding).normalize():f}"
