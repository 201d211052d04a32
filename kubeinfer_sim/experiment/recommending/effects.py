"""What changes do to the figures of runs, paired by seed, with an interval also where all runs come to the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isinf

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.experiment.judging import falls_short, never_in_place
from kubeinfer_sim.experiment.replication import Replication
from kubeinfer_sim.experiment.statistics.differences import apart, more_often
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.statistics.means import alike, estimate
from kubeinfer_sim.experiment.statistics.proportions import proportion


class Effect(Struct, frozen=True):
    """What a change does to a figure.

    Attributes:
        figure: `held`: the part of the runs in which all is well and every objective is held; `inPlace`: in which what
            is asked for comes into place; `duration`, or a column.
        before, after: without and with it: parts, means over the runs that have the number both times.
        difference: how much more; of runs that are never in place once `inPlace` tells instead.
        runs: how many have the number both times, one that never ends among them.
        more, less: in how many of them it is more, and less.
        oftener: of these two the more frequent less the other, as a part of the runs: an interval whatever the
            distribution, for numbers that are all alike, too; of what is `always` so in which part it is.
        always: it differs by the same in every run.
    """

    figure: str
    before: float
    after: float
    difference: Estimate
    runs: int
    more: int
    less: int
    oftener: Estimate
    always: bool = False

    @property
    def tells(self) -> bool:
        """Whether an interval leaves out no effect."""
        low, high = self.difference.low, self.difference.high
        by_mean = low is not None and high is not None and (low > 0 or high < 0)
        return by_mean or self.oftener.differs


def _well(run: Replication) -> bool:
    """Whether all is well in a run, and every objective is held."""
    return run.sound and run.all_held and not falls_short(run)


def _column(name: str) -> Callable[[Replication], float | None]:
    return lambda run: run.values.get(name)


_PARTS: dict[str, Callable[[Replication], bool]] = {
    "held": _well,
    "inPlace": lambda run: not never_in_place(run),
}
_NUMBERS: dict[str, Callable[[Replication], float | None]] = {
    "duration": lambda run: run.duration,
    **{name: _column(name) for name in ("lostInstanceMs", "lostPodMs", "minReady", "minAvailable")},
}


def effects(
    before: Sequence[Replication], after: Sequence[Replication], confidence: float, *, drawn: bool
) -> tuple[Effect, ...]:
    """What differs between two ways under the same seeds; figures that no seed has both times are left out.

    Where nothing is drawn each difference is the true one.
    """
    theirs = {run.seed: run for run in before}
    pairs = [(theirs[run.seed], run) for run in after if run.seed in theirs]
    if not pairs:
        return ()
    told = [
        _effect(name, [(float(of(one)), float(of(other))) for one, other in pairs], confidence, drawn, True)
        for name, of in _PARTS.items()
    ]
    for name, number in _NUMBERS.items():
        both = [
            (one, other)
            for one, other in ((number(a), number(b)) for a, b in pairs)
            if one is not None and other is not None
        ]
        if any(not isinf(one) and not isinf(other) for one, other in both):
            told.append(_effect(name, both, confidence, drawn, False))
    return tuple(told)


def _effect(
    figure: str, both: Sequence[tuple[float, float]], confidence: float, drawn: bool, part: bool
) -> Effect:
    signs = [apart(other, one) for one, other in both]
    more, less, runs = sum(each > 0 for each in signs), sum(each < 0 for each in signs), len(both)
    finite = [(one, other) for one, other in both if not isinf(one) and not isinf(other)]
    differences = [other - one for one, other in finite]
    mean = sum(differences) / len(differences)
    if not drawn:
        difference = Estimate(mean, mean, mean, differs=mean != 0)
        share = (max(more, less) - min(more, less)) / runs
        oftener = Estimate(share, share, share, differs=share != 0)
    else:
        oftener = more_often(max(more, less), min(more, less), runs, 0, confidence)
        signed = more_often(more, less, runs, 0, confidence)
        difference = signed if part else estimate(differences, confidence)
    always = len(finite) == runs and alike(differences)
    if drawn and always and max(more, less) == runs:
        oftener = replace(proportion(runs, runs, confidence), differs=oftener.differs)
    return Effect(
        figure,
        sum(one for one, _ in finite) / len(finite),
        sum(other for _, other in finite) / len(finite),
        difference,
        runs,
        more,
        less,
        oftener,
        always,
    )
