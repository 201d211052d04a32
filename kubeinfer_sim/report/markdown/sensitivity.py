"""What moves the answer, as Markdown."""

from __future__ import annotations

from kubeinfer_sim.experiment.sensitivity import Sensitivity
from kubeinfer_sim.report.comparison_sentences import failed_lines
from kubeinfer_sim.report.markdown.text import capped, comment, escaped, footer, table
from kubeinfer_sim.report.sensitivity import effect_text, headline, name_of, rests, subtitle, to_measure

_MOST_ROWS, _MOST_LINES = 10, 3


def sensitivity_markdown(found: Sensitivity, file: str, command: str = "") -> str:
    """What moves it most, a row an input, what to measure first."""
    base, moves = headline(found)
    lines = [f"**{escaped(f'{moves} {base}')}**", "", escaped(subtitle(found)), ""]
    rows = [
        [
            escaped(name_of(each)),
            escaped(each.input.base),
            escaped(" · ".join(effect_text(found, effect) for effect in each.effects if not effect.same)),
        ]
        for each in found.moved[:_MOST_ROWS]
    ]
    if rows:
        lines += [*table(("input", "as it is", "turned to"), rows), ""]
    if rest := len(found.moved) - len(rows):
        lines += [f"… and {rest:,} more with less effect", ""]
    lines += [f"- measure {escaped(each)}" for each in to_measure(found, file)]
    lines += capped([f"- {escaped(each)}" for each in rests(found)], _MOST_LINES, "lines")
    lines += capped([f"- {escaped(each)}" for each in failed_lines(found.comparison.failures)], 2, "runs")
    return comment([*lines, footer(found.comparison.outcomes[0].variant.scenario, command)])
