"""What objectives are held against: the instances of a KubeInfer, or the pods of a Deployment and its like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from kubeinfer_sim.metrics.changes import Change
from kubeinfer_sim.metrics.deployments import DeploymentChange, DeploymentMeasures
from kubeinfer_sim.metrics.measure import Outcome, Service, overall_of, service
from kubeinfer_sim.metrics.owed import owed_until
from kubeinfer_sim.metrics.steps import Steps


class Served(Protocol):
    """Instances of a KubeInfer (its `Measures`), or pods of another workload (`ServedPods`), over a run."""

    @property
    def ended_at(self) -> int:
        """When the run ended, ms."""

    @property
    def outcome(self) -> Outcome:
        """How it came out."""

    @property
    def whole(self) -> Service:
        """From when to when readiness is owed."""

    @property
    def desired(self) -> Steps:
        """How many there were to be."""

    @property
    def ready(self) -> Steps:
        """How many there were; of pods those that are available."""

    @property
    def changes(self) -> Sequence[Change | DeploymentChange]:
        """What was asked, in order of time."""

    @property
    def stalls(self) -> Sequence[object]:
        """Times in which an update could not go on."""

    @property
    def losing(self) -> int:
        """Missing at the end."""


class ServedPods(Struct, frozen=True):
    """The pods of a Deployment, StatefulSet, ReplicaSet or DaemonSet; `stalls`: its deadline was exceeded so often."""

    ended_at: int
    outcome: Outcome
    whole: Service
    desired: Steps
    ready: Steps
    changes: Sequence[DeploymentChange]
    stalls: Sequence[object]
    losing: int


def served_pods(deployment: DeploymentMeasures, ended_at: int) -> ServedPods:
    """What objectives are held against."""
    desired, available, since = deployment.desired, deployment.available, deployment.owed_from
    return ServedPods(
        ended_at,
        overall_of(deployment.outcome),
        service(desired, available, since, owed_until(since, ended_at, deployment.deleted)),
        desired,
        available,
        deployment.changes,
        deployment.exceeded,
        deployment.missing,
    )
