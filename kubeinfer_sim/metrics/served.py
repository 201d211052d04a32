"""What objectives are held against: the instances of a KubeInfer, or the pods of a Deployment and its like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from kubeinfer_sim.metrics.changes import Change
from kubeinfer_sim.metrics.deployments import DeploymentChange, DeploymentMeasures
from kubeinfer_sim.metrics.measure import Outcome, Service, overall_of, service
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
        """From when readiness is owed until the end."""

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
    """What objectives are held against: as long as it exists, from when first all are available."""
    desired, available = deployment.desired, deployment.available
    first = deployment.changes[0]
    since = first.at
    if first.label != "running":
        edges = sorted({at for steps in (desired, available) for at, _ in steps.points})
        since = next((at for at in edges if available.at(at) >= desired.at(at) > 0), since)
    until = ended_at if deployment.deleted is None else max(since, deployment.deleted - 1)
    return ServedPods(
        ended_at,
        overall_of(deployment.outcome),
        service(desired, available, since, until),
        desired,
        available,
        deployment.changes,
        deployment.exceeded,
        deployment.missing,
    )
