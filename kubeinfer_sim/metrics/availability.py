"""Availability: for how much of the time how much of what was asked for was there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from msgspec import Struct

from kubeinfer_sim.metrics.capacity import Amount, Capacity
from kubeinfer_sim.metrics.measure import Measures
from kubeinfer_sim.metrics.steps import Steps, segments
from kubeinfer_sim.scenario.model import ALL, BUDGET, ONE, ReadyLevel

if TYPE_CHECKING:
    from kubeinfer_sim.metrics.served import Served


class Level(Struct, frozen=True):
    """How often at least so many instances were ready.

    Attributes:
        name: `one`, `budget` (spec.replicas - maxUnavailable at the time), `all`, or as the objective has it.
        outages: how often it was not so, for how long at most and in all (ms).
        span: length of the time looked at, ms.
        lasting: of the outage that lasts until the end of the run, how long by then; 0 without one.
    """

    name: str
    outages: int
    longest: int
    total: int
    span: int
    lasting: int = 0

    @property
    def lasts(self) -> bool:
        """Whether the last outage lasts until the end of the run."""
        return self.lasting > 0

    @property
    def held(self) -> Fraction:
        """The fraction of the time; 1 where there was none."""
        return 1 - Fraction(self.total, self.span) if self.span else Fraction(1)

    @property
    def fraction(self) -> float:
        """The same as a float."""
        return float(self.held)


class Availability(Struct, frozen=True):
    """Over `since` to `until` (ms).

    Attributes:
        levels: at least one, the budget's floor, all, and those that are named beside them.
        capacity: integral of the instances' capacity over desired (see `capacity.py`); None when none was desired.
        roles: role -> integral of ready pods over wanted ones.
        idle: engines have computed nothing for a time, though their checks passed.
    """

    since: int
    until: int
    levels: tuple[Level, ...]
    capacity: Fraction | None
    roles: Mapping[str, Fraction]
    idle: bool = False


def measure_availability(
    measures: Measures, capacity: Capacity, named: Iterable[ReadyLevel] = ()
) -> Availability:
    """The availability of a run over the time in which service is owed.

    Args:
        measures: of the run.
        capacity: of the same run.
        named: levels to look at beside one, the budget's and all.
    """
    levels = {level.name: level for level in (ONE, BUDGET, ALL, *named)}
    since, until = measures.whole.since, measures.whole.until
    return Availability(
        since,
        until,
        tuple(measure_level(each, measures) for each in levels.values()),
        held_share(capacity.share, measures),
        {
            name: held
            for name, amount in capacity.roles.items()
            if (held := held_share(amount, measures)) is not None
        },
        any(pod.was_idle for life in measures.instances for pod in life.pods),
    )


def measure_level(level: ReadyLevel, measures: Served) -> Level:
    """How often as many instances were ready as a level asks for, over the time in which service is owed."""
    since, until = measures.whole.since, measures.whole.until
    outages = longest = total = current = 0
    for at, to, (least, ready) in segments((_least(level, measures), measures.ready), since, until):
        if ready < least:
            outages += current == 0
            current += to - at
            total += to - at
            longest = max(longest, current)
        else:
            current = 0
    return Level(level.name, outages, longest, total, until - since, current)


def _least(level: ReadyLevel, measures: Served) -> Steps:
    """How many instances the level asks for over time."""
    if level == BUDGET:
        return Steps(
            [(change.at, max(0, change.replicas - change.unavailable)) for change in measures.changes]
        )
    return Steps([(at, level.of(wanted)) for at, wanted in measures.desired.points])


def held_share(amount: Amount, measures: Served) -> Fraction | None:
    """Integral of what there was, no more than desired, over integral of desired; None when none was desired."""
    wanted = held = 0
    scale = amount.unit.denominator
    whole = measures.whole
    for at, to, (desired, have) in segments((measures.desired, amount.steps), whole.since, whole.until):
        wanted += (to - at) * desired
        held += (to - at) * min(desired * scale, have)
    return Fraction(held, wanted * scale) if wanted else None
