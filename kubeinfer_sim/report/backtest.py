"""A backtest for people: each figure as it happened, as it was predicted, and whether it lay inside."""

from __future__ import annotations

from collections.abc import Iterator
from math import isinf

from rich.table import Table

from kubeinfer_sim.experiment.backtest.backtest import Backtest, Backtested
from kubeinfer_sim.experiment.backtest.judging import Figure
from kubeinfer_sim.experiment.rollout import Between
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.report.comparison_sentences import failed_lines
from kubeinfer_sim.report.estimates import amount
from kubeinfer_sim.report.paragraph import Part
from kubeinfer_sim.report.printed import printed
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count, percent, point, share_between

#: What people call a figure.
TITLES = {
    "duration": "duration",
    "fewestReady": "fewest ready",
    "order": "order",
    "schedule": "schedule (median)",
    "setUp": "set up (median)",
    "image": "image (median)",
    "init": "init (median)",
    "start": "start (median)",
}
_STYLES = {"outside": "red", "not told": "yellow", "inside": ""}
#: Heads of the cells of a figure (`cells_of`).
HEADS = ("", "happened", "predicted", "")


def render_backtest(
    backtest: Backtest, *, width: int = 80, colour: bool = False, unicode: bool = True
) -> str:
    """The backtest as text, lines at most `width` columns wide."""
    return printed(_parts(backtest), width=width, colour=colour, unicode=unicode)


def _parts(backtest: Backtest) -> Iterator[Part]:
    yield Text(sentence(backtest))
    for line in failed_lines(backtest.failures):
        yield Text(printable(line), style="red")
    for each in backtest.rollouts:
        yield Text()
        yield Text(printable(subtitle(each)), style="dim")
        yield _table(each)
        for note in notes_of(each):
            yield Text(printable(note), style="dim")


def sentence(backtest: Backtest) -> str:
    """`5 of 6 figures of 1 rollout lay inside their intervals: start of the pods did not.`"""
    judged, inside = len(backtest.judged), backtest.inside
    rollouts = count(len(backtest.rollouts), "rollout")
    if not judged:
        return f"Nothing can be judged of {rollouts}: the listings tell no figure."
    verb = "all lay" if inside == judged else f"{inside:,} lay"
    said = f"Of {count(judged, 'figure')} of {rollouts} {verb} inside what was predicted."
    coverage = backtest.coverage
    if (
        len(backtest.rollouts) > 1
        and coverage is not None
        and coverage.low is not None
        and coverage.high is not None
    ):
        said += f" The duration did in {share_between(coverage.mean, coverage.low, coverage.high)}."
    return said


def subtitle(one: Backtested) -> str:
    """`name · KubeInfer prod/chat · 199 runs`."""
    runs = count(one.runs, "run")
    drawn = "" if one.drawn else ", nothing is drawn"
    stopped = " · interrupted" if one.interrupted else ""
    return f"{one.scenario} · {one.workload} · {runs}{drawn}{stopped}"


def _table(one: Backtested) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
    for place, head in enumerate(HEADS):
        table.add_column(head, justify="right" if place in (1, 2) else "left", overflow="fold")
    for each in one.figures:
        table.add_row(*cells_of(each), style=_STYLES[each.judgement])
    return table


def cells_of(figure: Figure) -> tuple[str, str, str, str]:
    """Title, what happened, what was predicted (in how many of 100 runs it is so), the judgement."""
    exact = _looks_the_same(figure)
    predicted = "-" if figure.predicted is None else _range(figure, figure.predicted, exact=exact)
    if figure.level < 1:
        predicted += f" ({percent(figure.level)})"
    happened = "-" if figure.truth is None else _range(figure, figure.truth, exact=exact)
    return TITLES[figure.name], printable(figure.words or happened), predicted, figure.judgement


def _looks_the_same(figure: Figure) -> bool:
    """Whether what lay outside would be written as what it lay outside of."""
    truth, predicted = figure.truth, figure.predicted
    if figure.unit != "s" or figure.judgement != "outside" or truth is None or predicted is None:
        return False
    above = _amount(figure, truth.low) == _amount(figure, predicted.high)
    return above or _amount(figure, truth.high) == _amount(figure, predicted.low)


def _range(figure: Figure, between: Between, *, exact: bool) -> str:
    if figure.unit == "swaps":
        return f"up to {count(round(between.high), 'pair')} off" if between.high else "always the same"
    low, high = (_amount(figure, each, exact=exact) for each in between)
    if low == high:
        return low
    if figure.truth is not between:
        return f"{low}–{high}"
    if figure.unit == "count" and not between.low:
        return f"at most {high}"
    return f"at least {low}" if isinf(between.high) else f"{low}–{high}"


def _amount(figure: Figure, value: float, *, exact: bool = False) -> str:
    if exact and not isinf(value):
        return point(round(value * 1000))
    return amount(value * 1000 if figure.unit == "s" else value, "ms" if figure.unit == "s" else "count")


def notes_of(one: Backtested) -> list[str]:
    """What could not be told, and why; each once."""
    why = [f"{TITLES[each.name]}: {each.why}" for each in one.figures if each.why]
    return [*why, *dict.fromkeys(one.notes)]
