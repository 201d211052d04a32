"""Which of two variants is better: by what, and whether so many seeds can tell.

Asked is one question: of the first number that decides and in which the two differ by more than means anything. Each
further number would have a chance of its own to call an accident a difference. Told is it by the seeds that both have
met (common random numbers): by the interval of the mean difference where there are enough of them, else by the sign
test, which is exact for any distribution. So of two variants that are equally good one is called the better one no
more often than the confidence allows. Of several, what may go wrong is divided among the others (Bonferroni): that the
best one is called worse than any of them comes about no more often either.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import Literal, Protocol

from msgspec import Struct

from kubeinfer_sim.experiment.columns import Column
from kubeinfer_sim.experiment.statistics.means import ENOUGH, bounds, signs_tell, telling

#: A shorter time is no reason to call a variant better, ms.
SHORTEST = 1000
_TIMES = ("ms", "instance-ms", "pod-ms")


class Seeds(Protocol):
    """What came of a variant under each seed."""

    @property
    def values(self) -> dict[str, list[float | None]]:
        """By column, one for each seed."""

    @property
    def ended(self) -> Sequence[bool]:
        """Whether the run came to an end of its own, for each seed."""

    @property
    def by_chance(self) -> bool:
        """Whether anything was drawn in a run."""


class Standing(Struct, frozen=True):
    """How one variant stands against another.

    Attributes:
        column: the first that decides and in which they differ; None: in none.
        winner: 1 where the one is better, -1 where the other is, 0 where it cannot be told.
        better, worse: under how many seeds it is the better one by that column, and under how many the other.
        known, unknown: under how many seeds both runs came to an end, and under how many one of them failed.
        by_signs: whether it is these numbers that tell, and not the interval of the mean.
    """

    column: Column | None
    winner: Literal[-1, 0, 1]
    better: int
    worse: int
    known: int
    unknown: int
    by_signs: bool = False


def stand(one: Seeds, other: Seeds, columns: Sequence[Column], until: int, confidence: float) -> Standing:
    """Hold one variant against another.

    Args:
        one: a variant.
        other: another one, with the same seeds.
        columns: in the order in which they decide.
        until: until when is counted, ms.
        confidence: with which a winner is named.
    """
    known = sum(map(all, zip(one.ended, other.ended, strict=True)))
    unknown = len(one.ended) - known
    for column in columns:
        if not column.decides:
            continue
        gains, least = _gains(one, other, column), _least(column, until)
        better, worse = sum(gain >= least for gain in gains), sum(-gain >= least for gain in gains)
        if better or worse:
            by_chance = one.by_chance or other.by_chance
            by_signs = by_chance and (bool(unknown) or telling(gains) < ENOUGH)
            winner = _winner(gains, least, unknown, confidence, by_chance=by_chance, by_signs=by_signs)
            return Standing(column, winner, better, worse, known, unknown, by_signs)
    return Standing(None, 0, 0, 0, known, unknown)


def _gains(one: Seeds, other: Seeds, column: Column) -> list[float]:
    """By how much it is better, for each seed under which both have a number."""
    pairs = zip(one.values[column.name], other.values[column.name], strict=True)
    sign = 1 if column.better == "high" else -1
    return [sign * (mine - theirs) for mine, theirs in pairs if mine is not None and theirs is not None]


def _least(column: Column, until: int) -> float:
    """The least difference that means anything: a second, of the time of a run or of an NPU; of counts any."""
    if column.unit in _TIMES:
        return SHORTEST
    if column.unit == "fraction":
        return SHORTEST / max(until, SHORTEST)
    return SHORTEST / 3_600_000 if column.unit == "NPU-hours" else 1e-9


def _winner(
    gains: Sequence[float],
    least: float,
    unknown: int,
    confidence: float,
    *,
    by_chance: bool,
    by_signs: bool,
) -> Literal[-1, 0, 1]:
    mean = fsum(gains) / len(gains)
    if abs(mean) < least:
        return 0
    side: Literal[-1, 1] = 1 if mean > 0 else -1
    if not by_chance:
        return side
    if not by_signs:
        low, high = bounds(gains, confidence)
        return side if low > 0 or high < 0 else 0
    favourable = sum(side * gain >= least for gain in gains)
    contrary = sum(-side * gain >= least for gain in gains)
    # A run that failed may have been the worst of all.
    return side if signs_tell(favourable, contrary + unknown, confidence) else 0
