"""A search near a scenario for a neighbour that breaks an invariant, or an objective that it holds itself."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings, target
from hypothesis.errors import Flaky
from hypothesis.strategies import SearchStrategy
from msgspec import Struct

from kubeinfer_sim.cluster.fault_records import FaultInjected
from kubeinfer_sim.cluster.records import DrainHeld, EvictionAnswered, PodDeleting
from kubeinfer_sim.controllers.kubeinfer.records import InstanceRestarting, PodRebuilding, RoleRebuilding
from kubeinfer_sim.engine.history import Listener, Record
from kubeinfer_sim.errors import InputError, SimulatorFault, UsageError, UserError
from kubeinfer_sim.experiment.figures import Figures
from kubeinfer_sim.experiment.limits import Overdue, TooLarge, limited
from kubeinfer_sim.experiment.replication import Failure, Replication, replication_of
from kubeinfer_sim.experiment.worker import MEMORY, TIMEOUT
from kubeinfer_sim.manifest.model import Deployment, KubeInfer, RollingUpdate
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.units import format_duration, format_size
from kubeinfer_sim.simulation.simulate import simulate
from kubeinfer_sim.testing.fuzz.cases import Cost, Document, cost_of, read
from kubeinfer_sim.testing.fuzz.counterexample import Saved
from kubeinfer_sim.testing.fuzz.moments import moments
from kubeinfer_sim.testing.fuzz.places import Places
from kubeinfer_sim.testing.fuzz.search_result import PHASES, Covered, Found, Search, Stopped
from kubeinfer_sim.testing.invariants import CATALOGUE, Finished, InvariantsBroken, Watch
from kubeinfer_sim.testing.invariants.evictions import EVICTED
from kubeinfer_sim.testing.strategies import EDITS, WrittenScenario, differences, near
from kubeinfer_sim.testing.strategies.actions import ACTIONS
from kubeinfer_sim.testing.strategies.written import MAIN

#: What is not edited unless it is asked for: what somebody does besides, what nobody has published, the release, luck.
ASKED_FOR = ("actions", "assumptions", "version", "seed")
#: Examples, if nobody says how many; as many as there is never time for.
EXAMPLES, _ENDLESS = 200, 1_000_000
#: Seconds in which what was found is made smaller, at most.
SHRINKING = 60.0
#: What the eviction API answers where it grants one.
_GRANTED = 201
#: Is told how many examples have been played, and of how many.
Progress = Callable[[int, int], None]


class Looked(Struct, frozen=True):
    """What an example comes to."""

    cost: Cost
    invariant: str = ""

    @property
    def what(self) -> str:
        """What it breaks, in a word that stays the same while it is made smaller; "" where nothing."""
        if self.invariant:
            return self.invariant.partition(":")[0]
        return self.cost.breaks[0].partition(" (")[0] if self.cost.breaks else ""


class Looker:
    """Plays examples with all invariants watching, each within limits.

    Args:
        base: the run of what was given.
        covered: is told what came to pass.
        run_timeout: seconds.
        run_memory: bytes.
    """

    def __init__(
        self, base: Replication, covered: Covered, run_timeout: float | None, run_memory: int | None
    ) -> None:
        self._base, self.covered = base, covered
        self._timeout, self._memory = run_timeout, run_memory

    def look(self, scenario: Scenario) -> Looked:
        """Play it."""
        try:
            with limited(self._timeout, self._memory):
                return Looked(cost_of(self._base, played(scenario, self.covered)))
        except Overdue:
            limit = format_duration(round((self._timeout or 0) * 1000))
            return Looked(cost_of(self._base, Failure(scenario.seed, TIMEOUT, f"not over after {limit}")))
        except TooLarge:
            more = f"more memory than {format_size(self._memory or 0)}"
            return Looked(cost_of(self._base, Failure(scenario.seed, MEMORY, more)))
        except InvariantsBroken as broken:
            first = broken.violations[0]
            return Looked(Cost(), f"{first.number}: {first.what}")
        except UserError as error:  # of a function of recovery, or what goes on has no end
            return Looked(Cost((f"it cannot be played to its end: {error}",), never=True))
        except Exception as error:  # of one example among many: it is told with what makes it
            return Looked(Cost(), f"{type(error).__name__}: {error}")


def played(scenario: Scenario, covered: Covered | None = None) -> Replication:
    """A run with all invariants watching.

    Raises:
        InvariantsBroken: one of them did not hold.
    """
    measured: list[Figures] = []

    def measure(finished: Finished) -> None:
        measured.append(finished.figures)

    watch = Watch(scenario, (*CATALOGUE, measure))
    listeners: list[Listener] = [watch.observe]
    if covered is not None:
        listeners.append(_listener(covered))
        covered.budgets.update(
            {
                _budget(each.rolling_update)
                for each in scenario.workloads
                if isinstance(each, KubeInfer | Deployment)
            }
        )
    watch.finish(simulate(scenario, listeners=listeners, keep=False))
    return replication_of(measured[0])


def _budget(budget: RollingUpdate) -> str:
    return f"maxSurge {budget.max_surge}, maxUnavailable {budget.max_unavailable}"


#: What recovery rebuilds, by the record that says so.
_REBUILT: Mapping[type[Record], str] = {
    InstanceRestarting: "instance",
    RoleRebuilding: "role",
    PodRebuilding: "pod",
}


def _listener(covered: Covered) -> Listener:
    places = Places()
    struck: dict[int, tuple[str, str]] = {}  # by the first cause of a fault

    def observe(record: Record) -> None:
        match record:
            case FaultInjected():
                pod = places.struck_by(record)
                fault = struck[record.root] = record.kind, "none" if pod is None else pod.phase.value
                covered.faults[fault] += 1
            case InstanceRestarting() | RoleRebuilding() | PodRebuilding():
                level = _REBUILT[type(record)]
                covered.levels[level] += 1
                if record.root in struck:
                    covered.recovery[(*struck[record.root], level)] += 1
            case EvictionAnswered():
                if record.code != _GRANTED:
                    covered.evictions["refused"] += 1
            case PodDeleting() if record.reason in EVICTED:
                covered.evictions["evicted"] += 1
            case DrainHeld():
                covered.evictions["held"] += 1
            case _:
                pass
        places.observe(record)

    return observe


def _check(names: Sequence[str], known: Collection[str], what: str) -> None:
    for each in names:
        if each not in known:
            there = ", ".join(known)
            raise UsageError(f"there is no {what} {each}{did_you_mean(each, known)} (there are: {there})")
        if names.count(each) > 1:
            raise UsageError(f"the {what} {each} is there twice")


class _Breaks(Exception):
    """An example breaks something."""


class _Over(BaseException):
    """There is no more time; nothing that handles failures of examples may catch it."""


def search(
    document: Document,
    *,
    vary: Sequence[str] = (),
    phases: Sequence[str] = (),
    saved: Sequence[Saved] = (),
    most: int | None = None,
    seconds: float | None = None,
    drawn_from: int = 0,
    run_timeout: float | None = None,
    run_memory: int | None = None,
    progress: Progress | None = None,
) -> Search:
    """Look near a scenario until something breaks that it holds itself; what is found is made smaller.

    Args:
        document: the scenario, with all it is made of.
        vary: what may be edited, of `EDITS`; all but what is to be asked for, if none is given.
        phases: `saved` and those of `PHASES`; all of them, if none is given.
        saved: what was found earlier, which is played first unless it edits what `vary` does not name; what breaks
            nothing any more is dropped.
        most: so many examples, beside those it takes to make one smaller; None: `EXAMPLES`, or with `seconds` what
            there is time for.
        seconds: begin no more of them after that; each phase has its part of it.
        drawn_from: the seed of what is drawn.
        run_timeout: seconds an example may take.
        run_memory: bytes it may need, beside what this process has by then.
        progress: told after each.

    Raises:
        InputError: the scenario is wrong.
        UsageError: there is no such edit or phase, or it is there twice, or what was given is not over in time, or
            too large.
        SimulatorFault: what was given breaks an invariant itself.
    """
    begun = time.monotonic()
    scenario = read(document)
    _check(vary, EDITS, "edit")
    _check(phases, ("saved", *PHASES), "phase")
    base = base_of(scenario, run_timeout, run_memory)
    if most is None:
        most = EXAMPLES if seconds is None else _ENDLESS
    names = tuple(vary) or tuple(name for name in EDITS if name not in ASKED_FOR)
    hunt = _Hunt(document, Looker(base, covered := Covered(), run_timeout, run_memory), most, progress)
    kept = saved if not phases or "saved" in phases else ()
    left_out = [each for each in kept if vary and not each.edits <= set(vary)]
    mended = hunt.again([each for each in kept if each not in left_out])
    times = sorted({moment.edge for moment, _ in moments(simulate(scenario))})
    wanted = [] if hunt.found else [each for each in PHASES if not phases or each in phases]
    shares = sum(PHASES[each][1] for each in wanted)
    stopped: Stopped = ""
    share = 0
    for place, phase in enumerate(wanted):
        edits, own = PHASES[phase]
        share += own
        hunt.until = None if seconds is None else begun + seconds * share / shares
        strategy = near(hunt.given, edits=edits, vary=names, moments=times)
        try:
            hunt.go(phase, strategy, max(1, most * own // shares), drawn_from + place)
        except (_Breaks, Flaky):  # what takes too long once may not the next time
            stopped = ""  # that the time of an earlier phase was over is no reason any more
        except _Over:
            stopped = "" if hunt.found else "time"
        except KeyboardInterrupt:
            stopped = "interrupted"
        if hunt.found or stopped == "interrupted":
            break
    return Search(
        scenario,
        base,
        names,
        hunt.examples,
        covered,
        hunt.found,
        stopped,
        tuple(mended),
        {
            str(each.path): tuple(name for name in EDITS if name in each.edits - set(vary))
            for each in left_out
        },
    )


class _Hunt:
    """Looks at examples, and keeps the smallest that breaks something.

    Attributes:
        given: what they are near.
        examples: how many were played before one was found, by phase.
        found: None: nothing.
        until: when there is no more time, by the monotonic clock.
    """

    def __init__(self, document: Document, looker: Looker, most: int, progress: Progress | None) -> None:
        self.given = WrittenScenario({MAIN: [dict(document)]})
        self.examples: Counter[str] = Counter()
        self.found: Found | None = None
        self.until: float | None = None
        self._looker, self._most, self._progress = looker, most, progress
        self._phase = self._what = ""

    def again(self, saved: Sequence[Saved]) -> list[str]:
        """Play what was found earlier, until something is still so; the files of what is not, which are dropped."""
        mended = []
        for each in saved:
            if each.document is None:
                continue
            example = WrittenScenario({MAIN: [each.document]})
            try:
                scenario = example.load()
            except InputError:  # it does not fit what is given any more
                continue
            self.examples["saved"] += 1
            looked = self._looker.look(scenario)
            if looked.what:
                told = tuple(differences(self.given, example))
                cost, invariant = looked.cost, looked.invariant
                self.found = Found(each.document, cost, invariant, told, "saved", str(each.path))
                break
            each.drop()
            mended.append(str(each.path))
        return mended

    def go(self, phase: str, strategy: SearchStrategy[WrittenScenario], most: int, drawn_from: int) -> None:
        """Look at as many as `most`, and at as many more as it takes to make one smaller that breaks something.

        Raises:
            _Breaks: one does.
            _Over: there is no more time.
        """
        self._phase = phase
        how = settings(
            max_examples=most,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.target, Phase.shrink],
            verbosity=Verbosity.quiet,
        )

        def look(example: WrittenScenario) -> None:
            self._look(example)

        how(seed(drawn_from)(given(strategy)(look)))()

    def _look(self, example: WrittenScenario) -> None:
        if self.until is not None and time.monotonic() > self.until:
            raise _Over
        looked = self._looker.look(example.load())
        told = differences(self.given, example)
        if self.found is None:
            self.examples[self._phase] += 1
            self._looker.covered.edits[len(told)] += 1
            self._looker.covered.actions.update(_actions(example.spec))
            if self._progress is not None:
                self._progress(self.examples.total(), self._most)
        if not looked.what or (self._what and looked.what != self._what):
            target(float(looked.cost.lost), label="lost")
            return
        if not self._what:
            most = time.monotonic() + SHRINKING
            self._what, self.until = looked.what, most if self.until is None else min(most, self.until)
        if self.found is None or _size(told) <= _size(self.found.differences):
            document = example.files[MAIN][0]
            self.found = Found(document, looked.cost, looked.invariant, tuple(told), self._phase)
        raise _Breaks


def _actions(spec: Mapping[str, Any]) -> Iterator[str]:
    """What is done, by the names that a scenario has for it."""
    for action in spec.get("actions") or ():
        yield from (name for name in action if name in ACTIONS)
    if "update" in spec:
        yield "update"


def _size(told: Sequence[str]) -> tuple[int, int]:
    return len(told), sum(map(len, told))


def base_of(scenario: Scenario, run_timeout: float | None, run_memory: int | None) -> Replication:
    """The run of what was given.

    Raises:
        UsageError: it is not over in time, or needs too much memory.
        SimulatorFault: it breaks an invariant.
    """
    try:
        with limited(run_timeout, run_memory):
            return played(scenario)
    except Overdue:
        raise UsageError(
            "what was given is not over in the time that a run may take (--run-timeout)"
        ) from None
    except TooLarge:
        raise UsageError("what was given needs more memory than a run may (--run-memory)") from None
    except InvariantsBroken as broken:
        first = broken.violations[0]
        raise SimulatorFault(
            f"what was given breaks {first.number} itself: {first.what}; `run --check-invariants` tells more"
        ) from None
