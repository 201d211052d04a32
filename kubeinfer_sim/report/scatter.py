"""A picture of points in a plane, in characters."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from kubeinfer_sim.report.text import Text

ROWS, NARROWEST, WIDEST = 12, 20, 100
POINT, FRONT = "·", "●"


class Dot(Struct, frozen=True):
    """A point; of one that is `marked` the place is marked, whatever else is there."""

    x: float
    y: float
    marked: bool = False


class Axis(Struct, frozen=True):
    """What is along an axis: its title, and its ends as they are written."""

    title: str
    low: str
    high: str


def scatter(dots: Sequence[Dot], x: Axis, y: Axis, width: int) -> list[Text]:
    """The picture's lines, at most `width` columns wide; none of fewer than two different points."""
    if len({(each.x, each.y) for each in dots}) < 2:
        return []
    gutter = max(len(y.low), len(y.high)) + 3
    columns = max(NARROWEST, min(width - gutter - 1, WIDEST))
    cells = [[" "] * columns for _ in range(ROWS)]
    for each in sorted(dots, key=lambda dot: dot.marked):
        across = _place(each.x, [dot.x for dot in dots], columns)
        up = _place(each.y, [dot.y for dot in dots], ROWS)
        cells[ROWS - 1 - up][across] = FRONT if each.marked else POINT
    labels = {0: y.high, ROWS - 1: y.low}
    lines = [Text(f" {y.title}", style="dim", no_wrap=True)]
    for place, row in enumerate(cells):
        line = Text(no_wrap=True).append(f" {labels.get(place, ''):>{gutter - 3}} ┤")
        for cell in row:
            line.append(cell, "bold green" if cell == FRONT else "")
        lines.append(line)
    blanks = " " * (gutter - 1)
    lines.append(Text(f"{blanks}└{'─' * columns}", no_wrap=True))
    room = columns - len(x.low) - len(x.high)
    title = x.title if len(x.title) + 2 <= room else ""
    lines.append(Text(f"{blanks} {x.low}{title:^{room}}{x.high}", no_wrap=True))
    return lines


def _place(value: float, values: Sequence[float], cells: int) -> int:
    low, high = min(values), max(values)
    return cells // 2 if low == high else round((value - low) / (high - low) * (cells - 1))
