"""A comparison for people: a table, and in words what is better and why."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from math import ceil, log10

from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kubeinfer_sim.experiment.columns import Column
from kubeinfer_sim.experiment.compare import Comparison, Outcome
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.manifest.accelerators import Family
from kubeinfer_sim.report.words import configured, count, plain, rounded, share_between

MINUS = "−"
#: Kinds of faults the table has rows for, dearest first; the JSON has all.
_MOST_KINDS = 5
#: What the stages of lost time mean in a sentence, "spends 2h …".
_SPENDING = {
    "detect": "until somebody acts",
    "decide": "backing off",
    "terminate": "stopping",
    "waitForNpu": "waiting for free NPUs",
    "image": "pulling and creating",
    "gang": "waiting for the rest of the gang",
    "engine": "loading",
    "weights": "loading",
    "graph": "loading",
    "warmUp": "loading",
    "probe": "until its probes pass",
    "restart": "restarting containers",
}


def render_comparison(
    comparison: Comparison, *, width: int = 80, colour: bool = False, unicode: bool = True
) -> str:
    """The comparison as text, lines at most `width` columns wide."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=colour,
        no_color=not colour,
        highlight=False,
        legacy_windows=False,
    )
    for sentence in sentences(comparison):
        console.print(Text(sentence))
    console.print(Text(subtitle(comparison), style="dim"))
    for table in _tables(comparison, width):
        console.print()
        console.print(table)
    text = "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"
    return text if unicode else plain(text).replace(MINUS, "-").replace("±", "+-")


# -- in words ----------------------------------------------------------------------------------------------


def sentences(comparison: Comparison) -> list[str]:
    """What is better, by how much, and why."""
    best = comparison.best
    others = [outcome for outcome in comparison.outcomes if outcome is not best]
    if not others:
        lost = next(column for column in comparison.columns if column.name == "lostInstanceMs")
        return [f"{best.variant.name} loses {_value(lost, best.mean(lost))}."]
    return [_sentence(comparison, best, other) for other in others]


def _sentence(comparison: Comparison, best: Outcome, other: Outcome) -> str:
    column = comparison.better(best, other)
    if column is None:
        names = f"{best.variant.name} and {other.variant.name}"
        if comparison.same(best, other):
            return f"{names} come out the same."
        return f"{names} cannot be told apart by {count(len(comparison.seeds), 'seed')}."
    opening = f"{best.variant.name} is better than {other.variant.name}"
    if column.unit == "held":
        if len(comparison.seeds) == 1:
            return f"{opening}: with {other.variant.name} the last change does not complete."
        times = [_times(outcome.values[column.name]) for outcome in (best, other)]
        return f"{opening}: the last change completes in {times[0]}, with {other.variant.name} in {times[1]}."
    difference = best.against(other, column)
    assert difference is not None
    fewer = "fewer" if column.unit == "count" else "less"
    less = fewer if column.better == "low" else "more"
    by = _with_half(column, difference)
    return (
        f"{opening}: {by} {less} {comparison.family.say(column.title)}{_why(comparison.family, best, other)}."
    )


def _times(values: list[float | None]) -> str:
    """`3 of 10 runs`."""
    return f"{sum(value == 1 for value in values)} of {count(len(values), 'run')}"


def _why(family: Family, best: Outcome, other: Outcome) -> str:
    """The largest saving by what the lost time was spent on."""
    mine, theirs = _spending(best), _spending(other)
    saved = {what: length - mine[what] for what, length in theirs.items() if length > mine[what]}
    dearest = sorted(saved, key=lambda what: -saved[what])[:2]
    parts = [
        f"{rounded(round(theirs[what]))} {family.say(what)} where {best.variant.name} spends "
        f"{rounded(round(mine[what]))}"
        for what in dearest
        if saved[what] >= 1000
    ]
    return f"; {other.variant.name} spends {', and '.join(parts)}" if parts else ""


def _spending(outcome: Outcome) -> Counter[str]:
    spent: Counter[str] = Counter()
    for stage, length in outcome.spent.items():
        spent[_SPENDING[stage]] += length  # type: ignore[assignment]  # a Counter of floats
    return spent


def subtitle(comparison: Comparison) -> str:
    """What is compared, under which seeds, what the numbers are, and what a configuration file gave."""
    told = configured(comparison.outcomes[0].variant.scenario.configuration)
    return f"{_about(comparison)} · {told}" if told else _about(comparison)


def _about(comparison: Comparison) -> str:
    seeds = comparison.seeds
    text = f"{comparison.scenario}{_faults(comparison)}"
    if len(seeds) == 1:
        return f"{text} · seed {seeds[0]}"
    return (
        f"{text} · {count(len(seeds), 'seed')} ({seeds[0]}-{seeds[-1]}) · means, ± half of the 95 % interval "
        "where there are enough seeds to say"
    )


