"""The pods of a run as their objects would show them."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

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
from kubeinfer_sim.controllers.kubeinfer.records import InstanceCreated
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.experiment.backtest.rollout import PodSeen, Readiness, Rollout, rollout_of
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.simulate import simulate

#: A workload by kind and name.
Workload = tuple[str, str]


def predict(scenario: Scenario, seed: int) -> dict[Workload, Rollout]:
    """Play the scenario once: of each workload that got new pods the rollout that they are."""
    watch = _Watch()
    run = simulate(scenario, seed=seed, listeners=[watch.observe], keep=False, pods=False, ways=False)
    watch.close()
    end = run.ended_at / 1000
    of: dict[Workload, list[PodSeen]] = {}
    for ref, pod in watch.pods.items():
        of.setdefault((ref.instance.kind, ref.instance.owner), []).append(pod)
    rollouts = {}
    for workload, pods in of.items():
        last = pods[-1].revision
        new = [each for each in pods if each.revision == last and each.created is not None]
        rollout = rollout_of(pods, new, end)
        if rollout is not None:
            rollouts[workload] = rollout
    return rollouts


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

    def close(self) -> None:
        """It is over: who is ready stays so."""
        for ref, since in self._since.items():
            self.pods[ref].readiness.append(Readiness(since, inf, inf))
        self._since.clear()
