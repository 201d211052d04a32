"""Many runs as JUnit XML and as GitHub annotations: one case for the verdict, one for each objective and failed run."""

from __future__ import annotations

from collections.abc import Iterator

from kubeinfer_sim.diagnostics import Severity
from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.replications import Replications
from kubeinfer_sim.report.findings.github import annotation
from kubeinfer_sim.report.findings.junit import Case, Failure, junit_report
from kubeinfer_sim.report.run_verdict import MARKS, objective_row, sentence
from kubeinfer_sim.report.words import configured

_SUITE = "kubeinfer-sim run"
_WORDS = {decision: mark.partition(" ")[2] for decision, mark in MARKS.items()}
#: What it is about, how it came out, and all there is to say.
_Check = tuple[str, Decision, str]


def replications_junit(runs: Replications, file: str) -> str:
    """A suite of the runs of a scenario file."""
    cases = [
        Case(
            runs.scenario.name,
            name,
            file,
            output=f"{text}\n",
            failure=None if decision is Decision.HELD else Failure(decision.value, text, text),
        )
        for name, decision, text in _checks(runs)
    ]
    return junit_report(_SUITE, cases)


def replications_annotations(runs: Replications, file: str) -> str:
    """An error for what is missed, a warning for what is undecided, a notice for what is held."""
    severities = {
        Decision.HELD: Severity.NOTE,
        Decision.UNDECIDED: Severity.WARNING,
        Decision.MISSED: Severity.ERROR,
        Decision.OPEN: Severity.ERROR,
    }
    lines = [
        annotation(severities[decision], f"{runs.scenario.name}: {name}", text, file=file)
        for name, decision, text in _checks(runs)
    ]
    if facts := configured(runs.scenario.configuration):
        lines.append(annotation(Severity.NOTE, f"{runs.scenario.name}: configuration", facts, file=file))
    return "".join(f"{line}\n" for line in lines)


def _checks(runs: Replications) -> Iterator[_Check]:
    yield "outcome", runs.decision, sentence(runs)
    for each in runs.objectives:
        _, wanted, told = objective_row(each)
        yield wanted, each.decision, f"{_WORDS[each.decision]}: {wanted}: {told}"
    for failure in runs.failures:
        yield f"seed {failure.seed}", Decision.OPEN, f"seed {failure.seed}: {failure.message}"
