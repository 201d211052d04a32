"""A scenario played with two faults: pairs of single faults neither of which breaks anything alone."""

from __future__ import annotations

import random
import time
from bisect import bisect_right
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import accumulate, chain, islice
from typing import overload

from msgspec import Struct

from kubeinfer_sim.experiment.dispatch import HERE, Job, Workers, played_in_order
from kubeinfer_sim.experiment.replication import Variant
from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.simulate import simulate
from kubeinfer_sim.testing.fuzz.cases import Cost, Document, cost_of, read_faults, with_faults
from kubeinfer_sim.testing.fuzz.exhaustive import Progress, SingleFaults, Stopped
from kubeinfer_sim.testing.fuzz.single_faults import SingleFault, single_faults

#: Pairs that are played, if nobody says how many, and if only a time is given.
PAIRS, IN_TIME = 1_000, 100_000


class PairCase(Struct, frozen=True):
    """Two faults, the earlier one first, and what they come to.

    Attributes:
        chosen: it is one of those that hurt most alone; else it was drawn.
    """

    first: SingleFault
    second: SingleFault
    cost: Cost
    chosen: bool = False


class FaultPairs(Struct, frozen=True):
    """What came of them.

    Attributes:
        singles: what each fault does alone.
        total: how many pairs there are; of those that only names tell apart one counts.
        known: those with a fault that breaks something alone, as far as the single faults were played.
        cases: those that were played, in order of time.
        stopped: why they are not all.
    """

    singles: SingleFaults
    total: int
    known: int
    cases: tuple[PairCase, ...]
    stopped: Stopped = ""

    @property
    def broken(self) -> list[PairCase]:
        """Those that break something, the worst first."""
        return sorted(
            (each for each in self.cases if each.cost.breaks), key=lambda each: each.cost.key, reverse=True
        )

    @property
    def failed(self) -> list[PairCase]:
        """Those of which the simulator, or a function of the user's, is at fault."""
        return [each for each in self.cases if each.cost.fault]

    @property
    def all_played(self) -> bool:
        """Whether nothing is left that may break it."""
        return not self.stopped and not self.singles.stopped


