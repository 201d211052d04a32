"""The smallest changes that let a run finish which never does, found by playing the whole of it again with each.

Which knobs are tried follows from what the run waits for (`knobs_to_finish.py`), and patience is tried where a repair
was still due. Along a knob the least is played, then the most, and between them the number is doubled until the run
finishes, and bisected; of a knob that makes runs small it is what is left that is doubled, from the most on. That more
helps where less does is taken for granted on the way, never for what is told: that has been played. Where starts are
still killed with a probe's least, the least without a kill is looked for, too: with the other one a killed engine may
have to go on loading. A run that takes longer than the knob at its most and an hour more counts as one that does not
finish; of fewer pods, twice as long as half as many.

Where no change helps by itself two do together: with each that has not helped at its most the run is played once with
each other knob that it waits for then at its most, which the first may have brought to light (pods that have a place
now are killed by a probe). Of two that help the least of the second is looked for, then the least of the first beside
it; one that turns out to be needless is left out.

No more than `MOST_RUNS` are played for single changes, as many to do without kills and as many for two, and none after
`MOST_WORK`, nor one whose pods alone would be a quarter of that: among 100,000 replicas fewer are still looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeGuard

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.errors import SimulatorFault, UsageError
from kubeinfer_sim.experiment.figures import Figures, measured_run
from kubeinfer_sim.experiment.knobs_to_finish import Knob, Turned, knobs_to_finish
from kubeinfer_sim.experiment.replication import duration
from kubeinfer_sim.experiment.size import LIFE_WORK, MOST_WORK, size_of
from kubeinfer_sim.metrics import Outcome
from kubeinfer_sim.metrics.cluster import ClusterMeasures
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.run import Run

MOST_RUNS = 24
#: So long a run may go on after what was due, or after the end of the one that finishes, ms.
_AFTERWARDS, _LONGER = 86_400_000, 3_600_000


class WayToFinish(Struct, frozen=True):
    """Changes with which the run finishes.

    Attributes:
        changes: one, or two of which neither is enough.
        ready, wanted: the fewest that stay ready then (of Deployments pods available), and of how many.
        took: how long the slowest change takes then, ms; None where there is none.
        until: where something is waited for when that ends, ms.
        killed: how many starts of containers probes kill on the way, before their pods are ready.
        late: the shortest time (ms) that an engine still had when it finished loading after its SIGTERM, what made a
            later start faster; None where that helped nobody.
    """

    changes: tuple[Turned, ...]
    ready: int | None = None
    wanted: int | None = None
    took: int | None = None
    until: int | None = None
    killed: int = 0
    late: int | None = None


class WaysToFinish(Struct, frozen=True):
    """What was tried to have a run finish.

    Attributes:
        ways: what lets it, the least of each kind, of probes the least without a kill, too; where no change does so
            alone two together.
        tried: what does not: knobs with the most that was tried, `spareNodes 64`.
        untried: knobs of which nothing is known, since that would have cost too much, with the most that would have
            been tried.
        runs: how many were played.
        pairs: how many pairs of changes were played together.
        cut: more would have been tried, had that not cost too much.
    """

    ways: tuple[WayToFinish, ...]
    tried: tuple[str, ...]
    runs: int
    pairs: int = 0
    cut: bool = False
    untried: tuple[str, ...] = ()


class _TooMuch(Exception):
    """The runs have cost what they may."""


def ways_to_finish(run: Run, outcome: Outcome, cluster: ClusterMeasures) -> WaysToFinish | None:
    """What lets a run finish that does not; `cluster`: its figures. None of one that may yet finish, or does."""
    never = outcome is Outcome.NEVER
    if not never and not (outcome is Outcome.UNFINISHED and run.due):
        return None
    return _Search(run, cluster).played(knobs=never)


def _work(run: Run) -> int:
    """What a run has cost, by what has happened in it."""
    return run.fired + run.history.total


def _finishes(measured: Figures | None) -> TypeGuard[Figures]:
    return measured is not None and measured.outcome is Outcome.COMPLETES and measured.sound


def _finishes_unkilled(measured: Figures | None) -> TypeGuard[Figures]:
    return _finishes(measured) and not measured.cluster.kills_of_starts


class _Search:
    def __init__(self, run: Run, cluster: ClusterMeasures) -> None:
        self._run, self._cluster, self._scenario = run, cluster, run.scenario
        self._runs = self._work = self._pairs = 0
        self._most = MOST_RUNS
        self._cut = False
        # Knobs with which it does not finish at their most, and that run.
        self._failing: list[tuple[Knob, Figures]] = []

    def played(self, *, knobs: bool) -> WaysToFinish:
        ways: list[WayToFinish] = []
        killing: list[tuple[int, Knob, int]] = []
        tried: list[str] = []
        untried: list[str] = []
        for knob in knobs_to_finish(self._scenario, self._cluster) if knobs else ():
            at_most = f"{knob.name} {knob.most}"
            try:
                found = self._least(knob)
            except _TooMuch:
                untried.append(at_most)
                continue
            if found is None:
                tried.append(at_most)
                continue
            ways.append(_told((knob.told(found[0]),), found[1]))
            if ways[-1].killed and knob.is_of_probe:
                killing.append((len(ways), knob, found[0]))
        with self._as_far_as_it_goes():
            if (waiting := self._waiting()) is not None:
                ways.append(waiting)
        self._most = self._runs + MOST_RUNS
        with self._as_far_as_it_goes():
            for place, knob, number in reversed(killing):
                if (way := self._without_kills(knob, number)) is not None:
                    ways.insert(place, way)
        if not ways:
            self._most = self._runs + MOST_RUNS
            with self._as_far_as_it_goes():
                ways.extend(self._together())
        cut = self._cut or bool(untried)
        return WaysToFinish(tuple(ways), tuple(tried), self._runs, self._pairs, cut, tuple(untried))

    @contextmanager
    def _as_far_as_it_goes(self) -> Iterator[None]:
        """What would cost too much is left out."""
        try:
            yield
        except _TooMuch:
            self._cut = True

    def _played(self, scenario: Scenario, until: int | None = None) -> Figures | None:
        """A run of it, up to a time if one is given; None where it cannot be."""
        expected = LIFE_WORK * size_of(scenario).pods
        if self._runs >= self._most or self._work > MOST_WORK or 4 * expected > MOST_WORK:
            raise _TooMuch
        self._runs += 1
        if until is not None and (scenario.horizon is None or scenario.horizon > until):
            scenario = replace(scenario, horizon=until)
        try:
            measured = measured_run(scenario, seed=self._run.seed, ways=False)
        except (SimulatorFault, UsageError):
            self._work += expected
            return None
        self._work += _work(measured.run)
        return measured

    def _least(self, knob: Knob) -> tuple[int, Figures] | None:
        """The knob at the least number with which the run finishes, and that run."""
        fails = knob.least
        try:
            first = self._turned(knob, knob.least, self._scenario)
        except _TooMuch:
            if not knob.most_is_small:
                raise
            fails, first = knob.now, None  # what is smaller may be played all the same
        if _finishes(first):
            return knob.least, first
        last = first if knob.most <= knob.least else self._turned(knob, knob.most, self._scenario)
        if _finishes(last):
            return self._between(knob, fails, self._scenario, last)
        if last is not None:
            self._failing.append((knob, last))
        return None

    def _without_kills(self, knob: Knob, least: int) -> WayToFinish | None:
        """The least number above the one with which it finishes where no probe kills a start on the way."""
        last = self._turned(knob, knob.most, self._scenario)
        if not _finishes_unkilled(last):
            return None
        number, measured = self._between(knob, least, self._scenario, last, _finishes_unkilled)
        return _told((knob.told(number),), measured)

    def _between(
        self,
        knob: Knob,
        fails: int,
        scenario: Scenario,
        last: Figures,
        is_enough: Callable[[Figures | None], TypeGuard[Figures]] = _finishes,
    ) -> tuple[int, Figures]:
        """The least number above one that is not enough; `last`: the run with the knob at its most, which is.

        Of what would cost too much the least is told that has been found by then.
        """
        number, measured, until, beneath = knob.most, last, last.run.ended_at + _LONGER, fails
        while number - fails > 1:
            if knob.most_is_small and fails == beneath:
                tried = 2 * number - knob.most - 1
            elif number == knob.most:
                tried = min(2 * fails - knob.now, number - 1)
            else:
                tried = (fails + number) // 2
            tried = max(tried, fails + 1)
            if knob.most_is_small:  # twice as many take twice as long at most
                until = 2 * measured.run.ended_at + _LONGER
            try:
                better = self._turned(knob, tried, scenario, until)
            except _TooMuch:
                self._cut = True
                break
            if is_enough(better):
                number, measured = tried, better
            else:
                fails = tried
        return number, measured

    def _turned(
        self, knob: Knob, number: int, scenario: Scenario, until: int | None = None
    ) -> Figures | None:
        try:
            return self._played(knob.turn(scenario, number), until)
        except UsageError:
            return None

    # -- two at once --------------------------------------------------------------------------------------

    def _together(self) -> Iterator[WayToFinish]:
        """Pairs with which it finishes, each once."""
        met: set[frozenset[tuple[str, str]]] = set()
        for first, at_most in self._failing:
            turned = first.turn(self._scenario, first.most)
            for second in knobs_to_finish(turned, at_most.cluster):
                names = frozenset(((first.name, first.owner), (second.name, second.owner)))
                if len(names) == 1 or names in met:
                    continue
                met.add(names)
                self._pairs += 1
                both = self._turned(second, second.most, turned)
                if _finishes(both):
                    yield self._reduced(first, second, turned, both)

    def _reduced(self, first: Knob, second: Knob, turned: Scenario, both: Figures) -> WayToFinish:
        """The least of two knobs that help at their most, `turned`: the first at its most."""
        number, measured = self._between(second, second.now, turned, both)
        rest = second.turn(self._scenario, number)
        alone = self._played(rest)
        if _finishes(alone):
            return _told((second.told(number),), alone)
        fewer, measured = self._between(first, first.now, rest, measured)
        return _told((first.told(fewer), second.told(number)), measured)

    # -- patience -----------------------------------------------------------------------------------------

    def _waiting(self) -> WayToFinish | None:
        """The end of something that was still due when the run was given up, if that mends it."""
        known = [each for each in self._run.due if each.at is not None]
        if not known:
            return None
        last = max(each.at or 0 for each in known)
        patient = replace(
            self._scenario, horizon=last + _AFTERWARDS, quiet_after=last + self._scenario.quiet_after
        )
        measured = self._played(patient)
        if not _finishes(measured):
            return None
        # What is due before it is done, the last of it: the rest would not have been needed.
        needed = [each for each in known if (each.at or 0) <= measured.run.ended_at]
        ends = max(needed, key=lambda each: each.at or 0, default=None)
        if ends is None:
            return None
        return _told((Turned("wait", f"{ends.kind} of {ends.what}"),), measured, until=ends.at)


def _told(changes: tuple[Turned, ...], measured: Figures, until: int | None = None) -> WayToFinish:
    """With what stays ready then, how long it takes, and what is killed on the way."""
    took = duration(measured)
    owner = next((each.owner for each in changes if each.owner), "")
    kind, _, name = owner.partition("/")
    ready, wanted = _fewest(measured, kind, name)
    killed = sum(measured.cluster.kills_of_starts.values())
    late = min((each.late for each in measured.cluster.killed_starts if each.late is not None), default=None)
    return WayToFinish(changes, ready, wanted, None if took is None else int(took), until, killed, late)


def _fewest(measured: Figures, kind: str, name: str) -> tuple[int | None, int | None]:
    """The fewest ready of one workload, of how many; of the first where none is meant."""
    if measured.kubeinfers and kind != "Deployment":
        own = measured.kubeinfers.get(name) or next(iter(measured.kubeinfers.values()))
        return own.measures.service.min_ready.value, own.measures.desired.last
    for each, deployment in zip(measured.pods, measured.cluster.deployments, strict=True):
        if name in ("", deployment.name):
            return each.whole.min_ready.value, each.desired.last
    return None, None
