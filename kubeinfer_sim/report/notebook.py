"""Results as a notebook shows them: how it came out in a sentence, and a small table; HTML without a script.

The words are those of the other reports. Nothing in a name can act as markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch
from html import escape
from typing import NamedTuple

from kubeinfer_sim.experiment.backtest.backtest import Backtest
from kubeinfer_sim.experiment.compare import Comparison
from kubeinfer_sim.experiment.planning.plan import Plan
from kubeinfer_sim.experiment.recommending.recommend import Recommendation
from kubeinfer_sim.experiment.replications import Replications
from kubeinfer_sim.experiment.sensitivity import Sensitivity
from kubeinfer_sim.experiment.sweep import Sweep
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.report import backtest, plan, recommendation, replications, sensitivity, sweep
from kubeinfer_sim.report.comparison import variant_lines
from kubeinfer_sim.report.comparison_sentences import headline, subtitle
from kubeinfer_sim.report.key_figures import figures_of_all, subject
from kubeinfer_sim.report.objectives import objective_text
from kubeinfer_sim.report.run_figures import figure_rows
from kubeinfer_sim.report.run_verdict import objective_row
from kubeinfer_sim.report.run_verdict import verdict_line as verdict_of_runs
from kubeinfer_sim.report.verdict import JUDGED, Assessment, assess, verdict_line
from kubeinfer_sim.report.words import count
from kubeinfer_sim.scenario.units import format_duration
from kubeinfer_sim.simulation.run import Run

#: Rows of a table at most; `table()` of the result has all.
MOST_ROWS = 20


class Shown(NamedTuple):
    """What a notebook shows of a result, as plain texts; `more`: so many rows there are besides."""

    sentence: str
    about: str
    rows: Sequence[Sequence[str]] = ()
    head: Sequence[str] = ()
    more: int = 0


def html_of(result: object) -> str:
    """The `_repr_html_` of a result."""
    told = _few(_shown(result))
    lines = [f"<p><strong>{_text(told.sentence)}</strong><br>{_text(told.about)}</p>"]
    if told.rows:
        head = [f"<thead>{_row(told.head, 'th')}</thead>"] if told.head else []
        lines += [
            "<table>",
            *head,
            "<tbody>",
            *(_row(each, "td") for each in told.rows),
            "</tbody>",
            "</table>",
        ]
    if told.more:
        lines.append(f"<p>… and {told.more:,} more</p>")
    return "\n".join(lines)


def _row(cells: Iterable[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{_text(each)}</{tag}>' for each in cells)}</tr>"


def _text(text: str) -> str:
    return "<br>".join(escape(printable(line)) for line in text.split("\n"))


def _few(shown: Shown) -> Shown:
    """With the first rows only, and how many more there are."""
    return shown._replace(rows=shown.rows[:MOST_ROWS], more=shown.more + max(0, len(shown.rows) - MOST_ROWS))


@singledispatch
def _shown(result: object) -> Shown:
    raise TypeError(f"{type(result).__name__}: no table of it")


@_shown.register
def _(run: Run) -> Shown:
    if not run.history.keep:  # assess would find nothing in it
        told = f"{count(run.history.total, 'record')} until {format_duration(run.ended_at)}"
        return Shown(f"{run.scenario.name}: a run whose history was not kept", f"{told} · seed {run.seed}")
    return _shown(assess(run))


@_shown.register
def _(assessment: Assessment) -> Shown:
    objectives = [(JUDGED[each.judgement], objective_text(each)) for each in assessment.judged]
    rows = [*objectives, *figures_of_all(assessment)]
    return Shown(verdict_line(assessment), " · ".join(subject(assessment)), rows)


@_shown.register
def _(runs: Replications) -> Shown:
    together = [runs.together] if runs.together is not None and len(runs.objectives) > 1 else []
    judged = map(objective_row, [*runs.objectives, *together])
    rows = [(mark, f"{wanted}: {told}") for mark, wanted, told in judged]
    figures = figure_rows(runs) if runs.runs else []
    return Shown(verdict_of_runs(runs), replications.subtitle(runs), [*rows, *figures])


@_shown.register
def _(comparison: Comparison) -> Shown:
    titles, cells = variant_lines(comparison, "all")
    names = [outcome.variant.name for outcome in comparison.outcomes]
    rows = [(name, *own) for name, own in zip(names, cells, strict=True)]
    return Shown(headline(comparison), subtitle(comparison), rows, ["", *titles])


@_shown.register
def _(made: Plan) -> Shown:
    shown = plan.options_shown(made, MOST_ROWS)
    heads, rows = plan.lines_of(made, shown, interval=True) if shown else ([], [])
    said = f"{plan.MARKS[made.decision][0]} {plan.headline(made)}"
    return Shown(said, plan.subtitle(made), rows, heads, len(made.options) - len(shown))


@_shown.register
def _(made: Sweep) -> Shown:
    shown = sweep.points_shown(made, MOST_ROWS)
    (_, *heads), rows = sweep.lines_of(made, shown, interval=True)
    said = "\n".join(sweep.headline(made))
    return Shown(said, sweep.subtitle(made), rows, ("front", *heads), len(made.points) - len(shown))


@_shown.register
def _(found: Sensitivity) -> Shown:
    rows = [
        (
            sensitivity.name_of(each),
            each.input.base,
            " · ".join(sensitivity.effect_text(found, effect) for effect in each.effects if not effect.same),
        )
        for each in found.moved
    ]
    said = "\n".join(sensitivity.headline(found))
    return Shown(said, sensitivity.subtitle(found), rows, ("input", "as it is", "turned to"))


@_shown.register
def _(made: Recommendation) -> Shown:
    rows = [
        (recommendation.change_name(step.change), recommendation.effect_text(each))
        for step in made.steps
        for each in step.effects
        if each.difference.differs
    ]
    return Shown(recommendation.sentence(made), recommendation.subtitle(made), rows, ("change", "effect"))


@_shown.register
def _(made: Backtest) -> Shown:
    several = len(made.rollouts) > 1
    rows = [
        (*([one.scenario] if several else []), *backtest.cells_of(each))
        for one in made.rollouts
        for each in one.figures
    ]
    head = (*(["rollout"] if several else []), *backtest.HEADS)
    return Shown(backtest.sentence(made), "\n".join(map(backtest.subtitle, made.rollouts[:1])), rows, head)
