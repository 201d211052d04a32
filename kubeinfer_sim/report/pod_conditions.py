"""Conditions of a pod, as the JSON documents write them."""

from __future__ import annotations

from kubeinfer_sim.report.result_part import Part
from kubeinfer_sim.simulation.pod_objects import PodAt


class ConditionPart(Part):
    """A condition of a pod."""

    type: str
    status: bool
    reason: str
    message: str
    last_transition_time_ms: int | None
    """Null: before the simulation began."""


def condition_parts(pod: PodAt) -> list[ConditionPart]:
    """In the order in which Kubernetes writes them."""
    return [
        ConditionPart(
            type=each.condition.type,
            status=each.condition.status,
            reason=each.condition.reason,
            message=each.condition.message,
            last_transition_time_ms=each.since,
        )
        for each in pod.conditions
    ]
