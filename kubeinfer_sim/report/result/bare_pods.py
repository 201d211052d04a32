"""Pods that no controller makes, in the result document."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.metrics.bare_pods import BarePodMeasures, BarePodOutcome
from kubeinfer_sim.report.result.deployments import DeploymentPodPart, pod_part
from kubeinfer_sim.report.result.instances import Objects
from kubeinfer_sim.scenario.model import Scenario


class BarePodPart(DeploymentPodPart):
    """A Pod of the scenario that no controller makes."""

    namespace: str
    outcome: BarePodOutcome
    finished_at_ms: int | None
    """When its containers had all ended, not to be started again."""
    deletion_reason: str
    """Why it was deleted; empty where it was not."""


def bare_pod_parts(
    scenario: Scenario, measures: Sequence[BarePodMeasures], objects: Objects | None
) -> list[BarePodPart]:
    """The Pods of a run, in the order of their creation."""
    if objects is None:
        return []
    return [
        BarePodPart(
            **pod_part(each.life, objects.get(each.life.pods[0].pod)).model_dump(),
            namespace=scenario.version_of("Pod", each.name).namespace,
            outcome=each.outcome,
            finished_at_ms=each.over,
            deletion_reason=each.deleted,
        )
        for each in measures
        if each.life is not None
    ]
