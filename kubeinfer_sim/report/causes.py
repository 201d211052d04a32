"""What began it: a few words for each kind of record that nothing in the history caused."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.cluster.fault_records import FaultInjected
from kubeinfer_sim.cluster.records import (
    ContainerCrashed,
    FinalizersRemoved,
    GateSet,
    HealthChanged,
    ImagesBroken,
    NodeCordoned,
    NodeDrained,
    NodeFailed,
    NodeJoined,
    NodeLabeled,
    NodeOutOfService,
    NodeRemoved,
    NodeReturned,
    NodeTaintEdited,
    PodDeletionAsked,
    PodRemoved,
)
from kubeinfer_sim.controllers.deployment.records import DeploymentApplied, PodEvicted
from kubeinfer_sim.controllers.kubeinfer.records import InstanceConcerning, SpecApplied
from kubeinfer_sim.controllers.pod.records import BarePodApplied
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.metrics.cause_kinds import NODE_FAILURES, POD_DELETIONS, TAINT_EVICTION, record_name
from kubeinfer_sim.report.words import count, rounded, together


def cause_text(record: Record | None, *, held: bool = False) -> str:
    """The initiating record in a few words, with its time; None: the start. `held`: also who held what broke."""
    if record is None:
        return "the start"
    holder = _holder(record) if held else ""
    return f"{_what(record)}{holder} at {rounded(record.at)}"


def first_cause(causes: Sequence[Record | None], said: str) -> str:
    """`; first cause: drain of node-0 at 10m and 1 more cause`; "" without any, and where what was said names it."""
    if not causes or (causes[0] is not None and _what(causes[0]) in said):
        return ""
    more = f" and {count(len(causes) - 1, 'more cause')}" if len(causes) > 1 else ""
    return f"; first cause: {cause_text(causes[0], held=True)}{more}"


def _holder(record: Record) -> str:
    """`, held by chat-0-serve-0,`"""
    if not isinstance(record, FaultInjected) or record.pod is None or record.pod.name == record.where:
        return ""
    return f", held by {record.pod.name},"


def _what(record: Record) -> str:
    match record:
        case SpecApplied():
            if "created" in record.changed:
                return "creation"
            return "update" if "template" in record.changed else "change of " + " and ".join(record.changed)
        case DeploymentApplied():
            known = {"created": "creation", "deleted": "deletion", "template": "update"}
            order = next((word for name, word in known.items() if name in record.changed), "")
            changed = order or f"change of {' and '.join(record.changed)}"
            return f"{changed} of {record.kind} {record.deployment}"
        case BarePodApplied():
            return f"creation of Pod {record.pod.name}"
        case NodeFailed():
            return f"{record.node} {NODE_FAILURES.get(record.mode, record.mode)}"
        case NodeReturned():
            return f"{record.node} came back"
        case NodeDrained():
            return f"drain of {record.node}"
        case NodeCordoned():
            return f"{'uncordon' if record.uncordoned else 'cordon'} of {record.node}"
        case NodeJoined():
            return f"{record.node} joined"
        case NodeRemoved():
            return f"node {record.node} deleted"
        case NodeTaintEdited():
            return f"{'end of ' if record.removed else ''}taint {record.taint} of {record.node}"
        case PodEvicted() | InstanceConcerning() if record.reason == TAINT_EVICTION:
            name = record.instance.name if isinstance(record, InstanceConcerning) else record.pod
            return f"eviction of {name} for its node's NoExecute taint"
        case NodeLabeled():
            return f"labels of {record.node}"
        case NodeOutOfService():
            return f"{record.node} out of service"
        case HealthChanged():
            what = "answers again" if record.healthy else "fails"
            return f"health check of {record.pod.name} {what}"
        case ImagesBroken():
            return f"image fault of {together(record.images) if record.images else 'all images'}"
        case FaultInjected():
            return f"{record.kind} of {record.where}"
        case ContainerCrashed():
            return f"{record.pod.name} ended ({record.reason})"
        case PodDeletionAsked():
            return f"{POD_DELETIONS[record.reason]} of {record.pod.name}"
        case GateSet() if record.readiness:
            return f"condition {record.gate} of {record.pod.name} set {record.status}"
        case GateSet():
            return f"scheduling gate {record.gate} of {record.pod.name} opened"
        case FinalizersRemoved():
            return f"removal of the finalizers of {record.pod.name}"
        case PodRemoved():
            return f"{record.pod.name} removed ({record.reason})"
    return _plain(record)


def _plain(record: Record) -> str:
    """Any other record: its name in words, and what it is about."""
    words = record_name(record)
    for attribute in ("kind", "node", "pod", "instance"):
        value = getattr(record, attribute, None)
        if value is not None:
            words += f" {getattr(value, 'name', value)}"
    return words