def _faults(comparison: Comparison) -> str:
    """What the variants had of faults; nothing where the scenario has none."""
    struck = comparison.faults_struck
    runs = len(comparison.seeds) * len(comparison.outcomes)
    if struck is None:
        return ""
    if not struck:
        return " · no fault struck in any run"
    return " · the same faults for all" + (
        f", which struck in {struck} of {runs} runs" if struck < runs else ""
    )


# -- the table ---------------------------------------------------------------------------------------------


def _tables(comparison: Comparison, width: int) -> Iterator[Table]:
    """One table, or several with as many variants each as fit beside the names of the numbers."""
    rows = list(_rows(comparison))
    names = [outcome.variant.name for outcome in comparison.outcomes]
    first = max((len(title) for title, _ in rows), default=0)
    widths = [
        max(len(name), *(len(cells[index]) for _, cells in rows if cells), 0)
        for index, name in enumerate(names)
    ]
    groups: list[list[int]] = [[]]
    for index in range(len(names)):
        taken = first + sum(2 + widths[each] for each in (*groups[-1], index))
        if groups[-1] and taken > width:
            groups.append([])
        groups[-1].append(index)
    for group in groups:
        table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
        table.add_column("", overflow="fold")
        for index in group:
            table.add_column(names[index], justify="right", overflow="fold")
        for title, cells in rows:
            if not cells:
                table.add_row(Text(title, style="bold"))
            elif any(cells[index] for index in group):
                table.add_row(title, *(cells[index] for index in group), style="" if title else "dim")
        yield table


def _rows(comparison: Comparison) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Title and cells: of each number, below it of its difference to the first variant; headings have no cells."""
    about = ""
    shown = _kinds_shown(comparison)
    for column in comparison.columns:
        if column.about not in ("", "objective", *shown) or (row := row_of(comparison, column)) is None:
            continue
        if column.about not in ("", "objective", about):
            yield column.about, ()
            about = column.about
        inset = "  " if column.about not in ("", "objective") else ""
        yield inset + row.title, row.values
        if row.differences:
            yield "", ("", *row.differences)
    hidden = len({column.about for column in comparison.columns} - {"", "objective"}) - len(shown)
    if hidden > 0:
        yield f"… {count(hidden, 'more kind')}", ()


def _kinds_shown(comparison: Comparison) -> list[str]:
    """The kinds of faults that cost most, under all variants together."""
    cost = {
        column.about: sum(each.mean for outcome in comparison.outcomes if (each := outcome.mean(column)))
        for column in comparison.columns
        if column.name.endswith("/lostInstanceMs")
    }
    dearest = set(sorted(cost, key=lambda kind: -cost[kind])[:_MOST_KINDS])
    return [kind for kind in cost if kind in dearest]


class Row(Struct, frozen=True):
    """A number under every variant, and how far it is from that under the first; no differences where there is none."""

    title: str
    values: tuple[str, ...]
    differences: tuple[str, ...] = ()


def row_of(comparison: Comparison, column: Column) -> Row | None:
    """The row of a column; None where it says nothing under any variant."""
    base = comparison.outcomes[0]
    means = [outcome.mean(column) for outcome in comparison.outcomes]
    known = [mean for mean in means if mean is not None]
    of_kind = column.about not in ("", "objective")
    if not known and column.about == "objective":  # no run came far enough to tell
        return Row(column.title, tuple("open" for _ in means))
    if not known or (not of_kind and column.unit != "held" and not any(mean.mean for mean in known)):
        return None
    title = comparison.family.say(column.title)
    values = tuple(
        _value(column, mean) + _over(comparison, outcome, column)
        for outcome, mean in zip(comparison.outcomes, means, strict=True)
    )
    if column.unit == "held" and len(comparison.seeds) == 1:
        return Row(title, values)
    differences = [outcome.against(base, column) for outcome in comparison.outcomes[1:]]
    if not any(difference is not None and difference.mean for difference in differences):
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
    return _with_half(column, number)


def _signed(column: Column, number: Estimate | None) -> str:
    if number is None:
        return "-"
    if not number.mean and not number.half:
        return "="
    sign = MINUS if number.mean < 0 else "+"
    return sign + _with_half(column, number)


def _with_half(column: Column, number: Estimate) -> str:
    """The size of a number ± half of its interval, as exact as that asks for."""
    mean, half = abs(number.mean), number.half
    if column.unit in ("ms", "instance-ms"):
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
