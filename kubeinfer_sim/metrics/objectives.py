"""The scenario's objectives held against what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.manifest.model import IntOrPercent
from kubeinfer_sim.metrics.availability import Level, held_share, measure_level
from kubeinfer_sim.metrics.capacity import Capacity
from kubeinfer_sim.metrics.measure import Outcome
from kubeinfer_sim.scenario.model import Objectives

if TYPE_CHECKING:
    from kubeinfer_sim.metrics.demand import Demand
    from kubeinfer_sim.metrics.served import Served


class Judgement(StrEnum):
    """How an objective came out."""

    HELD = "held"
    MISSED = "missed"
    OPEN = "cannotBeJudged"


class Judged(Struct, frozen=True):
    """One objective.

    Attributes:
        name: its key in the scenario (`minReadyInstances` ...).
        target, measured: numbers in `unit` (`instances`, `ms`, `%`, `instance-seconds`, `stalls`); for `completes`
            whether it does. `measured` is None when there is none.
        reason: why it cannot be judged, or what makes the measured number worse than it looks.
        level: of `availability` and `longestOutage`: how many instances are to be ready.
        owner: whose instances or pods, where objectives are about several workloads: the name of a KubeInfer, of others
            kind and name (`Deployment/router`); else "".
        probability: in which part of all runs it must hold; None: in every one.
        over: from when to when it was looked at, ms, where that is not the whole run.
    """

    name: str
    judgement: Judgement
    target: int | float | bool
    measured: int | float | bool | None
    unit: str = ""
    reason: str = ""
    level: str = ""
    owner: str = ""
    probability: Fraction | None = None
    over: tuple[int, int] | None = None


#: What is about changes and not about a stretch of time.
_OF_CHANGES = ("completes", "completesWithin", "noStall")
CUT = "the horizon cut the run short"


def judge(
    objectives: Objectives,
    measures: Served,
    capacity: Capacity | None = None,
    demand: Demand | None = None,
) -> tuple[Judged, ...]:
    """Every objective that was asked for, over the time in which readiness is owed, in the order of the scenario page.

    Args:
        objectives: what must hold.
        measures: of the workload over the run.
        capacity: of the KubeInfer, for `min_capacity`.
        demand: of the run, for the objectives about the load.
    """
    judged = (
        *_with_probability(objectives, _judge(objectives, measures)),
        *_judge_availability(objectives, measures),
        *_with_probability(objectives, _judge_service(objectives, measures, capacity, demand)),
    )
    over = (measures.whole.since, measures.whole.until)
    if over == (0, measures.ended_at):
        return judged
    return tuple(each if each.name in _OF_CHANGES else replace(each, over=over) for each in judged)


def _with_probability(objectives: Objectives, judged: Iterator[Judged]) -> Iterator[Judged]:
    for each in judged:
        wanted = objectives.probabilities.get(each.name)
        yield each if wanted is None else replace(each, probability=wanted)


def _judge(objectives: Objectives, measures: Served) -> Iterator[Judged]:
    # What holds so far may still be missed after the horizon; what is of changes alone is judged for itself.
    cut = measures.outcome is Outcome.UNFINISHED and _under_way(measures)
    if objectives.min_ready_instances is not None:
        target, low = _at_first(objectives.min_ready_instances, measures), measures.whole.min_ready.value
        yield _bound("minReadyInstances", low >= target, cut, target, low, "instances")
    if objectives.completes:
        yield _completes(measures)
    if objectives.completes_within is not None:
        yield _completes_within(objectives.completes_within, measures)
    if objectives.max_lost_instance_seconds is not None:
        limit, lost = Fraction(objectives.max_lost_instance_seconds), measures.whole.lost
        goes_on = measures.losing and measures.outcome is Outcome.NEVER
        yield _bound(
            "maxLostInstanceSeconds",
            not goes_on and lost <= limit * 1000,
            cut,
            int(limit) if limit.denominator == 1 else float(limit),
            seconds(lost),
            "instance-seconds",
            f"and {measures.losing} more each second, without end" if goes_on else "",
        )
    if objectives.no_stall:
        count = len(measures.stalls)
        yield _bound("noStall", not count, cut, 0, count, "stalls")


def _under_way(measures: Served) -> bool:
    """Whether something asked for is still to come into place, which may yet take more away.

    What a fault has taken away when the horizon comes says nothing of the time until then, which is what is judged.
    """
    awaited = (each for each in measures.changes if each.is_material and each.superseded is None)
    return any(each.completed is None for each in awaited)


def _at_first(amount: int | IntOrPercent, measures: Served) -> int:
    """So many of those that are desired at first, rounded up: 80% of 4 are 4, not 3."""
    if isinstance(amount, int):
        return amount
    return amount.of(measures.desired.points[0][1] if measures.desired.points else 0, round_up=True)


def _judge_availability(objectives: Objectives, measures: Served) -> Iterator[Judged]:
    for each in objectives.availability:
        level = measure_level(each.level, measures)
        if each.at_least is not None:
            share = _fraction("availability", level.held >= each.at_least, each.at_least, level.held)
            yield replace(share, level=level.name, probability=each.probability)
        if each.longest_outage is not None:
            held = level.longest <= each.longest_outage
            longest = _longest_outage(held, each.longest_outage, level, measures)
            yield replace(longest, probability=each.probability)


def _longest_outage(held: bool, target: int, level: Level, measures: Served) -> Judged:
    """An outage at the end of the run goes on: for good when nothing can happen any more."""
    judgement, reason = Judgement.HELD if held else Judgement.MISSED, ""
    if level.lasts and measures.outcome is Outcome.NEVER:
        judgement, reason = Judgement.MISSED, "and the last one never ends"
    elif level.lasts and held:
        judgement, reason = Judgement.OPEN, f"holds so far, but {CUT}"
    return Judged("longestOutage", judgement, target, level.longest, "ms", reason, level.name)


def _judge_service(
    objectives: Objectives, measures: Served, capacity: Capacity | None, demand: Demand | None
) -> Iterator[Judged]:
    if objectives.min_capacity is not None and capacity is not None:
        least = objectives.min_capacity
        if (share := held_share(capacity.share, measures)) is None:
            reason = "no instance was asked for"
            yield Judged("minCapacity", Judgement.OPEN, _percentage(least), None, "%", reason)
        else:
            yield _fraction("minCapacity", share >= least, least, share)
    if demand is None:
        return
    if objectives.max_unserved is not None:
        most, unserved = objectives.max_unserved, demand.fraction or Fraction(0)
        yield _fraction("maxUnserved", unserved <= most, most, unserved)
    if objectives.max_overload is not None:
        target, overloaded = objectives.max_overload, demand.overloaded
        judgement = Judgement.HELD if overloaded <= target else Judgement.MISSED
        yield Judged("maxOverload", judgement, target, ceil(overloaded), "ms")


def _fraction(name: str, held: bool, target: Fraction, measured: Fraction) -> Judged:
    judgement = Judgement.HELD if held else Judgement.MISSED
    return Judged(name, judgement, _percentage(target), _percentage(measured), "%")


def _percentage(fraction: Fraction) -> float:
    return float(fraction * 100)


def seconds(millis: int) -> int | float:
    """Milliseconds as seconds, a whole number where it is one."""
    return millis // 1000 if millis % 1000 == 0 else millis / 1000


def _bound(
    name: str, holds: bool, cut: bool, target: float, measured: float, unit: str, reason: str = ""
) -> Judged:
    if holds and cut:
        return Judged(name, Judgement.OPEN, target, measured, unit, f"holds so far, but {CUT}")
    return Judged(name, Judgement.HELD if holds else Judgement.MISSED, target, measured, unit, reason)


def _completes(measures: Served) -> Judged:
    change = next((each for each in reversed(measures.changes) if each.is_material), None)
    if change is None or measures.outcome is Outcome.NOTHING:
        return Judged("completes", Judgement.OPEN, True, None, reason="nothing was to be completed")
    if change.completed is not None:
        return Judged("completes", Judgement.HELD, True, True)
    if measures.outcome is Outcome.UNFINISHED:
        return Judged("completes", Judgement.OPEN, True, None, reason=CUT)
    return Judged("completes", Judgement.MISSED, True, False)


def _completes_within(limit: int, measures: Served) -> Judged:
    """The slowest change that creates or deletes instances, but for those that another template overtook."""
    name = "completesWithin"
    changes = [c for c in measures.changes if c.is_material and c.superseded is None]
    if any("created" not in change.changed for change in changes):
        changes = [change for change in changes if "created" not in change.changed]
    if not changes or measures.outcome is Outcome.NOTHING:
        return Judged(name, Judgement.OPEN, limit, None, "ms", "nothing was to be completed")
    unfinished = [change for change in changes if change.duration is None]
    if unfinished:
        so_far = measures.ended_at - unfinished[0].at
        if measures.outcome is Outcome.UNFINISHED and so_far <= limit:
            return Judged(name, Judgement.OPEN, limit, None, "ms", CUT)
        reason = "never" if measures.outcome is Outcome.NEVER else "not finished after this long"
        measured = None if measures.outcome is Outcome.NEVER else so_far
        return Judged(name, Judgement.MISSED, limit, measured, "ms", reason)
    slowest = max(change.duration or 0 for change in changes)
    return Judged(name, Judgement.HELD if slowest <= limit else Judgement.MISSED, limit, slowest, "ms")
