"""A comparison as Markdown."""

from __future__ import annotations

from kubeinfer_sim.experiment.compare import Comparison
from kubeinfer_sim.report.comparison import MOST_SIDE_BY_SIDE, variant_lines
from kubeinfer_sim.report.comparison_rows import legend, row_of
from kubeinfer_sim.report.comparison_sentences import (
    headline,
    held_more_often,
    sentences,
    spans_note,
    subtitle,
)
from kubeinfer_sim.report.markdown.text import capped, comment, escaped, footer, table

_MOST_SENTENCES, _MOST_ROWS = 8, 14


def comparison_markdown(comparison: Comparison) -> str:
    """What is better and why, then the numbers about the whole run; those about kinds of faults are in the JSON."""
    about_the_run = (column for column in comparison.columns if column.about in ("", "objective"))
    rows = [row for column in about_the_run if (row := row_of(comparison, column)) is not None]
    shown = []
    for row in rows[:_MOST_ROWS]:
        differences = ("", *(f" ({each})" for each in row.differences)) if row.differences else ()
        pairs = zip(row.values, differences or [""] * len(row.values), strict=True)
        shown.append([escaped(row.title), *(escaped(f"{value}{by}") for value, by in pairs)])
    names = [outcome.variant.name for outcome in comparison.outcomes]
    head = ["", *map(escaped, names)]
    if len(names) > MOST_SIDE_BY_SIDE:
        titles, cells = variant_lines(comparison, "all")
        head = ["", *map(escaped, titles)]
        every = [[escaped(name), *map(escaped, own)] for name, own in zip(names, cells, strict=True)]
        shown = every[:_MOST_ROWS]
    many = len(names) > MOST_SIDE_BY_SIDE
    said = [headline(comparison), *held_more_often(comparison)] if many else sentences(comparison)
    told = [f"- {escaped(each)}" for each in said]
    lines = [
        *capped(told, _MOST_SENTENCES, "variants"),
        "",
        escaped(subtitle(comparison)),
        "",
        *table(head, shown),
        "",
        escaped(legend(comparison, (cell for row in (head, *shown) for cell in row), differences=not many)),
        "",
        *([escaped(note), ""] if (note := spans_note(comparison)) else []),
        footer(),
    ]
    return comment(lines)
