"""Conditions of a pod, as the JSON documents write them."""

from __future__ import annotations

from functools import lru_cache

from kubeinfer_sim.report.result_part import Part
from kubeinfer_sim.simulation.pod_objects import ConditionAt, PodAt


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
    return [_condition_part(each) for each in pod.conditions]


@lru_cache(maxsize=4096)  # those of most pods are equal
def _condition_part(each: ConditionAt) -> ConditionPart:
    return ConditionPart(
        type=each.condition.type,
        status=each.condition.status,
        reason=each.condition.reason,
        message=each.condition.message,
        last_transition_time_ms=each.since,
    )