def play_fault_pairs(
    document: Document,
    singles: SingleFaults,
    *,
    every_place: bool = False,
    most: int = PAIRS,
    seconds: float | None = None,
    workers: Workers = HERE,
    progress: Progress | None = None,
) -> FaultPairs:
    """Play a scenario with two faults that were played alone before and broke nothing, as many pairs as `most`.

    Half of them are built of the single faults that lose most, the worst of each kind first, and half are an even
    sample, drawn with the scenario's seed; the two take turns.

    Args:
        document: the scenario, with all it is made of.
        singles: what came of each single fault.
        every_place: as it was given for these.
        most: so many pairs.
        seconds: begin no more of them after that; None: all.
        workers: where they are played.
        progress: told after each.
    """
    begun = time.monotonic()
    scenario, base = singles.scenario, singles.base
    faults = list(single_faults(simulate(scenario), singles.kinds, every_place=True))
    space = _Space(faults, singles, every_place=every_place)
    rng = random.Random(scenario.seed)
    hard = list(islice(space.hardest(), most // 2 if space.open > most else 0))
    order = _in_turns(hard, space.sample(rng, min(most, space.open) - len(hard), set(hard)))
    variants = _Variants(document, scenario, faults, order)
    stopped: Stopped = "limit" if len(order) < space.open else ""
    costs: list[Cost] = []
    broken = 0
    jobs = (Job(number, scenario.seed) for number in range(len(order)))
    with closing(played_in_order(variants, jobs, len(order), workers)) as results:
        try:
            for _, played in results:
                costs.append(cost := cost_of(base, played))
                broken += bool(cost.breaks)
                if progress is not None:
                    progress(len(costs), len(order), broken)
                if seconds is not None and len(costs) < len(order) and time.monotonic() - begun > seconds:
                    stopped = "time"
                    break
        except KeyboardInterrupt:
            stopped = "interrupted"
    chosen = set(hard)
    cases = (
        PairCase(faults[pair[0]], faults[pair[1]], cost, pair in chosen)
        for pair, cost in sorted(zip(order, costs, strict=False), key=lambda each: each[0])
    )
    return FaultPairs(singles, space.total, space.known, tuple(cases), stopped)


#: Two faults, by their places in the order of time.
_Pair = tuple[int, int]


class _Space:
    """All pairs of faults: the earlier one strikes a place that stands for those like it, the later one any place.

    Attributes:
        total: how many there are.
        known: those with a fault that breaks something alone.
        open: those with two that were played alone, and break nothing.
    """

    def __init__(self, faults: Sequence[SingleFault], singles: SingleFaults, *, every_place: bool) -> None:
        self._faults = faults

        def played_as(fault: SingleFault) -> Hashable:
            return fault.of_its_kind, fault.where.name if every_place else ""

        played = {played_as(each.fault): each.cost for each in singles.cases}
        costs = [played.get(played_as(each)) for each in faults]
        self._lost = [0 if cost is None else cost.lost for cost in costs]
        self._first = [every_place or each.where.name == each.where.like for each in faults]
        self.total, _, _ = self._count(range(len(faults)))
        unbroken = [place for place, cost in enumerate(costs) if cost is None or not cost.breaks]
        self.known = self.total - self._count(unbroken)[0]
        harmless = [place for place in unbroken if (cost := costs[place]) is not None and not cost.fault]
        self.open, self._firsts, self._up_to = self._count(harmless)
        self._harmless = harmless

    def _count(self, places: Sequence[int]) -> tuple[int, list[int], list[int]]:
        """How many pairs there are of these; those that may be the earlier one, and how many pairs up to each."""
        firsts = [number for number, place in enumerate(places) if self._first[place]]
        up_to = list(accumulate(len(places) - 1 - number for number in firsts))
        return (up_to[-1] if up_to else 0), firsts, up_to

    def sample(self, rng: random.Random, number: int, but: set[_Pair]) -> Iterator[_Pair]:
        """So many of those that are open, drawn evenly, but for these."""
        drawn = map(self._pair, rng.sample(range(self.open), min(self.open, number + len(but))))
        return islice((pair for pair in drawn if pair not in but), number)

    def _pair(self, number: int) -> _Pair:
        row = bisect_right(self._up_to, number)
        first = self._firsts[row]
        second = first + self._up_to[row] - number
        return self._harmless[first], self._harmless[second]

    def hardest(self) -> Iterator[_Pair]:
        """Pairs of the worst fault of each kind, then of the two worst of each, and so on, each at its worst moment."""
        ranks: dict[str, list[int]] = {}
        for kind, places in self._worst_moments().items():
            ranks[kind] = sorted(places, key=lambda place: (-self._lost[place], place))
        before: list[int] = []
        for rank in range(max(map(len, ranks.values()), default=0)):
            new = [places[rank] for places in ranks.values() if rank < len(places)]
            pairs = {
                (min(one, other), max(one, other))
                for one in new
                for other in chain(before, new)
                if one != other and self._first[min(one, other)]
            }
            yield from sorted(pairs, key=lambda pair: (-sum(self._lost[each] for each in pair), pair))
            before += new

    def _worst_moments(self) -> dict[str, list[int]]:
        """By kind, of each place it strikes the moment at which it loses most."""
        worst: dict[tuple[str, str, str], int] = {}
        for place in self._harmless:
            fault = self._faults[place]
            at = fault.kind, fault.where.object, fault.where.name
            if at not in worst or self._lost[place] > self._lost[worst[at]]:
                worst[at] = place
        by_kind: dict[str, list[int]] = {}
        for (kind, *_), place in worst.items():
            by_kind.setdefault(kind, []).append(place)
        return by_kind


def _in_turns(hard: Sequence[_Pair], drawn: Iterator[_Pair]) -> list[_Pair]:
    """One of these, one of those, and the rest of whichever there are more."""
    order: list[_Pair] = []
    for pair in hard:
        order.append(pair)
        order += islice(drawn, 1)
    return [*order, *drawn]


class _Variants(Sequence[Variant]):
    """The scenario with each pair; made when it is asked for, since there may be many."""

    def __init__(
        self, document: Document, scenario: Scenario, faults: Sequence[SingleFault], pairs: Sequence[_Pair]
    ) -> None:
        self._scenario, self._pairs = scenario, pairs
        used = sorted({place for pair in pairs for place in pair})
        compiled = read_faults(document, [faults[place].action for place in used])
        self._compiled: Mapping[int, Fault] = dict(zip(used, compiled, strict=True))

    def __len__(self) -> int:
        return len(self._pairs)

    @overload
    def __getitem__(self, number: int) -> Variant: ...

    @overload
    def __getitem__(self, number: slice) -> Sequence[Variant]: ...

    def __getitem__(self, number: int | slice) -> Variant | Sequence[Variant]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        first, second = (self._compiled[place] for place in self._pairs[number])
        return Variant(f"{first.kind} and {second.kind}", with_faults(self._scenario, [first, second]))
