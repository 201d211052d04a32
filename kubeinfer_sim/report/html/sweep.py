"""The page of a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubeinfer_sim.experiment.sweep import Figure, Sweep, is_finite
from kubeinfer_sim.report.comparison_sentences import failed_lines, hold_nowhere
from kubeinfer_sim.report.estimates import amount
from kubeinfer_sim.report.html.origin import Origin, about, end_of_page, seeds_text
from kubeinfer_sim.report.html.page import Block, Cell, Number, Page, Picture, Section, Table, Text, Tone
from kubeinfer_sim.report.plots.planes import plane_plot
from kubeinfer_sim.report.series.planes import MOST_SPOTS, sweep_plane
from kubeinfer_sim.report.sweep import (
    figures_shown,
    headline,
    left_out_lines,
    lines_of,
    name_of,
    points_shown,
    subtitle,
)
from kubeinfer_sim.report.words import count

#: Rows of the table of combinations, figures of the front with a number of their own.
MOST_ROWS, _MOST_FIGURES = 500, 2


def sweep_page(sweep: Sweep, origin: Origin) -> Page:
    """What comes of each combination, and which no other one is better than, in pictures."""
    first, *more = headline(sweep)
    scenario = sweep.points[0].variant.scenario
    return Page(
        title=f"{sweep.comparison.scenario}, sweep: kubeinfer-sim",
        subtitle=subtitle(sweep),
        verdict=first,
        tone=_tone(sweep),
        numbers=list(_numbers(sweep)),
        sections=[about(scenario), *_sections(sweep, more)],
        end=end_of_page(scenario, origin, seeds_text(sweep.comparison.seeds)),
    )


def _tone(sweep: Sweep) -> Tone:
    if sweep.comparison.interrupted:
        return "open"
    return "bad" if hold_nowhere(sweep.points, "combination") else "plain"


def _numbers(sweep: Sweep) -> Iterator[Number]:
    points = len(sweep.points)
    knobs = ", ".join(sweep.knobs)
    yield Number("Combinations on the front", f"{len(sweep.front):,} of {points:,}", f"of {knobs}")
    told = [each for each in sweep.front_of if any(is_finite(each.of(point)) for point in sweep.points)]
    for figure in told[:_MOST_FIGURES]:
        yield _best(sweep, figure)
    if len(told) < _MOST_FIGURES:
        seeds = sweep.comparison.seeds
        yield Number("Seeds", f"{len(seeds):,}", "the same faults and draws in each combination")


def _best(sweep: Sweep, figure: Figure) -> Number:
    """The best there is of a figure, and the first of those that have it, one on the front where there is one."""
    values = [figure.of(point) for point in sweep.points]
    known = [value for value in values if value is not None and is_finite(value)]
    best = max(known) if figure.better == "high" else min(known)
    having = [place for place, value in enumerate(values) if value == best]
    having.sort(key=lambda place: place not in sweep.front)
    names = [sweep.points[place].variant.name for place in having]
    more = f" and {count(len(names) - 1, 'more combination')}" if len(names) > 1 else ""
    title = name_of(figure)
    return Number(f"Best: {title}", amount(best, figure.unit), f"{names[0]}{more}")


def _sections(sweep: Sweep, more: Sequence[str]) -> Iterator[Section]:
    yield Section("To know", [Text(more)] if more else [])
    yield Section("Combinations in a picture", _picture(sweep))
    yield Section("Combinations", [_table(sweep)])
    left_out = left_out_lines(sweep.left_out)
    yield Section("Left out", [Text(left_out, as_list=True)] if left_out else [])
    failed = failed_lines(sweep.comparison.failures)
    yield Section("Failed", [Text(failed, as_list=True)] if failed else [])


def _picture(sweep: Sweep) -> list[Block]:
    plane = sweep_plane(sweep)
    if plane is None or not plane.spots:
        return []
    told = []
    if plane.not_drawn:
        verb = "is" if plane.not_drawn == 1 else "are"
        told.append(f"{plane.not_drawn:,} that never finish or have no such number {verb} not drawn.")
    if plane.left_out:
        told.append(
            f"Those of the front and more, {MOST_SPOTS:,} places in all; {plane.left_out:,} are left out."
        )
    if len(sweep.front_of) > len(("x", "y")):
        others = ", ".join(name_of(each) for each in sweep.front_of)
        told.append(f"The front is of {others}: what is on it need not lie at the edge of this picture.")
    return [Picture(plane_plot(plane), " ".join(told))]


def _table(sweep: Sweep) -> Table:
    shown = points_shown(sweep, MOST_ROWS)
    heads, rows = lines_of(sweep, shown, interval=True)
    figures = figures_shown(sweep)
    first = len(heads) - len(figures)
    cells = [
        [
            Cell("● front", tone="good") if row[0] else "",
            *row[1:first],
            *(
                text if (value := figure.of(sweep.points[place])) is None else Cell(text, value)
                for figure, text in zip(figures, row[first:], strict=True)
            ),
        ]
        for place, row in zip(shown, rows, strict=True)
    ]
    left_out = len(sweep.points) - len(shown)
    return Table(["front", *heads[1:]], cells, "--csv FILE has all figures of all combinations.", left_out)
