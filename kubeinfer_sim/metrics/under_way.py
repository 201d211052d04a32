"""What lasts at one time: nodes down, dead engines, NPUs out of service, cordons, held drains, stalls, deadlines."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.cluster.fault_records import (
    FaultCleared,
    FaultInjected,
    NpuStateChanged,
    PodSlowed,
    ResetHeld,
)
from kubeinfer_sim.cluster.records import (
    DrainEnded,
    DrainGoesOn,
    DrainHeld,
    GangPending,
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


class Lasting(Struct, frozen=True):
    """What lasts; `record` is the latest that says what it is, or why.

    From `since` to `until` ms; None: to the end of the run.
    """

    record: Record
    since: int
    until: int | None


#: What lasts, by kind and by what it is about.
_Key = tuple[str, str]


def under_way(history: History, at: int) -> list[Lasting]:
    """What began by then and lasts, in order of its beginning."""
    open_: dict[_Key, Record] = {}
    since: dict[_Key, Record] = {}
    ended: list[tuple[Record, Lasting]] = []
    for record in history:
        if record.at > at and not open_:
            break
        closed, opened = _turns(record, open_)
        for key in closed:
            latest = open_.pop(key, None)
            if latest is not None and record.at > at:
                ended.append((since[key], Lasting(latest, since[key].at, record.at)))
        if record.at <= at:
            for key in opened:
                if key not in open_:
                    since[key] = record
                open_[key] = record
            if isinstance(record, GangPending):
                _stalled_for(record, open_)
    ended += [(since[key], Lasting(latest, since[key].at, None)) for key, latest in open_.items()]
    # One record may begin several, and says them all: until the last of them is over.
    told = {lasting.record.id: (began.id, lasting) for began, lasting in ended}
    return [lasting for _, lasting in sorted(told.values(), key=lambda each: each[0])]


def _stalled_for(pending: GangPending, open_: dict[_Key, Record]) -> None:
    """What has stalled for want of a place waits for what the pods that were told of wait for now."""
    key = ("stall", pending.instance.owner)
    stall = open_.get(key)
    if not isinstance(stall, Stalled) or not stall.waits_for(pending.instance):
        return
    if pending.goes_on:
        del open_[key]
    else:
        open_[key] = replace(stall, detail=pending.proof)


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
            return [], [(f"fault {record.kind}", record.where)]
        case FaultCleared():
            return [(f"fault {record.kind}", record.where)], []
        case NpuStateChanged():
            names = {f"{record.node}/npu{number}" for number in record.npus}
            # What is done about an NPU says more than what ails it.
            closed = [key for key in open_ if key[1] in names]
            return closed, [] if record.state == "inService" else [("npu", name) for name in sorted(names)]
        case ResetHeld():
            return [], [("reset", f"{record.node}/npu{record.npu}")]
        case ZoneStateChanged():
            key = ("zone", record.zone)
            return [key], [] if record.evicts else [key]
        case DrainHeld():
            return [], [("drain", record.node)]
        case DrainGoesOn() | DrainEnded():
            return [("drain", record.node)], []
        case StallEnded():
            return [("stall", record.kubeinfer)], []
        case SpecApplied() | UpdateCompleted():
            return [("stall", record.kubeinfer), ("deadline", record.kubeinfer)], []
        case ProgressDeadlineExceeded():
            return [], [("deadline", record.kubeinfer)]
        case DeploymentStatus(kind="Deployment"):
            key = ("deadline", f"Deployment/{record.deployment}")
            return ([], [key]) if record.reason == TIMED_OUT else ([key], [])
        case Stalled():
            return [], [("stall", record.kubeinfer)]
        case RejectionsGoOn():
            return [], [("rejections", record.pod.name)]
        case PodSlowed():
            key = ("idle", record.pod.name)
            return ([key], []) if record.factor else ([], [key])
        case PodDeleting() | PodGone():
            return [("rejections", record.pod.name), ("idle", record.pod.name)], []
        case PodBound():
            return [("rejections", record.pod.name)], []
    return [], []
