"""A rollout that has happened beside its prediction, figure by figure: the interval, and whether the truth lay in it.

An interval comes of the order of runs alone, whatever the distribution: of n runs and the truth, if it is one more of
the same kind, each place in their order is equally likely (Wilks, Ann. Math. Stat. 12, 1941).
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from itertools import combinations
from typing import Literal

from msgspec import Struct

from kubeinfer_sim.experiment.rollout import STAGES, Between, Rollout, Stage

#: What an interval is to hold, where there are runs enough.
LEVEL = 0.95
#: Kubernetes writes times in whole seconds.
RESOLUTION = 1.0

#: Why a stage has no median, where that is not that no pod tells it.
_UNTOLD: dict[Stage, str] = {"image": "not all pods tell it (events are kept for an hour)"}

Name = Literal["duration", "fewestReady", "order", "schedule", "setUp", "image", "init", "start"]
Judgement = Literal["inside", "outside", "not told"]


class Figure(Struct, frozen=True):
    """A figure of a rollout.

    Attributes:
        name: `duration`, `fewestReady`, `order`, or a stage (`STAGES`).
        unit: `s`, `count`, or `swaps` (pairs in another order than in the usual run).
        truth: between which bounds it is known to lie; None: it is not told.
        predicted: the interval.
        level: which part of further runs lies in it.
        why: why it cannot be judged.
        words: of an order, what it was.
    """

    name: Name
    unit: Literal["s", "count", "swaps"]
    truth: Between | None
    predicted: Between | None
    level: float
    judgement: Judgement
    why: str = ""
    words: str = ""

    @property
    def resolution(self) -> float:
        """So far outside of the interval it still counts as inside."""
        return _resolution(self.unit)


def figures_of(truth: Rollout | None, runs: Sequence[Rollout], *, drawn: bool, why: str = "") -> list[Figure]:
    """Each figure of a rollout beside what the runs came to.

    Args:
        truth: what happened; None where that is not told.
        runs: at least one.
        drawn: whether anything in them is.
        why: why nothing of the truth is told.
    """
    unknown = why or "of new pods it is not known when they were created"
    took = None if truth is None else truth.duration
    lengths = [each.duration.high for each in runs if each.duration is not None]
    unfinished = "it was not over when last listed" if took is not None else unknown
    figures = [_figure("duration", "s", took, lengths, drawn, unfinished)]
    fewest = [each.fewest_ready.low for each in runs if each.fewest_ready is not None]
    if fewest:
        ready = None if truth is None else truth.fewest_ready
        untold = unknown if took is None else "no pod of before is listed"
        between = "between two listings"
        if truth is not None and ready is not None and not truth.is_over:
            ready, between = Between(0.0, ready.high), unfinished  # fewer may be ready yet
        figures.append(
            _figure(
                "fewestReady",
                "count",
                ready,
                fewest,
                drawn,
                untold if ready is None else between,
            )
        )
    figures += _order(truth, runs, drawn, unknown)
    for stage in STAGES:
        known = None if truth is None else truth.stages.get(stage)
        lengths = [each.stages[stage] for each in runs if stage in each.stages]
        if known is None and not any(lengths):
            continue  # nobody expects any
        if lengths:
            at = None if known is None else Between(known, known)
            figures.append(
                _figure(stage, "s", at, lengths, drawn, why or _UNTOLD.get(stage, "no pod tells it"))
            )
    return figures


def interval(values: Sequence[float], *, drawn: bool = True) -> tuple[Between, float]:
    """Between which of the values a further one lies, and how probably: as near to `LEVEL` from above as can be."""
    ordered = sorted(values)
    count = len(ordered)
    if not drawn:
        return Between(ordered[0], ordered[-1]), 1.0
    cut = max(1, int((count + 1) * (1 - LEVEL) / 2 + 1e-9))
    return Between(ordered[cut - 1], ordered[count - cut]), max(0.0, (count + 1 - 2 * cut) / (count + 1))


def _figure(
    name: Name,
    unit: Literal["s", "count"],
    truth: Between | None,
    values: Sequence[float],
    drawn: bool,
    why: str,
) -> Figure:
    predicted, level = interval(values, drawn=drawn)
    judgement = _judged(truth, predicted, _resolution(unit))
    return Figure(name, unit, truth, predicted, level, judgement, why if judgement == "not told" else "")


def _resolution(unit: str) -> float:
    return RESOLUTION if unit == "s" else 0.0


def _judged(truth: Between | None, predicted: Between, resolution: float) -> Judgement:
    """Whether it lay inside, wherever between its bounds it was; what is known of it is right to the resolution."""
    if truth is None:
        return "not told"
    low, high = predicted.low - resolution, predicted.high + resolution
    if low <= truth.low and truth.high <= high:
        return "inside"
    return "outside" if truth.high < low or high < truth.low else "not told"


# -- the order ---------------------------------------------------------------------------------------------

_Order = Sequence[Sequence[str]]


def _order(truth: Rollout | None, runs: Sequence[Rollout], drawn: bool, unknown: str) -> list[Figure]:
    """By how many pairs it differs from the order of the most usual run; as far as the runs do, nearly all of them.

    Of a rollout that was not over when last listed as far as it had come; that the expected one came first is no order
    yet.
    """
    orders = [each.order for each in runs if each.order]
    come: set[str] = set()
    if truth is not None and truth.order and not truth.is_over:
        come = {name for names in truth.order for name in names}
        orders = [_first(each, come) for each in orders]
    if not orders:
        return []
    usual = max(sorted(set(orders)), key=orders.count)
    ordered = sorted(float(swaps(each, usual)) for each in orders)
    count = len(ordered)
    cut = max(1, int((count + 1) * (1 - LEVEL) + 1e-9)) if drawn else 1
    predicted = Between(0.0, ordered[count - cut])
    level = (count + 1 - cut) / (count + 1) if drawn else 1.0
    if truth is None or not truth.order:
        known = truth is not None and truth.duration is not None
        why = "no instance tells it" if known else unknown
        return [Figure("order", "swaps", None, predicted, level, "not told", why)]
    away = float(swaps(truth.order, usual))
    judgement = _judged(Between(away, away), predicted, 0.0)
    why = ""
    if judgement == "inside" and len(come) == 1:
        judgement, why = "not told", "none has followed the first one yet"
    words = ", ".join("+".join(each) for each in truth.order)
    return [Figure("order", "swaps", Between(away, away), predicted, level, judgement, why, words)]


def _first(order: _Order, names: Set[str]) -> tuple[tuple[str, ...], ...]:
    """The first so many instances of an order; of several in one instant those of these names first."""
    first: list[tuple[str, ...]] = []
    left = len(names)
    for each in order:
        kept = sorted(each, key=lambda name: (name not in names, name))[:left]
        if kept:
            first.append(tuple(sorted(kept)))
            left -= len(kept)
    return tuple(first)


def swaps(one: _Order, other: _Order) -> int:
    """How many pairs of instances follow each other the other way round; those of one instant do not count.

    An instance that only one of them has counts as a pair.
    """
    places = [{name: place for place, names in enumerate(order) for name in names} for order in (one, other)]
    first, second = places
    both = sorted(first.keys() & second.keys())
    turned = sum((first[a] - first[b]) * (second[a] - second[b]) < 0 for a, b in combinations(both, 2))
    return turned + len(first.keys() ^ second.keys())
