"""A comparison for people: in sentences what is better and why, and a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from rich.table import Table

from kubeinfer_sim.experiment.columns import Column
from kubeinfer_sim.experiment.compare import Comparison, Outcome
from kubeinfer_sim.experiment.knobs import short_names
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.report.comparison_rows import (
    ENOUGH_FOR_PERCENTILES,
    held_share,
    legend,
    percentile_rows,
    row_of,
    value_text,
)
from kubeinfer_sim.report.comparison_sentences import (
    besides,
    failed_lines,
    headline,
    sentences,
    spans_note,
    subtitle,
)
from kubeinfer_sim.report.estimates import amount, between
from kubeinfer_sim.report.paragraph import Part
from kubeinfer_sim.report.printed import printed
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count

#: Kinds of faults the table has rows for, dearest first; the JSON has all.
_MOST_KINDS = 5
#: Which intervals stand in the line of one of many variants: the first that there is room for.
Intervals = Literal["all", "held", "none"]
INTERVALS: tuple[Intervals, ...] = ("all", "held", "none")
#: More variants than these stand one in a line.
MOST_SIDE_BY_SIDE = 6


def render_comparison(
    comparison: Comparison, *, width: int = 80, colour: bool = False, unicode: bool = True
) -> str:
    """The comparison as text, lines at most `width` columns wide."""
    return printed(_parts(comparison, width), width=width, colour=colour, unicode=unicode)


def _parts(comparison: Comparison, width: int) -> Iterator[Part]:
    many = len(comparison.outcomes) > MOST_SIDE_BY_SIDE
    yield from map(Text, [headline(comparison), *besides(comparison)] if many else sentences(comparison))
    yield Text(subtitle(comparison), style="dim")
    rows = [] if many else list(_rows(comparison))
    heads, cells, room = _lines(comparison, width) if many else ([], [], True)
    for table in [_line_table(comparison, heads, cells)] if many else _tables(comparison, rows, width):
        yield Text()
        yield table
    shown = [text for row in (heads, *cells) for text in row]
    shown += [text for title, row in rows for text in (title, *row)]
    if told := legend(comparison, shown, differences="" if many else "below", room=room):
        yield Text()
        yield Text(told, style="dim")
    if told := spans_note(comparison):
        yield Text()
        yield Text(told, style="dim")
    for line in failed_lines(comparison.failures):
        yield Text(line, "red")


def _tables(
    comparison: Comparison, rows: Sequence[tuple[str, tuple[str, ...]]], width: int
) -> Iterator[Table]:
    """One table, or several with as many variants each as fit beside the names of the numbers."""
    if not rows:
        return
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
    added = False
    for column in comparison.columns:
        if column.about and not added:
            added = True
            yield from ((row.title, row.values) for row in percentile_rows(comparison))
        if column.about not in ("", "objective", *shown) or (row := row_of(comparison, column)) is None:
            continue
        if column.about not in ("", "objective", about):
            yield column.about, ()
            about = column.about
        inset = "  " if column.about not in ("", "objective") else ""
        yield inset + row.title, row.values
        if row.differences:
            yield "", ("", *row.differences)
    if not added:
        yield from ((row.title, row.values) for row in percentile_rows(comparison))
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


def _lines(comparison: Comparison, width: int) -> tuple[list[str], list[list[str]], bool]:
    """Heads, and a line for each variant: its knobs, and the numbers that say most; whether with all intervals."""
    knobs = varied(comparison)
    heads = short_names(knobs) or [""]
    names = [
        [outcome.variant.settings[knob] for knob in knobs] or [outcome.variant.name]
        for outcome in comparison.outcomes
    ]
    for intervals in INTERVALS:
        titles, cells = variant_lines(comparison, intervals)
        rows = [[*name, *own] for name, own in zip(names, cells, strict=True)]
        columns = zip([*heads, *titles], *rows, strict=True)
        if sum(2 + max(map(len, column)) for column in columns) - 2 <= width:
            break
    return [*heads, *titles], rows, intervals == "all"


def _line_table(comparison: Comparison, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
    for place, head in enumerate(heads):
        justify: Literal["left", "right"] = "left" if place < len(varied(comparison) or [""]) else "right"
        table.add_column(head, justify=justify, overflow="fold")
    for outcome, row in zip(comparison.outcomes, rows, strict=True):
        table.add_row(*row, style="bold" if outcome is comparison.best else "")
    return table


def varied(comparison: Comparison) -> list[str]:
    """The knobs that have several values; none where the variants were made otherwise."""
    settings = [outcome.variant.settings for outcome in comparison.outcomes]
    shared = [knob for knob in settings[0] if all(knob in each for each in settings)]
    return [knob for knob in shared if len({each[knob] for each in settings}) > 1]


def variant_lines(comparison: Comparison, intervals: Intervals) -> tuple[list[str], list[list[str]]]:
    """Titles of the numbers that say most, and these of each variant; what none has is left out.

    The last says how each stands against the best one: the same, or `?` where that cannot be told.
    """
    several = len(comparison.seeds) > 1
    shown: list[tuple[str, list[str]]] = []
    outcomes = comparison.outcomes
    whole = several and intervals == "all"
    held = [held_share(each, several, interval=intervals != "none") for each in outcomes]
    shown.append(("all held", held))
    parts = (0.5, 0.99) if len(comparison.seeds) >= ENOUGH_FOR_PERCENTILES else (0.5,)
    for part in parts:
        title = f"takes p{part * 100:g}" if several else "takes"
        took = [each.quantile("duration", part) for each in outcomes]
        shown.append((title, ["" if one is None else _percentile(one, whole) for one in took]))
    for name, title in _SHOWN:
        column = next((each for each in comparison.columns if each.name == name), None)
        if column is not None:
            shown.append((title, [_short(each, column, whole) for each in outcomes]))
    shown.append(("standing", _standings(comparison)))
    kept = [(title, cells) for title, cells in shown if any(cells) and set(cells) not in _NOTHING]
    lines = [[cells[place] for _, cells in kept] for place in range(len(outcomes))]
    return [title for title, _ in kept], lines


def _percentile(number: Estimate, interval: bool) -> str:
    plain = amount(number.mean, "ms")
    bounds = [amount(each, "ms") for each in (number.low, number.high) if each is not None]
    alike = set(bounds) == {plain}
    return plain if alike or not interval else between("", number, "ms").strip()


def _standings(comparison: Comparison) -> list[str]:
    best = comparison.best
    cells = []
    for outcome in comparison.outcomes:
        standing = comparison.stand(best, outcome)
        if outcome is best:
            cells.append("best")
        elif standing.known and standing.column is None:
            cells.append("same")
        else:
            cells.append("worse" if standing.winner > 0 else "?")
    return cells


#: The numbers of a line, with their titles.
_SHOWN = (
    ("minReady", "ready ≥"),
    ("lostInstanceMs", "lost"),
    ("availability", "ready"),
    ("minAvailable", "available ≥"),
    ("lostPodMs", "pods lost"),
    ("podAvailability", "available"),
)
#: Of a number that says nothing: no time lost, all of the time available.
_NOTHING = ({"0s"}, {"100 %"}, {"100.00 %"})


def _short(outcome: Outcome, column: Column, interval: bool) -> str:
    """The mean; of the fewest ready the fewest under any seed."""
    values = [value for value in outcome.values[column.name] if value is not None]
    mean = outcome.mean(column)
    if not values or mean is None:
        return ""
    if column.name in ("minReady", "minAvailable"):
        return f"{min(values):,.0f}"
    return value_text(column, outcome, mean) if interval else amount(mean.mean, column.unit)
