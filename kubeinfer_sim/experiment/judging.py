"""The objectives of a scenario held against many runs of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from math import inf

from msgspec import Struct

from kubeinfer_sim.experiment.replication import Replication
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.statistics.proportions import (
    always_valid,
    at_least,
    at_most,
    decided,
    proportion,
)
from kubeinfer_sim.metrics import Judged, Judgement, Outcome


class Decision(StrEnum):
    """What many runs say of an objective."""

    HELD = "held"
    MISSED = "missed"
    UNDECIDED = "undecided"
    OPEN = "notJudged"


class JudgedOverRuns(Struct, frozen=True):
    """One objective, or all together, over many runs.

    Attributes:
        objective: as one of the runs judged it; None: all of them together.
        held, missed, open: in how many runs; `open` where a run ended before it could be told, or failed.
        share: the part of all runs that held it; a run that could not tell counts as missed at the lower bound, as
            held at the upper one.
        decision: with a probability whether the share is as large, with the scenario's confidence; without one
            held when every run held it, missed when one missed it. Of all together: whether each is held.
    """

    objective: Judged | None
    held: int
    missed: int
    open: int
    share: Estimate
    decision: Decision

    @property
    def runs(self) -> int:
        """All of them."""
        return self.held + self.missed + self.open


def judge_runs(
    runs: Sequence[Replication], failed: int, confidence: float, *, sequential: bool = False
) -> tuple[JudgedOverRuns, ...]:
    """Every objective.

    Args:
        runs: at least one.
        failed: how many more came to no end.
        confidence: with which it is decided whether one with a probability holds.
        sequential: somebody has looked after every run whether it is decided.
    """
    return tuple(
        _judged(objective, [run.judged[place].judgement for run in runs], failed, confidence, sequential)
        for place, objective in enumerate(runs[0].judged)
    )


def judge_together(
    runs: Sequence[Replication],
    failed: int,
    each: Sequence[JudgedOverRuns],
    confidence: float,
    *,
    sequential: bool = False,
) -> JudgedOverRuns:
    """All objectives in the same run."""
    held = sum(run.all_held for run in runs)
    missed = sum(run.missed > 0 for run in runs)
    open_ = len(runs) + failed - held - missed
    share = _share(held, open_, len(runs) + failed, confidence, sequential=sequential)
    return JudgedOverRuns(None, held, missed, open_, share, _worst([one.decision for one in each]))


def _judged(
    objective: Judged, judgements: Sequence[Judgement], failed: int, confidence: float, sequential: bool
) -> JudgedOverRuns:
    held, missed = judgements.count(Judgement.HELD), judgements.count(Judgement.MISSED)
    open_ = len(judgements) - held - missed + failed
    runs = held + missed + open_
    share = _share(held, open_, runs, confidence, sequential=sequential)
    if objective.probability is None:
        decision = Decision.MISSED if missed else Decision.OPEN if open_ else Decision.HELD
    elif not held + missed:
        decision = Decision.OPEN
    else:
        wanted = float(objective.probability)
        above = is_above(held, missed, open_, wanted, confidence, sequential=sequential)
        decision = Decision.UNDECIDED if above is None else Decision.HELD if above else Decision.MISSED
    return JudgedOverRuns(objective, held, missed, open_, share, decision)


def is_above(
    held: int, missed: int, open_: int, wanted: float, confidence: float, *, sequential: bool
) -> bool | None:
    """Whether it holds with the probability wanted; None: it cannot be told with this confidence."""
    runs = held + missed + open_
    if sequential:
        if decided(held, runs, wanted, confidence) is True:
            return True
        return False if decided(held + open_, runs, wanted, confidence) is False else None
    if at_least(held, runs, confidence) >= wanted:
        return True
    return False if at_most(held + open_, runs, confidence) < wanted else None


def _share(held: int, open_: int, runs: int, confidence: float, *, sequential: bool) -> Estimate:
    interval = always_valid if sequential else proportion
    low, high = interval(held, runs, confidence), interval(held + open_, runs, confidence)
    return Estimate(held / runs, low.low, high.high, low.method)


def _worst(decisions: Sequence[Decision]) -> Decision:
    order = (Decision.MISSED, Decision.OPEN, Decision.UNDECIDED)
    return next((each for each in order if each in decisions), Decision.HELD)


def decide(runs: Sequence[Replication], objectives: Sequence[JudgedOverRuns]) -> Decision:
    """The verdict on all runs: on every objective, and on what is asked of every run besides.

    That is that nothing is refused or goes round without end, that something happens in some run, and that what was
    asked for comes into place, unless an objective says with what probability it has to. What a fault has taken away
    when the horizon comes is no miss where objectives say what must hold; where there are none it is.
    """
    asked = any(
        each.objective is not None
        and each.objective.probability is not None
        and each.objective.name in ("completes", "completesWithin")
        for each in objectives
    )
    flawed = any(not run.sound for run in runs) or all(run.outcome is Outcome.NOTHING for run in runs)
    if flawed or (not asked and any(map(falls_short, runs))):
        return Decision.MISSED
    return _worst([each.decision for each in objectives])


def falls_short(run: Replication) -> bool:
    """Whether what is asked for besides objectives did not come about; without any all has to be there in the end."""
    return never_in_place(run) if run.judged else unfinished(run)


def never_in_place(run: Replication) -> bool:
    """Whether what was asked for did not come into place by the end, or what is missing is missing for good."""
    return run.outcome is Outcome.NEVER or run.duration == inf


def unfinished(run: Replication) -> bool:
    """Whether not all that was asked for was in place at the end: it never was, or a fault had taken it away."""
    return never_in_place(run) or run.outcome is Outcome.UNFINISHED
