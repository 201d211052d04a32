"""Each instance, its pods, and the stages of the pod that set its pace."""

from __future__ import annotations

from collections.abc import Mapping

from kubeinfer_sim.cluster.records import PodRef
from kubeinfer_sim.metrics import InstanceLife, Measures, PodLife
from kubeinfer_sim.report.pod_conditions import ConditionPart, condition_parts
from kubeinfer_sim.report.result_part import Part
from kubeinfer_sim.simulation.pod_objects import PodAt

#: The objects of the pods that exist at the end; None as an argument: no pods are told one by one.
Objects = Mapping[PodRef, PodAt]


class StagePart(Part):
    """A stretch of a pod's life."""

    name: str
    since_ms: int
    until_ms: int
    regime: str
    """Why this long: `warm`, `cold, shared storage` …"""
    cut: bool
    """Something else happened before it was over."""


class PodPart(Part):
    """A pod."""

    name: str
    role: str
    replica: int
    node: str
    created_at_ms: int
    ready_at_ms: int | None
    deleted_at_ms: int | None
    gone_at_ms: int | None
    restarts: int
    """How often the kubelet restarted a container of it."""
    trouble: str
    phase: str
    """At the end of the run; empty when it is gone."""
    conditions: list[ConditionPart]
    """At the end of the run."""


class NodeVerdictPart(Part):
    """The nodes that turn a pod down for just these reasons."""

    reasons: list[str]
    """As kube-scheduler words them; empty: these nodes would take the pod."""
    nodes: list[str]


class InstancePart(Part):
    """An instance, by creation; an ordinal may be used again."""

    name: str
    ordinal: int
    revision: str
    state: str
    """At the end: `ready`, `starting`, `pending`, `concerning`, `failed`, `terminating`, `gone`."""
    ran_at_start: bool
    created_at_ms: int
    ready_at_ms: int | None
    """When it was ready first."""
    deleted_at_ms: int | None
    delete_reason: str
    """`Rollout`, `NotReady`, `ScaleIn`."""
    gone_at_ms: int | None
    was_ready_ms: int
    """For how long in all."""
    restarts: int
    """How often recovery rebuilt it, a role or a pod of it."""
    concerning: int
    """How often it lost readiness."""
    given_up: int
    """Pods it gave up for others of its own (action Degrade)."""
    degraded_ms: int
    """For how long it lacked some of them, in all."""
    pending: str
    """What its gang needs and what is free, while it has no place."""
    pending_message: str
    """The same as the scheduler says it of the first pod without a node: `0/8 nodes are available: …`."""
    pending_nodes: list[NodeVerdictPart]
    """Every node's verdict on that pod, nodes with the same reasons together."""
    pace_pod: str
    """The pod that set the pace, whose `stages` follow."""
    stages: list[StagePart]
    """Without a gap from that pod's creation until it is gone or the run ends."""
    pods: list[PodPart]


def instance_parts(measures: Measures, objects: Objects | None) -> list[InstancePart]:
    """All instances, by creation."""
    return [_instance(life, objects) for life in measures.instances]


def _instance(life: InstanceLife, objects: Objects | None) -> InstancePart:
    pace, pending = life.pace, life.pending
    return InstancePart(
        name=life.instance.name,
        ordinal=life.instance.ordinal,
        revision=life.revision,
        state=life.state,
        ran_at_start=life.ran_at_start,
        created_at_ms=life.created,
        ready_at_ms=life.ready,
        deleted_at_ms=life.deleting,
        delete_reason=life.delete_reason,
        gone_at_ms=life.gone,
        was_ready_ms=life.was_ready,
        restarts=life.restarts,
        concerning=life.concerning,
        given_up=life.given_up,
        degraded_ms=life.degraded,
        pending="" if pending is None else pending.proof,
        pending_message="" if pending is None else pending.message,
        pending_nodes=[
            NodeVerdictPart(reasons=list(each.reasons), nodes=list(each.nodes))
            for each in (() if pending is None else pending.verdicts)
        ],
        pace_pod="" if pace is None else pace.pod.name,
        stages=[
            StagePart(
                name=str(span.stage),
                since_ms=span.since,
                until_ms=span.until,
                regime=span.regime,
                cut=span.cut,
            )
            for span in ([] if pace is None else pace.spans)
        ],
        pods=[] if objects is None else [_pod(pod, objects.get(pod.pod)) for pod in life.pods],
    )


def _pod(pod: PodLife, at_end: PodAt | None) -> PodPart:
    return PodPart(
        name=pod.pod.name,
        role=pod.pod.role,
        replica=pod.pod.replica,
        node=pod.node,
        created_at_ms=pod.created,
        ready_at_ms=pod.ready,
        deleted_at_ms=pod.deleting,
        gone_at_ms=pod.gone,
        restarts=pod.restarts,
        trouble=pod.trouble,
        phase="" if at_end is None else at_end.phase,
        conditions=[] if at_end is None else condition_parts(at_end),
    )
