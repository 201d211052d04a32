"""The page of the cliffs of a knob."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isinf

from kubeinfer_sim.experiment.cliffs import Cliffs
from kubeinfer_sim.report.cliffs import (
    Explained,
    figure_title,
    figures_text,
    outcome_text,
    sentence,
    subtitle,
    value_of,
    without_cliff,
)
from kubeinfer_sim.report.estimates import amounts
from kubeinfer_sim.report.html.origin import Origin, about, end_of_page, seeds_text
from kubeinfer_sim.report.html.page import Block, Cell, Number, Page, Picture, Section, Table, Text
from kubeinfer_sim.report.plots.planes import plane_plot
from kubeinfer_sim.report.series.planes import cliff_plane


def cliffs_page(cliffs: Cliffs, found: Sequence[Explained], origin: Origin) -> Page:
    """Where the outcome jumps along a knob, and by which rule, in pictures."""
    scenario = cliffs.looked[0].variant.scenario
    seeds = sorted({run.seed for each in cliffs.looked for run in each.runs})
    return Page(
        title=f"{scenario.name}, cliffs of {cliffs.knob}: kubeinfer-sim",
        subtitle=subtitle(cliffs),
        verdict=sentence(cliffs.knob, found[0]) if found else without_cliff(cliffs),
        tone="open" if found else "plain",
        numbers=list(_numbers(cliffs, found)),
        sections=[about(scenario), *_sections(cliffs, found)],
        end=end_of_page(scenario, origin, seeds_text(seeds)),
    )


def _numbers(cliffs: Cliffs, found: Sequence[Explained]) -> Iterator[Number]:
    first, last = (value_of(cliffs.knob, cliffs.looked[place]) for place in (0, -1))
    rules = dict.fromkeys(each.rule for each in found if each.rule)
    yield Number("Jumps", f"{len(found):,}", f"by {', '.join(rules)}" if rules else f"from {first} to {last}")
    yield Number("Values looked at", f"{len(cliffs.looked):,}", f"{cliffs.knob} from {first} to {last}")
    figures = [each.figure for each in cliffs.looked]
    title = figure_title(cliffs)
    ends = amounts([min(figures), max(figures)], "ms", endless="never finishes")
    yield Number(f"{title[0].upper()}{title[1:]}", ends[0], f"at best; {ends[1]} at worst")


def _sections(cliffs: Cliffs, found: Sequence[Explained]) -> Iterator[Section]:
    told = [sentence(cliffs.knob, each) for each in found]
    yield Section("All jumps", [Text(told, as_list=True)] if len(told) > 1 else [])
    yield Section("Along the knob", _picture(cliffs))
    rows = [
        (f"{cliffs.knob}={value_of(cliffs.knob, side)}", text)
        for each in found
        for side, text in ((each.cliff.below, each.below), (each.cliff.above, each.above))
    ]
    yield Section("A run of either side", [Table(("value", "what becomes of it"), rows)] if rows else [])
    values = [
        (
            Cell(value_of(cliffs.knob, each), each.place),
            outcome_text(each),
            Cell(figure, each.figure),
        )
        for each, figure in zip(cliffs.looked, figures_text(cliffs), strict=True)
    ]
    yield Section("Values looked at", [Table((cliffs.knob, "most runs", figure_title(cliffs)), values)])
    left_out = [f"{cliffs.knob}={value}: {why}" for value, why in cliffs.refused]
    yield Section("Left out", [Text(left_out, as_list=True)] if left_out else [])


def _picture(cliffs: Cliffs) -> list[Block]:
    plane = cliff_plane(cliffs)
    if plane is None:
        return []
    never = any(isinf(each.figure) for each in cliffs.looked)
    caption = "What never finishes is drawn above all others." if never else ""
    return [Picture(plane_plot(plane), caption)]
