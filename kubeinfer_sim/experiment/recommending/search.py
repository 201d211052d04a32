"""Which sets of changes are played, and in which order, to know the smallest that meets the objectives.

First the manifest as it is and every change by itself, then in twos, whether or not they do anything alone: room for
one instance more is of use only to an update that makes one first. Then in threes and, only where none of that is
enough, with more nodes, of one pool at a time: from the most down to the fewest that do, beside no change, one, or two.
Of each size no more than `MOST_OF_A_SIZE` are played, those first whose parts come nearest to the objectives, and of
all no more than `MOST_RUNS` runs; how many are left out is told. That more nodes help where fewer do is taken for
granted on the way, unless the most do not: then the numbers below are tried one by one. What is chosen has been played.

A set is played as a plan plays a combination (`planning/looks.py`): until it is decided whether it holds, under the
seeds that all sets meet, with a confidence that is divided among all of them. Sets that come to the same as one with a
change less, run by run, are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import combinations
from math import inf

from msgspec import Struct

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.dispatch import Workers
from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.knobs import Setting, Space
from kubeinfer_sim.experiment.planning.looks import Looks
from kubeinfer_sim.experiment.planning.playing import Campaign, Runs
from kubeinfer_sim.experiment.planning.trial import Trial
from kubeinfer_sim.experiment.recommending.changes import Change
from kubeinfer_sim.experiment.replication import Replication, Variant

Changes = tuple[Change, ...]

#: Runs of a set before it is compared with others, and at most; what has no probability has to hold in so many.
SCREEN, MOST, EVERY = 20, 3000, 100
#: So many changes of the manifest are made at once, and so many beside more nodes.
AT_ONCE, BESIDE_NODES = 3, 2
#: So many sets of a size are played, and so many runs are made in all.
MOST_OF_A_SIZE, MOST_RUNS = 300, 20_000
#: So many numbers of nodes are tried one by one where the most do not do.
FEW_NUMBERS = 8
#: The confidence is divided among so many sets: more than are ever played.
_SETS = 2000


class Unplayed(Struct, frozen=True):
    """Sets that were not looked at: `what` they are, and how many; None: that is not counted."""

    what: str
    number: int | None = None


#: Columns of how many stay ready.
_READY = ("minReady", "minAvailable")

#: Nodes, changes, rank, place among the numbers of nodes; the changes, and these numbers.
_Waiting = tuple[int, int, tuple[float, ...], int, Changes, Sequence[Change]]


class _TooMuch(Exception):
    """So many runs are made as may be."""


def variant_of(own: Space, changes: Changes) -> Variant:
    """The scenario with changes made.

    Raises:
        UsageError: they cannot be.
    """
    settings: list[Setting] = [setting for change in changes for setting in change.settings]
    if not settings:
        return Variant("as it is", own.scenario)
    made = own.variant(settings)
    return Variant("; ".join(change.name for change in changes), made.scenario)


def together(changes: Sequence[Change]) -> bool:
    """Whether they can be made at once."""
    about = [each.about for each in changes]
    of_roles = [each for each in about if each.startswith("recovery")]
    return len(set(about)) == len(about) and not ("recovery" in of_roles and len(of_roles) > 1)


def _fewest_ready(kept: Sequence[Replication]) -> float:
    """The mean of the fewest instances ready at once, of Deployments pods available; 0 where nobody counts them."""
    found = [
        next((run.values[each] for each in _READY if run.values.get(each) is not None), None) for run in kept
    ]
    known = [each for each in found if each is not None]
    return sum(known) / len(known) if known else 0.0


class SetSearch:
    """One search.

    Args:
        own: where the variants come from.
        singles: changes of the manifest.
        spares: for each pool numbers of nodes more, fewest first.
        most: runs of one set at most; None: as many as decide it, `MOST` at most.
        is_told: whether each change of a set that holds has an effect that can be told.

    Attributes:
        unplayed: what was not looked at.
        undecided: a set may hold, and it cannot be told.
    """

    def __init__(
        self,
        own: Space,
        singles: Sequence[Change],
        spares: Sequence[Sequence[Change]],
        *,
        most: int | None,
        workers: Workers,
        progress: Callable[[int, int, str], None] | None,
        is_told: Callable[[Changes], bool],
    ) -> None:
        self._own, self._singles, self._spares, self._is_told = own, tuple(singles), spares, is_told
        self._most, self._screen = most or MOST, most or SCREEN
        every = min(EVERY, self._most)
        self._campaign = Campaign(
            (), workers=workers, progress=progress, most=self._screen, keep=self._screen
        )
        self._looks = Looks(self._campaign, _SETS, float(own.scenario.confidence), every)
        self._places: dict[Changes, int] = {}
        self._impossible: set[Changes] = set()
        self._order = {change: place for place, change in enumerate(self._singles)}
        self.unplayed: list[Unplayed] = []
        self.undecided = False

    @property
    def runs(self) -> int:
        """How many were made."""
        return self._campaign.made

    @property
    def played(self) -> tuple[Changes, ...]:
        """All sets that were, in order."""
        return tuple(changes for changes, place in self._places.items() if place in self._looks.trials)

    def trial(self, changes: Changes) -> Trial:
        """What is known of a set that was played."""
        return self._looks.trials[self._places[changes]]

    def runs_of(self, changes: Changes) -> Runs:
        """Its runs, of which the first are kept."""
        return self._campaign.runs[self._places[changes]]

    def found(self) -> Changes | None:
        """The smallest set that holds; empty where the manifest does as it is, None where none is known to."""
        try:
            if self._first([()]) and self._decided(()) is Decision.HELD:
                return ()
            for level in self._levels():
                if (chosen := self._best_of(level)) is not None:
                    return chosen
            return self._with_nodes()
        except _TooMuch:
            self.unplayed.append(Unplayed(f"what else there is, after {self.runs:,} runs"))
            return None

    # -- which sets ---------------------------------------------------------------------------------------

    def _levels(self) -> Iterator[list[Changes]]:
        """Of each size the sets that can be, those first whose parts come nearest."""
        level: list[Changes] = [(each,) for each in self._singles]
        yield level
        for size in range(2, AT_ONCE + 1):
            parts = sorted((each for each in level if each in self._places), key=self._rank)
            level = list(self._grown(parts))
            every = sum(map(together, combinations(self._singles, size)))
            if every > len(level):
                self.unplayed.append(Unplayed(f"sets of {size} changes", every - len(level)))
            yield level
        if every := sum(map(together, combinations(self._singles, AT_ONCE + 1))):
            self.unplayed.append(Unplayed(f"sets of {AT_ONCE + 1} changes and more", None if every else 0))

    def _grown(self, parts: Sequence[Changes]) -> Iterator[Changes]:
        """Sets with a change more, no more than may be played."""
        met: set[Changes] = set()
        for part in parts:
            for more in self._singles:
                grown = tuple(sorted({*part, more}, key=self._order.__getitem__))
                if len(grown) == len(part) or grown in met or not together(grown):
                    continue
                if len(met) == MOST_OF_A_SIZE:
                    return
                met.add(grown)
                yield grown

    def _best_of(self, level: Sequence[Changes]) -> Changes | None:
        """The first of the sets of a size that holds: fewest fields, most that stay ready, then least time lost."""
        alive = [each for each in self._first(level) if self._may_hold(each)]
        for each in sorted(alive, key=self._rank):
            if self._is_chosen(each):
                return each
        return None

    def _with_nodes(self) -> Changes | None:
        """The fewest nodes more with which a set of at most two changes holds, and the smallest such set."""
        contexts = sorted(
            (each for each in self._places if len(each) <= BESIDE_NODES),
            key=lambda each: (len(each), self._rank(each)),
        )
        held_back = max(0, len(contexts) - MOST_OF_A_SIZE)
        if held_back and self._spares:
            self.unplayed.append(Unplayed("sets of changes beside more nodes", held_back))
        if len(self._spares) > 1:
            self.unplayed.append(Unplayed("nodes of several pools at once"))
        waiting: list[_Waiting] = []
        fewest, smallest = inf, 0
        for pool in self._spares:
            for context in contexts[:MOST_OF_A_SIZE]:
                # A larger set is of use only with fewer nodes, unless the smaller one turns out not to hold.
                most = fewest - (len(context) > smallest)
                numbers = [each for each in pool if each.nodes <= most]
                if (least := self._fewest(context, numbers)) is not None:
                    fewest, smallest = numbers[least].nodes, len(context)
                    self._push(waiting, context, pool, least)
                elif len(numbers) < len(pool):
                    self._push(waiting, context, pool, len(numbers))
        while waiting:
            *_, place, context, pool = heappop(waiting)
            if self._may_hold((*context, pool[place])) and self._is_chosen((*context, pool[place])):
                return (*context, pool[place])
            if place + 1 < len(pool):
                self._push(waiting, context, pool, place + 1)
        return None

    def _push(self, waiting: list[_Waiting], context: Changes, pool: Sequence[Change], place: int) -> None:
        changes = (*context, pool[place])
        rank = self._rank(changes if changes in self._places else context)
        # No two are alike up to the order of the context among all.
        entry = (pool[place].nodes, len(context), (*rank, float(self._places[context])), place)
        heappush(waiting, (*entry, context, pool))

    def _fewest(self, context: Changes, numbers: Sequence[Change]) -> int | None:
        """The place of the fewest nodes that may do beside a set; None: no number does that was looked at."""
        if not numbers:
            return None
        if not self._may_hold((*context, numbers[-1])):
            # More nodes may do worse, as new ones have no image and no weights: each number, where there are few.
            few = range(min(len(numbers) - 1, FEW_NUMBERS))
            rest = Unplayed("numbers of nodes below one that does not do")
            if len(few) < len(numbers) - 1 and rest not in self.unplayed:
                self.unplayed.append(rest)
            return next((place for place in few if self._may_hold((*context, numbers[place]))), None)
        fails, holds = -1, len(numbers) - 1
        while holds - fails > 1:
            middle = (fails + holds) // 2
            if self._may_hold((*context, numbers[middle])):
                holds = middle
            else:
                fails = middle
        return holds

    # -- what is known of them ----------------------------------------------------------------------------

    def _place(self, changes: Changes) -> int | None:
        """Where a set stands in the campaign; None: it cannot be."""
        if changes in self._impossible:
            return None
        if changes not in self._places:
            try:
                variant = variant_of(self._own, changes)
            except UsageError:
                self._impossible.add(changes)
                return None
            self._places[changes] = self._campaign.add(variant)
        return self._places[changes]

    def _first(self, sets: Sequence[Changes]) -> list[Changes]:
        """One run of each, on all workers; those that can be."""
        self._check_cost()
        places = {each: place for each in sets if (place := self._place(each)) is not None}
        new = [place for place in places.values() if place not in self._looks.trials]
        for place, verdicts in self._campaign.play_each(new):
            self._looks.take(place, [verdicts])
        return list(places)

    def _look(self, changes: Changes, runs: int) -> Trial | None:
        self._check_cost()
        place = self._place(changes)
        return None if place is None else self._looks.look(place, runs)

    def _check_cost(self) -> None:
        if self.runs >= MOST_RUNS:
            raise _TooMuch

    def _may_hold(self, changes: Changes) -> bool:
        """Whether it is not missed after a few runs, and no smaller set comes to the same in each of them."""
        trial = self._look(changes, self._screen)
        if trial is None or trial.decision is Decision.MISSED:
            return False
        own = self.runs_of(changes)
        for each in changes:
            rest = tuple(other for other in changes if other is not each)
            if rest in self._places and self.runs_of(rest).kept == own.kept:
                return False
        return True

    def _decided(self, changes: Changes) -> Decision:
        trial = self._look(changes, self._most)
        decision = Decision.MISSED if trial is None else trial.decision
        self.undecided = self.undecided or decision in (Decision.UNDECIDED, Decision.OPEN)
        return decision

    def _is_chosen(self, changes: Changes) -> bool:
        """Whether it holds, and each of its changes tells."""
        if self._decided(changes) is not Decision.HELD:
            return False
        told = self._is_told(changes)
        self.undecided = self.undecided or not told
        return told

    def _rank(self, changes: Changes) -> tuple[float, ...]:
        """How near to the objectives, then how few fields, how many stay ready, how little time lost, how soon."""
        trial, kept = self.trial(changes), self.runs_of(changes).kept
        runs = max(1, trial.runs)
        lost = sum(run.lost_in_all for run in kept) / max(1, len(kept))
        took = max((run.duration for run in kept if run.duration is not None), default=0.0)
        return (
            -trial.all_held / runs,
            -sum(trial.held) / runs,
            float(sum(len(each.edits) for each in changes)),
            -_fewest_ready(kept),
            lost,
            took,
        )
