"""A Deployment in the simulated cluster: what its users do to it, and what its pods tell.

A container that dies is the kubelet's affair, a pod that is lost is replaced at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.kubelet import RUNNING_SINCE
from kubeinfer_sim.cluster.pod import PlatformFault, Pod
from kubeinfer_sim.controllers.deployment import progress
from kubeinfer_sim.controllers.deployment.controller import DeploymentController
from kubeinfer_sim.controllers.deployment.records import (
    DeploymentApplied,
    DeploymentStatus,
    ReplicaSetScaled,
)
from kubeinfer_sim.controllers.deployment.replica_pods import ReplicaPods, Why
from kubeinfer_sim.controllers.deployment.replica_set import ReplicaSet
from kubeinfer_sim.controllers.deployment.rolling import Bounds
from kubeinfer_sim.controllers.deployment.status_writer import camel_case
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.manifest.model import Deployment
from kubeinfer_sim.scenario.timings.model import Timings


class DeploymentWorkload:
    """One Deployment and its pods.

    Attributes:
        last_progress: when its spec last changed, or its status last got better than it had been since: pods that are
            ready and fail again and again are no progress.
    """

    def __init__(
        self,
        cluster: Cluster,
        spec: Deployment,
        timings: Timings,
        *,
        preemption: bool,
    ) -> None:
        """Make the workload of a Deployment; `preemption`: whether other schedulers than kube-scheduler preempt."""
        self._clock = cluster.env.clock
        self._history = cluster.env.history
        self.namespace = spec.namespace
        self._pods = ReplicaPods(
            cluster, self, Deployment.kind, timings.of(spec.name), self._why, preemption=preemption
        )
        self._controller = DeploymentController(
            self._clock, self._pods, spec, settled=self._settled, scaled=self._note_scaled
        )
        self._generation = 0
        self._applied = NO_CAUSE
        self._causes: dict[ReplicaSet, int] = {}
        self._status: tuple[object, ...] | None = None
        self._timed_out = False
        self.last_progress = 0
        self._best = progress.BestSoFar()

    @property
    def spec(self) -> Deployment:
        """The Deployment as last applied."""
        return self._controller.spec

    resource = "deployments.apps"

    @property
    def replicas(self) -> int:
        """How many pods there should be."""
        return self.spec.replicas

    def controller_of(self, pod: Pod) -> DeploymentWorkload:
        """Its pods are its ReplicaSets', and these are its own."""
        return self

    # -- what the user does --------------------------------------------------------------------------------

    def start(self, *, running: bool) -> None:
        """Create the Deployment; with `running`, it has run for long, as far as the cluster has room for it."""
        self._note_applied(("created",), "running" if running else "created")
        if running:
            self._controller.adopt(self._pods.adopt, RUNNING_SINCE)
        else:
            self._controller.start()

    def apply(self, spec: Deployment, label: str) -> None:
        """The user applies another spec."""
        before = self.spec
        self._controller.apply(spec)
        self._note_applied(_changes(before, spec), label)

    def scale(self, replicas: int) -> None:
        """The user changes `spec.replicas` alone."""
        self.apply(replace(self.spec, replicas=replicas), f"scale to {replicas}")

    def delete(self) -> None:
        """The user deletes it, in the background: the garbage collector deletes its pods."""
        self._controller.stop()
        self._note_applied(("deleted",), "deleted")
        self._pods.collect(self._applied)

    def undo(self) -> str:
        """`kubectl rollout undo`; why it is refused, or "".

        Source: k8s.io/kubectl pkg/polymorphichelpers/rollback.go (DeploymentRollbacker).
        """
        spec, before = self.spec, self._controller.revision_before()
        if before is None:
            return f'error: no rollout history found for deployment "{spec.name}"'
        if spec.paused:
            return (
                "error: you cannot rollback a paused deployment; resume it first with "
                f"'kubectl rollout resume deployment/{spec.name}' and try again"
            )
        raw = {**spec.raw, "spec": {**spec.raw["spec"], "template": before.raw["spec"]["template"]}}
        self.apply(replace(spec, template=before.template, raw=raw), "rollback")
        return ""

    def _note_applied(self, changed: tuple[str, ...], label: str) -> None:
        self._generation += 1
        spec = self.spec
        bounds = Bounds.of(spec)
        self._applied = self._history.append(
            DeploymentApplied(
                self._clock.now,
                NO_CAUSE,
                spec.name,
                self._generation,
                spec.revision,
                bounds.replicas,
                bounds.surge,
                bounds.replicas - bounds.guaranteed,
                changed,
                label,
            )
        )
        self.last_progress = self._clock.now
        self._best.forget()

    # -- what its controller does --------------------------------------------------------------------------

    def _why(self, replica_set: ReplicaSet) -> Why:
        old = replica_set.spec.revision != self._controller.spec.revision
        return "Rollout" if old else "ScaleIn", self._causes.get(replica_set, self._applied)

    def _note_scaled(self, replica_set: ReplicaSet, before: int) -> None:
        self._causes[replica_set] = self._history.append(
            ReplicaSetScaled(
                self._clock.now,
                self._applied,
                self._controller.spec.name,
                replica_set.spec.revision,
                before,
                replica_set.replicas,
            )
        )

    def _settled(self) -> None:
        """Write down the status if it changed in this instant."""
        spec, status = self._controller.spec, self._controller.status
        complete = progress.complete(status, spec.replicas, status.observed_generation)
        condition = status.progressing
        state, reason = ("", "") if condition is None else (condition.status, condition.reason)
        key = (status.counts, status.available, state, reason, complete, self._generation, status.failure)
        if key == self._status:
            return
        self._status = key
        if self._best.surpassed_by(status.counts):
            self.last_progress = self._clock.now
        self._history.append(
            DeploymentStatus(
                self._clock.now,
                self._applied,
                spec.name,
                self._generation,
                status.counts,
                bool(status.available),
                state,
                reason,
                complete,
                failure=status.failure,
            )
        )
        timed_out = reason == progress.TIMED_OUT
        if timed_out and not self._timed_out:
            self._pods.diagnose()
        self._timed_out = timed_out

    # -- what its pods do ----------------------------------------------------------------------------------

    def pods(self) -> Iterator[Pod]:
        """All pods that exist, in the order in which they were made."""
        return iter(self._pods)

    def gang_placed(self, pods: Sequence[Pod]) -> None:
        """A pod got its node."""
        self._pods.placed(pods)

    def gang_refused(self, pods: Sequence[Pod]) -> None:
        """It did not: of no consequence either."""

    def pod_ready(self, pod: Pod) -> None:
        """The pod's Ready condition turned true."""
        self._controller.pod_ready(*self._pods.up_to_date(pod))

    def pod_unready(self, pod: Pod, reason: str) -> None:
        """It turned false."""
        self._controller.pod_unready(*self._pods.find(pod))

    def pod_stuck(self, pod: Pod) -> None:
        """The pod will not become ready by itself; a Deployment waits for it all the same."""

    def container_died(self, pod: Pod, reason: str, exit_code: int) -> None:
        """A container is dead: the kubelet starts it again."""

    def evict(self, pod: Pod, reason: str, cause: int, grace: int | None = None) -> None:
        """Somebody else deletes the pod (a drain): its ReplicaSet makes another at once."""
        replica_set, _ = self._pods.find(pod)
        number = self._pods.evict(pod, reason, cause, grace)
        if number is not None:
            self._causes[replica_set] = number
            self._controller.pod_changed(replica_set)

    def group(self, pod: Pod) -> Sequence[Pod]:
        """The pods of a Deployment compute each for itself."""
        return [pod]

    def ties_device_plugin(self, pod: Pod) -> bool:
        """Whether the device plugin acts for the pod: for no Deployment's."""
        return False

    def engine_silent(self, pod: Pod, cause: int) -> None:
        """The pod's engine answers nobody: the pods of a Deployment do without each other."""

    def npu_fault(self, pod: Pod, fault: PlatformFault, cause: int) -> None:
        """The platform tells of a fault: nobody listens for a Deployment.

        Its pods stay until somebody drains the machine, or they fail by themselves.
        """

    def pod_finished(self, pod: Pod, reason: str) -> None:
        """To its ReplicaSet the pod is no more (controller_utils.go, IsPodActive), terminating or not."""
        self._controller.pod_gone(*self._pods.find(pod))

    def pod_gone(self, pod: Pod) -> None:
        """The pod's object is gone."""
        replica_set, replica_pod = self._pods.gone(pod)
        if pod.final_phase is None:
            self._controller.pod_gone(replica_set, replica_pod)


def _changes(before: Deployment, after: Deployment) -> tuple[str, ...]:
    """What differs, in words."""
    changed = []
    if after.revision != before.revision:
        changed.append("template")
    if after.replicas != before.replicas:
        changed.append("replicas")
    if (after.strategy, after.rolling_update) != (before.strategy, before.rolling_update):
        changed.append("strategy")
    if after.paused != before.paused:
        changed.append("paused" if after.paused else "resumed")
    settings = ("min_ready_seconds", "progress_deadline_seconds", "revision_history_limit")
    changed += [camel_case(name) for name in settings if getattr(after, name) != getattr(before, name)]
    if not changed:
        changed.append("metadata" if after.raw != before.raw else "nothing")
    return tuple(changed)
