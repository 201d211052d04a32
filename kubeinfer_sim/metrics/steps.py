"""Step functions of time: whole numbers that change at instants, in exact integer arithmetic."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct, field
from msgspec.structs import replace


class Low(Struct, frozen=True):
    """The lowest value of a step function: what it is, when it is first reached, for how many ms in all."""

    value: int
    at: int
    lasting: int


class Steps(Struct):
    """A value over time.

    Attributes:
        points: (ms, value from then on), times strictly ascending, neighbouring values different.
            Before the first point the value is 0.
    """

    points: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        mine: list[tuple[int, int]] = []  # as `set` does, without a call for each
        for point in self.points:
            if mine and mine[-1][0] == point[0]:
                mine.pop()
            if (mine[-1][1] if mine else None) != point[1]:
                mine.append(point)
        self.points = mine

    def set(self, at: int, value: int) -> None:
        """The value from `at` on (not before the last point). Of several at one instant the last one counts."""
        points = self.points
        if points and points[-1][0] == at:
            points.pop()
        if (points[-1][1] if points else None) != value:
            points.append((at, value))

    @property
    def last(self) -> int:
        """The value after the last point."""
        return self.points[-1][1] if self.points else 0

    def at(self, when: int) -> int:
        """The value at an instant (after everything that happened at it)."""
        place = bisect_right(self.points, when, key=lambda point: point[0])
        return self.points[place - 1][1] if place else 0

    def between(self, start: int, end: int) -> list[int]:
        """The values it has from `start` to `end`, each once, in ascending order."""
        return sorted({self.at(start), *(value for at, value in self.points if start < at <= end)})

    def highest(self) -> int:
        """The highest value it ever has."""
        return max((value for _, value in self.points), default=0)

    def last_at_least(self, value: int, until: int) -> int:
        """When it was `value` or more for the last time before `until`: the end of that time; 0: it never was."""
        reached = 0
        for (_, held), (ends, _) in pairwise([*self.points, (until, 0)]):
            if ends > until:
                break
            if held >= value:
                reached = ends
        return reached

    def lowest(self, start: int, end: int) -> Low:
        """The lowest value from `start` to `end`; values that last no time do not count, but at the end."""
        low: Low | None = None
        for since, until, (value,) in segments((self,), start, end):
            if low is None or value < low.value:
                low = Low(value, since, until - since)
            elif value == low.value:
                low = replace(low, lasting=low.lasting + until - since)
        final = self.at(end)
        if low is None or final < low.value:
            low = Low(final, end, 0)
        return low


def segments(functions: Sequence[Steps], start: int, end: int) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """(from, to, values) for every stretch between `start` and `end` in which no function changes."""
    if end <= start:
        return
    edges = {at for function in functions for at, _ in function.points if start < at < end}
    values = [function.at(start) for function in functions]
    places = [bisect_right(function.points, start, key=lambda point: point[0]) for function in functions]
    since = start
    for edge in (*sorted(edges), end):
        yield since, edge, tuple(values)
        since = edge
        for i, function in enumerate(functions):
            place = places[i]
            if place < len(function.points) and function.points[place][0] == edge:
                values[i] = function.points[place][1]
                places[i] = place + 1


def shortfall(wanted: Steps, had: Steps, start: int, end: int) -> int:
    """Integral of max(0, wanted - had) from `start` to `end`, in units times milliseconds."""
    return sum((to - since) * max(0, w - h) for since, to, (w, h) in segments((wanted, had), start, end))
