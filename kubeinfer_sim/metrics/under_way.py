"""What lasts at one time: machines that are down, NPUs out of service, cordons, drains held, stalls, deadlines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kubeinfer_sim.cluster.fault_records import FaultCleared, FaultInjected, NpuStateChanged, ResetHeld
from kubeinfer_sim.cluster.records import (
    DrainEnded,
    DrainHeld,
    NodeCordoned,
    NodeFailed,
    NodeRemoved,
    NodeReturned,
    NodeTaintEdited,
    PodBound,
    PodDeleting,
    PodGone,
    RejectionsGoOn,
    ZoneStateChanged,
)
from kubeinfer_sim.controllers.deployment.progress import TIMED_OUT
from kubeinfer_sim.controllers.deployment.records import DeploymentStatus
from kubeinfer_sim.controllers.kubeinfer.records import (
    ProgressDeadlineExceeded,
    SpecApplied,
    Stalled,
    StallEnded,
    UpdateCompleted,
)
from kubeinfer_sim.engine.history import History, Record


class Lasting(NamedTuple):
    """What began with a record and lasts; `until` ms, None: to the end of the run."""

    record: Record
    until: int | None


#: What lasts, by kind and by what it is about.
_Key = tuple[str, str]


def under_way(history: History, at: int) -> list[Lasting]:
    """What began by then and lasts, in order of its beginning."""
    open_: dict[_Key, Record] = {}
    lasting: dict[int, Record] = {}
    until: dict[int, int] = {}
    for record in history:
        if record.at > at and not lasting:
            lasting = {each.id: each for each in open_.values()}
            if not lasting:
                break
        closed, opened = _turns(record, open_)
        for key in closed:
            ended = open_.pop(key, None)
            if record.at > at and ended is not None:
                until[ended.id] = record.at
        if record.at <= at:
            open_.update(dict.fromkeys(opened, record))
    lasting = lasting or {each.id: each for each in open_.values()}
    return [Lasting(lasting[number], until.get(number)) for number in sorted(lasting)]


def _turns(record: Record, open_: Mapping[_Key, Record]) -> tuple[list[_Key], list[_Key]]:
    """What of all that lasts a record ends, and what begins with it."""
    match record:
        case NodeFailed():
            return [], [("down", record.node)]
        case NodeReturned():
            return [("down", record.node)], []
        case NodeCordoned():
            key = ("cordoned", record.node)
            return [key], [] if record.uncordoned else [key]
        case NodeRemoved():
            return [key for key, each in open_.items() if getattr(each, "node", "") == record.node], []
        case NodeTaintEdited():
            key = ("tainted", f"{record.node} {record.taint}")
            return [key], [] if record.removed else [key]
        case FaultInjected() if "/npu" in record.where:
            key = ("npu", record.where)
            return [], [] if key in open_ else [key]
        case FaultCleared():
            key, began = ("npu", record.where), open_.get(("npu", record.where))
            return [key] if isinstance(began, FaultInjected) and began.kind == record.kind else [], []
        case NpuStateChanged():
            names = [f"{record.node}/npu{number}" for number in record.npus]
            keys = [("npu", name) for name in names]
            resets = [("reset", name) for name in names]
            return keys + resets, [] if record.state == "inService" else keys
        case ResetHeld():
            return [], [("reset", f"{record.node}/npu{record.npu}")]
        case ZoneStateChanged():
            key = ("zone", record.zone)
            return [key], [] if record.evicts else [key]
        case DrainHeld():
            key = ("drain", record.node)
            return [], [] if key in open_ else [key]
        case DrainEnded():
            return [("drain", record.node)], []
        case StallEnded():
            return [("stall", record.kubeinfer)], []
        case SpecApplied() | UpdateCompleted():
            return [("stall", record.kubeinfer), ("deadline", record.kubeinfer)], []
        case ProgressDeadlineExceeded():
            return [], [("deadline", record.kubeinfer)]
        case DeploymentStatus(kind="Deployment"):
            key = ("deadline", f"Deployment/{record.deployment}")
            if record.reason != TIMED_OUT:
                return [key], []
            return [], [] if key in open_ else [key]
        case Stalled():
            return [], [("stall", record.kubeinfer)]
        case RejectionsGoOn():
            return [], [("rejections", record.pod.name)]
        case PodBound() | PodDeleting() | PodGone():
            return [("rejections", record.pod.name)], []
    return [], []
