"""The pods that their nodes' kubelets have rejected, by who made them, where and why."""

from __future__ import annotations

from msgspec import Struct

from kubeinfer_sim.cluster.records import (
    PodBound,
    PodDeleting,
    PodGone,
    PodRef,
    PodRejected,
    RejectionsGoOn,
)
from kubeinfer_sim.engine.meter import End, Handlers

Key = tuple[str, str, str, str]


class Rejections(Struct):
    """Pods of one owner that one node has rejected for one reason.

    Attributes:
        kind, owner: what made them.
        message: of the first.
        first, last: when, ms.
        number: how many, as far as they were played.
        per_second: they are rejected without a pause, so many a second, to the end of the run; None: they are not.
    """

    kind: str
    owner: str
    node: str
    reason: str
    message: str
    first: int
    last: int
    number: int = 0
    per_second: int | None = None


class RejectionsMeter:
    """Collects them, in order of time."""

    def __init__(self) -> None:
        self._of: dict[Key, Rejections] = {}
        self._standing: dict[PodRef, Key] = {}  # pods that stand for all that follow

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            PodRejected: self._one_more,
            RejectionsGoOn: self._goes_on,
            PodBound: self._over,
            PodDeleting: self._over,
            PodGone: self._over,
        }

    def _one_more(self, record: PodRejected) -> None:
        self._rejected(record)

    def _rejected(self, record: PodRejected | RejectionsGoOn) -> Rejections:
        instance = record.pod.instance
        key = (instance.kind, instance.owner, record.node, record.reason)
        rejections = self._of.get(key)
        if rejections is None:
            rejections = self._of[key] = Rejections(*key, record.message, record.at, record.at)
        rejections.last = record.at
        rejections.number += 1
        return rejections

    def _goes_on(self, record: RejectionsGoOn) -> None:
        rejections = self._rejected(record)
        rejections.per_second = record.per_second
        self._standing[record.pod] = (rejections.kind, rejections.owner, rejections.node, rejections.reason)

    def _over(self, record: PodBound | PodDeleting | PodGone) -> None:
        """What goes on is over when the pod that stands for it is taken, or goes."""
        if self._standing and (key := self._standing.pop(record.pod, None)) is not None:
            self._of[key].per_second = None

    def finish(self, ended_at: int, end: End) -> tuple[Rejections, ...]:
        """All of them."""
        return tuple(self._of.values())
