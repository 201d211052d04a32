"""Many runs as Markdown."""

from __future__ import annotations

from kubeinfer_sim.experiment.replications import Replications
from kubeinfer_sim.report.markdown.text import capped, comment, escaped, footer, table
from kubeinfer_sim.report.replications import fault_lines, run_words, subtitle
from kubeinfer_sim.report.run_figures import figure_rows
from kubeinfer_sim.report.run_verdict import objective_row, verdict_line

_MOST_OBJECTIVES, _MOST_FIGURES, _MOST_LINES = 6, 8, 3


def replications_markdown(runs: Replications, command: str = "") -> str:
    """Verdict, objectives, figures, faults, which runs to look at."""
    lines = [f"**{escaped(verdict_line(runs))}**", "", escaped(subtitle(runs)), ""]
    each = [*runs.objectives[:_MOST_OBJECTIVES], *filter(None, (runs.together,))]
    rows = [(mark, f"{escaped(wanted)}: {escaped(told)}") for mark, wanted, told in map(objective_row, each)]
    figures = figure_rows(runs)[:_MOST_FIGURES] if runs.runs else []
    rows += [(escaped(name), escaped(text)) for name, text in figures]
    lines += table(("", ""), rows)
    if runs.runs:
        faults = [f"- {escaped(line)}" for line in fault_lines(runs)]
        lines += ["", *capped(faults, _MOST_LINES, "kinds")] if faults else []
        lines += ["", f"- worst: seed {runs.worst.seed}, {escaped(run_words(runs.worst))}"]
    failed = [f"- seed {one.seed} failed: {escaped(one.message)}" for one in runs.failures]
    lines += capped(failed, _MOST_LINES, "runs")
    return comment([*lines, "", footer(runs.scenario, command)])
