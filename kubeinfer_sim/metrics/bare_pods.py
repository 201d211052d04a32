"""What became of each Pod that no controller makes."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from kubeinfer_sim.cluster.records import PodDeleting, PodFinished, PodNotReady, PodReady, PodRemoved
from kubeinfer_sim.controllers.pod.records import BarePodApplied
from kubeinfer_sim.engine.meter import End, Handlers
from kubeinfer_sim.metrics.lives import InstanceLife

#: Why a person's deletion says it is.
DELETED = ("Deleted", "Evicted", "ForceDeleted")


class BarePodOutcome(StrEnum):
    """How a Pod came out."""

    READY = "ready"  # in the end
    SUCCEEDED = "succeeded"  # its containers have ended well, and are not started again
    DELETED = "deleted"  # by a person
    UNTOUCHED = "untouched"  # it ran all the time, and nothing happened to it
    FAILED = "failed"  # its containers have ended, not well, and are not started again
    LOST = "lost"  # something else has deleted it, and nobody makes another
    NEVER = "neverReady"  # the run settled without that
    UNFINISHED = "unfinished"  # the run was stopped before


class BarePodMeasures(Struct):
    """One Pod over a run; times in ms.

    Attributes:
        life: what it went through.
        ran_at_start: it ran already when the simulation began.
        ready: it is so in the end.
        disturbed: it lost its readiness, or was deleted.
        phase: `Succeeded` or `Failed` once it is over, with `over` when; "" before.
        deleted: why it was deleted; "" where it was not.
    """

    name: str
    created: int
    ran_at_start: bool
    life: InstanceLife | None = None
    ready: bool = False
    disturbed: bool = False
    phase: str = ""
    over: int | None = None
    deleted: str = ""
    outcome: BarePodOutcome = BarePodOutcome.UNTOUCHED

    @property
    def holds(self) -> bool:
        """Whether nothing is left to wish for."""
        return self.outcome in (
            BarePodOutcome.READY,
            BarePodOutcome.SUCCEEDED,
            BarePodOutcome.DELETED,
            BarePodOutcome.UNTOUCHED,
        )


class BarePods:
    """Follows the Pods of a run that no controller makes."""

    def __init__(self) -> None:
        self._by_uid: dict[int, BarePodMeasures] = {}

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            BarePodApplied: self._applied,
            PodNotReady: self._not_ready,
            PodReady: self._ready,
            PodFinished: self._finished,
            PodDeleting: self._deleting,
            PodRemoved: self._deleting,
        }

    def _applied(self, record: BarePodApplied) -> None:
        instance = record.pod.instance
        self._by_uid[instance.uid] = BarePodMeasures(instance.owner, record.at, record.label == "running")

    def _ready(self, record: PodReady) -> None:
        if (measures := self._by_uid.get(record.pod.instance.uid)) is not None:
            measures.ready = True
            measures.ran_at_start = measures.ran_at_start and record.at == measures.created

    def _not_ready(self, record: PodNotReady) -> None:
        if (measures := self._by_uid.get(record.pod.instance.uid)) is not None:
            measures.ready, measures.disturbed = False, True

    def _finished(self, record: PodFinished) -> None:
        measures = self._by_uid.get(record.pod.instance.uid)
        if measures is not None and not measures.deleted:
            measures.phase, measures.over = record.phase, record.at

    def _deleting(self, record: PodDeleting | PodRemoved) -> None:
        """What is removed while it is being deleted was deleted for the first reason."""
        if (measures := self._by_uid.get(record.pod.instance.uid)) is not None:
            measures.deleted, measures.disturbed = measures.deleted or record.reason, True

    def finish(
        self, ended_at: int, end: End, lives: Iterable[InstanceLife] = ()
    ) -> tuple[BarePodMeasures, ...]:
        """The numbers once the run is over, in the order in which the Pods were created; `lives`: of all pods."""
        by_uid = {life.instance.uid: life for life in lives if life.instance.is_bare_pod}
        for uid, measures in self._by_uid.items():
            measures.life = by_uid.get(uid)
            measures.outcome = _outcome(measures, end)
        return tuple(self._by_uid.values())


def _outcome(measures: BarePodMeasures, end: End) -> BarePodOutcome:
    life = measures.life
    pod = life.pods[0] if life is not None and life.pods else None
    open_ = BarePodOutcome.UNFINISHED if end == "horizon" else BarePodOutcome.NEVER
    if pod is None:
        return open_
    if pod.gone is not None or measures.deleted:
        if measures.deleted not in ("", *DELETED) and not measures.phase:
            return BarePodOutcome.LOST
        return BarePodOutcome.DELETED if pod.gone is not None else open_
    if measures.phase:
        return BarePodOutcome.SUCCEEDED if measures.phase == "Succeeded" else BarePodOutcome.FAILED
    if not measures.ready or (life is not None and life.unstable):
        return open_
    untouched = measures.ran_at_start and not measures.disturbed
    return BarePodOutcome.UNTOUCHED if untouched else BarePodOutcome.READY
