"""The page of a backtest."""

from __future__ import annotations

from collections.abc import Iterator

from kubeinfer_sim.experiment.backtest.backtest import Backtest
from kubeinfer_sim.report.backtest import cells_of, notes_of, sentence, subtitle
from kubeinfer_sim.report.comparison_sentences import failed_lines
from kubeinfer_sim.report.html.origin import Origin, about, end_of_page
from kubeinfer_sim.report.html.page import Block, Cell, Number, Page, Picture, Section, Table, Text, Tone
from kubeinfer_sim.report.plots.intervals import intervals_plot
from kubeinfer_sim.report.series.intervals import intervals
from kubeinfer_sim.report.words import count, share, share_between, together

#: Rows of the table of figures, rollouts whose notes are told.
MOST_ROWS, _MOST_NOTED = 500, 20
_TONES: dict[str, Tone] = {"inside": "good", "outside": "bad", "not told": "open"}


def backtest_page(backtest: Backtest, origin: Origin) -> Page:
    """What happened beside what was predicted, in pictures."""
    judged, first = len(backtest.judged), backtest.scenarios[0]
    rollouts = count(len(backtest.rollouts), "rollout")
    return Page(
        title=f"{first.name}, backtest: kubeinfer-sim",
        subtitle=subtitle(backtest.rollouts[0]) if len(backtest.rollouts) == 1 else rollouts,
        verdict=sentence(backtest),
        tone="open" if not judged else "good" if backtest.inside == judged else "bad",
        numbers=list(_numbers(backtest)),
        sections=[about(first), *_sections(backtest)],
        end=end_of_page(first, origin, f"seeds from {first.seed}", *backtest.scenarios[1:]),
    )


def _numbers(backtest: Backtest) -> Iterator[Number]:
    judged = len(backtest.judged)
    outside = [each for each in backtest.judged if each.judgement == "outside"]
    named = ", ".join(dict.fromkeys(cells_of(each)[0] for each in outside))
    note = f"outside: {named}" if named else "figures that the listings tell"
    yield Number("Inside what was predicted", f"{backtest.inside:,} of {judged:,}", note)
    coverage = backtest.coverage
    if len(backtest.rollouts) > 1 and coverage is not None:
        told = share_between(
            coverage.mean, coverage.low or 0.0, 1.0 if coverage.high is None else coverage.high
        )
        yield Number("Durations inside", f"{share(coverage.mean)} %", f"{told} of rollouts")
    else:
        durations = [each for each in backtest.rollouts[0].figures if each.name == "duration"]
        for figure in durations[:1]:
            _, happened, predicted, judgement = cells_of(figure)
            yield Number("It took", happened, f"predicted {predicted}: {judgement}")
    runs = sum(each.runs for each in backtest.rollouts)
    yield Number("Runs", f"{runs:,}", f"predict {count(len(backtest.rollouts), 'rollout')}")


def _sections(backtest: Backtest) -> Iterator[Section]:
    yield Section("What happened beside what was predicted", list(_pictures(backtest)))
    rows = [
        (
            subtitle(one),
            *cells_of(each)[:3],
            Cell(each.judgement, tone=_TONES[each.judgement]),
        )
        for one in backtest.rollouts
        for each in one.figures
    ]
    table = Table(
        ("rollout", "figure", "happened", "predicted", "judged"),
        rows[:MOST_ROWS],
        "In brackets how many of 100 further runs lie in the interval.",
        max(0, len(rows) - MOST_ROWS),
    )
    yield Section("All figures", [table])
    notes = [f"{subtitle(one)}: {note}" for one in backtest.rollouts[:_MOST_NOTED] for note in notes_of(one)]
    notes += failed_lines(backtest.failures)
    yield Section("What could not be told", [Text(notes, as_list=True)] if notes else [])


def _pictures(backtest: Backtest) -> Iterator[Block]:
    shown = intervals(backtest)
    for each in shown:
        if not each.is_one_value:
            rest = f"Those outside first; {count(each.left_out, 'more rollout')} in the table."
            yield Picture(intervals_plot(each), rest if each.left_out else "")
    if alike := [each.title for each in shown if each.is_one_value]:
        yield Text([f"Not drawn, since one value was predicted and came about: {together(alike)}."])
