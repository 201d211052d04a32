"""The page of many runs of one scenario."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf, isinf

from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.replication import Replication
from kubeinfer_sim.experiment.replications import Replications
from kubeinfer_sim.report.estimates import amount, between
from kubeinfer_sim.report.html.lost_table import lost_table
from kubeinfer_sim.report.html.origin import Origin, about, end_of_page, seeds_text
from kubeinfer_sim.report.html.page import (
    Block,
    Cell,
    Number,
    Page,
    Picture,
    Section,
    Table,
    Text,
    Tone,
    Verbatim,
)
from kubeinfer_sim.report.plots.distributions import done_plot, durations_plot, fewest_plot
from kubeinfer_sim.report.plots.lost_time import lost_time_plot
from kubeinfer_sim.report.replications import fault_lines, run_words, subtitle
from kubeinfer_sim.report.run_figures import endless, figure_rows
from kubeinfer_sim.report.run_verdict import objective_row, verdict_line
from kubeinfer_sim.report.series.distributions import durations, fewest, lost_a_run
from kubeinfer_sim.report.words import count, rounded, share, share_between

#: Runs in the table, the worst first.
MOST_RUNS = 500
_TONES: dict[Decision, Tone] = {Decision.HELD: "good", Decision.MISSED: "bad"}


def replications_page(runs: Replications, origin: Origin, replay: Callable[[int], str]) -> Page:
    """What many runs come to, in pictures; `replay` gives the command that plays a seed again."""
    seeds = sorted([*(run.seed for run in runs.runs), *(each.seed for each in runs.failures)])
    return Page(
        title=f"{runs.scenario.name}, {count(runs.total, 'run')}: kubeinfer-sim",
        subtitle=subtitle(runs),
        verdict=verdict_line(runs),
        tone=_TONES.get(runs.decision, "open"),
        numbers=list(_numbers(runs)),
        sections=list(_sections(runs, replay)),
        end=end_of_page(runs.scenario, origin, seeds_text(seeds)),
    )


def _numbers(runs: Replications) -> Iterator[Number]:
    if not runs.runs:
        return
    part = runs.probability()
    of_what = "All objectives hold" if runs.together is not None else "What is asked for comes about"
    told = share_between(part.mean, part.low or 0.0, 1.0 if part.high is None else part.high)
    yield Number(of_what, f"{share(part.mean)} %", f"of {count(len(runs.runs), 'run')}: {told}")
    if runs.values("duration"):
        never = endless(runs)
        median, late = (runs.quantile("duration", part) for part in (0.5, 0.99))
        yield Number(
            "It takes, p50 and p99",
            f"{amount(median.mean, 'ms', endless=never)}, {amount(late.mean, 'ms', endless=never)}",
            f"{between('p50', median, 'ms', never)} · {between('p99', late, 'ms', never)}",
        )
    for each in fewest(runs)[:1]:
        least, number = next(iter(each.runs.items()))
        yield Number(
            f"Fewest {each.noun}s ready", f"{least:,}", f"in {number:,} of {count(len(runs.runs), 'run')}"
        )


def _sections(runs: Replications, replay: Callable[[int], str]) -> Iterator[Section]:
    yield about(runs.scenario)
    rows = [
        *runs.objectives,
        *([runs.together] if runs.together is not None and len(runs.objectives) > 1 else []),
    ]
    told = [(each.decision, *objective_row(each)) for each in rows]
    cells = [(Cell(mark, tone=_TONES.get(how, "open")), wanted, text) for how, mark, wanted, text in told]
    yield Section("Objectives", [Table(("judged", "objective", "in the runs"), cells)] if cells else [])
    if not runs.runs:
        yield Section("Failed", _failed(runs, replay))
        return
    yield Section("Figures", [Table(("figure", "what it comes to"), figure_rows(runs))])
    yield Section("How long it takes", _durations(runs))
    yield Section("How few are ready", [Picture(fewest_plot(each)) for each in fewest(runs)])
    if lost := lost_a_run(runs):
        family = runs.scenario.waited_for
        caption = "Mean of all runs."
        picture = Picture(lost_time_plot(lost, family, "lost time a run"), caption)
        yield Section("Where the lost time went", [picture, lost_table(lost, family.say, "runs struck")])
    faults = fault_lines(runs)
    yield Section("Faults", [Text(faults, as_list=True)] if faults else [])
    yield Section("Runs", [*_look_at(runs, replay), _table(runs)])
    yield Section("Failed", _failed(runs, replay))


def _durations(runs: Replications) -> list[Block]:
    series = durations(runs)
    if series is None:
        return []
    left = [
        f"{number:,} of {count(series.runs, 'run')} {how}"
        for number, how in ((series.never, "never finish"), (series.cut, "are cut short by the horizon"))
        if number
    ]
    if not series.done:
        return [Text([f"{'; '.join(left)}."])]
    caption = f"The band holds the true curve at each point with {share(runs.confidence)} %."
    note = f" {'; '.join(left)}." if left else ""
    blocks: list[Block] = [Picture(done_plot(series), f"{caption}{note}")]
    if series.bins:
        blocks.append(Picture(durations_plot(series)))
    return blocks


def _look_at(runs: Replications, replay: Callable[[int], str]) -> Iterator[Block]:
    for name, run in (("worst", runs.worst), ("median", runs.median)):
        yield Text([f"The {name}: seed {run.seed}, {run_words(run)}. To see it:"])
        yield Verbatim(replay(run.seed))


def _table(runs: Replications) -> Table:
    worst_first = list(reversed(runs.ranked))
    known = {column.name: column for column in runs.columns}
    told = [
        known[name] for name in ("minReady", "minAvailable", "lostInstanceMs", "lostPodMs") if name in known
    ]
    rows = [
        (
            Cell(str(run.seed), run.seed),
            run.outcome.value,
            _took(run),
            *(_value(run.values.get(each.name), each.unit) for each in told),
            Cell(f"{run.missed:,}" if run.missed else "", run.missed),
            Cell(f"{sum(run.struck.values()):,}" if run.struck else "", sum(run.struck.values())),
        )
        for run in worst_first[:MOST_RUNS]
    ]
    head = ("seed", "outcome", "takes", *(each.title_in(runs.scenario) for each in told), "missed", "faults")
    return Table(head, rows, "The worst first.", left_out=max(0, len(worst_first) - MOST_RUNS))


def _took(run: Replication) -> Cell:
    if run.duration is None:
        return Cell("", inf)
    return Cell("never" if isinf(run.duration) else rounded(round(run.duration)), run.duration)


def _value(value: float | None, unit: str) -> Cell:
    return Cell("", inf) if value is None else Cell(amount(value, unit), value)


def _failed(runs: Replications, replay: Callable[[int], str]) -> list[Block]:
    rows = [
        (Cell(str(each.seed), each.seed), each.why, each.message, replay(each.seed)) for each in runs.failures
    ]
    if not rows:
        return []
    shown = rows[:MOST_RUNS]
    return [Table(("seed", "why", "message", "to see it"), shown, left_out=len(rows) - len(shown))]
