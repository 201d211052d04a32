"""Every lost instance-millisecond, charged to what began it and to the stage it was spent in.

Lost is what is missing: max(0, desired - ready), as everywhere. While `d` instances are missing, `d` of those that are
not ready are charged: first those on their way back or up (the ones longest not ready first), then those that are
going, then instances that do not exist yet. So the charges add up to the loss, to the millisecond.

An instance's cause is found by following the history back from the record that took its readiness away (or, when it was
never ready, created it) to one that nothing in the history caused: an update, a drain, a machine's death, a fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from statistics import fmean

from kubeinfer_sim.controllers.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDeleting,
    InstanceFailed,
    InstanceGone,
    InstanceReady,
    InstanceRestarting,
    SpecApplied,
)
from kubeinfer_sim.engine.history import NO_CAUSE, History, Record
from kubeinfer_sim.metrics.lives import CLEAN_UP, HANGING, SERVING, InstanceLife, PodLife, Span
from kubeinfer_sim.metrics.measure import Measures
from kubeinfer_sim.metrics.steps import segments

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
    "not ready": "detect",
    HANGING: "detect",
    SERVING: "detect",
    "back-off": "decide",
    "": "decide",
    "preStop": "terminate",
    "exit": "terminate",
    "cleanup": "terminate",
    CLEAN_UP: "terminate",
    "sidecar exit": "terminate",
    "pending": "waitForNpu",
    "bind": "waitForNpu",
    "create": "image",
    "pull back-off": "image",
    "barrier": "gang",
    "rankTable": "gang",
    "import": "engine",
    "communicator": "engine",
    "weights": "weights",
    "graph": "graph",
    "warmUp": "warmUp",
    "probes": "probe",
    "restart": "restart",
}


@dataclass(frozen=True, slots=True)
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
    """What one initiating record cost.

    Attributes:
        lost: stage -> instance-ms.
        incidents: how many instances it took out of readiness (first starts not counted).
        detection, repair: mean ms from the record until not ready, and from then until ready again; None if never.
    """

    cause: int
    lost: Counter[str] = field(default_factory=Counter)
    incidents: int = 0
    detection: float | None = None
    repair: float | None = None

    @property
    def total(self) -> int:
        """Instance-ms in all."""
        return self.lost.total()


def root(history: History, number: int) -> int:
    """The id of the record that began what led to a record."""
    while number != NO_CAUSE and (cause := history[number].cause) != NO_CAUSE:
        number = cause
    return number


@dataclass(slots=True)
class _Stretch:
    """A time in which an instance exists and is not ready."""

    life: InstanceLife
    since: int
    cause: int
    going: bool
    first: bool
    until: int = 0
    ready: bool = False


def incidents(history: History) -> list[Incident]:
    """All incidents, in order of their beginning."""
    found = []
    for stretch in _stretches(history, {}, history[len(history) - 1].at if len(history) else 0):
        if stretch.going:
            continue
        began = history[stretch.cause].at if stretch.cause != NO_CAUSE else stretch.since
        ref = stretch.life.instance
        until = stretch.until if stretch.ready else None
        found.append(Incident(ref.name, ref.uid, stretch.cause, began, stretch.since, until, stretch.first))
    return sorted(found, key=lambda each: (each.since, each.uid))


def attribute(history: History, measures: Measures) -> list[CauseSummary]:
    """What each initiating record cost between the beginning and the end of `measures.whole`, dearest first."""
    lives = {life.instance.uid: life for life in measures.instances}
    summaries: dict[int, CauseSummary] = {}

    def of(cause: int) -> CauseSummary:
        return summaries.setdefault(cause, CauseSummary(cause))

    specs = list(history.of(SpecApplied))
    stretches = list(_stretches(history, lives, measures.ended_at))
    for at, until, missing, charged in _sweep(stretches, measures):
        for stretch, stage in charged:
            of(stretch.cause).lost[stage] += until - at
        if rest := missing - len(charged):
            newest = max((spec for spec in specs if spec.at <= at), key=lambda spec: spec.id)
            of(newest.id).lost["decide"] += rest * (until - at)
    _add_times(history, [each for each in stretches if not each.going and not each.first], of)
    found = [each for each in summaries.values() if each.total or each.incidents]
    return sorted(found, key=lambda each: (-each.total, each.cause))


def _add_times(history: History, stretches: Sequence[_Stretch], of: Callable[[int], CauseSummary]) -> None:
    detection: dict[int, list[int]] = {}
    repair: dict[int, list[int]] = {}
    for each in stretches:
        summary = of(each.cause)
        summary.incidents += 1
        if each.cause != NO_CAUSE:
            detection.setdefault(each.cause, []).append(each.since - history[each.cause].at)
        if each.ready:
            repair.setdefault(each.cause, []).append(each.until - each.since)
    for cause, values in detection.items():
        of(cause).detection = fmean(values)
    for cause, values in repair.items():
        of(cause).repair = fmean(values)


def _stretches(history: History, lives: dict[int, InstanceLife], ended_at: int) -> Iterator[_Stretch]:
    """Every time in which an instance exists and is not ready."""
    open_: dict[int, _Stretch] = {}

    def life_of(record: Record) -> InstanceLife:
        ref = record.instance  # type: ignore[attr-defined]
        return lives.get(ref.uid) or lives.setdefault(ref.uid, InstanceLife(ref, "", record.at))

    def close(uid: int, at: int, *, ready: bool) -> Iterator[_Stretch]:
        if (stretch := open_.pop(uid, None)) is not None:
            stretch.until, stretch.ready = at, ready
            yield stretch

    for record in history:
        match record:
            case InstanceCreated():
                cause = root(history, record.id)
                open_[record.instance.uid] = _Stretch(life_of(record), record.at, cause, False, True)
            case InstanceReady():
                yield from close(record.instance.uid, record.at, ready=True)
            case InstanceConcerning() | InstanceRestarting() | InstanceFailed():
                if record.instance.uid not in open_:
                    cause = root(history, record.id)
                    open_[record.instance.uid] = _Stretch(life_of(record), record.at, cause, False, False)
            case InstanceDeleting():
                yield from close(record.instance.uid, record.at, ready=False)
                cause = root(history, record.id)
                open_[record.instance.uid] = _Stretch(life_of(record), record.at, cause, True, False)
            case InstanceGone():
                yield from close(record.instance.uid, record.at, ready=False)
    for uid in list(open_):
        yield from close(uid, ended_at, ready=False)


def _sweep(
    stretches: Sequence[_Stretch], measures: Measures
) -> Iterator[tuple[int, int, int, list[tuple[_Stretch, str]]]]:
    """Pieces of time with instances missing: (since, until, how many, who is charged with which stage)."""
    begins: dict[int, list[int]] = {}
    ends: dict[int, list[int]] = {}
    changes: dict[int, list[tuple[int, str]]] = {}
    whole = measures.whole
    for number, stretch in enumerate(stretches):
        begins.setdefault(stretch.since, []).append(number)
        ends.setdefault(stretch.until, []).append(number)
        for at, stage in _stages(stretch):
            changes.setdefault(at, []).append((number, stage))
    cuts = sorted({*begins, *ends, *changes})
    active: dict[int, tuple[bool, int, int]] = {}
    stage_of: dict[int, str] = {}
    place = 0
    for since, until, (wanted, ready) in segments(
        (measures.desired, measures.ready), whole.since, whole.until
    ):
        at = since
        while at < until:
            while place < len(cuts) and cuts[place] <= at:
                now = cuts[place]
                for number in ends.get(now, ()):
                    active.pop(number, None)
                for number in begins.get(now, ()):
                    if stretches[number].until > now:
                        active[number] = (stretches[number].going, stretches[number].since, number)
                stage_of.update(changes.get(now, ()))
                place += 1
            upto = min(until, cuts[place]) if place < len(cuts) else until
            missing = wanted - ready
            if missing > 0:
                chosen: Iterable[int] = active
                if len(active) > missing:
                    chosen = nsmallest(missing, active, key=active.__getitem__)
                yield at, upto, missing, [(stretches[n], stage_of.get(n, "decide")) for n in chosen]
            at = upto


def _stages(stretch: _Stretch) -> Iterator[tuple[int, str]]:
    """(ms, stage from then on) of a stretch: the stages of the pods at the place that set its pace."""
    yield stretch.since, "terminate" if stretch.going else "decide"
    if stretch.going:
        return
    pace = _pace(stretch)
    at = stretch.since
    for span in sorted(_spans(stretch, pace), key=lambda each: each.since):
        begins, ends = max(span.since, at), min(span.until, stretch.until)
        if ends <= begins:
            continue
        if begins > at:
            yield at, "decide"
        yield begins, _stage(span.stage)
        at = ends
    if at < stretch.until:
        yield at, "decide"


def _spans(stretch: _Stretch, pace: PodLife | None) -> Iterator[Span]:
    for pod in () if pace is None else stretch.life.pods:
        if pace is not None and pod.pod.place == pace.pod.place:
            yield from pod.spans


def _pace(stretch: _Stretch) -> PodLife | None:
    """The pod that became ready when the stretch ended, else one that is not ready, the one in trouble first."""
    until = stretch.until
    pods = [
        pod
        for pod in stretch.life.pods
        if pod.created <= until and (pod.gone is None or pod.gone >= stretch.since)
    ]
    if stretch.ready:
        for pod in reversed(pods):
            if any(span.since == until and span.stage == SERVING for span in pod.spans):
                return pod
    waiting = [
        pod for pod in pods if not any(s.stage == SERVING and s.since <= until < s.until for s in pod.spans)
    ]
    if not waiting:
        return pods[-1] if pods else None
    return max(waiting, key=lambda pod: (bool(pod.trouble), pod.created))


def _stage(name: str) -> str:
    word = name.partition(" ")[0]
    if word in ("image", "init", "sidecar") and name not in _STAGE_OF:
        return "image"
    return _STAGE_OF.get(name, "decide")
