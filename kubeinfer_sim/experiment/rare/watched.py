"""How many instances, or pods, of one workload are ready while a run goes on."""

from __future__ import annotations

from typing import Protocol

from kubeinfer_sim.controllers.deployment.records import DeploymentApplied, DeploymentStatus
from kubeinfer_sim.controllers.kubeinfer.records import SpecApplied
from kubeinfer_sim.engine.meter import Handlers, Observer, merged
from kubeinfer_sim.metrics.readiness import ReadinessMeter
from kubeinfer_sim.scenario.model import BUDGET, ReadyLevel


class Watched(Protocol):
    """A workload as it is now."""

    @property
    def observers(self) -> tuple[Observer, ...]:
        """What is to be told of its records."""
        ...

    @property
    def desired(self) -> int:
        """How many there are to be."""
        ...

    @property
    def ready(self) -> int:
        """How many are ready, or available."""
        ...

    @property
    def unavailable(self) -> int:
        """How many its budget lets be missing."""
        ...


class WatchedInstances:
    """The instances of a KubeInfer."""

    def __init__(self) -> None:
        meter = ReadinessMeter()
        self._readiness = meter.finish(0, "horizon")  # it goes on to be counted in
        self.observers: tuple[Observer, ...] = (meter, self)
        self.unavailable = 0

    @property
    def desired(self) -> int:
        """Of its spec."""
        return self._readiness.desired.last

    @property
    def ready(self) -> int:
        """Surge included."""
        return self._readiness.ready.last

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {SpecApplied: self._spec}

    def _spec(self, record: SpecApplied) -> None:
        self.unavailable = record.unavailable


class WatchedPods:
    """The pods of a Deployment and its like."""

    def __init__(self) -> None:
        self.observers: tuple[Observer, ...] = (self,)
        self.desired = self.ready = self.unavailable = 0

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {DeploymentApplied: self._applied, DeploymentStatus: self._status}

    def _applied(self, record: DeploymentApplied) -> None:
        self.desired, self.unavailable = record.replicas, record.unavailable

    def _status(self, record: DeploymentStatus) -> None:
        self.ready = record.counts.available
        if record.kind == "DaemonSet":  # how many it should have depends on the nodes there are
            self.desired = record.counts.available + record.counts.unavailable


def is_below(watched: Watched, level: ReadyLevel) -> bool:
    """Whether fewer are ready than the level asks for."""
    if level == BUDGET:
        return watched.ready < watched.desired - watched.unavailable
    return watched.ready < level.of(watched.desired)


def listens_to(watched: Watched) -> frozenset[type]:
    """The records that may change how many are ready."""
    return frozenset(merged(watched.observers))
