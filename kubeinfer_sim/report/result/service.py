"""What stayed in service, over time and against the objectives."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.metrics import Judged, Judgement, Measures, Service
from kubeinfer_sim.metrics.objectives import seconds
from kubeinfer_sim.report.result_part import Part, Points
from kubeinfer_sim.report.verdict import npus_of_cluster
from kubeinfer_sim.scenario.model import Scenario


class ServicePart(Part):
    """What stayed in service between two times."""

    since_ms: int
    until_ms: int
    min_ready_instances: int
    min_ready_at_ms: int
    """When so few were ready first."""
    min_ready_for_ms: int
    """For how long in all."""
    lost_instance_seconds: float | int
    """Integral of max(0, desired - ready)."""
    availability: float | None
    """Integral of min(ready, desired) over integral of desired; null when none was desired."""


class NpusPart(Part):
    """NPUs taken by pods."""

    peak: int
    total: int
    in_use: Points


class ObjectivePart(Part):
    """An objective of the scenario, checked over the whole run."""

    name: str
    """Its key in the scenario; of several KubeInfers after the name of one, `chat/completes`."""
    judgement: Judgement
    target: bool | int | float
    measured: bool | int | float | None
    unit: str
    reason: str
    level: str
    """Of `availability` and `longestOutage`: how many instances are to be ready; else empty."""


class RevisionPart(Part):
    """Ready instances of one revision."""

    revision: str
    ready: Points


class TimelinePart(Part):
    """Numbers of instances over time: (ms, value from then on)."""

    desired: Points
    ready: Points
    live: Points
    """Instances of which a pod is left, terminating ones included."""
    revisions: list[RevisionPart]
    """By first appearance."""


def service_part(service: Service) -> ServicePart:
    """What stayed in service between two times."""
    low, availability = service.min_ready, service.availability
    return ServicePart(
        since_ms=service.since,
        until_ms=service.until,
        min_ready_instances=low.value,
        min_ready_at_ms=low.at,
        min_ready_for_ms=low.lasting,
        lost_instance_seconds=seconds(service.lost),
        availability=None if availability is None else float(availability),
    )


def npus_part(scenario: Scenario, measures: Measures) -> NpusPart:
    """NPUs in use."""
    return NpusPart(peak=measures.peak_npus, total=npus_of_cluster(scenario), in_use=measures.npus.points)


def objective_parts(judged: Sequence[Judged]) -> list[ObjectivePart]:
    """The objectives, in their order."""
    return [
        ObjectivePart(
            name=f"{each.owner}/{each.name}" if each.owner else each.name,
            judgement=each.judgement,
            target=each.target,
            measured=each.measured,
            unit=each.unit,
            reason=each.reason,
            level=each.level,
        )
        for each in judged
    ]


def timeline_part(measures: Measures) -> TimelinePart:
    """Numbers of instances over time."""
    return TimelinePart(
        desired=measures.desired.points,
        ready=measures.ready.points,
        live=measures.live.points,
        revisions=[
            RevisionPart(revision=revision, ready=steps.points)
            for revision, steps in measures.by_revision.items()
        ],
    )
