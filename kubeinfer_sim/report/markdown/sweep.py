"""A sweep, and the cliffs of a knob, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.experiment.cliffs import Cliffs
from kubeinfer_sim.experiment.sweep import Sweep
from kubeinfer_sim.report import cliffs as of_cliffs
from kubeinfer_sim.report.cliffs import Explained, value_of
from kubeinfer_sim.report.comparison_sentences import failed_lines
from kubeinfer_sim.report.markdown.text import capped, comment, escaped, footer, table
from kubeinfer_sim.report.sweep import headline, left_out_lines, lines_of, points_shown, subtitle

_MOST_ROWS, _MOST_LINES, _MOST_JUMPS = 14, 3, 4


def sweep_markdown(sweep: Sweep, command: str = "") -> str:
    """What is on the front, then the combinations, those of the front among them."""
    first, *more = headline(sweep)
    shown = points_shown(sweep, _MOST_ROWS)
    heads, rows = lines_of(sweep, shown, interval=True)
    cells = [["●" if row[0] else "", *map(escaped, row[1:])] for row in rows]
    told = " · ".join([*more, subtitle(sweep)])
    lines = [f"**{escaped(first)}**", "", escaped(told), ""]
    lines += table([*map(escaped, heads)], cells)
    left_out = [f"- {escaped(each)}" for each in left_out_lines(sweep.left_out)]
    failed = [f"- {escaped(each)}" for each in failed_lines(sweep.comparison.failures)]
    rest = len(sweep.points) - len(shown)
    lines += ["", f"● on the front{f'; … and {rest:,} more combinations' if rest else ''}"]
    lines += capped(left_out, _MOST_LINES, "that cannot be") + capped(failed, _MOST_LINES, "runs")
    return comment([*lines, footer(sweep.points[0].variant.scenario, command)])


def cliffs_markdown(cliffs: Cliffs, found: Sequence[Explained], command: str = "") -> str:
    """Where it jumps and by which rule, a run of either side, then the values looked at around the first jump."""
    told = [of_cliffs.sentence(cliffs.knob, each) for each in found] or [of_cliffs.without_cliff(cliffs)]
    lines = [f"**{escaped(told[0])}**", "", escaped(of_cliffs.subtitle(cliffs)), ""]
    lines += capped([f"- {escaped(each)}" for each in told[1:]], _MOST_JUMPS, "jumps")
    for each in found[:1]:
        for side, text in ((each.cliff.below, each.below), (each.cliff.above, each.above)):
            lines.append(f"- {escaped(f'{cliffs.knob}={value_of(cliffs.knob, side)}: {text}')}")
    first = cliffs.looked.index(found[0].cliff.below) - _MOST_ROWS // 2 + 1 if found else 0
    first = max(0, min(first, len(cliffs.looked) - _MOST_ROWS))
    shown = cliffs.looked[first : first + _MOST_ROWS]
    figures = of_cliffs.figures_text(cliffs)[first : first + _MOST_ROWS]
    rows = [
        [
            escaped(value_of(cliffs.knob, each)),
            escaped(of_cliffs.outcome_text(each)),
            escaped(figure),
        ]
        for each, figure in zip(shown, figures, strict=True)
    ]
    head = [escaped(cliffs.knob), "most runs", of_cliffs.figure_title(cliffs)]
    lines += ["", *table(head, rows), ""]
    if rest := len(cliffs.looked) - len(shown):
        lines.append(f"… and {rest:,} more values")
    refused = [f"- left out: {escaped(f'{cliffs.knob}={value}: {why}')}" for value, why in cliffs.refused]
    return comment(
        [*lines, *capped(refused, 2, "values"), footer(cliffs.looked[0].variant.scenario, command)]
    )
