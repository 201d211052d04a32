"""What became of each Deployment, and of the other kinds of apps/v1: counts, conditions, changes, how they went."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from itertools import takewhile
from typing import NamedTuple, Self

from msgspec import Struct, field

from kubeinfer_sim.cluster.fault_records import PodSlowed
from kubeinfer_sim.cluster.reasons import Refusal
from kubeinfer_sim.cluster.records import (
    ContainerDied,
    ImagePullFailed,
    ImagePullRetried,
    ImagePullStalled,
    PodDeleting,
    PodGone,
    PodNotReady,
    PodReady,
    PodRef,
)
from kubeinfer_sim.cluster.stages import SERVING
from kubeinfer_sim.controllers.deployment.progress import PAUSED, TIMED_OUT
from kubeinfer_sim.controllers.deployment.records import (
    DeploymentApplied,
    DeploymentStatus,
    PodEvicted,
    PodsRefused,
)
from kubeinfer_sim.controllers.kubeinfer.records import SpecApplied
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.engine.meter import End, Handlers
from kubeinfer_sim.metrics.attribution import CauseSummary
from kubeinfer_sim.metrics.cause_kinds import ORDERS, cause_kind, withholds_images
from kubeinfer_sim.metrics.changes import AppliedSpec, complete, exceed_deadline, supersede
from kubeinfer_sim.metrics.lives import InstanceLife
from kubeinfer_sim.metrics.losses import is_held_up
from kubeinfer_sim.metrics.owed import owed_from, owed_until
from kubeinfer_sim.metrics.pod_losses import Strike, Turn, pod_causes
from kubeinfer_sim.metrics.steps import Low, Steps

NO_CAUSES: Mapping[int, Record] = {}
#: Until the status counts that a pod is lost, at most, in ms.
_SEEN = 5_000
#: What takes a pod from those that are ready.
_LOST = (PodNotReady, PodDeleting, PodGone)


class DeploymentOutcome(StrEnum):
    """How a Deployment came out."""

    COMPLETES = "completes"  # all that was asked for is in place and available at the end
    NEVER = "neverFinishes"  # the run settled without that
    UNFINISHED = "unfinished"  # the run was stopped before
    PAUSED = "paused"  # it waits for a person
    DELETED = "deleted"  # by a person
    UNTOUCHED = "untouched"  # nothing was asked of it, and its pods ran on and stayed available


class Condition(NamedTuple):
    """The conditions from an instant on: Available, Progressing's status and reason ("" without one).

    `failure`: the reason of ReplicaFailure, "" while it is not True.
    """

    at: int
    available: bool
    progressing: str
    reason: str
    failure: str


class DeploymentChange(AppliedSpec):
    """An applied spec of a Deployment; in place is what is available, too.

    Attributes:
        leaves: which pods its update does not replace, or why it replaces none; "" where it replaces all.
    """

    leaves: str = ""

    @classmethod
    def of(cls, r: SpecApplied | DeploymentApplied) -> Self:
        """What a record says was applied."""
        change = super().of(r)
        if isinstance(r, DeploymentApplied):
            change.leaves = r.leaves
        return change

    @property
    def is_material(self) -> bool:
        """Whether pods have to come or go for it; what ran at the start was in place."""
        created = "created" in self.changed and self.label != "running"
        return created or not {"template", "replicas"}.isdisjoint(self.changed)


class Fewest(Struct, frozen=True):
    """The fewest pods that were available in a stretch of time.

    Attributes:
        kept: as many as should have been throughout, but for what disturbs.
        disturbed_by: what began that they were fewer, in order of time: no change of its own.
    """

    low: Low = Low(0, 0, 0)
    kept: int = 0
    disturbed_by: tuple[Record, ...] = ()


class DeploymentMeasures(Struct, dict=True):
    """One Deployment, ReplicaSet without one, StatefulSet or DaemonSet (`kind`) over a run; times in ms.

    Attributes:
        desired, ready, available, updated: pods over time, as its spec and status say.
        pods: the lives of its pods, by creation.
        evictions: how many of them somebody else deleted, by reason.
        refused: why the API server refuses its pods, as long as it does.
        slowed: its pods that a fault slowed, for a time or for good.
        during: the fewest pods available, from its first material change after its creation until the last one
            was in place (or the run ended), `since` to `until`; when there was none, as long as it is owed (`owed.py`).
            Between a deletion and another creation there are none.
        earlier: the fewest until then, as long as it is owed; None where there is no such time.
        later: the fewest from then on until the run ended, or it was deleted for good; None as above.
        asked: how many pods were wanted when.
        struck: what befell its pods, in order of time; `lacked_images`: something has held up a pull of theirs.
        first_causes: the initiating records of the run, by id.
        ended_at, end: of the run.
    """

    name: str
    kind: str = "Deployment"
    desired: Steps = field(default_factory=Steps)
    ready: Steps = field(default_factory=Steps)
    available: Steps = field(default_factory=Steps)
    updated: Steps = field(default_factory=Steps)
    conditions: list[Condition] = field(default_factory=list)
    changes: list[DeploymentChange] = field(default_factory=list)
    pods: tuple[InstanceLife, ...] = ()
    evictions: Counter[str] = field(default_factory=Counter)
    refused: Refusal | None = None
    slowed: set[PodRef] = field(default_factory=set)
    outcome: DeploymentOutcome = DeploymentOutcome.UNTOUCHED
    during: Fewest = Fewest()
    earlier: Fewest | None = None
    later: Fewest | None = None
    since: int = 0
    until: int = 0
    asked: list[Turn] = field(default_factory=list)
    struck: list[Strike] = field(default_factory=list)
    lacked_images: bool = False
    first_causes: Mapping[int, Record] = field(default_factory=dict)
    ended_at: int = 0
    end: End = "settled"

    @cached_property
    def causes(self) -> tuple[CauseSummary, ...]:
        """What began that fewer pods were ready than wanted while they are owed, dearest first.

        Of a DaemonSet none, for how many it wants follows its nodes.
        """
        if self.kind == "DaemonSet":
            return ()
        span = self.owed_from, owed_until(self.owed_from, self.ended_at, self.deleted)
        return pod_causes(self.asked, self.struck, self.pods, self.first_causes, span, self.end)

    @property
    def held_up_by(self) -> list[CauseSummary]:
        """What only held pods up on their way, dearest first: a registry that gives no image."""
        if not self.lacked_images:
            return []
        return [each for each in self.causes if withholds_images(each.began_with)]

    @property
    def low(self) -> Low:
        """The fewest pods available while it was worked at; as long as it existed when it was not."""
        return self.during.low

    @property
    def focus(self) -> DeploymentChange | None:
        """The last change for which pods come or go."""
        return next((change for change in reversed(self.changes) if change.is_material), None)

    @property
    def ends_of_containers(self) -> Counter[str]:
        """Why containers of its pods ended, or were killed, and how often."""
        return Counter(each.reason for each in self.struck if isinstance(each, ContainerDied))

    @property
    def kept(self) -> tuple[int, int]:
        """Of how many pods that are there at the end the template is not the newest, and how many these are."""
        newest = self.changes[-1].revision if self.changes else ""
        there = [
            life.revision
            for life in self.pods
            if life.pods and (life.pods[0].gone, life.pods[0].deleting, life.pods[0].finished) == (None,) * 3
        ]
        return sum(each != newest for each in there), len(there)

    @property
    def object_changes(self) -> list[DeploymentChange]:
        """What was asked of the object there is, since it was created last."""
        created = [place for place, change in enumerate(self.changes) if "created" in change.changed]
        return self.changes[created[-1] if created else 0 :]

    @property
    def owed_from(self) -> int:
        """From when on it is owed that its pods are available."""
        first = self.changes[0]
        return owed_from(self.desired, self.available, first.at, ran_at_start=first.label == "running")

    @property
    def deleted(self) -> int | None:
        """When it was deleted for good; None where it is there at the end."""
        last = self.changes[-1] if self.changes else None
        return last.at if last is not None and "deleted" in last.changed else None

    def condition_since(self, of: Callable[[Condition], object]) -> int:
        """Since when `of` the conditions has been what it is at the end, ms."""
        last = of(self.conditions[-1])
        return list(takewhile(lambda each: of(each) == last, reversed(self.conditions)))[-1].at

    @property
    def exceeded(self) -> list[tuple[int, int | None]]:
        """From when until when the progress deadline was reported as exceeded (None: until the end)."""
        times: list[tuple[int, int | None]] = []
        for condition in self.conditions:
            if times and times[-1][1] is None:
                if condition.reason != TIMED_OUT:
                    times[-1] = (times[-1][0], condition.at)
            elif condition.reason == TIMED_OUT:
                times.append((condition.at, None))
        return times

    @property
    def lasting(self) -> int:
        """Pods available at the end, and not for a moment only."""
        unstable = sum(life.unstable and life.pods[0].stage == SERVING for life in self.pods)
        return max(0, self.available.last - unstable)

    @property
    def missing(self) -> int:
        """Pods asked for and not available at the end, or for a moment only."""
        return max(0, self.desired.last - self.lasting)

    @property
    def holds(self) -> bool:
        """Whether nothing is left to wish for."""
        return self.outcome in (
            DeploymentOutcome.COMPLETES,
            DeploymentOutcome.DELETED,
            DeploymentOutcome.UNTOUCHED,
        )


class Deployments:
    """Follows the Deployments of a run."""

    def __init__(self) -> None:
        self._by_name: dict[tuple[str, str], DeploymentMeasures] = {}
        self._struck: list[Strike] = []
        self._unready: set[PodRef] = set()
        self._lack_images: set[tuple[str, str]] = set()

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            DeploymentApplied: self._applied,
            DeploymentStatus: self._status,
            PodEvicted: self._evicted,
            PodsRefused: self._refused,
            PodSlowed: self._slowed,
            PodNotReady: self._pod_unready,
            PodReady: self._pod_ready,
            PodDeleting: self._pod_lost,
            PodGone: self._pod_gone,
            ContainerDied: self._died,
            ImagePullStalled: self._lacks_image,
            ImagePullFailed: self._lacks_image,
            ImagePullRetried: self._pod_lost,
        }

    def _applied(self, record: DeploymentApplied) -> None:
        key = record.kind, record.deployment
        measures = self._by_name.setdefault(key, DeploymentMeasures(record.deployment, record.kind))
        change = DeploymentChange.of(record)
        if change.is_update:
            supersede((each for each in measures.changes if each.is_material), record.at)
        measures.changes.append(change)
        measures.desired.set(record.at, record.replicas)
        wanted = 0 if "deleted" in change.changed else record.replicas
        measures.asked.append(Turn(record.at, "asked", record.root, pods=wanted))
        if "deleted" in change.changed:
            supersede(measures.changes[:-1], record.at)
            change.completed = record.at
            for steps in (measures.ready, measures.available, measures.updated):
                steps.set(record.at, 0)

    def _status(self, record: DeploymentStatus) -> None:
        measures = self._by_name[record.kind, record.deployment]
        at, counts = record.at, record.counts
        measures.ready.set(at, counts.ready)
        measures.available.set(at, counts.available)
        measures.updated.set(at, counts.updated)
        measures.refused = measures.refused if record.failure else None
        if record.kind == "DaemonSet":
            # How many it should have depends on the nodes there are.
            measures.desired.set(at, counts.available + counts.unavailable)
        condition = Condition(at, record.available, record.progressing, record.reason, record.failure)
        if not measures.conditions or measures.conditions[-1][1:] != condition[1:]:
            measures.conditions.append(condition)
            if record.reason == TIMED_OUT:
                exceed_deadline(measures.object_changes, record.generation, at)
        if record.complete:
            complete(measures.object_changes, record.generation, at)

    def _refused(self, record: PodsRefused) -> None:
        self._by_name[record.kind, record.deployment].refused = record.refusal

    def _slowed(self, record: PodSlowed) -> None:
        ref = record.pod.instance
        measures = self._by_name.get((ref.kind, ref.owner))
        if measures is not None and 0 < record.factor < 1:
            measures.slowed.add(record.pod)

    def _evicted(self, record: PodEvicted) -> None:
        self._by_name[record.kind, record.deployment].evictions[record.reason] += 1

    def _pod_lost(self, record: Strike) -> None:
        if not record.pod.instance.has_roles:
            self._struck.append(record)

    def _pod_unready(self, record: PodNotReady) -> None:
        if not record.pod.instance.has_roles:
            self._unready.add(record.pod)
            self._struck.append(record)

    def _pod_gone(self, record: PodGone) -> None:
        if not record.pod.instance.has_roles:
            self._struck.append(record)
            if self._unready:
                self._unready.discard(record.pod)

    def _pod_ready(self, record: PodReady) -> None:
        # The first time its life tells.
        if self._unready and record.pod in self._unready:
            self._unready.discard(record.pod)
            self._pod_lost(record)

    def _died(self, record: ContainerDied) -> None:
        # Init containers end without anything being wrong.
        if record.exit_code or not record.init:
            self._pod_lost(record)

    def _lacks_image(self, record: ImagePullStalled | ImagePullFailed) -> None:
        if is_held_up(record):
            ref = record.pod.instance
            self._lack_images.add((ref.kind, ref.owner))
            self._pod_lost(record)

    def finish(
        self,
        ended_at: int,
        end: End,
        lives: Iterable[InstanceLife] = (),
        first_causes: Mapping[int, Record] = NO_CAUSES,
    ) -> tuple[DeploymentMeasures, ...]:
        """The numbers once the run is over, in the order in which the Deployments were created.

        `lives`: of pods, of whatever workload; `first_causes`: the initiating records, by id.
        """
        by_name: dict[tuple[str, str], list[InstanceLife]] = {key: [] for key in self._by_name}
        for life in lives:
            owner = life.instance.kind, life.instance.owner
            if owner in by_name:
                by_name[owner].append(life)
        for record in self._struck:
            ref = record.pod.instance
            owner = ref.kind, ref.owner
            if owner in self._by_name:
                self._by_name[owner].struck.append(record)
        for key, measures in self._by_name.items():
            measures.pods, measures.lacked_images = tuple(by_name[key]), key in self._lack_images
            measures.first_causes, measures.ended_at, measures.end = first_causes, ended_at, end
            _measure_availability(measures)
            measures.outcome = _outcome(measures, end)
        return tuple(self._by_name.values())


def _measure_availability(measures: DeploymentMeasures) -> None:
    """Find the fewest pods that were available before it was worked at, meanwhile, and afterwards."""
    ended_at, first_causes = measures.ended_at, measures.first_causes
    # When pods were lost, and by what initiating record. What befalls a pod that is lost already does not make them
    # fewer.
    lost: dict[int, list[int]] = {}
    lost_already: dict[PodRef, None] = {}
    for record in measures.struck:
        kind = type(record)
        if kind is PodReady:
            if record.pod in lost_already:
                del lost_already[record.pod]
        elif kind in _LOST and record.pod not in lost_already:
            lost_already[record.pod] = None
            lost.setdefault(record.root, []).append(record.at)
    # The instant of its deletion belongs to what comes after it.
    end = ended_at if measures.deleted is None else max(0, measures.deleted - 1)
    asked = [change for change in measures.changes if "created" not in change.changed and change.at <= end]
    later = [change for change in asked if change.is_material or "deleted" in change.changed]
    focus, began = measures.focus, measures.changes[0].at
    done = focus.completed if focus is not None else None
    measures.since = min(later[0].at if later else measures.owed_from, end)
    measures.until = end if not later or done is None else min(done, end)
    unavailable = focus.unavailable if focus is not None and focus.is_update else 0

    def fewest(since: int, until: int, unavailable: int = 0) -> Fewest:
        low = measures.available.lowest(since, until)
        # Of a scaling both numbers: until its new pods are available, nothing is amiss.
        before = measures.desired.at(since - 1) if since > began else measures.desired.at(since)
        wanted = min(before, *measures.desired.between(since, until))
        kept = max(0, wanted - unavailable)
        if low.value >= kept:
            return Fewest(low, kept)
        begins = measures.available.last_at_least(wanted, low.at)
        if measures.available.at(since - 1) >= before:
            begins = max(begins, since)
        # Where no update may take any, whoever took some made them fewer, now or then.
        # Before the first of them was there nobody could take any: what came later did not do that.
        none_yet = not low.value and low.at <= began
        last = low.at + low.lasting if unavailable or none_yet else until
        return Fewest(low, kept, tuple(_disturbances(begins, last, lost, first_causes)))

    measures.during = fewest(measures.since, measures.until, unavailable)
    owed = measures.owed_from
    measures.earlier = fewest(owed, measures.since) if owed < measures.since else None
    measures.later = fewest(measures.until, end) if measures.until < end else None


def _disturbances(
    begins: int, last: int, lost: Mapping[int, Sequence[int]], first_causes: Mapping[int, Record]
) -> Iterator[Record]:
    """What began losses of pods from `begins` (a status counts them late) to `last`."""
    for root, times in lost.items():
        first = bisect_left(times, begins - _SEEN)
        then = first < len(times) and times[first] <= last
        began_with = first_causes.get(root)
        orders = isinstance(began_with, DeploymentApplied) or cause_kind(began_with) in ORDERS
        if not orders and began_with is not None and then:
            yield began_with


def _outcome(measures: DeploymentMeasures, end: str) -> DeploymentOutcome:
    if measures.deleted is not None:
        return DeploymentOutcome.DELETED
    focus = measures.focus
    in_place = focus is None or focus.completed is not None
    if in_place and not measures.missing:
        pods_moved = len(measures.pods) > (measures.changes[0].replicas if measures.changes else 0)
        restarted = any(life.container_restarts for life in measures.pods)
        # A DaemonSet wants fewer pods where its nodes are fewer: what it lost is not missing.
        lost = any(not pod.stays for life in measures.pods for pod in life.pods)
        disturbed = pods_moved or restarted or lost or measures.low.value < measures.desired.last
        touched = focus is not None or disturbed
        return DeploymentOutcome.COMPLETES if touched else DeploymentOutcome.UNTOUCHED
    reason = measures.conditions[-1].reason if measures.conditions else ""
    if reason == PAUSED:
        return DeploymentOutcome.PAUSED
    # What was complete once has no deadline any more: what is missing may yet come after the horizon.
    if end == "horizon" and reason != TIMED_OUT:
        return DeploymentOutcome.UNFINISHED
    return DeploymentOutcome.NEVER
