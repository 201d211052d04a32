"""A run at one time: which instances were ready, since when the others were not, why, and until when.

Everything is read from the history of the whole run, so it also tells how each state ends. A pod that is not a
KubeInfer's counts as an instance of its own.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

from msgspec import Struct

from kubeinfer_sim.cluster.records import (
    ContainerDied,
    GangPending,
    GangScheduled,
    InstanceRef,
    PodDeleting,
    PodFinished,
    PodGone,
    PodRef,
    PodRejected,
)
from kubeinfer_sim.cluster.stages import PENDING, SERVING, StageName
from kubeinfer_sim.controllers.deployment.records import DeploymentApplied, DeploymentStatus, PodsRefused
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceCreated,
    InstanceDegraded,
    InstanceRestarting,
    InstanceRestored,
    RestartBackOff,
    SpecApplied,
)
from kubeinfer_sim.controllers.pod.records import BarePodApplied
from kubeinfer_sim.engine.history import History, Record
from kubeinfer_sim.engine.meter import OnePass
from kubeinfer_sim.metrics.courses import Course, Courses, State
from kubeinfer_sim.metrics.lives import InstanceLife, PodLife, Span
from kubeinfer_sim.metrics.lives_meter import LivesMeter
from kubeinfer_sim.metrics.nodes import Nodes, StrandedPod
from kubeinfer_sim.metrics.refusals import is_refusal
from kubeinfer_sim.metrics.under_way import Lasting, under_way

Ending = Literal["ready", "notReady", "failed", "terminating", "gone", "never"]


class PodMoment(Struct, frozen=True):
    """A pod that is not ready: its stage, from `since` to `until` in ms (None: to the end of the run).

    `node` is "" while it has none.
    """

    pod: PodRef
    node: str
    stage: StageName
    since: int
    until: int | None
    regime: str


class InstanceMoment(Struct, frozen=True):
    """An instance (or a pod that is none of one) that exists at the time.

    Attributes:
        since: since when it is in this state, ms; an instance that is rebuilt is not ready since it first was not.
        pods: those that exist and are not ready, what keeps the instance waiting longest first.
        absent: whether none of its pods exists.
        given_up: pods it gave up for others of its own (Degrade) and has not got back.
        causes: what led to it, from the initiating record to the latest, by their ids.
        ending: how the state ends, `ended_at` when (ms); `never`, None: not within the run.
        following: the records that lead from here to that end, in order of time.
        failures_before: by id of a step of `causes` or `following` that no other step of them leads to: the failures
            between it and the step before it, which the chains leave out.
        life: all of its life, as it is at the end of the run.
        stranded: its pods that are on nodes that are down then.
    """

    instance: InstanceRef
    state: State
    since: int
    pods: tuple[PodMoment, ...]
    absent: bool
    given_up: int
    causes: tuple[Record, ...]
    ending: Ending
    ended_at: int | None
    following: tuple[Record, ...]
    failures_before: Mapping[int, tuple[Record, ...]]
    life: InstanceLife
    stranded: Mapping[PodRef, StrandedPod]


class DeploymentMoment(Struct, frozen=True):
    """How many pods of a Deployment, or a ReplicaSet without one (`kind`), are wanted and ready.

    `refused`: the API server's words, while it refuses its pods: the latest. It has since `refused_since` ms.
    """

    name: str
    wanted: int
    ready: int
    kind: str = "Deployment"
    refused: PodsRefused | None = None
    refused_since: int = 0


class Moment(Struct, frozen=True):
    """A run at one time.

    Attributes:
        wanted, ready: instances, of all KubeInfers; both 0 without any.
        quiet: nothing has happened yet but what began running at the start; `first` is the first thing that does.
        under_way: what lasts: machines that are down, NPUs that are broken or out of service, cordons,
            drains that are held, a stalled update.
        refused: what kubectl or the API server has refused, or kubectl given up, by then.
        instances: those that exist, the KubeInfer's by ordinal, then all other pods.
    """

    at: int
    wanted: int
    ready: int
    quiet: bool
    first: Record | None
    under_way: tuple[Lasting, ...]
    refused: tuple[Record, ...]
    instances: tuple[InstanceMoment, ...]
    deployments: tuple[DeploymentMoment, ...]


class _Latest:
    """The latest records up to a time about each pod, and about each instance as a whole, its place, its losses."""

    def __init__(self) -> None:
        self.pods: dict[PodRef, int] = {}
        self.instances: dict[tuple[InstanceRef, bool], int] = {}
        self.given_up: dict[InstanceRef, int] = {}
        self.degraded: dict[InstanceRef, int] = {}

    def follow(self, record: Record) -> None:
        """Take the next record."""
        if isinstance(record, InstanceDegraded):
            more = sum(pods for _, pods in record.given_up)
            self.given_up[record.instance] = self.given_up.get(record.instance, 0) + more
            self.degraded[record.instance] = record.id
        elif isinstance(record, InstanceRestored | InstanceRestarting):
            self.given_up.pop(record.instance, None)
            self.degraded.pop(record.instance, None)
        pod, instance = getattr(record, "pod", None), getattr(record, "instance", None)
        if isinstance(pod, PodRef):
            self.pods[pod] = record.id
        elif isinstance(instance, InstanceRef):
            place = isinstance(record, GangPending | GangScheduled | RestartBackOff)
            self.instances[instance, place] = record.id

    def of(self, instance: InstanceRef, waiting: list[PodLife]) -> set[int]:
        """Those about an instance, and about the pod it waits for longest."""
        latest = {self.instances.get((instance, place)) for place in (False, True)}
        if waiting:
            latest.add(self.pods.get(waiting[0].pod))
        return {number for number in latest if number is not None}


class _Places:
    """What held the places that were given away: the last pod that had gone from one of their nodes."""

    def __init__(self) -> None:
        self._nodes: dict[PodRef, str] = {}
        self._left: dict[str, Record] = {}
        self._deleting: dict[PodRef, int] = {}
        self.before: dict[int, tuple[Record, int | None]] = {}
        """By number of a placement: what freed the place, and the number of its pod's deletion."""

    def follow(self, record: Record) -> None:
        """Take the next record."""
        match record:
            case PodDeleting():
                self._deleting[record.pod] = record.id
            case PodGone() | PodFinished() if (node := self._nodes.pop(record.pod, None)) is not None:
                self._left[node] = record
            case GangScheduled():
                left = [self._left[node] for _, node in record.nodes if node in self._left]
                if left:
                    last: Any = max(left, key=lambda each: each.id)
                    self.before[record.id] = last, self._deleting.get(last.pod)
                self._nodes.update(record.nodes)


