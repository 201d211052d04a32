"""One run whose rollouts are also measured as they would be seen from outside, by the objects of its pods."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from typing import Any

from msgspec.structs import replace

from kubeinfer_sim.cluster.records import (
    ContainersRunning,
    PodBound,
    PodCreated,
    PodDeleting,
    PodFinished,
    PodGone,
    PodNotReady,
    PodReady,
    PodRef,
    PodRemoved,
)
from kubeinfer_sim.cluster.stages import StageKind
from kubeinfer_sim.controllers.kubeinfer.records import InstanceCreated
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.experiment.figures import measured_run
from kubeinfer_sim.experiment.replication import Replication, Variant, replication_of
from kubeinfer_sim.experiment.rollout import PodSeen, Readiness, Rollout, rollout_of
from kubeinfer_sim.metrics.lives import PodLife

#: How a stage says that the image was there.
_WARM = "warm"


def play_watched(variant: Variant, seed: int) -> Replication:
    """Simulate a variant with one seed, and note of each workload that got new pods the rollout that they are."""
    watch = _Watch()
    found = measured_run(
        variant.scenario, seed=seed, recovery=variant.recovery, ways=False, listeners=[watch.observe]
    )
    lives = (pod for instance in found.cluster.instances for pod in instance.pods)
    rollouts = watch.finish(found.run.ended_at / 1000, lives)
    return replace(replication_of(found), rollouts=rollouts)


class _Watch:
    """Follows the pods of a run; those that run at its beginning were created nobody knows when."""

    def __init__(self) -> None:
        self.pods: dict[PodRef, PodSeen] = {}
        self._running: set[int] = set()
        self._since: dict[PodRef, float] = {}
        self._handlers: dict[type[Record], Callable[[Any], None]] = {
            InstanceCreated: self._instance,
            PodCreated: self._created,
            PodBound: self._bound,
            ContainersRunning: self._runs,
            PodReady: self._ready,
            PodNotReady: self._not_ready,
            PodDeleting: self._leaves,
            PodRemoved: self._leaves,
            PodFinished: self._leaves,
            PodGone: self._leaves,
        }

    def observe(self, record: Record) -> None:
        handler = self._handlers.get(type(record))
        if handler is not None:
            handler(record)

    def _instance(self, record: InstanceCreated) -> None:
        if record.running:
            self._running.add(record.instance.uid)

    def _created(self, record: PodCreated) -> None:
        ref, instance = record.pod, record.pod.instance
        own = str(instance.uid)
        pod = PodSeen(ref.name, own, str(instance.ordinal) if instance.has_roles else "", record.revision)
        self.pods[ref] = pod
        if instance.uid in self._running and record.at == 0:
            self._since[ref] = pod.ready = 0.0
        else:
            pod.created = record.at / 1000

    def _bound(self, record: PodBound) -> None:
        self.pods[record.pod].scheduled = record.at / 1000

    def _runs(self, record: ContainersRunning) -> None:
        if record.restarts:
            self.pods[record.pod].restarted = True
        else:
            self.pods[record.pod].started = record.at / 1000

    def _ready(self, record: PodReady) -> None:
        pod = self.pods[record.pod]
        if pod.scheduled is None:  # it ran already at the beginning
            pod.created = None
        if pod.ready is None:
            pod.ready = record.at / 1000
        self._since.setdefault(record.pod, record.at / 1000)

    def _not_ready(self, record: PodNotReady) -> None:
        self._ends(record.pod, record.at / 1000)

    def _leaves(self, record: PodDeleting | PodRemoved | PodFinished | PodGone) -> None:
        pod = self.pods.get(record.pod)
        if pod is not None:
            pod.stays = False
            self._ends(record.pod, record.at / 1000)

    def _ends(self, ref: PodRef, at: float) -> None:
        since = self._since.pop(ref, None)
        if since is not None:
            self.pods[ref].readiness.append(Readiness(since, at, at))

    def finish(self, ended_at: float, lives: Iterable[PodLife]) -> dict[str, Rollout]:
        """It is over (s), and who is ready stays so: the rollouts by kind and name of their workloads."""
        for ref, since in self._since.items():
            self.pods[ref].readiness.append(Readiness(since, inf, inf))
        for life in lives:
            if (pod := self.pods.get(life.pod)) is not None and pod.started is not None:
                pod.pulls, pod.inits = _pulls(life), _inits(life)
        of: dict[str, list[PodSeen]] = {}
        for ref, pod in self.pods.items():
            of.setdefault(f"{ref.instance.kind}/{ref.instance.owner}", []).append(pod)
        rollouts = {}
        for workload, pods in of.items():
            last = pods[-1].revision
            new = [each for each in pods if each.revision == last and each.created is not None]
            if new:
                rollouts[workload] = rollout_of(pods, new, ended_at)
        return rollouts


def _pulls(life: PodLife) -> float:
    """As the kubelet's events tell it: from its turn in the queue on, and nothing where the image was there."""
    kind = StageKind.IMAGE
    spans = [each for each in life.spans if each.stage.kind is kind and each.regime != _WARM]
    return sum(each.until - each.since for each in spans) / 1000


def _inits(life: PodLife) -> float | None:
    """As their statuses tell it, sidecars left out; None without any."""
    spans = [each for each in life.spans if each.stage.kind is StageKind.INIT]
    return sum(each.until - each.since for each in spans) / 1000 if spans else None
