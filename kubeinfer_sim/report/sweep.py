"""A sweep for people: the Pareto front, a table of the points, a picture of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct
from rich.table import Table

from kubeinfer_sim.experiment.knobs import LeftOut, short_names
from kubeinfer_sim.experiment.sweep import Figure, Sweep, is_finite
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.report.comparison_rows import held_share
from kubeinfer_sim.report.comparison_sentences import failed_lines, hold_nowhere
from kubeinfer_sim.report.estimates import amounts
from kubeinfer_sim.report.paragraph import Part
from kubeinfer_sim.report.printed import printed, within
from kubeinfer_sim.report.scatter import Axis, Dot, scatter
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count, ordinals, together
from kubeinfer_sim.scenario.units import parse_duration

#: Points that stand in the table at most; those of the front come first, the others are in the CSV.
MOST_ROWS = 40
#: Reasons for which combinations cannot be that are told.
_MOST_LEFT_OUT = 3
#: The figures of a row besides those of the front, where the points differ in them.
_SHOWN = ("held", "duration", "minReady", "minAvailable", "lostInstanceMs", "lostPodMs", "nodes")
_ON_FRONT = "*"


def render_sweep(sweep: Sweep, *, width: int = 80, colour: bool = False, unicode: bool = True) -> str:
    """The sweep as text, lines at most `width` columns wide."""
    return printed(_parts(sweep, within(width)), width=width, colour=colour, unicode=unicode)


def _parts(sweep: Sweep, width: int) -> Iterator[Part]:
    yield from map(Text, headline(sweep))
    yield Text(subtitle(sweep), style="dim")
    shown = points_shown(sweep)
    yield Text()
    yield _table(sweep, shown, width)
    if len(shown) < len(sweep.points):
        rest = len(sweep.points) - len(shown)
        yield Text(f"… and {count(rest, 'more combination')}: --csv FILE has all", style="dim")
    if picture := picture_of(sweep, width):
        yield Text()
        yield from picture
    for line in left_out_lines(sweep.left_out):
        yield Text(line, "yellow")
    for line in failed_lines(sweep.comparison.failures):
        yield Text(line, "red")


def headline(sweep: Sweep) -> list[str]:
    """What is on the front, and which knobs change nothing."""
    titles = together([name_of(each) for each in sweep.front_of])
    number, points = len(sweep.front), len(sweep.points)
    verb = "is" if number == 1 else "are"
    said = [f"{count(number, 'combination')} of {points:,} {verb} on the Pareto front of {titles}."]
    if not sweep.front_of:
        said = [f"{count(points, 'combination')}: nothing to hold them against each other by."]
    if nowhere := hold_nowhere(sweep.points, "combination"):
        said = [f"{nowhere} {said[0]}"]
    if points == 1:
        said = ["There is one combination: nothing to hold it against."]
    if idle := sweep.idle_knobs:
        verb = "changes" if len(idle) == 1 else "change"
        said.append(f"{together(list(idle))} {verb} nothing: every run comes to the same whatever the value.")
    return said


def name_of(figure: Figure) -> str:
    """What a sentence calls a figure."""
    return {
        "duration": "how long it takes",
        "minReady": "fewest ready",
        "minAvailable": "fewest available",
    }.get(figure.name, figure.title)


def subtitle(sweep: Sweep) -> str:
    """`name · 27 combinations · 10 seeds (0-9)`."""
    seeds = sweep.comparison.seeds
    how = {"lhs": ", a Latin hypercube", "sobol": ", a Sobol sequence"}.get(sweep.sampled, "")
    stopped = " · interrupted" if sweep.comparison.interrupted else ""
    told = f"seed {seeds[0]}" if len(seeds) == 1 else f"{count(len(seeds), 'seed')} ({ordinals(seeds)})"
    return f"{sweep.comparison.scenario} · {count(len(sweep.points), 'combination')}{how} · {told}{stopped}"


def points_shown(sweep: Sweep, most: int = MOST_ROWS) -> list[int]:
    """The places of the points of the table: all, or the front and the first of the others."""
    if len(sweep.points) <= most:
        return list(range(len(sweep.points)))
    front = set(sweep.front)
    others = [place for place in range(len(sweep.points)) if place not in front]
    return sorted([*sweep.front[:most], *others[: max(0, most - len(front))]])


def figures_shown(sweep: Sweep) -> list[Figure]:
    """The figures of a row: those of the front, and the usual ones in which the points differ."""
    front = {each.name for each in sweep.front_of}
    differ = {
        each.name
        for each in sweep.figures
        if each.name in _SHOWN and len({each.of(point) for point in sweep.points}) > 1
    }
    return [
        each
        for each in sweep.figures
        if each.name not in sweep.knobs and (each.name in front or each.name in differ or each.name == "held")
    ]


def cells(sweep: Sweep, figure: Figure, *, interval: bool) -> list[str]:
    """A figure of every point as people write it; how often all is held with its interval, if asked for."""
    if figure.name == "held":
        several = len(sweep.comparison.seeds) > 1
        return [held_share(each, several, interval=interval) for each in sweep.points]
    values = [figure.of(each) for each in sweep.points]
    told = iter(amounts([each for each in values if each is not None], figure.unit))
    return ["-" if each is None else next(told) for each in values]


def lines_of(sweep: Sweep, shown: Sequence[int], *, interval: bool) -> tuple[list[str], list[list[str]]]:
    """Heads and cells of a table of points; the first is a mark of the front. `interval`: of how often all is held."""
    figures = figures_shown(sweep)
    knobs = varied(sweep)
    heads = ["", *short_names(knobs), *(each.title for each in figures)]
    front = set(sweep.front) if len(sweep.points) > 1 else set()
    columns = [cells(sweep, each, interval=interval) for each in figures]
    rows = [
        [
            _ON_FRONT if place in front else "",
            *(sweep.points[place].variant.settings[knob] for knob in knobs),
            *(each[place] for each in columns),
        ]
        for place in shown
    ]
    return heads, rows


def varied(sweep: Sweep) -> list[str]:
    """The knobs that have several values; all of them where none has."""
    several = [
        knob for knob in sweep.knobs if len({each.variant.settings[knob] for each in sweep.points}) > 1
    ]
    return several or list(sweep.knobs)


def _table(sweep: Sweep, shown: Sequence[int], width: int) -> Table:
    for interval in (True, False):
        heads, rows = lines_of(sweep, shown, interval=interval)
        if sum(2 + max(map(len, column)) for column in zip(heads, *rows, strict=True)) - 2 <= width:
            break
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
    for place, head in enumerate(heads):
        justify: Literal["left", "right"] = "left" if place <= len(varied(sweep)) else "right"
        table.add_column(head, justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*row, style="bold" if row[0] else "")
    return table


def left_out_lines(left_out: Sequence[LeftOut]) -> list[str]:
    """`left out: maxSurge=0, maxUnavailable=0 (6 combinations): … must not both be zero`: a line for each reason."""
    reasons: dict[str, list[LeftOut]] = {}
    for each in left_out:
        reasons.setdefault(each.message, []).append(each)
    lines = [
        printable(f"left out: {_what_is_left_out(alike)}: {message}")
        for message, alike in list(reasons.items())[:_MOST_LEFT_OUT]
    ]
    if rest := sum(len(alike) for alike in list(reasons.values())[_MOST_LEFT_OUT:]):
        lines.append(f"… and {count(rest, 'more combination')} that cannot be")
    return lines


def _what_is_left_out(alike: Sequence[LeftOut]) -> str:
    """The knobs that stand at one value in all of them, and how many they are if there are several."""
    common = ", ".join(
        f"{knob}={value}"
        for knob, value in alike[0].settings.items()
        if all(each.settings[knob] == value for each in alike)
    )
    if len(alike) == 1:
        return common
    number = count(len(alike), "combination")
    return f"{common} ({number})" if common else number


# -- the picture -------------------------------------------------------------------------------------------


def picture_of(sweep: Sweep, width: int) -> list[Text]:
    """The points by two figures of the front in which they differ, or by the one knob and a figure; else none."""
    axes = axes_of(sweep)
    if axes is None:
        return []
    xs, ys = (each.values for each in axes)
    front = set(sweep.front)
    drawn = [place for place in range(len(sweep.points)) if is_finite(xs[place]) and is_finite(ys[place])]
    dots = [Dot(xs[each] or 0.0, ys[each] or 0.0, each in front) for each in drawn]
    if not dots:
        return []
    x = _axis(axes[0], [dot.x for dot in dots])
    y = _axis(axes[1], [dot.y for dot in dots])
    lines = scatter(dots, x, y, width)
    if lines and (rest := len(sweep.points) - len(drawn)):
        verb = "is" if rest == 1 else "are"
        lines.append(
            Text(f" {rest:,} that never finish or have no such number {verb} not drawn", style="dim")
        )
    return lines


def _axis(along: Along, values: Sequence[float]) -> Axis:
    return Axis(along.title, *amounts([min(values), max(values)], along.unit))


class Along(Struct, frozen=True):
    """What is along an axis, and where each point is on it; `of_knob`: the values of a knob, and no figure."""

    title: str
    unit: str
    values: tuple[float | None, ...]
    of_knob: bool = False


def axes_of(sweep: Sweep) -> tuple[Along, Along] | None:
    """Two figures of the front in which the points differ, or the one knob and a figure; None where there are none."""
    figures = [
        Along(each.title, each.unit, values)
        for each in sweep.front_of
        if len({*filter(is_finite, values := tuple(each.of(point) for point in sweep.points))}) > 1
    ]
    knobs = varied(sweep)
    if len(knobs) == 1:
        along = along_knob(knobs[0], [point.variant.settings[knobs[0]] for point in sweep.points])
        figure = next((each for each in figures if each.title != knobs[0]), None)
        if along is not None and figure is not None:
            return along, figure
    return (figures[0], figures[1]) if len(figures) > 1 else None


def along_knob(knob: str, values: Sequence[str]) -> Along | None:
    """The values of a knob along an axis: numbers, percentages, or times; None where they are not."""
    for unit, read in (("count", _number), ("ms", parse_duration)):
        try:
            return Along(knob, unit, tuple(map(read, values)), of_knob=True)
        except ValueError:
            continue
    return None


def _number(text: str) -> float:
    return float(text.removesuffix("%"))
