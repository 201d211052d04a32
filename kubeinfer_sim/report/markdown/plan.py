"""A plan as Markdown."""

from __future__ import annotations

from kubeinfer_sim.experiment.planning.plan import Plan
from kubeinfer_sim.report.markdown.text import capped, comment, escaped, footer, table
from kubeinfer_sim.report.plan import (
    MARKS,
    further,
    headline,
    lines_of,
    neighbour_line,
    options_shown,
    subtitle,
)
from kubeinfer_sim.report.sweep import left_out_lines

_MOST_FURTHER, _MOST_ROWS, _MOST_NEIGHBOURS = 3, 9, 4


def plan_markdown(plan: Plan, command: str = "") -> str:
    """The answer, the combinations around it, and its neighbours."""
    mark, _ = MARKS[plan.decision]
    lines = [f"**{mark} {escaped(headline(plan))}**", "", escaped(subtitle(plan)), ""]
    if plan.options:
        shown = options_shown(plan, _MOST_ROWS)
        heads, rows = lines_of(plan, shown, interval=True)
        bold = ["**" if option is plan.best else "" for option in shown]
        cells = [
            [f"{each}{escaped(text)}{each}" if text else "" for text in row]
            for each, row in zip(bold, rows, strict=True)
        ]
        lines += table([*map(escaped, heads)], cells)
        if len(shown) < len(plan.options):
            lines += ["", f"… and {len(plan.options) - len(shown):,} more"]
        lines.append("")
    told = [f"- {escaped(neighbour_line(each, plan))}" for each in plan.neighbours]
    lines += capped(told, _MOST_NEIGHBOURS, "neighbours")
    lines += capped([f"- {escaped(each)}" for each in further(plan)], _MOST_FURTHER, "lines")
    left_out = [f"- {escaped(each)}" for each in left_out_lines(plan.left_out)]
    lines += capped(left_out, 2, "that cannot be")
    return comment([*lines, footer(plan.scenario, command)])
