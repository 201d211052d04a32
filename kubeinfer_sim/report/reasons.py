"""Why a run does not get to its end: a line for each instance and pod that stands in its way."""

from __future__ import annotations

from kubeinfer_sim.metrics import Outcome
from kubeinfer_sim.report.complaints import complaint
from kubeinfer_sim.report.deployments import reasons_of
from kubeinfer_sim.report.verdict import Assessment, culprits


def reasons(assessment: Assessment) -> list[str]:
    """Of KubeInfers that never finish, and of Deployments and their like that are not as they should be."""
    if assessment.verdict.holds:
        return []
    stuck = [
        each.measures for each in assessment.kubeinfers.values() if each.measures.outcome is Outcome.NEVER
    ]
    told = [complaint(life, own.stranded) for own in stuck for life in culprits(own)]
    return [*told, *(text for each in assessment.measures.deployments for text in reasons_of(each))]
