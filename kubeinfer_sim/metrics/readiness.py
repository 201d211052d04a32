"""How many instances were wanted and how many were ready, over time and by revision."""

from __future__ import annotations

from msgspec import Struct, field

from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDeleting,
    InstanceFailed,
    InstanceGone,
    InstanceReady,
    InstanceRestarting,
    SpecApplied,
)
from kubeinfer_sim.engine.meter import End, Handlers
from kubeinfer_sim.metrics.owed import owed_from
from kubeinfer_sim.metrics.steps import Steps

#: After these an instance is not ready until the next InstanceReady.
NotReady = InstanceConcerning | InstanceRestarting | InstanceDeleting | InstanceFailed | InstanceGone


class Readiness(Struct):
    """Step functions of the run.

    Attributes:
        desired: `spec.replicas`.
        ready: instances ready, surge included.
        by_revision: the same for each revision, in the order in which revisions appear.
        live: instances of which a pod object is left.
        ran_at_start: whether instances ran already when the simulation began, and `ready_at_start` how many
            of them were ready.
    """

    desired: Steps = field(default_factory=Steps)
    ready: Steps = field(default_factory=Steps)
    live: Steps = field(default_factory=Steps)
    by_revision: dict[str, Steps] = field(default_factory=dict)
    ran_at_start: bool = False
    ready_at_start: int = 0

    def owed_from(self) -> int:
        """From when on readiness is owed."""
        began = self.desired.points[0][0] if self.desired.points else 0
        return owed_from(self.desired, self.ready, began, ran_at_start=self.ran_at_start)


class ReadinessMeter:
    """Follows the instances of a KubeInfer."""

    def __init__(self) -> None:
        self._steps = Readiness()
        self._revision: dict[int, str] = {}
        self._ready: set[int] = set()
        self._count: dict[str, int] = {}

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            SpecApplied: self._spec,
            InstanceCreated: self._created,
            InstanceReady: self._became_ready,
            InstanceConcerning: self._lost,
            InstanceRestarting: self._lost,
            InstanceDeleting: self._lost,
            InstanceFailed: self._lost,
            InstanceGone: self._gone,
        }

    def finish(self, ended_at: int, end: End) -> Readiness:
        """What was wanted and ready."""
        return self._steps

    def _spec(self, record: SpecApplied) -> None:
        self._steps.desired.set(record.at, record.replicas)
        self._of_revision(record.revision, record.at)

    def _created(self, record: InstanceCreated) -> None:
        self._revision[record.instance.uid] = record.revision
        self._of_revision(record.revision, record.at)
        self._steps.live.set(record.at, len(self._revision))
        self._steps.ran_at_start |= record.running

    def _became_ready(self, record: InstanceReady) -> None:
        if record.instance.uid not in self._ready:
            self._ready.add(record.instance.uid)
            self._steps.ready_at_start += self._steps.ran_at_start and record.at == 0
            self._change(record.at, record.instance.uid, 1)

    def _lost(self, record: NotReady) -> None:
        if record.instance.uid in self._ready:
            self._ready.remove(record.instance.uid)
            self._change(record.at, record.instance.uid, -1)

    def _gone(self, record: InstanceGone) -> None:
        self._lost(record)
        self._revision.pop(record.instance.uid, None)
        self._steps.live.set(record.at, len(self._revision))

    def _change(self, at: int, uid: int, by: int) -> None:
        revision = self._revision.get(uid, "")
        self._steps.ready.set(at, len(self._ready))
        steps = self._of_revision(revision, at)
        self._count[revision] += by
        steps.set(at, self._count[revision])

    def _of_revision(self, revision: str, at: int) -> Steps:
        if revision not in self._steps.by_revision:
            self._steps.by_revision[revision] = Steps([(at, 0)])
            self._count[revision] = 0
        return self._steps.by_revision[revision]
