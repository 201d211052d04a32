"""The load that is offered over time: straight lines between points, once or again every period, exact."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple


class Piece(NamedTuple):
    """A straight piece of a curve: from `since` (ms, where it is `first`) to `until` (where it is `last`)."""

    since: int
    until: int
    first: Fraction
    last: Fraction


@dataclass(frozen=True, slots=True)
class LoadCurve:
    """Load over time.

    Attributes:
        points: (ms, load), times strictly ascending; straight lines between them.
        period: what `points` say, all before `period` ms, comes again and again, the last point joined to the next
            first one; None: before the first and after the last point the load is theirs.
    """

    points: tuple[tuple[int, Fraction], ...]
    period: int | None = None

    def at(self, when: int) -> Fraction:
        """The load at an instant (ms)."""
        points, period = self.points, self.period
        if period is not None:
            when %= period
        place = bisect_right(points, when, key=lambda point: point[0])
        if period is None:
            if place == 0 or place == len(points):
                return points[max(0, place - 1)][1]
            (t0, v0), (t1, v1) = points[place - 1], points[place]
        else:
            t0, v0 = points[place - 1] if place else (points[-1][0] - period, points[-1][1])
            t1, v1 = points[place] if place < len(points) else (points[0][0] + period, points[0][1])
        return v0 + (v1 - v0) * (when - t0) / (t1 - t0)

    def pieces(self, start: int, end: int) -> Iterator[Piece]:
        """The straight pieces between two times, without a gap."""
        since, value = start, self.at(start)
        for at, load in self._points_after(start, end):
            yield Piece(since, at, value, load)
            since, value = at, load
        if since < end:
            yield Piece(since, end, value, self.at(end))

    def _points_after(self, start: int, end: int) -> Iterator[tuple[int, Fraction]]:
        offset = 0 if self.period is None else start // self.period * self.period
        while offset < end:
            for at, load in self.points:
                if start < at + offset < end:
                    yield at + offset, load
            if self.period is None:
                return
            offset += self.period


@dataclass(frozen=True, slots=True)
class OfferedLoad:
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
