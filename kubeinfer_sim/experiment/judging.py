"""The objectives of a scenario held against many runs of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from math import inf

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.experiment.replication import Failure, Replication
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.statistics.proportions import (
    always_valid,
    at_least,
    at_most,
    decided,
    proportion,
)
from kubeinfer_sim.metrics import Judged, Judgement, Outcome
from kubeinfer_sim.metrics.objectives import CUT


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
        cut: how many of the open ones the horizon cut short.
        share: the part of all runs that held it; a run that could not tell counts as missed at the lower bound, as
            held at the upper one.
        decision: with a probability whether the share is as large, with the scenario's confidence; without one
            held when every run held it, missed when one missed it. Of all together: whether each is held.
        decided_after: where it was looked after every run, after how many it was decided; runs made after that for
            other objectives do not take it back. None: not so, or not decided.
        bound: the one-sided bound of the share by which it was decided; None: not so, or not decided.
    """

    objective: Judged | None
    held: int
    missed: int
    open: int
    share: Estimate
    decision: Decision
    cut: int = 0
    decided_after: int | None = None
    bound: float | None = None

    @property
    def runs(self) -> int:
        """All of them."""
        return self.held + self.missed + self.open


class SequentialTest:
    """Whether an objective holds with the probability wanted, looked at after every run and decided once.

    Attributes:
        above: whether it does; None: that cannot be told yet.
        after: how many runs had been made when it was decided.
    """

    def __init__(self, wanted: float, confidence: float) -> None:
        self._wanted, self._confidence = wanted, confidence
        self._held = self._open = self._runs = 0
        self.above: bool | None = None
        self.after: int | None = None

    def add(self, judgement: Judgement) -> None:
        """Take what the next run came to."""
        if self.above is not None:
            return
        self._runs += 1
        self._held += judgement is Judgement.HELD
        self._open += judgement is Judgement.OPEN
        above = decided(self._held, self._runs, self._wanted, self._confidence)
        if above is not True and self._open:  # they count as held where it is to be too few
            above = decided(self._held + self._open, self._runs, self._wanted, self._confidence)
            above = None if above else above
        if above is not None:
            self.above, self.after = above, self._runs


def judge_runs(
    runs: Sequence[Replication],
    failures: Sequence[Failure],
    confidence: float,
    *,
    sequential: bool = False,
) -> tuple[JudgedOverRuns, ...]:
    """Every objective.

    Args:
        runs: at least one.
        failures: those that came to no end.
        confidence: with which it is decided whether one with a probability holds.
        sequential: somebody has looked after every run, in order of the seeds, whether it is decided.
    """
    by_seed: Sequence[Replication | Failure] = sorted([*runs, *failures], key=lambda each: each.seed)
    return tuple(
        _judged(
            objective,
            [judgement_of(each, place) for each in by_seed],
            sum(is_cut(run.judged[place]) for run in runs),
            confidence,
            sequential,
        )
        for place, objective in enumerate(runs[0].judged)
    )


def is_cut(judged: Judged) -> bool:
    """Whether it is open because the horizon cut the run short."""
    return judged.judgement is Judgement.OPEN and judged.reason.endswith(CUT)


def judgement_of(played: Replication | Failure, place: int) -> Judgement:
    """What a run says of one of its objectives; one that failed may have held or missed it."""
    return played.judged[place].judgement if isinstance(played, Replication) else Judgement.OPEN


def judge_together(
    runs: Sequence[Replication],
    failed: int,
    each: Sequence[JudgedOverRuns],
    confidence: float,
    *,
    sequential: bool = False,
) -> JudgedOverRuns:
    """All objectives in the same run."""
    if len(each) == 1:
        return replace(each[0], objective=None)
    held = sum(run.all_held for run in runs)
    missed = sum(run.missed > 0 for run in runs)
    open_ = len(runs) + failed - held - missed
    share = _share(held, open_, len(runs) + failed, confidence, sequential=sequential)
    cut = sum(not run.missed and any(map(is_cut, run.judged)) for run in runs)
    return JudgedOverRuns(None, held, missed, open_, share, _worst([one.decision for one in each]), cut)


