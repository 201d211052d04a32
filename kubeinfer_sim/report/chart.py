"""A small chart of ready instances over time, in characters.

Each column is a stretch of time, drawn as it was at its worst instant, so that a short dip is never lost;
each row is an instance (or a number of them, filled when all of them are there).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from kubeinfer_sim.metrics import Measures, Steps
from kubeinfer_sim.metrics.steps import segments
from kubeinfer_sim.report.marks import Mark, marks_of
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count, point, rounded
from kubeinfer_sim.scenario.actions.model import Action
from kubeinfer_sim.scenario.units import format_duration

MOST_ROWS, MOST_MARKS = 10, 8
_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
#: Distances between labelled times.
_TICKS = (
    *(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000),
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
    *(n * _DAY for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)),
)
NEW, MIDDLE, OLD, MISSING = "█", "▒", "░", "·"
#: Of a revision: wanted in the end, running at the start, or between.
Age = Literal["new", "middle", "old"]
_GLYPHS: dict[Age, str] = {"new": NEW, "middle": MIDDLE, "old": OLD}
STYLES = {NEW: "green", MIDDLE: "yellow", OLD: "cyan", MISSING: "bold red"}


def chart(
    measures: Measures,
    actions: tuple[Action, ...],
    width: int,
    *,
    most_rows: int = MOST_ROWS,
    most_marks: int = MOST_MARKS,
    in_short: bool = False,
) -> list[Text]:
    """The chart's lines, at most `width` columns wide; none when no time passed.

    `most_rows`: instances share rows beyond; `most_marks`: of so many events it is said what they are,
    `in_short` several in a line.
    """
    bands = _bands(measures)
    marks = marks_of(measures, actions)
    since, until = time_range(measures, marks)
    top = max(measures.desired.highest(), measures.ready.highest())
    if until <= since or not top:
        return []
    unit = _unit(top, most_rows)
    thresholds = [min(row * unit, top) for row in range(1, -(-top // unit) + 1)]
    gutter = len(f"{top:,}") + 3
    columns = max(20, min(width - gutter, 140))
    worst = _worst(measures, bands, since, until, columns)
    glyphs = [glyph for glyph, _ in bands]
    lines = [_legend(measures, bands, unit)]
    for threshold in reversed(thresholds):
        line = Text(f" {threshold:>{gutter - 3},} ┤")
        for desired, *ready in worst:
            glyph = _cell(threshold, desired, ready, glyphs)
            line.append(glyph, STYLES.get(glyph, ""))
        lines.append(line)
    lines += _axis(since, until, columns, gutter)
    lines += _letters(marks, since, until, columns, gutter, most_marks, in_short=in_short)
    return lines


def revision_names(measures: Measures) -> dict[str, str]:
    """A word for each revision: `old` and `new` when there are two, else `rev 1`, `rev 2` … by appearance."""
    revisions = list(measures.by_revision)
    if len(revisions) == 1:
        return {revisions[0]: "same"}
    if len(revisions) == 2 and measures.changes[-1].revision == revisions[1]:
        return {revisions[0]: "old", revisions[1]: "new"}
    return {revision: f"rev {number}" for number, revision in enumerate(revisions, 1)}


def _bands(measures: Measures) -> list[tuple[str, list[str]]]:
    """Glyph and revisions of each band, from the bottom."""
    return [(_GLYPHS[age], revisions) for age, revisions in revisions_by_age(measures)]


def revisions_by_age(measures: Measures) -> list[tuple[Age, list[str]]]:
    """The revisions that are wanted in the end, others, and the one that ran at the start; those there are."""
    revisions = list(measures.by_revision)
    final = measures.changes[-1].revision if measures.changes else ""
    others = [revision for revision in revisions if revision != final]
    first = [revisions[0]] if others and revisions[0] != final else []
    middle = [revision for revision in others if revision not in first]
    ages: list[tuple[Age, list[str]]] = [("new", [final]), ("middle", middle), ("old", first)]
    return [(age, names) for age, names in ages if names]


def time_range(measures: Measures, marks: list[Mark]) -> tuple[int, int]:
    """From shortly before the first thing that happened to shortly after the last."""
    steps = (measures.desired, measures.ready, *measures.by_revision.values())
    edges = [at for each in steps for at, _ in each.points] + [mark.at for mark in marks]
    edges += [change.completed for change in measures.changes if change.completed is not None]
    ran = any(life.ran_at_start for life in measures.instances)
    first = min((at for at in edges if at > 0), default=0) if ran else 0
    last = measures.ended_at if measures.end == "horizon" else max(edges, default=0)
    # What is missing is so up to the last event, whatever it was.
    if measures.ready.last < measures.desired.last:
        last = max(last, measures.ended_at)
    if any(mark.at == 0 for mark in marks):
        first = 0
    span = max(last - first, 1)
    since = max(0, first - span // 20)
    # A stall that lasts is drawn longer, since nothing else will follow.
    until = last + (span // 20 if measures.open_stall is None else span // 4 or _HOUR)
    if measures.end == "horizon":
        until = last
    even = next((tick for tick in reversed(_TICKS) if tick * 20 <= span), 1)
    return (0 if since < span // 10 else since - since % even), max(until, since + 1)


def _unit(top: int, most_rows: int) -> int:
    """Instances per row."""
    unit, factors = 1, (2, 5, 10)
    while -(-top // unit) > most_rows:
        unit = next((unit * f for f in factors if -(-top // (unit * f)) <= most_rows), unit * 10)
    return unit


def _worst(
    measures: Measures, bands: list[tuple[str, list[str]]], since: int, until: int, columns: int
) -> list[tuple[int, ...]]:
    """For each column (desired, ready by band …) at the instant when the fewest were ready."""
    functions: list[Steps] = [measures.desired]
    groups: list[slice] = []
    for _, revisions in bands:
        start = len(functions)
        functions += [measures.by_revision[revision] for revision in revisions]
        groups.append(slice(start, len(functions)))
    span = until - since
    worst: list[tuple[int, ...] | None] = [None] * columns
    for start, end, values in segments(functions, since, until):
        summed = (values[0], *(sum(values[group]) for group in groups))
        ready = sum(summed[1:])
        for column in range((start - since) * columns // span, -(-(end - since) * columns // span)):
            before = worst[column]
            if before is None or ready < sum(before[1:]):
                worst[column] = summed
    return [column if column is not None else (0,) * (1 + len(bands)) for column in worst]


def _cell(threshold: int, desired: int, ready: list[int], glyphs: list[str]) -> str:
    total = 0
    for glyph, number in zip(glyphs, ready, strict=True):
        total += number
        if threshold <= total:
            return glyph
    return MISSING if threshold <= desired else " "


def _legend(measures: Measures, bands: list[tuple[str, list[str]]], unit: int) -> Text:
    names = revision_names(measures)
    line = Text("Ready instances  ", style="bold")
    for glyph, revisions in bands:
        label = ", ".join("ready" if names[r] == "same" else f"{names[r]} {r}" for r in revisions)
        line.append(glyph, STYLES[glyph]).append(f" {label}  ", "not bold")
    line.append(MISSING, STYLES[MISSING]).append(" missing", "not bold")
    if unit > 1:
        line.append(f"  (1 row = {unit:,})", "not bold")
    return line


def _axis(since: int, until: int, columns: int, gutter: int) -> Iterator[Text]:
    span = until - since
    step = next((tick for tick in _TICKS if span // tick * 12 <= columns), span)
    rule, labels = ["─"] * columns, [" "] * columns
    free = 0
    # It begins where it begins, not at the first round time.
    for at in (since, *range((since // step + 1) * step, until, step)):
        column = (at - since) * columns // span
        # Exact, where it is a tick or a second would hold several of them: no two labels are alike.
        text = format_duration(at) if at > since or step < 1000 else point(at)
        # The last one ends with the line.
        begins = min(column, columns - len(text))
        if free <= begins:
            free = begins + len(text) + 1
            rule[column] = "┬"
            labels[begins : begins + len(text)] = text
    yield Text(f"{' ' * (gutter - 1)}└{''.join(rule)}", "dim")
    yield Text(f"{' ' * gutter}{''.join(labels)}".rstrip(), "dim")


def _letters(
    marks: list[Mark], since: int, until: int, columns: int, gutter: int, most: int, *, in_short: bool
) -> Iterator[Text]:
    """A line of letters under the axis, and what each stands for."""
    shown = [mark for mark in marks if since <= mark.at <= until]
    if not shown:
        return
    line = [" "] * (columns + 1)
    for letter, mark in zip("ABCDEFGH", shown[:most], strict=False):
        column = (mark.at - since) * columns // (until - since)
        while column < columns and line[column] != " ":
            column += 1
        line[column] = letter
    yield Text(f"{' ' * gutter}{''.join(line)}".rstrip(), "bold")
    told = [
        Text(letter, "bold").append(f" {rounded(mark.at)}: {mark.text}", "not bold")
        for letter, mark in zip("ABCDEFGH", shown[:most], strict=False)
    ]
    if len(shown) > most:
        told.append(Text(f"… and {count(len(shown) - most, 'more event')}", "dim"))
    lines: list[Text] = []
    for each in told:
        if in_short and lines and lines[-1].cells + 2 + each.cells <= columns + gutter:
            lines[-1].append("; ", "not bold").append(each)
        else:
            lines.append(Text("   ").append(each))
    yield from lines
