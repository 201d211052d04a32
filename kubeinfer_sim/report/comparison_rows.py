"""The numbers of a comparison: what each variant came to, and how far that is from the first one."""

from __future__ import annotations

from math import ceil, log10

from msgspec import Struct

from kubeinfer_sim.experiment.columns import Column
from kubeinfer_sim.experiment.compare import Comparison, Outcome
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.statistics.percentiles import PARTS
from kubeinfer_sim.report.estimates import TIMES, between
from kubeinfer_sim.report.words import rounded, share_between

MINUS = "−"
#: Percentiles say something from so many seeds on.
ENOUGH_FOR_PERCENTILES = 10


class Row(Struct, frozen=True):
    """A number under every variant, and how far it is from that under the first; no differences where there is none."""

    title: str
    values: tuple[str, ...]
    differences: tuple[str, ...] = ()


def held_share(outcome: Outcome, several: bool) -> str:
    """In how many runs all objectives held together, of one run whether they did; "" without objectives."""
    share = outcome.together
    if share is None:
        return ""
    if not several:
        return "yes" if share.mean else "no"
    return share_between(share.mean, share.low or 0.0, share.high or 0.0)


def percentile_rows(comparison: Comparison) -> list[Row]:
    """Probability of all objectives together, and percentiles of how long it takes; nothing of few seeds."""
    rows: list[Row] = []
    outcomes = comparison.outcomes
    if (
        len(comparison.seeds) > 1
        and any(len(each.all_held) > 0 for each in outcomes)
        and several_objectives(comparison)
    ):
        rows.append(Row("all objectives held", tuple(held_share(each, True) for each in outcomes)))
    if len(comparison.seeds) < ENOUGH_FOR_PERCENTILES:
        return rows
    for part in PARTS:
        numbers = [each.quantile("duration", part) for each in outcomes]
        if any(number is not None and number.mean for number in numbers):
            shown = tuple("-" if each is None else between("", each, "ms").strip() for each in numbers)
            rows.append(Row(f"takes p{part * 100:g}", shown))
    return rows


def several_objectives(comparison: Comparison) -> bool:
    """Whether there is more than one objective."""
    return sum(column.about == "objective" for column in comparison.columns) > 1


def row_of(comparison: Comparison, column: Column) -> Row | None:
    """The row of a column; None where it says nothing under any variant."""
    base = comparison.outcomes[0]
    means = [outcome.mean(column) for outcome in comparison.outcomes]
    known = [mean for mean in means if mean is not None]
    of_kind = column.about not in ("", "objective")
    if not known and column.about == "objective":  # no run came far enough to tell
        return Row(column.title, tuple("open" for _ in means))
    usual = 0 if column.goes_without_saying is None and column.unit != "held" else column.goes_without_saying
    if not known or (not of_kind and all(mean.mean == usual for mean in known)):
        return None
    title = column.title_in(comparison.outcomes[0].variant.scenario)
    values = tuple(
        _value(column, mean) + _over(comparison, outcome, column)
        for outcome, mean in zip(comparison.outcomes, means, strict=True)
    )
    if column.unit == "held" and len(comparison.seeds) == 1:
        return Row(title, values)
    differences = [outcome.against(base, column) for outcome in comparison.outcomes[1:]]
    if all(difference is None or abs(difference.mean) < 1e-12 for difference in differences):
        return Row(title, values)
    return Row(title, values, tuple(_signed(column, each) for each in differences))


def _over(comparison: Comparison, outcome: Outcome, column: Column) -> str:
    """Of how many runs a mean is, where it is not of all."""
    known = outcome.known(column)
    return f" (of {known})" if 0 < known < len(comparison.seeds) else ""


def _value(column: Column, number: Estimate | None) -> str:
    if number is None:
        return "open" if column.about == "objective" else "-"
    if column.unit == "held":
        if number.low is None or number.high is None:
            return "yes" if number.mean else "no"
        return share_between(number.mean, number.low, number.high)
    return with_half(column, number)


def _signed(column: Column, number: Estimate | None) -> str:
    if number is None:
        return "-"
    if abs(number.mean) < 1e-12 and not number.half:
        return "="
    sign = MINUS if number.mean < 0 else "+"
    return sign + with_half(column, number)


def with_half(column: Column, number: Estimate) -> str:
    """The size of a number ± half of its interval, as exact as that asks for."""
    mean, half = abs(number.mean), number.half
    if column.unit in TIMES:
        text = rounded(round(mean))
        return f"{text} ± {rounded(round(half))}" if half else text
    unit = ""
    if column.unit in ("fraction", "held"):
        mean, half, unit = mean * 100, half and half * 100, " %"
    least = 2 if unit else 0 if column.unit == "count" and mean.is_integer() else 1
    places = _places(half or mean, least=least)
    if unit and mean < 100:  # 100 % is all of it
        mean = min(mean, 100 - 10**-places)
    return f"{mean:,.{places}f}{f' ± {half:,.{places}f}' if half else ''}{unit}"


def _places(number: float, *, least: int) -> int:
    """Decimals that show the first digit of a number, at most four."""
    return least if not number else min(4, max(least, ceil(-log10(number))))
