"""A run with all invariants watching it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from kubeinfer_sim.controllers.kubeinfer.policies import RecoveryPlugin
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.experiment.figures import RunMeters
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate
from kubeinfer_sim.testing.invariants.catalogue import CATALOGUE
from kubeinfer_sim.testing.invariants.invariant import (
    Checked,
    Finished,
    Invariant,
    InvariantsBroken,
    OfFunction,
    Violation,
    Watching,
    named,
)

#: So many violations are kept: of a run in which something is wrong, mostly all that follows is.
MOST = 20


class Watch:
    """Invariants that watch one run: `observe` is a listener for `simulate`, `finish` is for when it is over."""

    def __init__(self, scenario: Scenario, invariants: Iterable[Checked] = CATALOGUE) -> None:
        self.violations: list[Violation] = []
        self._meters = RunMeters(scenario)
        self._invariants = [self._made(each, scenario) for each in invariants]
        self._handlers: dict[type[Record], tuple[Callable[[Any], None], ...]] = {}
        for each in self._invariants:
            for kind, handler in each.handlers().items():
                self._handlers[kind] = (*self._handlers.get(kind, ()), handler)
        self._always = self._handlers.pop(Record, ())

    def observe(self, record: Record) -> None:
        """Something happened."""
        self._meters.observe(record)
        for handler in self._always:
            handler(record)
        for handler in self._handlers.get(type(record), ()):
            handler(record)

    def finish(self, run: Run) -> None:
        """The run is over.

        Raises:
            InvariantsBroken: an invariant did not hold.
        """
        finished = Finished(run, self._meters)
        for each in self._invariants:
            each.finish(finished)
        if self.violations:
            raise InvariantsBroken(self.violations)

    def _made(self, kind: Checked, scenario: Scenario) -> Watching:
        """One of a kind for this run."""
        if not isinstance(kind, type):
            return OfFunction(kind, partial(self._broken, *named(kind)))
        invariant: type[Invariant] = kind
        return invariant(scenario, partial(self._broken, invariant.number, invariant.statement))

    def _broken(self, number: str, statement: str, what: str, *records: Record) -> None:
        if len(self.violations) < MOST:
            self.violations.append(Violation(number, statement, what, records))


def checked(
    scenario: Scenario,
    *,
    seed: int | None = None,
    invariants: Iterable[Checked] = CATALOGUE,
    recovery: RecoveryPlugin | None = None,
    keep: bool = True,
) -> Run:
    """Simulate, with invariants watching; the run is the same as without.

    Raises:
        InvariantsBroken: one of them did not hold.
    """
    watch = Watch(scenario, invariants)
    run = simulate(scenario, seed=seed, recovery=recovery, listeners=[watch.observe], keep=keep)
    watch.finish(run)
    return run
