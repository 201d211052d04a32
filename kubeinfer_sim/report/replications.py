"""Many runs for people: verdict, objectives, figures with intervals, when they are done, lost time, what to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import ROUND_CEILING
from math import isinf

from rich.table import Table

from kubeinfer_sim.experiment.judging import Decision, cut_short
from kubeinfer_sim.experiment.replication import Replication
from kubeinfer_sim.experiment.replications import Replications
from kubeinfer_sim.experiment.statistics.estimate import TOO_FEW
from kubeinfer_sim.experiment.statistics.proportions import proportion
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.metrics.loss_stages import STAGES
from kubeinfer_sim.report.blocks import section
from kubeinfer_sim.report.estimates import amount
from kubeinfer_sim.report.lost_time import stages_text
from kubeinfer_sim.report.paragraph import Part, figure_table, indented
from kubeinfer_sim.report.printed import printed, within
from kubeinfer_sim.report.rests_on import rests_on, rests_on_in_short
from kubeinfer_sim.report.run_figures import figure_rows, histogram
from kubeinfer_sim.report.run_verdict import objective_row, verdict_line
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count, rounded, share, share_between, together
from kubeinfer_sim.scenario.timings.distributions import Constant

#: Kinds of beginnings and faults, and failures, that are told; the JSON has all.
_MOST = 6
#: Seeds of further failures.
_MOST_SEEDS = 20
_STYLES = {Decision.HELD: "bold green", Decision.MISSED: "bold red"}
_INTERVALS = (
    "of percentiles by order statistics, of means by Student's t corrected for skewness, "
    "of proportions exact (Clopper-Pearson; one-sided where none or all have it)"
)
_SEQUENTIAL = "; of objectives by a confidence sequence, since what came out decided how many runs there are"
#: Of scenarios in which something begins cold.
_COUNTED = (
    "what is ready, lost and available: of what does not run at the start from when all of it was ready for the first "
    "time, in each run, or where it never was from when it was asked for; until it is deleted or the run ends"
)
#: The command that plays one seed again.
Replay = Callable[[int], str]


def render_replications(
    runs: Replications,
    replay: Replay,
    *,
    width: int = 80,
    colour: bool = False,
    unicode: bool = True,
    assumptions: bool = False,
    why: str = "",
) -> str:
    """The report as text, lines at most `width` columns wide (60 to 160), but for commands to copy.

    Args:
        runs: what to report.
        replay: the command that plays a seed again.
        width: columns of the terminal.
        colour: with ANSI colours.
        unicode: False replaces everything drawn beyond ASCII.
        assumptions: every assumption and default instead of how many there are.
        why: the verdict of the worst run, where it does not come to its end.
    """
    parts = _parts(runs, replay, why, assumptions=assumptions)
    return printed(parts, width=within(width), colour=colour, unicode=unicode)


def subtitle(runs: Replications) -> str:
    """The scenario, how many runs, which seeds, why no more."""
    seeds = sorted([*(run.seed for run in runs.runs), *(each.seed for each in runs.failures)])
    parts = [runs.scenario.name, count(runs.total, "run")]
    if seeds:
        parts.append(f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]}-{seeds[-1]}")
    parts.append(
        {
            "asked": "",
            "decided": "then it was decided",
            "most": f"{_not_reached(runs)}after the most there were to be, {runs.asked:,}",
            "precision": f"as the precision asks for: {_precision(runs)}",
            "pilot": f"as many as the pilot asks for: {_precision(runs)}, and {_asked(runs)}",
            "interrupted": f"interrupted: {runs.asked:,} were asked for",
        }[runs.stopped]
    )
    parts.append(f"intervals of {share(runs.confidence)} %")
    return " · ".join(filter(None, parts))


def _not_reached(runs: Replications) -> str:
    if runs.precision is None:
        return "not decided "
    return f"{_precision(runs)}, and {_asked(runs)}: "


def _asked(runs: Replications) -> str:
    return f"±{share(runs.precision or 0.0)} % was asked for"


def _precision(runs: Replications) -> str:
    """`the mean of how long it takes is known to ±4.8 %`."""
    what = "how long it takes" if runs.precise_figure == "duration" else "the time lost"
    reached = runs.measured_precision
    if reached is None:
        return f"of the mean of {what} these are {TOO_FEW}"
    return f"the mean of {what} is known to ±{share(reached, ROUND_CEILING)} %"


def _parts(runs: Replications, replay: Replay, why: str, *, assumptions: bool) -> Iterable[Part]:
    yield Text(verdict_line(runs), style=_STYLES.get(runs.decision, "bold yellow"))
    yield Text(printable(subtitle(runs)), style="dim")
    if runs.runs:
        yield from section("Objectives", _objectives(runs))
        yield from section("Figures", figure_table(figure_rows(runs)))
        yield from section("Done by", _done_by(runs))
        yield from section("Lost time", lost_lines(runs))
        yield from section("Faults", [Text(line) for line in fault_lines(runs)])
        yield from _look_at(runs, replay, why)
    yield from _failed(runs, replay)
    if assumptions:
        yield from section("Rests on", rests_on(runs.scenario))
    yield Text()
    rows = [("Intervals", f"{_INTERVALS}{_SEQUENTIAL if runs.sequential else ''}")]
    if runs.scenario.initial == "empty" or runs.scenario.created:
        rows.append(("Counted", _COUNTED))
    if not assumptions:
        rows.append(("Rests on", rests_on_in_short(runs.scenario, many=True)))
    yield from figure_table(rows)


def _objectives(runs: Replications) -> list[Part]:
    if not runs.objectives:
        return []
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    rows = list(runs.objectives)
    if len(rows) > 1 and runs.together is not None:
        rows.append(runs.together)
    for each in rows:
        mark, wanted, told = objective_row(each)
        table.add_row(Text(mark, _STYLES.get(each.decision, "yellow")), printable(wanted), told)
    return [table]


def _done_by(runs: Replications) -> list[Part]:
    """A histogram of how long it took, and beside it the curve of how many are done by then."""
    took = runs.values("duration")
    bins = histogram(took)
    if len({rounded(end) for _, end, _ in bins}) < max(2, len(bins)):  # nearer together than times are told
        return []
    table = Table.grid(padding=(0, 2, 0, 0))
    for justify in ("right", "left", "right", "left", "right"):
        table.add_column(justify=justify, no_wrap=True)
    table.add_row("", Text("runs", "dim"), "", Text("done by then", "dim"), "")
    cut, done = len(runs.cut_short), 0
    ends = (("never", sum(map(isinf, took)) - cut), ("cut short", cut))
    most = max(*(number for _, number in ends), *(number for _, _, number in bins))
    for _, end, number in bins:
        done += number
        part = done / len(took)
        bar = "█" * max(bool(number), round(20 * number / most))
        table.add_row(rounded(end), bar, f"{number:,}", "▒" * round(20 * part), f"{share(part)} %")
    for how, number in ends:
        if number:
            table.add_row(how, "█" * max(1, round(20 * number / most)), f"{number:,}", "", "")
    return [table]


def lost_lines(runs: Replications) -> list[Part]:
    """What began the lost time, kind by kind, with its stages; means of all runs."""
    total = sum(stages.total() for stages in runs.lost.values())
    if not total:
        return []
    rows: list[tuple[str, str]] = []
    for kind, stages in list(runs.lost.items())[:_MOST]:
        each = {stage: round(stages[stage] / len(runs.runs)) for stage in STAGES if stages[stage]}
        text = f"{rounded(round(stages.total() / len(runs.runs)))} a run, {share(stages.total() / total)} %: "
        rows.append((printable(kind), text + stages_text(each, runs.scenario.waited_for)))
    if len(runs.lost) > _MOST:
        rows.append(("…", f"{count(len(runs.lost) - _MOST, 'more kind')}"))
    return figure_table(rows)


def fault_lines(runs: Replications) -> list[str]:
    """How many runs each kind of fault struck, and how many none; nothing where the scenario has no faults."""
    if not runs.scenario.fault_kinds:
        return []
    number = len(runs.runs)
    lines = [f"no fault struck in {runs.untouched:,} of {count(number, 'run')}"]
    if not runs.untouched:
        lines = [f"faults struck in every one of {count(number, 'run')}"] if number > 1 else []
    if runs.untouched == number and (rhythm := _fixed(runs)):
        lines[0] += f": {rhythm}, after these end; they say nothing of faults"
    elif runs.untouched == number:
        least = proportion(0, number, runs.confidence).high or 0.0
        lines[0] += (
            f": a fault comes in at most {share(least)} % of runs (one-sided); these say nothing of faults"
        )
    for kind, hit in list(runs.struck.items())[:_MOST]:
        times = sum(run.struck.get(kind, 0) for run in runs.runs)
        part = proportion(hit, number, runs.confidence)
        told = share_between(part.mean, part.low or 0.0, part.high or 0.0)
        lines.append(f"{kind} in {hit:,} of {number:,}: {told}; {count(times, 'time')}")
    if len(runs.struck) > _MOST:
        lines.append(f"… and {count(len(runs.struck) - _MOST, 'more kind')}")
    return lines


def _fixed(runs: Replications) -> str:
    """`faults come every 30d`, where each comes at fixed times alone, so that no more runs would tell of any."""
    faults = runs.scenario.faults
    if faults is None or not all(isinstance(each.every, Constant) for each in faults.processes):
        return ""
    periods = dict.fromkeys(each.every.describe().removeprefix("constant ") for each in faults.processes)
    return f"they come every {together(list(periods))}"


def run_words(run: Replication) -> str:
    """How one run went, in a few words."""
    told = []
    if run.duration is not None:
        unfinished = "is cut short by the horizon" if cut_short(run) else "does not finish"
        told.append(unfinished if isinf(run.duration) else f"takes {amount(run.duration, 'ms')}")
    if run.missed:
        told.append(f"misses {count(run.missed, 'objective')}")
    if run.lost_in_all:
        what = ["instance"] if run.lost and not run.of_pods else []
        what += ["pod"] if run.values.get("lostPodMs") else []
        told.append(f"loses {rounded(run.lost_in_all)} of {' and '.join(what)} time")
    return ", ".join(told) or "loses nothing"


def _look_at(runs: Replications, replay: Replay, why: str) -> Iterable[Part]:
    yield Text()
    yield Text("Look at", "bold")
    for name, run in (("worst", runs.worst), ("median", runs.median)):
        yield Text(f"  {name}: seed {run.seed}, {run_words(run)}")
        if why and name == "worst":
            yield indented(Text(printable(why)), 4)
        yield _command(replay(run.seed))


def _failed(runs: Replications, replay: Replay) -> Iterable[Text]:
    if not runs.failures:
        return
    yield Text()
    yield Text("Failed", "bold")
    for each in runs.failures[:_MOST]:
        yield Text(printable(f"  seed {each.seed}: {each.message}"), "red")
        yield _command(replay(each.seed))
    if len(runs.failures) > _MOST:
        more = [str(each.seed) for each in runs.failures[_MOST:]]
        seeds = ", ".join([*more[:_MOST_SEEDS], *(["…"] if len(more) > _MOST_SEEDS else [])])
        yield Text(f"  … and {count(len(more), 'more seed')}: {seeds}")


def _command(line: str) -> Text:
    return Text(f"    {printable(line)}", "dim", no_wrap=True)
