"""Every lost instance-millisecond, charged to what began it and to the stage it was spent in.

Which times are lost, and to what, is said in `losses.py`: as many losses are open as instances are missing, so the
charges add up to the loss, to the millisecond. A loss is in the stage of the instance that makes it good, once that
exists; before, in that of the instance that was lost. An instance's stage is that of the pod that is ready last.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from kubeinfer_sim.cluster.stages import SERVING, StageKind
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDeleting,
    InstanceFailed,
    InstanceReady,
    InstanceRestarting,
)
from kubeinfer_sim.engine.history import History
from kubeinfer_sim.metrics.lives import InstanceLife, PodLife, Span
from kubeinfer_sim.metrics.losses import Loss, losses, roots
from kubeinfer_sim.metrics.measure import Measures

#: Stages in the order in which an outage goes through them.
STAGES = (
    "detect",
    "decide",
    "terminate",
    "waitForNpu",
    "image",
    "gang",
    "engine",
    "weights",
    "graph",
    "warmUp",
    "probe",
    "restart",
)

_STAGE_OF = {
    StageKind.PENDING: "waitForNpu",
    StageKind.BIND: "waitForNpu",
    StageKind.IMAGE: "image",
    StageKind.PULL_BACK_OFF: "image",
    StageKind.INIT: "image",
    StageKind.SIDECAR: "image",
    StageKind.CREATE: "image",
    StageKind.POST_START: "image",
    StageKind.BARRIER: "gang",
    StageKind.RANK_TABLE: "gang",
    StageKind.IMPORT: "engine",
    StageKind.COMMUNICATOR: "engine",
    StageKind.WEIGHTS: "weights",
    StageKind.GRAPH: "graph",
    StageKind.WARM_UP: "warmUp",
    StageKind.PROBES: "probe",
    StageKind.SERVING: "detect",
    StageKind.HANGING: "detect",
    StageKind.NOT_READY: "detect",
    StageKind.RESTART: "restart",
    StageKind.BACK_OFF: "decide",
    StageKind.PRE_STOP: "terminate",
    StageKind.EXIT: "terminate",
    StageKind.SIDECAR_EXIT: "image",
    StageKind.CLEANUP: "terminate",
    StageKind.TERMINATING: "terminate",
}


@dataclass(slots=True)
class Incident:
    """One time in which one instance was not ready after it had been, or before it was for the first time.

    Attributes:
        cause: id of the initiating record.
        began: when that happened, ms; `since` when the instance was not ready (the difference is the detection).
        until: when it was ready again; None when it was not (deleted, or the run ended).
    """

    instance: str
    uid: int
    cause: int
    began: int
    since: int
    until: int | None
    first: bool


@dataclass(slots=True)
class CauseSummary:
    """What one initiating record cost, or all those of one kind.

    Attributes:
        cause: id of the record; of a kind, of the first one.
        lost: stage -> instance-ms.
        incidents: how many instances were taken out of readiness (first starts not counted); `detecting` for how
            many ms in all until they were not ready.
        repaired: how many of them were ready again, and `repairing` after how many ms in all.
        records: how many initiating records.
    """

    cause: int
    lost: Counter[str] = field(default_factory=Counter)
    incidents: int = 0
    detecting: int = 0
    repaired: int = 0
    repairing: int = 0
    records: int = 1

    @property
    def total(self) -> int:
        """Instance-ms in all."""
        return self.lost.total()

    @property
    def detection(self) -> float | None:
        """Mean ms from the record until an instance was not ready (MTTD); None without an incident."""
        return self.detecting / self.incidents if self.incidents else None

    @property
    def repair(self) -> float | None:
        """Mean ms from not ready to ready again (MTTR), of those that were; None when none was."""
        return self.repairing / self.repaired if self.repaired else None

    def add(self, other: CauseSummary) -> None:
        """Take what another one cost, too."""
        self.lost.update(other.lost)
        self.incidents += other.incidents
        self.detecting += other.detecting
        self.repaired += other.repaired
        self.repairing += other.repairing
        self.records += other.records


def by_kind(summaries: Iterable[CauseSummary], kind: Callable[[int], str]) -> dict[str, CauseSummary]:
    """What the initiating records of each kind cost together, dearest first.

    Args:
        summaries: of single records.
        kind: of the record with an id.
    """
    kinds: dict[str, CauseSummary] = {}
    for each in summaries:
        name = kind(each.cause)
        if name in kinds:
            kinds[name].add(each)
        else:
            kinds[name] = replace(each, lost=Counter(each.lost))
    return dict(sorted(kinds.items(), key=lambda item: (-item[1].total, item[0])))


def incidents(history: History) -> list[Incident]:
    """All incidents, in order of their beginning."""
    found = []
    open_: dict[int, Incident] = {}
    began_with = roots(history)
    for record in history:
        match record:
            case InstanceCreated() | InstanceConcerning() | InstanceRestarting() | InstanceFailed():
                ref = record.instance
                if ref.uid not in open_:
                    cause, first = began_with[record.id], isinstance(record, InstanceCreated)
                    began = history[cause].at
                    open_[ref.uid] = Incident(ref.name, ref.uid, cause, began, record.at, None, first)
                    found.append(open_[ref.uid])
            case InstanceReady():
                if (incident := open_.pop(record.instance.uid, None)) is not None:
                    incident.until = record.at
            case InstanceDeleting():
                open_.pop(record.instance.uid, None)
    return found


def attribute(history: History, measures: Measures) -> list[CauseSummary]:
    """What each initiating record cost between the beginning and the end of `measures.whole`, dearest first."""
    lives = {life.instance.uid: life for life in measures.instances}
    summaries: dict[int, CauseSummary] = {}
    for loss in losses(history, measures.ended_at):
        summary = summaries.setdefault(loss.cause, CauseSummary(loss.cause))
        for since, until, stage in stages_of(loss, lives):
            if (length := min(until, measures.whole.until) - max(since, measures.whole.since)) > 0:
                summary.lost[stage] += length
    for incident in incidents(history):
        if incident.first:
            continue
        summary = summaries.setdefault(incident.cause, CauseSummary(incident.cause))
        summary.incidents += 1
        summary.detecting += incident.since - incident.began
        if incident.until is not None:
            summary.repaired += 1
            summary.repairing += incident.until - incident.since
    found = [each for each in summaries.values() if each.total or each.incidents]
    return sorted(found, key=lambda each: (-each.total, each.cause))


def stages_of(loss: Loss, lives: Mapping[int, InstanceLife]) -> Iterator[tuple[int, int, str]]:
    """(from, to, stage) of a loss, in order and without a gap.

    Args:
        loss: which.
        lives: the instances of the run by uid.
    """
    lost = None if loss.lost is None else lives[loss.lost]
    made_good = None if loss.made_good is None else lives[loss.made_good]
    turn = loss.until
    if made_good is not None:
        turn = loss.since if made_good is lost else min(max(loss.since, made_good.created), loss.until)
    if turn > loss.since:
        if lost is None:
            yield loss.since, turn, "decide"
        else:
            yield from _stages(lost, loss.since, turn, ready=False)
    if made_good is not None and loss.until > turn:
        yield from _stages(made_good, turn, loss.until, ready=loss.ended)


def _stages(life: InstanceLife, since: int, until: int, *, ready: bool) -> Iterator[tuple[int, int, str]]:
    """The stages of an instance that is not ready between two times; `ready`: it is in the end."""
    at = since
    if (pace := _pace(life, since, until, ready=ready)) is not None:
        for pod in life.pods:
            if pod.pod.place != pace.pod.place or not _overlaps(pod, since, until):
                continue
            for place in range(_place_at(pod, at), len(pod.spans)):
                span = pod.spans[place]
                begins, ends = max(span.since, at), min(span.until, until)
                if begins >= until:
                    break
                if ends > begins:
                    yield from _between(life, at, begins)
                    yield begins, ends, _STAGE_OF[span.stage.kind]
                    at = ends
    yield from _between(life, at, until)


def _between(life: InstanceLife, since: int, until: int) -> Iterator[tuple[int, int, str]]:
    """Nothing stands at the place that sets the pace: others of its instance still stop, or it waits."""
    if since >= until:
        return
    stopping = [
        until if pod.gone is None else min(pod.gone, until)
        for pod in life.pods
        if pod.deleting is not None and pod.deleting <= since and (pod.gone is None or pod.gone > since)
    ]
    gone = max(stopping, default=since)
    if gone > since:
        yield since, gone, "terminate"
    if until > gone:
        yield gone, until, "decide"


def _place_at(pod: PodLife, at: int) -> int:
    return max(0, bisect_right(pod.spans, at, key=lambda span: span.since) - 1)


def _span_at(pod: PodLife, at: int) -> Span | None:
    if not pod.spans:
        return None
    span = pod.spans[_place_at(pod, at)]
    return span if span.since <= at < span.until else None


def _overlaps(pod: PodLife, since: int, until: int) -> bool:
    return pod.created <= until and (pod.gone is None or pod.gone >= since)


def _pace(life: InstanceLife, since: int, until: int, *, ready: bool) -> PodLife | None:
    """The pod whose readiness made the instance ready, else one that is not ready, the one in trouble first."""
    pods = [pod for pod in life.pods if _overlaps(pod, since, until)]
    if ready:
        for pod in reversed(pods):
            span = _span_at(pod, until)
            if span is not None and (span.since, span.stage) == (until, SERVING):
                return pod
    waiting = [pod for pod in pods if (span := _span_at(pod, until)) is None or span.stage != SERVING]
    if not waiting:
        return pods[-1] if pods else None
    return max(waiting, key=lambda pod: (bool(pod.trouble), pod.created))
