"""A backtest as Markdown."""

from __future__ import annotations

from kubeinfer_sim.experiment.backtest.backtest import Backtest
from kubeinfer_sim.report.backtest import cells_of, notes_of, sentence, subtitle
from kubeinfer_sim.report.comparison_sentences import failed_lines
from kubeinfer_sim.report.markdown.text import comment, escaped, footer


def backtest_markdown(backtest: Backtest, command: str = "") -> str:
    """The backtest as a comment on a change."""
    lines = [f"**{escaped(sentence(backtest))}**"]
    for one in backtest.rollouts:
        lines += ["", escaped(subtitle(one)), "", "| | happened | predicted | |", "|---|---|---|---|"]
        lines += [f"| {' | '.join(map(escaped, cells_of(each)))} |" for each in one.figures]
        lines += ["", *(f"- {escaped(note)}" for note in notes_of(one))]
    lines += [f"- {escaped(each)}" for each in failed_lines(backtest.failures)]
    lines.append(footer(backtest.scenarios[0], command))
    return comment(lines)
