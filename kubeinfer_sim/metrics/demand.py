"""The offered load against the capacity there was: what was not served, and for how long it was too much.

Load is made of straight lines, capacity of steps, so areas and crossings are exact (`fractions`).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import lcm

from msgspec import Struct

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.metrics.steps import Steps, segments
from kubeinfer_sim.scenario.demand.curve import LoadCurve

_NOTHING = Fraction(0)


class Overload(Struct, frozen=True):
    """A time in which more was asked than could be served; ms, where lines cross not always whole ones."""

    since: Fraction
    until: Fraction

    @property
    def length(self) -> Fraction:
        """In ms."""
        return self.until - self.since


class Demand(Struct, frozen=True):
    """What became of the load between two times (ms).

    Attributes:
        offered, unserved: integral of the load, and of what of it was above the capacity; in the load's unit
            times ms.
        overloads: in order of time, touching ones joined.
        worst: the highest load above the capacity; `worst_at` when that first was, ms.
    """

    since: int
    until: int
    offered: Fraction
    unserved: Fraction
    overloads: tuple[Overload, ...]
    worst: Fraction
    worst_at: int

    @property
    def fraction(self) -> Fraction | None:
        """The part of the load that was not served; None when there was no load."""
        return self.unserved / self.offered if self.offered else None

    @property
    def overloaded(self) -> Fraction:
        """For how long the load was above the capacity, ms."""
        return sum((each.length for each in self.overloads), _NOTHING)

    @property
    def longest(self) -> Fraction:
        """The longest overload, ms."""
        return max((each.length for each in self.overloads), default=_NOTHING)


def measure_demand(curve: LoadCurve, capacity: Steps, unit: Fraction, since: int, until: int) -> Demand:
    """Load against capacity.

    Args:
        curve: the load.
        capacity: over time, one of it taking `unit` of the load.
        unit: in the load's unit.
        since: from when, ms.
        until: until when, ms.

    Raises:
        UsageError: by then the load has more points than are measured, which is known before only of runs with a
            horizon.
    """
    if message := curve.too_many_points(until):
        raise UsageError(f"spec.load: {message}: let it come again less often, or give the run a horizon")
    # In the smallest share in which loads and capacities are whole numbers, twice over: what is offered and above the
    # capacity is then whole, too, but where lines cross or a step cuts a line, and whole numbers cost a tenth.
    scale = lcm(unit.denominator, *(load.denominator for _, load in curve.points))
    twice_offered: Fraction | int = 0
    twice_unserved: Fraction | int = 0
    worst: Fraction | int = 0
    worst_at = since
    overloads: list[tuple[Fraction | int, Fraction | int]] = []
    for begin, end, first, last, have in _stretches(
        curve.times(scale), capacity, int(unit * scale), since, until
    ):
        length = end - begin
        twice_offered += (first + last) * length
        over, more = first - have, last - have
        if max(over, more) > worst:
            worst, worst_at = max(over, more), begin if over >= more else end
        if over <= 0 and more <= 0:
            continue
        start: Fraction | int = begin
        stop: Fraction | int = end
        if over < 0:  # the line crosses the capacity on its way up
            start = begin + length * Fraction(over) / (over - more)
            over = 0
        elif more < 0:  # … or down
            stop = begin + length * Fraction(over) / (over - more)
            more = 0
        twice_unserved += (over + more) * (stop - start)
        if overloads and overloads[-1][1] == start:
            start = overloads.pop()[0]
        overloads.append((start, stop))
    return Demand(
        since,
        until,
        Fraction(twice_offered) / (2 * scale),
        Fraction(twice_unserved) / (2 * scale),
        tuple(Overload(Fraction(start), Fraction(stop)) for start, stop in overloads),
        Fraction(worst) / scale,
        worst_at,
    )


def _stretches(
    curve: LoadCurve, capacity: Steps, unit: int, since: int, until: int
) -> Iterator[tuple[int, int, Fraction | int, Fraction | int, int]]:
    """(from, to, load at first, load at last, capacity) with a straight load and a constant capacity."""
    steps = segments((capacity,), since, until)
    step = next(steps, None)
    for piece in curve.pieces(since, until):
        if step is not None and piece.until <= step[1]:
            yield *piece, step[2][0] * unit
            if piece.until == step[1]:
                step = next(steps, None)
            continue
        slope = Fraction(piece.last - piece.first) / (piece.until - piece.since)
        at = piece.since
        while step is not None and at < piece.until:
            end = min(step[1], piece.until)
            first = piece.first + slope * (at - piece.since)
            yield at, end, first, piece.first + slope * (end - piece.since), step[2][0] * unit
            at = end
            if at == step[1]:
                step = next(steps, None)
