"""Deployments, and the other kinds of apps/v1, in the result document."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.manifest.model import Kind
from kubeinfer_sim.metrics.deployments import DeploymentMeasures, DeploymentOutcome
from kubeinfer_sim.metrics.lives import InstanceLife
from kubeinfer_sim.report.pod_conditions import ConditionPart, condition_parts
from kubeinfer_sim.report.result.availability import (
    CauseKindPart,
    CausePart,
    cause_kind_parts,
    cause_parts,
)
from kubeinfer_sim.report.result.changes import AppliedPart, applied_part
from kubeinfer_sim.report.result.instances import Objects
from kubeinfer_sim.report.result_part import Part, Points
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.pod_objects import PodAt


class DeploymentChangePart(AppliedPart):
    """A spec of the Deployment that was applied; the first is the creation. Budgets are in pods."""

    changed: list[str]
    """`template`, `replicas`, `strategy`, `settings`, `paused`, `resumed`, `metadata`, `created`, `nothing`."""
    completed_at_ms: int | None
    """When all of it was in place and available."""


class DeploymentConditionPart(Part):
    """The Deployment's conditions from an instant on."""

    at_ms: int
    available: bool
    progressing: str
    """`True`, `False` or `Unknown`; empty without a progress deadline."""
    reason: str
    """Of Progressing: `ReplicaSetUpdated`, `NewReplicaSetAvailable`, `ProgressDeadlineExceeded` …"""
    replica_failure: str
    """The reason of ReplicaFailure: `FailedCreate` while the API server refuses pods; empty where it is not True."""


class DeadlinePart(Part):
    """A time in which the progress deadline was reported as exceeded; it stops nothing."""

    since_ms: int
    until_ms: int | None
    """Null: until the end."""


class DeploymentTimelinePart(Part):
    """Numbers of pods over time: (ms, value from then on), as spec and status say."""

    desired: Points
    ready: Points
    available: Points
    """Ready for minReadySeconds."""
    updated: Points
    """Of the newest template."""


class DeploymentPodPart(Part):
    """A pod of the Deployment, by creation."""

    name: str
    node: str
    created_at_ms: int
    ready_at_ms: int | None
    deleted_at_ms: int | None
    gone_at_ms: int | None
    restarts: int
    trouble: str
    pending: str
    """What it needs and what is free, while it has no place."""
    pending_message: str
    """The same as the scheduler says it."""
    phase: str
    """At the end of the run; empty when it is gone."""
    conditions: list[ConditionPart]
    """At the end of the run."""


class ReplicaSetPart(Part):
    """A ReplicaSet of the scenario that no Deployment owns, a StatefulSet, a DaemonSet."""

    name: str
    namespace: str
    outcome: DeploymentOutcome
    min_available_pods: int
    """From the first change for which pods come or go after the start until the last was in place; without one while
    it is owed."""
    min_available_at_ms: int
    min_available_for_ms: int
    missing_pods: int
    """Asked for and not available at the end."""
    refused: str
    """The API server's words, while it refuses pods at the end."""
    changes: list[DeploymentChangePart]
    causes: list[CausePart]
    """What it cost that fewer pods were ready than wanted, by what began that, dearest first: each pod counts as an
    instance. Of a DaemonSet none: how many it wants follows its nodes."""
    cause_kinds: list[CauseKindPart]
    timeline: DeploymentTimelinePart
    pods: list[DeploymentPodPart]


def replica_set_parts(
    scenario: Scenario, kind: Kind, measures: Sequence[DeploymentMeasures], objects: Objects | None
) -> list[ReplicaSetPart]:
    """The ReplicaSets of a run, or what is told of in the same way, in the order of their creation."""
    return [
        ReplicaSetPart(
            name=each.name,
            namespace=scenario.version_of(kind, each.name).namespace,
            outcome=each.outcome,
            min_available_pods=each.low.value,
            min_available_at_ms=each.low.at,
            min_available_for_ms=each.low.lasting,
            missing_pods=each.missing,
            refused="" if each.refused is None else each.refused.message,
            changes=[applied_part(DeploymentChangePart, change) for change in each.changes],
            causes=cause_parts(each.causes),
            cause_kinds=cause_kind_parts(each.causes),
            timeline=_timeline(each),
            pods=_pods(each, objects),
        )
        for each in measures
        if each.kind == kind
    ]


