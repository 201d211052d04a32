"""The page of what moves the answer."""

from __future__ import annotations

from collections.abc import Iterator

from kubeinfer_sim.experiment.sensitivity import Sensitivity
from kubeinfer_sim.report.comparison_sentences import failed_lines
from kubeinfer_sim.report.estimates import amount
from kubeinfer_sim.report.html.origin import Origin, about, end_of_page, seeds_text
from kubeinfer_sim.report.html.page import (
    Block,
    Cell,
    Number,
    Page,
    Picture,
    Section,
    Table,
    Text,
    Tone,
    Verbatim,
)
from kubeinfer_sim.report.plots.tornado import tornado_plot
from kubeinfer_sim.report.sensitivity import (
    ENDLESS,
    PARTS,
    headline,
    index_lines,
    more_text,
    name_of,
    rests,
    subtitle,
    to_measure,
)
from kubeinfer_sim.report.series.tornado import tornado
from kubeinfer_sim.report.words import count

#: Rows of the table of values.
MOST_ROWS = 500


def sensitivity_page(found: Sensitivity, file: str, origin: Origin) -> Page:
    """Which input moves the figure most and what to measure first, in pictures; `file`: of the scenario."""
    base, moves = headline(found)
    return Page(
        title=f"{found.comparison.scenario}, sensitivity: kubeinfer-sim",
        subtitle=subtitle(found),
        verdict=f"{moves} {base}",
        tone="open" if found.comparison.interrupted else "plain",
        numbers=list(_numbers(found)),
        sections=[about(found.scenario), *_sections(found, file)],
        end=end_of_page(found.scenario, origin, seeds_text(found.comparison.seeds)),
    )


def _numbers(found: Sensitivity) -> Iterator[Number]:
    seeds = count(len(found.comparison.seeds), "seed")
    median = len(found.comparison.seeds) > 1 and found.unit not in PARTS  # a part of the runs is none
    yield Number(
        f"{found.title[0].upper()}{found.title[1:]}",
        amount(found.base.mean, found.unit, endless=ENDLESS),
        f"as the scenario is, {'the median of' if median else 'with'} {seeds}",
    )
    told = [each for each in found.moved if each.told]
    if told:
        first = max((each for each in told[0].effects if each.told), key=lambda each: abs(each.more.mean))
        yield Number("Moves it most", more_text(found, first.more), f"{told[0].input.name} at {first.value}")
    else:
        yield Number("Moves it most", "none for sure", f"of {count(len(found.moved), 'input')} that may")
    inputs = len(found.moved) + len(found.idle)
    yield Number("Inputs that move it", f"{len(told):,} of {inputs:,}", "; ".join(rests(found)))


def _sections(found: Sensitivity, file: str) -> Iterator[Section]:
    yield Section("What moves it, one input at a time", _picture(found))
    measure = to_measure(found, file)
    yield Section(
        "Measure on the real cluster before trusting this", [Text(measure, as_list=True)] if measure else []
    )
    yield Section("Every value", [_table(found)] if found.moved else [])
    lines = index_lines(found)
    yield Section("All turned together", [Verbatim("\n".join(lines))] if found.indices else [])
    idle = ", ".join(each.name for each in found.idle)
    yield Section("What moves nothing in any run", [Text([idle])] if idle else [])
    left_out = [
        f"{', '.join(f'{name}={value}' for name, value in each.settings.items())}: {each.message}"
        for each in found.left_out
    ]
    yield Section("Values that cannot be here", [Text(left_out, as_list=True)] if left_out else [])
    failed = failed_lines(found.comparison.failures)
    yield Section("Failed", [Text(failed, as_list=True)] if failed else [])


def _picture(found: Sensitivity) -> list[Block]:
    series = tornado(found)
    if series is None:
        return []
    told = [
        "Each input is turned alone, under the same seeds; a star is an assumption that nobody has published."
    ]
    if series.left_out:
        told.append(f"{count(series.left_out, 'input')} with less effect: in the table.")
    return [Picture(tornado_plot(series), " ".join(told))]


def _table(found: Sensitivity) -> Table:
    rows = [
        (
            name_of(moved),
            moved.input.base,
            effect.value,
            Cell(more_text(found, effect.more, interval=True), effect.more.mean),
            _sure(told=effect.told, same=effect.same),
        )
        for moved in found.moved
        for effect in moved.effects
    ]
    head = ("input", "as it is", "at", "the figure is", "can be told")
    return Table(head, rows[:MOST_ROWS], "The farthest first.", max(0, len(rows) - MOST_ROWS))


def _sure(*, told: bool, same: bool) -> Cell:
    words, tone = ("the same in every run", "plain") if same else ("yes", "good") if told else ("no", "open")
    shown: Tone = tone  # type: ignore[assignment]
    return Cell(words, tone=shown)
