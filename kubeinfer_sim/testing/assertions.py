"""Assertions about a run that say when and why it is not as it should be."""

from __future__ import annotations

from typing import Self

from kubeinfer_sim.metrics import Judgement
from kubeinfer_sim.metrics.served import Served
from kubeinfer_sim.report.verdict import Assessment, assess
from kubeinfer_sim.scenario.units import format_duration
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.testing.explained import missed_text, why_text, workloads_of


def assert_objectives(run: Run | Assessment) -> None:
    """All that was asked for came about, and every objective of the scenario is held.

    Raises:
        AssertionError: it is not so; the message says what is missed, when, and what led to it.
    """
    __tracebackhide__ = True
    assessment = run if isinstance(run, Assessment) else assess(run)
    if assessment.verdict.holds:
        return
    missed = [each for each in assessment.judged if each.judgement is not Judgement.HELD]
    scenario = assessment.run.scenario
    texts = [missed_text(assessment, missed[0] if missed else None)]
    texts += [f"and {len(missed) - 1} more are not held"] if len(missed) > 1 else []
    raise AssertionError("\n".join([*texts, f"scenario {scenario.name}, seed {assessment.run.seed}"]))


class MinReady(int):
    """The fewest instances (of a Deployment pods) ready at any time: a number, which also says when, and why then.

    Attributes:
        at: when it is first so, ms.
        why: what `kubeinfer-sim why` says of that time.
    """

    at: int
    why: str

    def __new__(cls, value: int, at: int, why: str) -> Self:
        """A number with its time and its reason."""
        made = super().__new__(cls, value)
        made.at, made.why = at, why
        return made

    def __repr__(self) -> str:
        return f"{int(self)} (at {format_duration(self.at)})"

    def explain(self) -> list[str]:
        """When and why it was no more, a line each; the pytest plugin shows it where a comparison fails."""
        return [f"{int(self)} were ready at {format_duration(self.at)}:", *self.why.splitlines()]


def min_ready(run: Run | Assessment, workload: str | None = None) -> MinReady:
    """The fewest instances ready while readiness is owed.

    Args:
        run: a finished simulation whose history was kept, or one that is judged already.
        workload: of which KubeInfer (`chat`), or of which other workload (`Deployment/router`); the only one that
            there is, if none is named.

    Raises:
        ValueError: there is no such workload, or several and none is named.
    """
    assessment = run if isinstance(run, Assessment) else assess(run)
    low = _the(workloads_of(assessment), workload).whole.min_ready
    return MinReady(low.value, low.at, why_text(assessment.run, low.at))


def _the(there: dict[str, Served], name: str | None) -> Served:
    known = ", ".join(there) or "none"
    if name is None:
        if len(there) != 1:
            raise ValueError(f"of which workload? There are: {known}")
        return next(iter(there.values()))
    if name not in there:
        raise ValueError(f"there is no workload {name}; there are: {known}")
    return there[name]
