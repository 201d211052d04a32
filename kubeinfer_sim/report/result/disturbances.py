"""What disturbed the service and what was done about it: faults, node outages, drains, steps of recovery."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from kubeinfer_sim.metrics import Measures
from kubeinfer_sim.metrics.cluster import ClusterMeasures
from kubeinfer_sim.metrics.faults import FaultCourse
from kubeinfer_sim.report.result_part import Part


class FaultPart(Part):
    """A fault, and when it was noticed and over."""

    at_ms: int
    kind: str
    level: str
    """Of faults of Ascend NPUs; else empty."""
    where: str
    """The NPU, pod or node; `cluster` for what all share."""
    detected_at_ms: int | None
    """When somebody first noticed; null: nobody did."""
    detected_by: str
    """`device plugin`, `NodeD`, `liveness probe`, `startup probe`, `readiness probe`, `process exit`,
    `node controller`, `peers`."""
    ready_again_at_ms: int | None
    """When an instance it had stopped was ready again; null: it stopped none, or it is still out."""


class DetectionPart(Part):
    """Faults of one kind that one detector noticed first."""

    by: str
    faults: int
    mean_ms: float
    """From the fault until it was noticed."""


class FaultKindPart(Part):
    """All faults of one kind: how they were noticed, and, apart from that, how long their instances were away."""

    kind: str
    faults: int
    detections: list[DetectionPart]
    unnoticed: int
    ready_again: int
    """Faults that stopped an instance which was ready again later."""
    mean_ready_again_ms: float | None
    """Of those: from the fault until then, detection included."""


class RecoveryPart(Part):
    """A step of recovery."""

    at_ms: int
    instance: str
    action: str
    """An action of the rules of recovery, or `GiveUp`, `Restored`, `PeersLost`, `Withdrawn`."""
    what: str
    """The pod or role it is about."""
    fault: str
    by: str
    """The rule or function that decided; empty for a level (Instance, Pod)."""


class NodeOutagePart(Part):
    """A machine that failed, and when the control plane noticed and acted."""

    node: str
    mode: str
    at_ms: int
    last_heartbeat_at_ms: int | None
    not_ready_at_ms: int | None
    tainted_at_ms: int | None
    first_pod_deleted_at_ms: int | None
    returned_at_ms: int | None


class NodeChangePart(Part):
    """A node that joined, or whose object somebody deleted."""

    node: str
    at_ms: int
    joined: bool
    nodes: int
    """How many nodes the cluster has then …"""
    npus: int
    """… and how many NPUs."""


class DrainPart(Part):
    """A drain of a node."""

    node: str
    at_ms: int
    ended_at_ms: int | None
    held: str
    """What held it back: the budgets, by name, file and line; empty when nothing did."""
    errors: list[str]


def fault_kind_parts(faults: Sequence[FaultCourse]) -> list[FaultKindPart]:
    """The faults by kind, in order of first appearance."""
    kinds: dict[str, list[FaultCourse]] = {}
    for each in faults:
        kinds.setdefault(each.kind, []).append(each)
    return [_fault_kind(kind, alike) for kind, alike in kinds.items()]


def _fault_kind(kind: str, faults: list[FaultCourse]) -> FaultKindPart:
    waits: dict[str, list[int]] = {}
    for fault in faults:
        if fault.detected is not None:
            waits.setdefault(fault.by, []).append(fault.detected - fault.at)
    away = [fault.recovered - fault.at for fault in faults if fault.recovered is not None]
    return FaultKindPart(
        kind=kind,
        faults=len(faults),
        detections=[
            DetectionPart(by=by, faults=len(each), mean_ms=fmean(each)) for by, each in waits.items()
        ],
        unnoticed=sum(fault.detected is None for fault in faults),
        ready_again=len(away),
        mean_ready_again_ms=fmean(away) if away else None,
    )


def fault_parts(faults: Sequence[FaultCourse]) -> list[FaultPart]:
    """The faults, in order of time."""
    return [
        FaultPart(
            at_ms=each.at,
            kind=each.kind,
            level=each.level,
            where=each.where,
            detected_at_ms=each.detected,
            detected_by=each.by,
            ready_again_at_ms=each.recovered,
        )
        for each in faults
    ]


def recovery_parts(measures: Measures) -> list[RecoveryPart]:
    """What recovery did, in order of time."""
    return [
        RecoveryPart(
            at_ms=step.at,
            instance=step.instance,
            action=step.action,
            what=step.what,
            fault=step.fault,
            by=step.by,
        )
        for step in measures.recoveries
    ]


def node_outage_parts(measures: Measures) -> list[NodeOutagePart]:
    """The machines that failed, in order of time."""
    return [
        NodeOutagePart(
            node=each.node,
            mode=each.mode,
            at_ms=each.at,
            last_heartbeat_at_ms=each.heard,
            not_ready_at_ms=each.noticed,
            tainted_at_ms=each.tainted,
            first_pod_deleted_at_ms=each.evicted,
            returned_at_ms=each.returned,
        )
        for each in measures.outages
    ]


def node_change_parts(cluster: ClusterMeasures) -> list[NodeChangePart]:
    """The nodes that joined or were removed, in order of time."""
    return [
        NodeChangePart(node=each.node, at_ms=each.at, joined=each.joined, nodes=each.nodes, npus=each.npus)
        for each in cluster.node_changes
    ]


def drain_parts(measures: Measures) -> list[DrainPart]:
    """The drains, in order of time."""
    return [
        DrainPart(
            node=each.node,
            at_ms=each.at,
            ended_at_ms=each.ended,
            held=each.held,
            errors=list(each.errors),
        )
        for each in measures.drains
    ]
