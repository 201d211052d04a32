"""Step functions for a picture: counted from stretches of time, and thinned so that no dip is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from kubeinfer_sim.metrics.steps import Steps, segments

#: Points in time of a picture at most; a screen has no more columns.
MOST_POINTS = 1_500


def counted(stretches: Iterable[tuple[int, int]]) -> Steps:
    """How many of these stretches (from, until; ms) cover each instant."""
    changes: Counter[int] = Counter()
    for since, until in stretches:
        if since < until:
            changes[since] += 1
            changes[until] -= 1
    steps, value = Steps(), 0
    for at in sorted(changes):
        value += changes[at]
        steps.set(at, value)
    return steps


def sampled(
    functions: Sequence[Steps],
    since: int,
    until: int,
    worst: Callable[[tuple[int, ...]], int],
    most: int = MOST_POINTS,
) -> tuple[list[tuple[int, tuple[int, ...]]], bool]:
    """(ms, values) wherever a function changes between two times, and at both ends; whether some were left out.

    Of more than `most` each of so many stretches of equal length is told as it was when `worst` was lowest, so that a
    short dip is never lost.
    """
    stretches = [(at, values) for at, _, values in segments(functions, since, until)]
    if not stretches:
        return [], False
    thinned = len(stretches) > most
    if thinned:
        column = max(1, -(-(until - since) // most))
        lowest: dict[int, tuple[int, ...]] = {}
        for at, to, values in segments(functions, since, until):
            for place in range((at - since) // column, -(-(to - since) // column)):
                if place not in lowest or worst(values) < worst(lowest[place]):
                    lowest[place] = values
        stretches = [(since + place * column, values) for place, values in lowest.items()]
    return [*stretches, (until, stretches[-1][1])], thinned
