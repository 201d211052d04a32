"""The numbers of a comparison: what each variant came to, and how far that is from the first one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil, log10
from typing import Literal

from msgspec import Struct

from kubeinfer_sim.experiment.columns import Column
from kubeinfer_sim.experiment.compare import Comparison, Outcome
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.statistics.means import ENOUGH, STUDENT, fewest_for_signs
from kubeinfer_sim.experiment.statistics.percentiles import ORDER_STATISTICS, PARTS
from kubeinfer_sim.experiment.statistics.proportions import EXACT
from kubeinfer_sim.report.estimates import TIMES, amount, between, fine
from kubeinfer_sim.report.words import count, rounded, share, share_between

MINUS = "−"
#: A smaller difference comes of how numbers are kept.
NOTHING = 1e-12
_ALL_HELD = "all objectives held"
#: Percentiles say something from so many seeds on.
ENOUGH_FOR_PERCENTILES = 10


class Row(Struct, frozen=True):
    """A number under every variant, and how far it is from that under the first; no differences where there is none."""

    title: str
    values: tuple[str, ...]
    differences: tuple[str, ...] = ()


def held_share(outcome: Outcome, several: bool, *, interval: bool = True) -> str:
    """In how many runs all objectives held together, of one run whether they did; "" without objectives.

    A run that cannot tell counts as one that does not at the lower bound, as one that does at the upper one.
    """
    together = outcome.together
    if together is None:
        return ""
    if not together.held + together.missed:
        return "open"
    share = together.share
    if not several:
        return "yes" if share.mean else "no"
    if not interval:
        return amount(share.mean, "fraction")
    return share_between(share.mean, share.low or 0.0, share.high or 0.0)


def percentile_rows(comparison: Comparison) -> list[Row]:
    """Probability of all objectives together, and percentiles of how long it takes; nothing of few seeds."""
    rows: list[Row] = []
    outcomes = comparison.outcomes
    if (
        len(comparison.seeds) > 1
        and any(each.together is not None for each in outcomes)
        and several_objectives(comparison)
    ):
        rows.append(Row(_ALL_HELD, tuple(held_share(each, True) for each in outcomes)))
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
    usual = column.goes_without_saying
    if usual is None and not of_kind and column.unit != "held":
        usual = 0
    if not known or all(mean.mean == usual for mean in known):
        return None
    title = column.title_in(comparison.outcomes[0].variant.scenario)
    values = tuple(
        value_text(column, outcome, mean) + _over(comparison, outcome, column)
        for outcome, mean in zip(comparison.outcomes, means, strict=True)
    )
    if column.unit == "held" and len(comparison.seeds) == 1:
        return Row(title, values)
    differences = [outcome.against(base, column) for outcome in comparison.outcomes[1:]]
    if all(difference is None or abs(difference.mean) < NOTHING for difference in differences):
        return Row(title, values)
    return Row(
        title,
        values,
        tuple(
            _difference(column, each, outcome.middle_against(base, column))
            for each, outcome in zip(differences, comparison.outcomes[1:], strict=True)
        ),
    )


def _over(comparison: Comparison, outcome: Outcome, column: Column) -> str:
    """Of how many runs a mean is, where it is not of all; of what is held or not how many cannot tell."""
    known, seeds = outcome.known(column), len(comparison.seeds)
    if not 0 < known < seeds:
        return ""
    return f", {seeds - known:,} cannot tell" if column.about == "objective" else f" (of {known})"


def value_text(column: Column, outcome: Outcome, number: Estimate | None) -> str:
    """A number of a variant with its interval."""
    if number is None:
        return "open" if column.about == "objective" else "-"
    if column.unit == "held":
        if number.low is None or number.high is None:
            return "yes" if number.mean else "no"
        return share_between(number.mean, number.low, number.high)
    return _with_interval(column, number, outcome.middle(column), with_half)


def _difference(column: Column, number: Estimate | None, middle: Estimate | None) -> str:
    if number is None:
        return "-"
    if abs(number.mean) < NOTHING and not number.half:
        return "="
    if column.unit == "held" and number.low is not None and number.high is not None:
        seen, low, high = (_signed_percent(each) for each in (number.mean, number.low, number.high))
        return f"{seen} ({low} to {high}) %"
    return _with_interval(column, number, middle, _signed)


def _with_interval(
    column: Column,
    number: Estimate,
    middle: Estimate | None,
    text: Callable[[Column, Estimate], str],
) -> str:
    """A mean ± half of its interval; where there are too few for that `[ ]` with the interval of the median.

    That says nothing where the median is but what is most common. Where it does not hold the mean it says whose it is.
    """
    told = text(column, number)
    if number.half or middle is None or middle.low is None or middle.high is None or not middle.half:
        return told
    low, high = (text(column, Estimate(each)) for each in (middle.low, middle.high))
    if low == high == told:
        return told
    unit = " %" if told.endswith(" %") else ""
    outside = "" if middle.low <= number.mean <= middle.high else "median "
    return f"{told.removesuffix(unit)} [{outside}{low.removesuffix(unit)}, {high.removesuffix(unit)}]{unit}"


def _signed_percent(part: float) -> str:
    sign = MINUS if part < 0 else "+" if part > 0 else ""
    return sign + fine(abs(part) * 100)


def _signed(column: Column, number: Estimate) -> str:
    if abs(number.mean) < NOTHING:
        return with_half(column, Estimate(0.0, number.low, number.high))
    sign = MINUS if number.mean < 0 else "+"
    return sign + with_half(column, number)


def lines_beside(comparison: Comparison) -> list[list[str]]:
    """Title and cells of each number, differences in brackets beside it: first how often objectives hold.

    Then what is of the whole run, percentiles of how long it takes, and what kinds of faults cost.
    """
    by_about: dict[str, list[Row]] = {}
    for column in comparison.columns:
        if (row := row_of(comparison, column)) is not None:
            told = f"{column.about}: {row.title}" if column.about not in ("", "objective") else row.title
            by_about.setdefault(column.about, []).append(Row(told, row.values, row.differences))
    percentiles = percentile_rows(comparison)
    held = [row for row in percentiles if row.title == _ALL_HELD]
    takes = [row for row in percentiles if row.title != _ALL_HELD]
    objectives, whole = by_about.pop("objective", []), by_about.pop("", [])
    kinds = [row for rows in by_about.values() for row in rows]
    return [_beside(row) for row in (*held, *objectives, *whole, *takes, *kinds)]


def _beside(row: Row) -> list[str]:
    differences = (
        ("", *(f" ({each})" for each in row.differences)) if row.differences else [""] * len(row.values)
    )
    return [row.title, *(f"{value}{by}" for value, by in zip(row.values, differences, strict=True))]


def legend(
    comparison: Comparison,
    shown: Iterable[str],
    *,
    differences: Literal["below", "beside", ""],
    room: bool = True,
) -> str:
    """What the numbers of a table are, and how their intervals come about; of one seed nothing.

    Args:
        comparison: what the table is of.
        shown: its titles and cells.
        differences: where they stand; "" where there are none.
        room: whether there is room for all intervals.
    """
    seeds = len(comparison.seeds)
    if seeds < 2:
        return ""
    text = f"Means over {count(seeds, 'seed')}"
    if differences and len(comparison.outcomes) > 1:
        where = "below them" if differences == "below" else "in brackets beside them"
        text += f"; {where} the difference to {comparison.outcomes[0].variant.name}, paired by seed"
    every = "\n".join(shown)
    percentiles = f", of percentiles by {ORDER_STATISTICS}" if "takes p" in every else ""
    methods = {
        "±": f"± half of that of the mean by {STUDENT}",
        "[": f"[ ] of the median by {ORDER_STATISTICS}, where fewer than {ENOUGH} seeds differ",
        "–": f"( ) of how often by {EXACT}{percentiles}",
    }
    told = [method for mark, method in methods.items() if mark in every]
    if not room:
        told.append("more in a wider terminal or by -o json")
    if told:
        return f"{text}. {share(comparison.outcomes[0].confidence)} % intervals: {'; '.join(told)}."
    fewest = fewest_for_signs(comparison.outcomes[0].confidence)
    return f"{text}, too few for intervals." if seeds < fewest else f"{text}."


def with_half(column: Column, number: Estimate) -> str:
    """The size of a number ± half of its interval, as exact as that asks for."""
    mean, half = abs(number.mean), number.half
    if column.unit in TIMES:
        text = rounded(round(mean))
        return f"{text} ± {rounded(round(half))}" if half else text
    unit = ""
    if column.unit in ("fraction", "held"):
        mean, half, unit = mean * 100, half and half * 100, " %"
    least = 2 if unit else 0 if column.unit == "count" and float(mean).is_integer() else 1
    places = _places(half or mean, least=least)
    if unit and mean < 100:  # 100 % is all of it
        mean = min(mean, 100 - 10**-places)
    return f"{mean:,.{places}f}{f' ± {half:,.{places}f}' if half else ''}{unit}"


def _places(number: float, *, least: int) -> int:
    """Decimals that show the first digit of a number, at most four."""
    return least if not number else min(4, max(least, ceil(-log10(number))))
