"""A scenario played with each single fault there is."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import closing
from typing import Literal

from msgspec import Struct

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.dispatch import HERE, Job, Workers, played_in_order
from kubeinfer_sim.experiment.replication import Failure, Replication, Variant
from kubeinfer_sim.experiment.worker import play_guarded
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.simulate import simulate
from kubeinfer_sim.testing.fuzz.cases import Cost, Document, cost_of, read, read_faults, with_faults
from kubeinfer_sim.testing.fuzz.single_faults import SingleFault, kinds_alike, single_faults

#: Why not all of them were played.
Stopped = Literal["", "limit", "time", "interrupted"]
#: Is told how many of how many were played, and how many of them break something.
Progress = Callable[[int, int, int], None]


class Case(Struct, frozen=True):
    """One fault, and what it comes to."""

    fault: SingleFault
    cost: Cost


class SingleFaults(Struct, frozen=True):
    """What came of them.

    Attributes:
        base: the run without any.
        kinds: those that were played, each with those that do just the same.
        there: how many there are of each of these kinds; `cases` are those that were played, in order of time.
        stopped: why they are not all.
    """

    scenario: Scenario
    base: Replication
    kinds: dict[str, tuple[str, ...]]
    there: dict[str, int]
    cases: tuple[Case, ...]
    stopped: Stopped = ""

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.there.values())

    @property
    def played(self) -> dict[str, int]:
        """How many of each kind were played to an end that says something of the scenario."""
        played = Counter(case.fault.kind for case in self.cases if not case.cost.fault)
        return {kind: played[kind] for kind in self.kinds}

    @property
    def broken(self) -> list[Case]:
        """Those that break something, the worst first."""
        return sorted(
            (each for each in self.cases if each.cost.breaks), key=lambda each: each.cost.key, reverse=True
        )

    @property
    def failed(self) -> list[Case]:
        """Those of which the simulator, or a function of the user's, is at fault."""
        return [each for each in self.cases if each.cost.fault]

    @property
    def stands_for(self) -> int:
        """How many faults those that were played stand for, themselves included."""
        return sum(
            each.fault.where.stands_for * (1 + len(self.kinds[each.fault.kind])) for each in self.cases
        )


def play_single_faults(
    document: Document,
    *,
    kinds: Collection[str] = (),
    every_place: bool = False,
    most: int | None = None,
    seconds: float | None = None,
    workers: Workers = HERE,
    progress: Progress | None = None,
) -> SingleFaults:
    """Play a scenario once without a fault, and once with each single fault at each moment.

    They are played in an order drawn with the scenario's seed, so that those played in part are an even sample.

    Args:
        document: the scenario, with all it is made of.
        kinds: only these kinds of faults; all if none is given.
        every_place: each of the places, too, that only names tell apart.
        most: so many of them; None: all.
        seconds: begin no more of them after that; None: all.
        workers: where they are played.
        progress: told after each.

    Raises:
        InputError: the scenario is wrong.
        UsageError: a kind can strike nothing there; the run without a fault fails.
    """
    begun = time.monotonic()
    scenario = read(document)
    alike = _chosen(kinds_alike(scenario), kinds)
    base = play_guarded(
        Variant("without a fault", scenario), scenario.seed, workers.run_timeout, workers.run_memory
    )
    if isinstance(base, Failure):
        raise UsageError(f"without any fault: {base.message}")
    faults = list(single_faults(simulate(scenario), alike, every_place=every_place))
    order = random.Random(scenario.seed).sample(range(len(faults)), min(len(faults), most or len(faults)))
    chosen = sorted(order)
    compiled = read_faults(document, [faults[place].action for place in chosen])
    place_of = {place: number for number, place in enumerate(chosen)}
    variants = [Variant(each.kind, with_faults(scenario, [each])) for each in compiled]
    stopped: Stopped = "limit" if len(order) < len(faults) else ""
    costs: dict[int, Cost] = {}
    broken = 0
    jobs = (Job(place_of[place], scenario.seed) for place in order)
    with closing(played_in_order(variants, jobs, len(order), workers)) as results:
        try:
            for job, played in results:
                cost = costs[chosen[job.variant]] = cost_of(base, played)
                broken += bool(cost.breaks)
                if progress is not None:
                    progress(len(costs), len(order), broken)
                if seconds is not None and len(costs) < len(order) and time.monotonic() - begun > seconds:
                    stopped = "time"
                    break
        except KeyboardInterrupt:
            stopped = "interrupted"
    cases = tuple(Case(faults[place], costs[place]) for place in sorted(costs))
    there = Counter(each.kind for each in faults)
    return SingleFaults(scenario, base, alike, {kind: there[kind] for kind in alike}, cases, stopped)


def _chosen(alike: dict[str, tuple[str, ...]], wanted: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Those of the kinds that are wanted, each by the name that stands for it.

    Raises:
        UsageError: one of them is no kind, or can strike nothing.
    """
    if not wanted:
        return alike
    stands = {name: first for first, others in alike.items() for name in (first, *others)}
    for each in wanted:
        if each not in stands:
            why = (
                "can strike nothing there"
                if each in KINDS
                else f"is no kind of fault{did_you_mean(each, KINDS)}"
            )
            raise UsageError(f"{each} {why} (there are: {', '.join(stands)})")
    return {first: alike[first] for first in dict.fromkeys(stands[each] for each in wanted)}
