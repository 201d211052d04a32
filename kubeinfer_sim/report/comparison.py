"""A comparison for people: a table, and in words what is better and why."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kubeinfer_sim.experiment.columns import Column
from kubeinfer_sim.experiment.compare import Comparison, Outcome
from kubeinfer_sim.experiment.statistics import Estimate
from kubeinfer_sim.report.words import count, plain, rounded

MINUS = "−"


def render_comparison(
    comparison: Comparison, *, width: int = 80, colour: bool = False, unicode: bool = True
) -> str:
    """The comparison as text, lines at most `width` columns wide."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=colour,
        no_color=not colour,
        highlight=False,
        legacy_windows=False,
    )
    for sentence in sentences(comparison):
        console.print(Text(sentence))
    console.print(Text(_subtitle(comparison), style="dim"))
    console.print()
    console.print(_table(comparison))
    text = "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"
    return text if unicode else plain(text).replace(MINUS, "-").replace("±", "+-")


def sentences(comparison: Comparison) -> list[str]:
    """What is better, by how much, and why."""
    best = comparison.best
    others = [outcome for outcome in comparison.outcomes if outcome is not best]
    if not others:
        return [
            f"{best.variant.name} loses {_value(comparison.columns[0], best.mean(comparison.columns[0]))}."
        ]
    said = []
    for other in others:
        column = comparison.better(best, other)
        if column is None:
            names = f"{best.variant.name} and {other.variant.name}"
            if comparison.same(best, other):
                said.append(f"{names} come out the same.")
            else:
                said.append(f"{names} cannot be told apart by {count(len(comparison.seeds), 'seed')}.")
            continue
        difference = best.against(other, column)
        fewer = "fewer" if column.unit == "count" else "less"
        less = fewer if column.better == "low" else "more"
        by = _value(column, Estimate(abs(difference.mean), difference.half))
        said.append(
            f"{best.variant.name} is better than {other.variant.name}: {by} {less} {column.title}{_why(best, other)}."
        )
    return said


def _why(best: Outcome, other: Outcome) -> str:
    """The largest saving by what the outages were spent on."""
    saved = {
        stage: length - best.spent.get(stage, 0.0)
        for stage, length in other.spent.items()
        if length > best.spent.get(stage, 0.0)
    }
    stages = sorted(saved, key=lambda stage: -saved[stage])[:2]
    parts = [
        f"{rounded(round(other.spent[stage]))} {stage} where {best.variant.name} spends "
        f"{rounded(round(best.spent.get(stage, 0.0)))}"
        for stage in stages
        if saved[stage] >= 1000
    ]
    return f"; {other.variant.name} spends {', and '.join(parts)}" if parts else ""


def _subtitle(comparison: Comparison) -> str:
    seeds = comparison.seeds
    text = f"{comparison.scenario} · the same faults for all"
    if len(seeds) == 1:
        return f"{text} · seed {seeds[0]}"
    return (
        f"{text} · {count(len(seeds), 'seed')} ({seeds[0]}-{seeds[-1]}) · means, ± half of the 95 % interval"
    )


def _table(comparison: Comparison) -> Table:
    """A row for each number; below it the difference to the first variant, where there is one."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
    table.add_column("")
    base = comparison.outcomes[0]
    for outcome in comparison.outcomes:
        table.add_column(outcome.variant.name, justify="right", overflow="fold")
    for column in comparison.columns:
        means = [outcome.mean(column) for outcome in comparison.outcomes]
        if not any(mean.mean for mean in means):
            continue
        table.add_row(column.title, *(_value(column, mean) for mean in means))
        differences = [outcome.against(base, column) for outcome in comparison.outcomes[1:]]
        if any(difference.mean for difference in differences):
            table.add_row("", "", *(_signed(column, each) for each in differences), style="dim")
    return table


def _value(column: Column, number: Estimate) -> str:
    text = _text(column, number.mean)
    return text if not number.half else f"{text} ± {_text(column, number.half)}"


def _signed(column: Column, number: Estimate) -> str:
    if not number.mean and not number.half:
        return "="
    sign = MINUS if number.mean < 0 else "+"
    text = f"{sign}{_text(column, abs(number.mean))}"
    return text if not number.half else f"{text} ± {_text(column, number.half)}"


def _text(column: Column, number: float) -> str:
    if column.unit == "fraction":
        return f"{number * 100:.2f} %"
    if column.unit in ("ms", "instance-ms"):
        return rounded(round(number))
    if column.unit == "NPU-hours":
        return f"{number:,.1f}"
    return f"{number:,.1f}".removesuffix(".0")