class DeploymentPart(Part):
    """A Deployment of the scenario."""

    name: str
    namespace: str
    strategy: str
    outcome: DeploymentOutcome
    min_available_pods: int
    """From the first change for which pods come or go after the start until the last was in place; without one while
    it is owed."""
    min_available_at_ms: int
    min_available_for_ms: int
    missing_pods: int
    """Asked for and not available at the end."""
    refused: str
    """The API server's words, while it refuses pods at the end."""
    changes: list[DeploymentChangePart]
    conditions: list[DeploymentConditionPart]
    deadline_exceeded: list[DeadlinePart]
    causes: list[CausePart]
    """What it cost that fewer pods were ready than wanted, by what began that, dearest first: each pod counts as an
    instance. Of a DaemonSet none: how many it wants follows its nodes."""
    cause_kinds: list[CauseKindPart]
    timeline: DeploymentTimelinePart
    pods: list[DeploymentPodPart]


def deployment_parts(
    scenario: Scenario, measures: Sequence[DeploymentMeasures], objects: Objects | None
) -> list[DeploymentPart]:
    """The Deployments of a run, in the order of the manifest."""
    specs = {each.name: each for each in scenario.deployments}
    return [
        DeploymentPart(
            name=each.name,
            namespace=specs[each.name].namespace,
            strategy=specs[each.name].strategy,
            outcome=each.outcome,
            min_available_pods=each.low.value,
            min_available_at_ms=each.low.at,
            min_available_for_ms=each.low.lasting,
            missing_pods=each.missing,
            refused="" if each.refused is None else each.refused.message,
            changes=[applied_part(DeploymentChangePart, change) for change in each.changes],
            conditions=[
                DeploymentConditionPart(
                    at_ms=condition.at,
                    available=condition.available,
                    progressing=condition.progressing,
                    reason=condition.reason,
                    replica_failure=condition.failure,
                )
                for condition in each.conditions
            ],
            deadline_exceeded=[
                DeadlinePart(since_ms=since, until_ms=until) for since, until in each.exceeded
            ],
            causes=cause_parts(each.causes),
            cause_kinds=cause_kind_parts(each.causes),
            timeline=_timeline(each),
            pods=_pods(each, objects),
        )
        for each in measures
        if each.kind == "Deployment"
    ]


def _timeline(measures: DeploymentMeasures) -> DeploymentTimelinePart:
    return DeploymentTimelinePart(
        desired=measures.desired.points,
        ready=measures.ready.points,
        available=measures.available.points,
        updated=measures.updated.points,
    )


def _pods(measures: DeploymentMeasures, objects: Objects | None) -> list[DeploymentPodPart]:
    if objects is None:
        return []
    return [pod_part(life, objects.get(life.pods[0].pod)) for life in measures.pods]


def pod_part(life: InstanceLife, at_end: PodAt | None) -> DeploymentPodPart:
    """A pod, by its life and its object at the end."""
    pod, pending = life.pods[0], life.pending
    return DeploymentPodPart(
        name=pod.pod.name,
        node=pod.node,
        created_at_ms=pod.created,
        ready_at_ms=pod.ready,
        deleted_at_ms=pod.deleting,
        gone_at_ms=pod.gone,
        restarts=pod.restarts,
        trouble=pod.trouble,
        pending="" if pending is None else pending.proof,
        pending_message="" if pending is None else pending.message,
        phase="" if at_end is None else at_end.phase,
        conditions=[] if at_end is None else condition_parts(at_end),
    )
