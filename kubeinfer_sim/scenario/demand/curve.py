"""The load that is offered over time: straight lines between points, once or again every period, exact."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

from msgspec import Struct, field

from kubeinfer_sim.scenario.units import format_duration

#: Points of a curve that are measured at most: ten seconds' work.
MOST_POINTS = 1_000_000


class Piece(NamedTuple):
    """A straight piece of a curve: from `since` (ms, where it is `first`) to `until` (where it is `last`)."""

    since: int
    until: int
    first: Fraction | int
    last: Fraction | int


class LoadCurve(Struct, frozen=True):
    """Load over time, in fractions or whole numbers.

    Attributes:
        points: (ms, load), times strictly ascending; straight lines between them.
        period: what `points` say, all before `period` ms, comes again and again, the last point joined to the next
            first one; None: before the first and after the last point the load is theirs.
    """

    points: tuple[tuple[int, Fraction | int], ...]
    period: int | None = None

    def times(self, factor: int) -> LoadCurve:
        """The curve of so many times the load; loads that are whole then are whole numbers."""
        return LoadCurve(tuple((at, _whole(load * factor)) for at, load in self.points), self.period)

    def too_many_points(self, end: int) -> str:
        """What is wrong where more points come up to a time (ms) than are measured; empty where all are."""
        if self.period is None:
            return ""
        number = len(self.points) * -(-end // self.period)
        if number <= MOST_POINTS:
            return ""
        return (
            f"repeated every {format_duration(self.period)} the load has {number:,} points in "
            f"{format_duration(end)}; at most {MOST_POINTS:,} are measured"
        )

    def at(self, when: int) -> Fraction:
        """The load at an instant (ms)."""
        points, period = self.points, self.period
        if period is not None:
            when %= period
        place = bisect_right(points, when, key=lambda point: point[0])
        if period is None:
            if place == 0 or place == len(points):
                return Fraction(points[max(0, place - 1)][1])
            (t0, v0), (t1, v1) = points[place - 1], points[place]
        else:
            t0, v0 = points[place - 1] if place else (points[-1][0] - period, points[-1][1])
            t1, v1 = points[place] if place < len(points) else (points[0][0] + period, points[0][1])
        return v0 + Fraction(v1 - v0) * (when - t0) / (t1 - t0)

    def pieces(self, start: int, end: int) -> Iterator[Piece]:
        """The straight pieces between two times, without a gap."""
        since, value = start, _whole(self.at(start))
        for at, load in self._points_after(start, end):
            yield Piece(since, at, value, load)
            since, value = at, load
        if since < end:
            yield Piece(since, end, value, _whole(self.at(end)))

    def _points_after(self, start: int, end: int) -> Iterator[tuple[int, Fraction | int]]:
        offset = 0 if self.period is None else start // self.period * self.period
        while offset < end:
            for at, load in self.points:
                if start < at + offset < end:
                    yield at + offset, load
            if self.period is None:
                return
            offset += self.period


def _whole(load: Fraction | int) -> Fraction | int:
    return load.numerator if load.denominator == 1 else load


class OfferedLoad(Struct, frozen=True):
    """What is asked of the instances together, and how much of it one can take.

    Attributes:
        unit: of the load, for reports (`requests/s`); "" counts in whole instances.
        instance_serves: what a whole instance takes, in that unit.
        pod_serves: role -> what one ready pod of it takes; an instance takes what its weakest role does. Empty:
            each pod its share of `instance_serves`. Roles not named do not limit while all their pods are ready.
        line: the curve in a few words, for reports.
    """

    curve: LoadCurve
    unit: str = ""
    instance_serves: Fraction = Fraction(1)
    pod_serves: Mapping[str, Fraction] = field(default_factory=dict)
    line: str = ""
