"""What an invariant is: something that holds in every run, whatever the scenario, and who sees when it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Protocol

from msgspec import Struct

from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.engine.meter import Handlers
from kubeinfer_sim.experiment.figures import Figures, RunMeters
from kubeinfer_sim.report.verdict import Assessment, assess_figures
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.run import Run


class Report(Protocol):
    """Takes what is wrong, in a sentence without a full stop, and the records that show it."""

    def __call__(self, what: str, *records: Record) -> None:
        """An invariant is broken."""
        ...


class Finished:
    """A run that is over, with its numbers, which are computed once for all invariants."""

    def __init__(self, run: Run, meters: RunMeters) -> None:
        self.run = run
        self._meters = meters

    @cached_property
    def figures(self) -> Figures:
        """Its numbers, measured as it went on."""
        return self._meters.finish(self.run)

    @cached_property
    def assessment(self) -> Assessment:
        """The run judged."""
        return assess_figures(self.figures)


class Watching(Protocol):
    """What watches one run."""

    def handlers(self) -> Handlers:
        """What is called with each record of a type, while the run goes on; `Record` stands for every type."""
        ...

    def finish(self, finished: Finished) -> None:
        """The run is over."""
        ...


class Invariant(Watching, Protocol):
    """One invariant watching one run. It is made with the scenario, and with what takes its complaints.

    Attributes:
        number: `INV-01`; never given to another one.
        statement: what holds, in a sentence.
        reason: why it must, in a sentence.
        caught: a fault of the simulator that it has caught, as the test is called that plants it again.
    """

    number: str
    statement: str
    reason: str
    caught: str

    def __init__(self, scenario: Scenario, report: Report) -> None: ...


#: A function that is called when a run is over, and returns or yields what is wrong, in sentences; None: nothing.
Check = Callable[[Finished], Iterable[str] | None]
#: What `checked` and `Watch` take: a class, of which one is made for each run, or a plain function.
Checked = type[Invariant] | Check


class OfFunction:
    """A plain function as an invariant."""

    def __init__(self, check: Check, report: Report) -> None:
        self._check, self._report = check, report

    def handlers(self) -> Handlers:
        """Nothing: it is asked when the run is over."""
        return {}

    def finish(self, finished: Finished) -> None:
        """Ask it."""
        told = self._check(finished)
        for each in (told,) if isinstance(told, str) else told or ():
            self._report(each)


def named(check: Check) -> tuple[str, str]:
    """What stands for number and statement of a plain function: its name, and the first line of its docstring."""
    statement = (check.__doc__ or "").strip().partition("\n")[0].removesuffix(".")
    return getattr(check, "__name__", type(check).__name__), statement


class Violation(Struct, frozen=True):
    """An invariant that did not hold, what was wrong, and the records that show it."""

    number: str
    statement: str
    what: str
    records: Sequence[Record]

    def __str__(self) -> str:
        shown = "".join(f"\n  {record.id}: {record}" for record in self.records)
        return f"{self.number} ({self.statement}): {self.what}{shown}"


class InvariantsBroken(AssertionError):
    """A run broke an invariant; `violations` are the first of them."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("\n".join(map(str, violations)))
        self.violations = violations
