"""A comparison as Markdown."""

from __future__ import annotations

from kubeinfer_sim.experiment.compare import Comparison
from kubeinfer_sim.report.comparison import MOST_SIDE_BY_SIDE, variant_lines
from kubeinfer_sim.report.comparison_rows import legend, lines_beside
from kubeinfer_sim.report.comparison_sentences import (
    besides,
    headline,
    sentences,
    spans_note,
    subtitle,
)
from kubeinfer_sim.report.markdown.text import capped, comment, escaped, footer, table

_MOST_SENTENCES, _MOST_ROWS = 4, 11


def comparison_markdown(comparison: Comparison, command: str = "") -> str:
    """What is better and why, then how often objectives hold, and the numbers of the whole run that say most."""
    names = [outcome.variant.name for outcome in comparison.outcomes]
    many = len(names) > MOST_SIDE_BY_SIDE
    if many:
        titles, cells = variant_lines(comparison, "all")
        head, rows = ["", *titles], [[name, *own] for name, own in zip(names, cells, strict=True)]
    else:
        head, rows = ["", *names], lines_beside(comparison)
    shown = rows[:_MOST_ROWS]
    first, *said = [headline(comparison), *besides(comparison)] if many else sentences(comparison)
    told = [f"- {escaped(each)}" for each in said]
    every = [cell for row in (head, *shown) for cell in row]
    rest = len(rows) - len(shown)
    what = "variants" if many else "numbers"
    lines = [
        f"**{escaped(first)}**",
        "",
        *capped(told, _MOST_SENTENCES, "variants"),
        *([""] if told else []),
        escaped(subtitle(comparison)),
        "",
        *table([*map(escaped, head)], ([*map(escaped, row)] for row in shown)),
        *(["", f"… and {rest:,} more {what}: `-o json` has all"] if rest else []),
        "",
        escaped(legend(comparison, every, differences="" if many else "beside")),
        "",
        *([escaped(note), ""] if (note := spans_note(comparison)) else []),
        footer(comparison.outcomes[0].variant.scenario, command),
    ]
    return comment(lines)
