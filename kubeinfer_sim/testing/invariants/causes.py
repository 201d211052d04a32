"""Causes come before effects."""

from __future__ import annotations

from array import array

from kubeinfer_sim.engine.history import NO_CAUSE, Record
from kubeinfer_sim.engine.meter import Handlers
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.testing.invariants.invariant import Finished, Report


class CausesFirst:
    """INV-10: time goes on, what causes something happened before it, and the first cause is that of its cause."""

    number = "INV-10"
    statement = (
        "time never goes back, and every cause is a record before its effect, with the same first cause"
    )
    reason = "reports, charges and `why` follow the chains of causes"
    caught = "what caused something is taken for its first cause"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._at = 0
        self._roots = array("q")

    def handlers(self) -> Handlers:
        """Everything."""
        return {Record: self._happened}

    def finish(self, finished: Finished) -> None:
        """All has been said."""

    def _happened(self, record: Record) -> None:
        roots = self._roots
        if record.at < self._at:
            self._report(f"it is {self._at} ms already", record)
        self._at = record.at
        cause = record.cause
        if not NO_CAUSE <= cause < record.id:
            self._report(f"its cause, {cause}, has not happened", record)
        elif record.root != (record.id if cause == NO_CAUSE else roots[cause]):
            self._report(f"its first cause is another one than that of its cause, {cause}", record)
        roots.append(record.root)
