"""What a change of manifests does to time and availability: three updates under the same seeds.

An update of what runs today (the old manifest with a new revision), this update (from the old manifest to the new one),
and the next one after it (the new manifest with a new revision). The last two are held against the first, seed by seed:
this update says what the change costs once, the next one what its settings do to every update that follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf

from msgspec import Struct

from kubeinfer_sim.experiment.columns import Unit
from kubeinfer_sim.experiment.compare import Comparison, Outcome, compare
from kubeinfer_sim.experiment.dispatch import HERE, Workers
from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.replication import Variant
from kubeinfer_sim.experiment.statistics.differences import apart, typical
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.worker import Played
from kubeinfer_sim.scenario.model import Scenario

TODAY, THIS, NEXT = "today", "thisUpdate", "next"
#: Where anything is drawn each update meets so many seeds, unless it is said how many.
SEEDS = 10
#: The figures of an update besides how long it takes, as far as it has them.
_FIGURES = ("minReady", "minAvailable", "lostInstanceMs", "lostPodMs", "peakNpus")
_FEWEST = ("minReady", "minAvailable")
_LOST = ("lostInstanceMs", "lostPodMs")

Progress = Callable[[int, int, Sequence[Mapping[int, Played]]], None]


class Bounds(Struct, frozen=True):
    """What a change must not be worse than; None: nothing is asked.

    Attributes:
        longer: this update and the next one take at most so much longer than one does today, ms.
        min_ready: in no run of either fewer are ready (of Deployments available).
        more_lost: either loses at most so much more instance time (of Deployments pod time) than one does today, ms.
    """

    longer: int | None = None
    min_ready: int | None = None
    more_lost: int | None = None


class Measured(Struct, frozen=True):
    """A figure of an update.

    Attributes:
        value: the one in the middle of the runs, of the fewest ready the fewest in any; infinite: it never finishes.
        more: how much more it is than of an update today, paired by seed; None of that one, and where either has none.
    """

    name: str
    title: str
    unit: Unit
    value: Estimate
    more: Estimate | None = None


class Check(Struct, frozen=True):
    """A bound held against an update.

    Attributes:
        bound: the field of `Bounds`.
        update: `thisUpdate` or `next`.
    """

    bound: str
    update: str
    decision: Decision


class Prediction(Struct, frozen=True):
    """The three updates, and what is asked of them.

    Attributes:
        comparison: `today`, `thisUpdate` and `next`.
        figures: of each by its name.
        checks: each bound that is given, of this update and of the next one.
        updated: what the updates are of, `Deployment/router`; `beside`: how many other workloads run.
    """

    comparison: Comparison
    figures: Mapping[str, tuple[Measured, ...]]
    bounds: Bounds
    checks: tuple[Check, ...]
    updated: tuple[str, ...] = ()
    beside: int = 0

    @property
    def decision(self) -> Decision:
        """Missed where one bound is, else undecided where one is."""
        decisions = {each.decision for each in self.checks}
        return next((one for one in (Decision.MISSED, Decision.UNDECIDED) if one in decisions), Decision.HELD)


def predict(
    today: Scenario,
    this: Scenario,
    following: Scenario,
    bounds: Bounds,
    *,
    n: int | None = None,
    updated: Sequence[str] = (),
    workers: Workers = HERE,
    progress: Progress | None = None,
) -> Prediction:
    """Simulate an update of what runs today, this update, and the next one after it, under the same seeds.

    Args:
        today: the scenario of an update of what runs.
        this: that of this update.
        following: that of the next one.
        bounds: what is asked of the last two.
        n: how many seeds; if not given one, and ten where anything is drawn.
        updated: what each of them updates, to be told.
        workers: processes to play in.
        progress: told after every run.
    """
    variants = [Variant(TODAY, today), Variant(THIS, this), Variant(NEXT, following)]
    seeds = None if n is None else range(today.seed, today.seed + n)
    comparison = compare(variants, seeds, workers=workers, progress=progress, seeds_if_drawn=SEEDS)
    first, *others = comparison.outcomes
    figures = {TODAY: _measured(comparison, first, None)}
    figures |= {each.variant.name: _measured(comparison, each, first) for each in others}
    checks = tuple(check for name in (THIS, NEXT) for check in _checks(bounds, name, figures[name]))
    beside = len(today.workloads) - len(updated)
    return Prediction(comparison, figures, bounds, checks, tuple(updated), beside)


def _measured(comparison: Comparison, outcome: Outcome, first: Outcome | None) -> tuple[Measured, ...]:
    drawn = any(each.by_chance for each in comparison.outcomes)
    made = []
    columns = {each.name: each for each in comparison.columns}
    titles: list[tuple[str, str, Unit]] = [("duration", "takes", "ms")]
    titles += [
        (name, comparison.family.say(column.title), column.unit)
        for name in _FIGURES
        if (column := columns.get(name)) is not None
    ]
    for name, title, unit in titles:
        own = _values(outcome, name)
        known = [each for each in own if each is not None]
        if not known:
            continue
        value = Estimate(min(known)) if name in _FEWEST else typical(known, outcome.confidence, drawn=drawn)
        more = None
        if first is not None:
            pairs = zip(own, _values(first, name), strict=True)
            mores = [apart(one, other) for one, other in pairs if one is not None and other is not None]
            more = typical(mores, outcome.confidence, drawn=drawn) if mores else None
        made.append(Measured(name, title, unit, value, more))
    return tuple(made)


def _values(outcome: Outcome, name: str) -> Sequence[float | None]:
    return outcome.took if name == "duration" else outcome.values[name]


def _checks(bounds: Bounds, update: str, figures: Sequence[Measured]) -> list[Check]:
    of = {each.name: each for each in figures}
    made = []
    if bounds.longer is not None:
        made.append(Check("longer", update, _at_most([of.get("duration")], bounds.longer)))
    if bounds.min_ready is not None:
        few = [each.value.mean < bounds.min_ready for name in _FEWEST if (each := of.get(name)) is not None]
        made.append(Check("min_ready", update, Decision.MISSED if any(few) else Decision.HELD))
    if bounds.more_lost is not None:
        made.append(Check("more_lost", update, _at_most([of.get(name) for name in _LOST], bounds.more_lost)))
    return made


def _at_most(figures: Sequence[Measured | None], most: int) -> Decision:
    """Whether they grow by so much at most; what rolls nothing out takes and loses nothing."""
    told = [each for each in figures if each is not None]
    if any(each.name == "duration" and each.value.mean == inf for each in told):
        return Decision.MISSED  # also where one never finishes today
    mores = [each.more for each in told if each.more is not None]
    if any(each.low is not None and each.low > most for each in mores):
        return Decision.MISSED
    if all(each.high is not None and each.high <= most for each in mores):
        return Decision.HELD
    return Decision.UNDECIDED