class _Failures:
    """The failures of each instance: its containers that died, its pods that their nodes rejected."""

    def __init__(self) -> None:
        self._of: dict[InstanceRef, list[Record]] = {}

    def follow(self, record: Record) -> None:
        """Take the next record."""
        died = isinstance(record, ContainerDied) and not (record.init and record.exit_code == 0)
        if died or isinstance(record, PodRejected):
            pod: PodRef = record.pod  # type: ignore[attr-defined]
            self._of.setdefault(pod.instance, []).append(record)

    def left_out(
        self, instance: InstanceRef, causes: Sequence[Record], following: Sequence[Record]
    ) -> dict[int, tuple[Record, ...]]:
        """Those between steps that do not lead to each other, by the id of the later one."""
        steps, failures = [*causes, *following], self._of.get(instance, [])
        told = {step.id for step in steps}
        found: dict[int, tuple[Record, ...]] = {}
        for before, step in pairwise(steps):
            if step.cause not in told:
                between = (
                    bisect(failures, each.id, key=lambda failure: failure.id) for each in (before, step)
                )
                if left_out := tuple(each for each in failures[slice(*between)] if each.id not in told):
                    found[step.id] = left_out
        return found


class Which(Struct, frozen=True):
    """The instances of a KubeInfer with an ordinal; without an `owner`, of every KubeInfer."""

    owner: str
    ordinal: int

    def means(self, ref: InstanceRef) -> bool:
        """Whether this is one of them."""
        return ref.has_roles and ref.ordinal == self.ordinal and self.owner in ("", ref.owner)