def _judged(
    objective: Judged, judgements: Sequence[Judgement], cut: int, confidence: float, sequential: bool
) -> JudgedOverRuns:
    runs = len(judgements)
    held, missed = judgements.count(Judgement.HELD), judgements.count(Judgement.MISSED)
    open_ = runs - held - missed
    share = _share(held, open_, runs, confidence, sequential=sequential)
    after = bound = None
    if objective.probability is None:
        decision = Decision.MISSED if missed else Decision.OPEN if open_ else Decision.HELD
    elif not held + missed:
        decision = Decision.OPEN
    else:
        wanted = float(objective.probability)
        if sequential:
            above, after = _tested(judgements, wanted, confidence)
            share = _within(share, wanted, above)
        else:
            above, bound = _is_above(held, open_, runs, wanted, confidence)
        decision = Decision.UNDECIDED if above is None else Decision.HELD if above else Decision.MISSED
    return JudgedOverRuns(objective, held, missed, open_, share, decision, cut, after, bound)


def _tested(
    judgements: Iterable[Judgement], wanted: float, confidence: float
) -> tuple[bool | None, int | None]:
    test = SequentialTest(wanted, confidence)
    for each in judgements:
        test.add(each)
    return test.above, test.after


def _within(share: Estimate, wanted: float, above: bool | None) -> Estimate:
    """The interval without what an earlier look has ruled out: those of all looks hold together."""
    assert share.low is not None
    assert share.high is not None
    if above is None:
        return share
    if above:
        return replace(share, low=min(max(share.low, wanted), share.high))
    return replace(share, high=max(min(share.high, wanted), share.low))


def _is_above(
    held: int, open_: int, runs: int, wanted: float, confidence: float
) -> tuple[bool | None, float | None]:
    """Whether it holds with the probability wanted, and the bound that says so; None: it cannot be told."""
    if (least := at_least(held, runs, confidence)) >= wanted:
        return True, least
    most = at_most(held + open_, runs, confidence)
    return (False, most) if most < wanted else (None, None)


def _share(held: int, open_: int, runs: int, confidence: float, *, sequential: bool) -> Estimate:
    interval = always_valid if sequential else proportion
    low, high = interval(held, runs, confidence), interval(held + open_, runs, confidence)
    return Estimate(held / runs, low.low, high.high, low.method)


def _worst(decisions: Sequence[Decision]) -> Decision:
    order = (Decision.MISSED, Decision.OPEN, Decision.UNDECIDED)
    return next((each for each in order if each in decisions), Decision.HELD)


def decide(
    runs: Sequence[Replication], objectives: Sequence[JudgedOverRuns], *, may_pass_undisturbed: bool = False
) -> Decision:
    """The verdict on all runs: on every objective, and on what is asked of every run besides.

    That is that nothing is refused or goes round without end, that something happens in some run (unless anything does
    by chance alone: `may_pass_undisturbed`), and that what was asked for comes into place, unless an objective says
    with what probability it has to. What a fault has taken away when the horizon comes is no miss where objectives say
    what must hold, unless it is so in every run: then each of them, looked at alone, is a miss. Without objectives it
    is one.
    """
    asked = any(
        each.objective is not None
        and each.objective.probability is not None
        and each.objective.name in ("completes", "completesWithin")
        for each in objectives
    )
    idle = not may_pass_undisturbed and all(run.outcome is Outcome.NOTHING for run in runs)
    flawed = idle or any(not run.sound for run in runs)
    if flawed or (not asked and (any(map(falls_short, runs)) or all(map(unfinished, runs)))):
        return Decision.MISSED
    return _worst([each.decision for each in objectives])


def falls_short(run: Replication) -> bool:
    """Whether what is asked for besides objectives did not come about; without any all has to be there in the end."""
    return never_in_place(run) if run.judged else unfinished(run)


def never_in_place(run: Replication) -> bool:
    """Whether what was asked for did not come into place by the end, or what is missing is missing for good."""
    return run.outcome is Outcome.NEVER or run.duration == inf


def cut_short(run: Replication) -> bool:
    """Whether the horizon came before what was asked for was in place; with more time it may have been."""
    return run.duration == inf and run.outcome is not Outcome.NEVER


def unfinished(run: Replication) -> bool:
    """Whether not all that was asked for was in place at the end: it never was, or a fault had taken it away."""
    return never_in_place(run) or run.outcome is Outcome.UNFINISHED
