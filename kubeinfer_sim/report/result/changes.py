"""What was asked for and how it went: applied specs, stalls, pods that had to make room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from kubeinfer_sim.cluster.records import PodPreempted
from kubeinfer_sim.metrics import Stall
from kubeinfer_sim.metrics.changes import AppliedSpec
from kubeinfer_sim.metrics.evictions import Evictions
from kubeinfer_sim.metrics.rejections import Rejections
from kubeinfer_sim.report.result_part import Part

P = TypeVar("P", bound="AppliedPart")


class AppliedPart(Part):
    """A spec that was applied; the first is the creation."""

    generation: int
    at_ms: int
    changed: list[str]
    """What differs from the one before: `template`, `replicas`, `strategy`, `metadata`, `created`, `nothing`."""
    label: str
    revision: str
    replicas: int
    surge: int
    unavailable: int
    """The budgets as numbers."""
    completed_at_ms: int | None
    """When all of it was in place and ready."""
    duration_ms: int | None
    superseded_at_ms: int | None
    """When another template came before it was in place."""
    deadline_exceeded_at_ms: int | None
    """When it had first made no progress for as long as its progress deadline; null: never."""


class ChangePart(AppliedPart):
    """A spec that was applied; the first is the creation. Budgets are in instances."""


class StallPart(Part):
    """A time in which nothing could go on by itself."""

    at_ms: int
    ended_at_ms: int | None
    """Null: it lasts until the end."""
    generation: int
    reason: str
    """`Unschedulable` or `NewRevisionNotReady`."""
    pod_reason: str
    instances: list[str]
    proof: str
    """What is needed and what there is."""


class PreemptionPart(Part):
    """A pod of lower priority that was evicted to make room."""

    at_ms: int
    pod: str
    """`namespace/name`, or of an instance its pod's name."""
    node: str
    by: str
    """The instance the room is for."""


class RejectionPart(Part):
    """Pods of one owner that one node's kubelet has not taken for one reason: phase Failed."""

    kind: str
    owner: str
    """What made them."""
    node: str
    reason: str
    """Of their status: `OutOfcpu`, `NodePorts`, `UnexpectedAdmissionError` …"""
    message: str
    """Of the first."""
    at_ms: int
    last_at_ms: int
    pods: int
    """How many, as far as they were played."""
    per_second: int | None
    """They are rejected without a pause until the end of the run, so many a second, and not played one by one; null:
    they are not."""


class EvictionsPart(Part):
    """Pods of one owner that a node evicts, one after the other until the end of the run."""

    kind: str
    owner: str
    node: str
    at_ms: int
    """Of the first …"""
    last_at_ms: int
    """… and of the last."""
    pods: int
    every_ms: int
    """The mean time from one to the next."""


def applied_part(kind: type[P], change: AppliedSpec) -> P:
    """An applied spec, as this kind of part."""
    return kind(
        generation=change.generation,
        at_ms=change.at,
        changed=list(change.changed),
        label=change.label,
        revision=change.revision,
        replicas=change.replicas,
        surge=change.surge,
        unavailable=change.unavailable,
        completed_at_ms=change.completed,
        duration_ms=change.duration,
        superseded_at_ms=change.superseded,
        deadline_exceeded_at_ms=change.deadline_exceeded,
    )


def stall_part(stall: Stall) -> StallPart:
    """A time in which nothing could go on."""
    return StallPart(
        at_ms=stall.at,
        ended_at_ms=stall.ended,
        generation=stall.generation,
        reason=stall.reason,
        pod_reason=stall.pod_reason,
        instances=[ref.name for ref in stall.instances],
        proof=stall.detail,
    )


def rejection_parts(rejections: Sequence[Rejections]) -> list[RejectionPart]:
    """In order of time."""
    return [
        RejectionPart(
            kind=each.kind,
            owner=each.owner,
            node=each.node,
            reason=each.reason,
            message=each.message,
            at_ms=each.first,
            last_at_ms=each.last,
            pods=each.number,
            per_second=each.per_second,
        )
        for each in rejections
    ]


def evictions_parts(evictions: Sequence[Evictions]) -> list[EvictionsPart]:
    """In order of their beginning."""
    return [
        EvictionsPart(
            kind=each.kind,
            owner=each.owner,
            node=each.node,
            at_ms=each.first,
            last_at_ms=each.last,
            pods=each.number,
            every_ms=each.every,
        )
        for each in evictions
    ]


def preemption_parts(evicted: Sequence[PodPreempted]) -> list[PreemptionPart]:
    """The pods that made room."""
    return [PreemptionPart(at_ms=each.at, pod=each.pod, node=each.node, by=each.by.name) for each in evicted]