def look(history: History, at: int, ended_at: int, *, only: Which | None = None) -> Moment:
    """The run at `at` ms, after all that happened in that instant.

    Args:
        history: of the whole run.
        at: between 0 and `ended_at`.
        ended_at: the end of the run, ms.
        only: say everything about these instances, and nothing about others.
    """
    lives, nodes = LivesMeter(), Nodes()
    one_pass = OnePass([lives, nodes])
    courses = Courses()
    wanted: dict[str, int] = {}
    by_deployment: dict[tuple[str, str], list[int]] = {}
    refused: dict[tuple[str, str], PodsRefused] = {}
    since: dict[tuple[str, str], int] = {}
    latest, places, failures = _Latest(), _Places(), _Failures()
    for record in history:
        one_pass.observe(record)
        places.follow(record)
        failures.follow(record)
        if record.at <= at:
            latest.follow(record)
        courses.follow(record)
        if isinstance(record, SpecApplied) and record.at <= at:
            wanted[record.kubeinfer] = record.replicas
        elif isinstance(record, DeploymentApplied) and record.at <= at:
            by_deployment[record.kind, record.deployment] = [record.replicas, 0]
        elif isinstance(record, PodsRefused) and record.at <= at:
            if (record.kind, record.deployment) not in refused:
                since[record.kind, record.deployment] = record.at
            refused[record.kind, record.deployment] = record
        elif isinstance(record, DeploymentStatus) and record.at <= at and not record.failure:
            refused.pop((record.kind, record.deployment), None)
    # A millisecond later, so that what begins at the end of the run is seen to have begun.
    life_of = {life.instance: life for life in lives.finish(ended_at + 1, "horizon")}
    stranded = nodes.finish(ended_at, "horizon").stranded
    instances = []
    for course in courses:
        place = course.at(at)
        if place < 0 or course.states[place][0] == "gone":
            continue
        owner = course.instance.kind, course.instance.owner
        if course.states[place][0] == "ready" and owner in by_deployment:
            by_deployment[owner][1] += 1
        if only is None or only.means(course.instance):
            instances.append(
                _instance(
                    history,
                    course,
                    place,
                    life_of[course.instance],
                    stranded,
                    latest,
                    places,
                    failures,
                    at,
                    ended_at,
                )
            )
    there = [c for c in courses if c.instance.has_roles]
    ready_now = sum(c.states[p][0] == "ready" for c in there if (p := c.at(at)) >= 0)
    begun = _initial(history)
    return Moment(
        at=at,
        wanted=sum(wanted.values()),
        ready=ready_now,
        quiet=not any(record.at <= at and record.id not in begun for record in history),
        first=next((record for record in history if record.id not in begun), None),
        under_way=tuple(under_way(history, at)),
        refused=tuple(each for each in history if each.at <= at and is_refusal(each)),
        instances=tuple(sorted(instances, key=_order)),
        deployments=tuple(
            DeploymentMoment(name, asked, there, kind, refused.get((kind, name)), since.get((kind, name), 0))
            for (kind, name), (asked, there) in by_deployment.items()
        ),
    )


def instances_ever(history: History) -> list[InstanceRef]:
    """All instances of KubeInfers there ever are in the run."""
    return [record.instance for record in history.of(InstanceCreated)]


def _order(moment: InstanceMoment) -> tuple[bool, str, int, int]:
    ref = moment.instance
    return (not ref.has_roles, ref.owner, ref.ordinal, ref.uid)


def _initial(history: History) -> set[int]:
    """The records of what ran already when the simulation began."""
    begun: set[int] = set()
    for record in history:
        if record.at > 0:
            break
        if isinstance(record, SpecApplied | DeploymentApplied | BarePodApplied):
            if "created" in record.changed and record.label == "running":
                begun.add(record.id)
        elif record.cause in begun:
            begun.add(record.id)
    return begun


