"""What many runs come to in one sentence, and each objective in a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR
from math import isinf

from kubeinfer_sim.experiment.figures import Flaw
from kubeinfer_sim.experiment.judging import Decision, JudgedOverRuns, falls_short, never_in_place, unfinished
from kubeinfer_sim.experiment.replications import Replications
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.metrics import Outcome
from kubeinfer_sim.report.estimates import amount, between
from kubeinfer_sim.report.objectives import objective_goal
from kubeinfer_sim.report.run_figures import endless
from kubeinfer_sim.report.words import count, ended, share, share_between, together
from kubeinfer_sim.scenario.units import format_duration

MARKS = {
    Decision.HELD: "✔ held",
    Decision.MISSED: "✘ missed",
    Decision.UNDECIDED: "? undecided",
    Decision.OPEN: "? not judged",
}
#: What the first sentence says of objectives that are not held, the worst first.
_NOT_HELD = {Decision.MISSED: "missed", Decision.OPEN: "not judged", Decision.UNDECIDED: "undecided"}
#: What stands against runs, in words.
_FLAWS = {
    Flaw.KILLED_BY_STARTUP_PROBE: "every new instance or pod was killed by its startup probe first",
    Flaw.KILLED_BY_LIVENESS_PROBE: "every new instance or pod was killed by its liveness probe first",
    Flaw.UNPLACED: "not all that is to run at the start has a place",
    Flaw.REFUSED: "something that was asked for is refused",
    Flaw.IN_VAIN: "an action or a fault strikes nothing",
    Flaw.ENDLESS: "something goes round without end",
}
#: Of fewer runs one percent is none.
_ENOUGH_FOR_99 = 100


def sentence(runs: Replications) -> str:
    """`Finishes within 45m in 98.7 % of runs (97.6–99.4); half of them by 31m, 99 % by 52m; never fewer …`."""
    if not runs.runs:
        return _no_run(runs)
    parts = [_finishes(runs), *_by_when(runs), *_ready(runs), *_at_the_horizon(runs)]
    if runs.failures:
        parts.append(f"{count(len(runs.failures), 'run')} failed")
    text = "; ".join(parts)
    if against := [*_flaws(runs), *_not_held(runs)]:
        text += f", but {'; '.join(against)}"
    return ended(text[:1].upper() + text[1:])


def _flaws(runs: Replications) -> list[str]:
    """What is asked of every run besides its objectives."""
    flawed = Counter(flaw for run in runs.runs for flaw in run.flaws)
    told = [f"in {number:,} of {len(runs.runs):,} {_FLAWS[flaw]}" for flaw, number in flawed.items()]
    return [f"{'; '.join(told)}: see the worst"] if told else []


def _not_held(runs: Replications) -> list[str]:
    """The objectives that are not held: `1 of 2 objectives is missed: at least 3 ready (held in 37 of 60 runs)`."""
    told = []
    for decision, word in _NOT_HELD.items():
        some = [each for each in runs.objectives if each.decision is decision]
        if not some:
            continue
        _, wanted, _ = objective_row(some[0])
        seen = f"held in {some[0].held:,} of {count(some[0].runs, 'run')}"
        seen += "".join(f", {each}" for each in _untold(some[0]))
        several = len(runs.objectives) > 1
        of = f"{len(some):,} of {len(runs.objectives):,} objectives" if several else "the objective"
        verb, more = ("is", "") if len(some) == 1 else ("are", ", and others")
        told.append(f"{of} {verb} {word}: {wanted} ({seen}){more}")
    return told


def _no_run(runs: Replications) -> str:
    """Why nothing can be said."""
    whys = Counter(each.message if each.why == "timeout" else each.why for each in runs.failures)
    if not whys:
        return "No run was made."
    told = together([f"{number:,} {_WHYS.get(why, why)}" for why, number in whys.most_common()])
    more = any(each.why == "timeout" for each in runs.failures)
    return f"No run came to an end: {told}{'; a longer --run-timeout may tell' if more else ''}."


#: What became of runs that failed.
_WHYS = {"error": "with an error", "fault": "with a fault of the simulator", "died": "whose worker died"}


def _finishes(runs: Replications) -> str:
    if all(run.outcome is Outcome.NOTHING for run in runs.runs):
        of = count(len(runs.runs), "run")
        if not runs.scenario.may_pass_undisturbed:
            return f"nothing happens in any of {of}"
        held = f"; {_objectives(runs)} in {in_runs(runs.together.share)}" if runs.together is not None else ""
        return f"no fault disturbs what is running in any of {of}{held}"
    within = next((each for each in runs.objectives if _name(each) == "completesWithin"), None)
    if within is not None and within.objective is not None:
        limit = format_duration(int(within.objective.target))
        return f"finishes within {limit} in {in_runs(within.share)}"
    if runs.values("duration"):
        finished = runs.probability(lambda run: not falls_short(run))
        what = "what is asked for comes into place" if runs.objectives and _taken_away(runs) else "finishes"
        if _lost_for_good(runs):
            what = "all is in place in the end"
        return f"{what} in {in_runs(finished)}"
    if runs.together is not None:
        return f"{_objectives(runs)} in {in_runs(runs.together.share)}"
    fine = runs.probability(lambda run: not unfinished(run))
    return f"all is in place in the end in {in_runs(fine)}"


def _lost_for_good(runs: Replications) -> bool:
    """Whether what was in place in time is missing in the end, and nothing brings it back."""
    return any(
        run.outcome is Outcome.NEVER and run.duration is not None and not isinf(run.duration)
        for run in runs.runs
    )


def _taken_away(runs: Replications) -> int:
    """In how many runs not all is in place when the horizon comes, though it was."""
    return sum(unfinished(run) and not never_in_place(run) for run in runs.runs)


def _at_the_horizon(runs: Replications) -> list[str]:
    """Of runs that are not told by whether all is in place in the end."""
    number = _taken_away(runs)
    if not number or (runs.together is None and not runs.values("duration")):
        return []
    return [f"at the horizon not all is in place in {number:,} of {count(len(runs.runs), 'run')}"]


def _objectives(runs: Replications) -> str:
    if len(runs.objectives) > 1:
        return f"all {len(runs.objectives)} objectives hold"
    only = runs.objectives[0].objective
    assert only is not None
    return f"{objective_goal(only)}"


def _by_when(runs: Replications) -> list[str]:
    """By when half of them are done, and nearly all."""
    took = runs.values("duration")
    if not took:
        availability = [column for column in runs.columns if column.name == "availability"]
        if availability and runs.values("availability"):
            return [between("availability", runs.mean("availability"), "fraction")]
        return []
    if min(took) == max(took):
        if isinf(took[0]):
            return []
        within = f"all of them in {amount(took[0], 'ms')}"
        return [f"what is asked for comes into place in {within}" if _lost_for_good(runs) else within]
    median, late = runs.quantile("duration", 0.5).mean, runs.quantile("duration", 0.99)
    half = f"half of them {endless(runs)}" if isinf(median) else f"half of them by {amount(median, 'ms')}"
    if _lost_for_good(runs):
        half = f"what is asked for comes into place in {half}"
    if isinf(late.mean):
        return [half, _endless_runs(runs, len(took))]
    if len(took) < _ENOUGH_FOR_99:
        return [f"{half}, the slowest of {len(took):,} by {amount(max(took), 'ms')}"]
    return [f"{half}, 99 % by {amount(late.mean, 'ms')}"]


def _endless_runs(runs: Replications, of: int) -> str:
    """`32 of 300 runs never, 18 cut short by the horizon`."""
    cut = len(runs.cut_short)
    never = sum(map(isinf, runs.values("duration"))) - cut
    if not cut:
        return f"{never:,} of {count(of, 'run')} never"
    if not never:
        return f"{cut:,} of {count(of, 'run')} cut short by the horizon"
    return f"{never:,} of {count(of, 'run')} never, {cut:,} cut short by the horizon"


def _ready(runs: Replications) -> list[str]:
    """The fewest instances ready and the fewest pods of Deployments available: neither hides the other."""
    known = {column.name for column in runs.columns}
    return [
        _fewest(runs, values, word)
        for name, word in (("minReady", "ready"), ("minAvailable", "available"))
        if name in known and (values := runs.values(name))
    ]


def _fewest(runs: Replications, values: Sequence[float], word: str) -> str:
    """`never fewer than 3 ready`, `none ready at some time in 4 of 60 runs`; of several workloads of any of them."""
    kubeinfers = len(runs.scenario.kubeinfers)
    several = (kubeinfers if word == "ready" else runs.scenario.number_of_workloads - kubeinfers) > 1
    of_any = " of any workload" if several else ""
    if least := min(values):
        return f"never fewer than {least:,.0f}{of_any} {word}"
    none = sum(not value for value in values)
    where = "every run" if none == len(values) else f"{none:,} of {count(len(values), 'run')}"
    return f"none{of_any} {word} at some time in {where}"


def in_runs(part: Estimate) -> str:
    """`98.7 % of runs (97.6–99.4)`."""
    assert part.low is not None
    assert part.high is not None
    return share_between(part.mean, part.low, part.high).replace(" % ", " % of runs ", 1)


def objective_row(each: JudgedOverRuns) -> tuple[str, str, str]:
    """The mark, what is asked for and with what probability, in how many runs it came about."""
    wanted = "all of them together"
    if each.objective is not None:
        probability = each.objective.probability
        wanted = objective_goal(each.objective)
        wanted += "" if probability is None else f", P ≥ {share(float(probability))} %"
    told = f"{each.held:,} of {count(each.runs, 'run')}: "
    told += share_between(each.share.mean, each.share.low or 0.0, each.share.high or 0.0)
    told += "".join(f"; {why}" for why in _untold(each))
    if each.decided_after is not None and each.decided_after < each.runs:
        told += f"; decided after {count(each.decided_after, 'run')}"
    return MARKS[each.decision], wanted, told + _bound(each)


def _untold(each: JudgedOverRuns) -> list[str]:
    """How many runs could not judge it, and why: `18 cut short by the horizon`."""
    others = each.open - each.cut
    cut = [f"{each.cut:,} cut short by the horizon"] if each.cut else []
    return [*cut, f"{others:,} cannot tell"] if others else cut


def _bound(each: JudgedOverRuns) -> str:
    """`; one-sided at least 52.3 %`, where it is by this that it is decided: the interval of both sides is wider."""
    if each.bound is None or each.objective is None or each.objective.probability is None:
        return ""
    low, high = each.share.low or 0.0, each.share.high or 0.0
    if not low < each.objective.probability <= high:
        return ""
    if each.decision is Decision.HELD:
        return f"; decided by its one-sided bound, at least {share(each.bound, ROUND_FLOOR)} %"
    return f"; decided by its one-sided bound, at most {share(each.bound, ROUND_CEILING)} %"


def verdict_line(runs: Replications) -> str:
    """The verdict on one line, with its mark."""
    return f"{MARKS[runs.decision].partition(' ')[0]} {sentence(runs)}"


def _name(each: JudgedOverRuns) -> str:
    """The key of an objective of the whole scenario, not of one workload among others."""
    return "" if each.objective is None or each.objective.owner else each.objective.name
