"""How available the service was, and what took it away: causes, and kinds of causes."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.metrics.attribution import CauseSummary, by_kind
from kubeinfer_sim.metrics.availability import Availability
from kubeinfer_sim.metrics.loss_stages import STAGES
from kubeinfer_sim.report.causes import cause_text
from kubeinfer_sim.report.result_part import Part


class LevelPart(Part):
    """How often at least so many instances were ready."""

    name: str
    """`one`, `budget` (replicas less maxUnavailable), `all`, then those the objectives name (`3`, `80%`)."""
    fraction: float
    outages: int
    longest_ms: int
    total_ms: int


class AvailabilityPart(Part):
    """Over the time in which service is owed (`wholeRun`)."""

    levels: list[LevelPart]
    capacity: float | None
    """Integral of capacity over desired; an instance's is that of its weakest role."""
    roles: dict[str, float]


class CausePart(Part):
    """What one initiating record cost."""

    at_ms: int | None
    what: str
    lost_instance_ms: int
    stages: dict[str, int]
    """Instance-ms by stage: detect, decide, terminate, waitForNpu, image, gang, engine, weights, graph, warmUp,
    probe, restart."""
    incidents: int
    """Instances it took out of readiness."""
    mean_detection_ms: float | None
    """From the record until they were not ready."""
    mean_repair_ms: float | None
    """From then until they were ready again; of those that were."""


class CauseKindPart(Part):
    """What all initiating records of one kind cost together."""

    kind: str
    """A kind of fault, `update`, `drain`, `scaling` …"""
    causes: int
    lost_instance_ms: int
    stages: dict[str, int]
    incidents: int
    mean_detection_ms: float | None
    """MTTD: from the record until an instance was not ready."""
    mean_repair_ms: float | None
    """MTTR: from then until it was ready again; of those that were."""


def availability_part(availability: Availability | None) -> AvailabilityPart | None:
    """How often how much was there; None without a KubeInfer."""
    if availability is None:
        return None
    levels = [
        LevelPart(
            name=each.name,
            fraction=each.fraction,
            outages=each.outages,
            longest_ms=each.longest,
            total_ms=each.total,
        )
        for each in availability.levels
    ]
    return AvailabilityPart(
        levels=levels,
        capacity=None if availability.capacity is None else float(availability.capacity),
        roles={name: float(value) for name, value in availability.roles.items()},
    )


def cause_parts(causes: Sequence[CauseSummary]) -> list[CausePart]:
    """What each initiating record cost, dearest first."""
    return [
        CausePart(
            at_ms=None if each.began_with is None else each.began_with.at,
            what=cause_text(each.began_with),
            lost_instance_ms=each.total,
            stages=_stages(each),
            incidents=each.incidents,
            mean_detection_ms=each.detection,
            mean_repair_ms=each.repair,
        )
        for each in causes
    ]


def cause_kind_parts(causes: Sequence[CauseSummary]) -> list[CauseKindPart]:
    """What those of each kind cost together, dearest first."""
    return [
        CauseKindPart(
            kind=kind,
            causes=each.records,
            lost_instance_ms=each.total,
            stages=_stages(each),
            incidents=each.incidents,
            mean_detection_ms=each.detection,
            mean_repair_ms=each.repair,
        )
        for kind, each in by_kind(causes).items()
    ]


def _stages(cause: CauseSummary) -> dict[str, int]:
    return {stage: cause.lost[stage] for stage in STAGES if cause.lost[stage]}