def _instance(
    history: History,
    course: Course,
    place: int,
    life: InstanceLife,
    stranded: Mapping[PodRef, StrandedPod],
    latest: _Latest,
    places: _Places,
    failures: _Failures,
    at: int,
    ended_at: int,
) -> InstanceMoment:
    state, began = course.states[place]
    assert state != "gone"
    next_state: Ending = "never"
    end: Record | None = None
    if place + 1 < len(course.states):
        next_, end = course.states[place + 1]
        assert next_ != "starting"  # an instance starts once
        next_state = next_
    alive = [pod for pod in life.pods if pod.created <= at and (pod.gone is None or pod.gone > at)]
    waiting = [] if state == "ready" else [pod for pod in alive if not _serves(pod, at)]
    waiting.sort(key=lambda pod: _pace(pod, end))
    causes = {began.id}
    if state == "starting":
        causes |= course.inherited()
    if state != "ready":
        causes |= {number for number in latest.of(course.instance, waiting) if number > began.id}
    if course.instance in latest.degraded:
        causes.add(latest.degraded[course.instance])
    following: list[Record] = []
    if end is not None:
        following = [record for record in reversed(history.chain(end.id)) if record.at > at]
        if (freed := _freed(following, began, places)) is not None:
            left, deletion = freed
            if left.at > at and left not in following:
                following = sorted([*following, left], key=lambda record: record.id)
            if deletion is not None and history[deletion].at <= at:
                causes.add(deletion)
    led_to = tuple(_causes(history, causes))
    return InstanceMoment(
        instance=course.instance,
        state=state,
        since=began.at,
        pods=tuple(_pod(pod, at, ended_at) for pod in waiting),
        absent=not alive,
        given_up=latest.given_up.get(course.instance, 0),
        causes=led_to,
        ending=next_state,
        ended_at=None if end is None else end.at,
        following=tuple(following),
        failures_before=failures.left_out(course.instance, led_to, following),
        life=life,
        stranded={pod: each for pod, each in stranded.items() if pod.instance == course.instance},
    )


def _freed(following: Sequence[Record], began: Record, places: _Places) -> tuple[Record, int | None] | None:
    """Of an instance that waits for a place and will get one: what frees it, and that pod's deletion."""
    placed = next((record for record in following if isinstance(record, GangScheduled)), None)
    freed = None if placed is None else places.before.get(placed.id)
    return None if freed is None or freed[0].at < began.at else freed


def _causes(history: History, numbers: Iterable[int]) -> Iterator[Record]:
    """The chains of all these records as one, in order of time."""
    chain = {record.id: record for number in numbers for record in history.chain(number)}
    return (chain[number] for number in sorted(chain))


def _serves(pod: PodLife, at: int) -> bool:
    span = _span(pod, at)
    return span is not None and span.stage == SERVING


def _span(pod: PodLife, at: int) -> Span | None:
    """The stretch of its life a pod is in: the last that begins by then."""
    return next((span for span in reversed(pod.spans) if span.since <= at), None)


def _pace(pod: PodLife, end: Record | None) -> tuple[int, bool, PodRef]:
    """The pod that is ready last comes first; of those alike, one in trouble."""
    until = end.at if end is not None else None
    ready = [
        span.since for span in pod.spans if span.stage == SERVING and (until is None or span.since <= until)
    ]
    return (-ready[-1] if ready else (0 if until is None else -until), not pod.trouble, pod.pod)


def _pod(pod: PodLife, at: int, ended_at: int) -> PodMoment:
    span = _span(pod, at)
    if span is None:
        return PodMoment(pod.pod, "", PENDING, pod.created, None, "")
    node = "" if span.stage == PENDING else pod.node
    until = span.until if span.until <= ended_at else None
    return PodMoment(pod.pod, node, span.stage, span.since, until, span.regime)
