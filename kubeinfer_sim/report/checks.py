"""How a run came out, as JUnit XML and as GitHub annotations: one case for the outcome and one for each objective."""

from __future__ import annotations

from kubeinfer_sim.diagnostics import Severity
from kubeinfer_sim.metrics import Judged, Judgement, Outcome
from kubeinfer_sim.report.findings.github import annotation
from kubeinfer_sim.report.findings.junit import Case, Failure, junit_report
from kubeinfer_sim.report.objectives import objective_text
from kubeinfer_sim.report.verdict import Assessment
from kubeinfer_sim.report.words import configured

_SUITE = "kubeinfer-sim run"
_WORDS = {Judgement.HELD: "held", Judgement.MISSED: "missed", Judgement.OPEN: "cannot be judged"}


def verdict_junit(assessment: Assessment, file: str) -> str:
    """A suite of the run of a scenario file."""
    name = assessment.run.scenario.name
    sentence, outcome = assessment.verdict.sentence, assessment.outcome
    kind = "unsound" if outcome is Outcome.COMPLETES else outcome.value
    failure = None if assessment.came_about else Failure(kind, sentence, sentence)
    told = [sentence, *filter(None, (configured(assessment.run.scenario.configuration),))]
    cases = [Case(name, "outcome", file, output="".join(f"{each}\n" for each in told), failure=failure)]
    for case, each in zip(_names(assessment.judged), assessment.judged, strict=True):
        text = objective_text(each)
        failure = None
        if each.judgement is not Judgement.HELD:
            failure = Failure(each.judgement.value, f"{_WORDS[each.judgement]}: {text}", text)
        cases.append(Case(name, case, file, output=f"{text}\n", failure=failure))
    return junit_report(_SUITE, cases)


def verdict_annotations(assessment: Assessment, file: str) -> str:
    """An error for the outcome and each objective that do not hold, a notice for those that do."""
    name = assessment.run.scenario.name
    severity = Severity.NOTE if assessment.came_about else Severity.ERROR
    lines = [annotation(severity, f"{name}: outcome", assessment.verdict.sentence, file=file)]
    for each in assessment.judged:
        severity = Severity.NOTE if each.judgement is Judgement.HELD else Severity.ERROR
        lines.append(
            annotation(severity, f"{name}: {_WORDS[each.judgement]}", objective_text(each), file=file)
        )
    if facts := configured(assessment.run.scenario.configuration):
        lines.append(annotation(Severity.NOTE, f"{name}: configuration", facts, file=file))
    return "".join(f"{line}\n" for line in lines)


def _names(judged: tuple[Judged, ...]) -> list[str]:
    """What each objective asks for, which tells several of one kind apart."""
    return [objective_text(each).partition(" (")[0] for each in judged]
