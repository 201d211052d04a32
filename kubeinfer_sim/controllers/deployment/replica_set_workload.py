"""A ReplicaSet that no Deployment owns, in the simulated cluster: it keeps its number of pods, no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.kubelet import RUNNING_SINCE
from kubeinfer_sim.cluster.pod import PlatformFault, Pod
from kubeinfer_sim.controllers.deployment.progress import Counts
from kubeinfer_sim.controllers.deployment.replica_pods import ReplicaPods, Why
from kubeinfer_sim.controllers.deployment.replica_set import ReplicaSet
from kubeinfer_sim.controllers.deployment.requeue import Requeue
from kubeinfer_sim.controllers.deployment.status_writer import StatusWriter, changed_fields
from kubeinfer_sim.engine.clock import Phase, Timer
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.manifest.model import ReplicaSet as ReplicaSetSpec
from kubeinfer_sim.scenario.timings.model import Timings


class ReplicaSetWorkload:
    """One ReplicaSet and its pods.

    Attributes:
        spec: the ReplicaSet as last applied.
    """

    resource = "replicasets.apps"

    def __init__(self, cluster: Cluster, spec: ReplicaSetSpec, timings: Timings, *, preemption: bool) -> None:
        """Make the workload of a ReplicaSet; `preemption` as for `ReplicaPods`."""
        self._clock = cluster.env.clock
        self.namespace = spec.namespace
        self._pods = ReplicaPods(
            cluster, self, ReplicaSetSpec.kind, timings.of(spec.name), self._why, preemption=preemption
        )
        self.spec = spec
        self._set = self._replica_set(spec)
        self._status = StatusWriter(cluster.env.clock, cluster.env.history)
        self._cause = NO_CAUSE
        self._deleted = False
        self._other_templates = False
        self._run_timer: Timer | None = None
        self._retry = Requeue(self._clock, self._wake_up)
        self._available_timer: Timer | None = None

    @staticmethod
    def _replica_set(spec: ReplicaSetSpec) -> ReplicaSet:
        return ReplicaSet(1, spec, spec.replicas, min_ready=spec.min_ready_seconds * 1000, hashed=False)

    @property
    def replicas(self) -> int:
        """How many pods there should be."""
        return self.spec.replicas

    @property
    def last_progress(self) -> int:
        """When its spec last changed, or its status last got better than it had been since (ms)."""
        return self._status.last_progress

    def controller_of(self, pod: Pod) -> ReplicaSetWorkload:
        """Itself."""
        return self

    def _why(self, replica_set: ReplicaSet) -> Why:
        return "ScaleIn", self._cause

    # -- what the user does --------------------------------------------------------------------------------

    def start(self, *, running: bool) -> None:
        """Create the ReplicaSet; with `running`, it has run for long, as far as the cluster has room for it."""
        self._note_applied(("created",), "running" if running else "created")
        if running:
            for _ in range(self.spec.replicas):
                made = self._pods.adopt(self._set)
                if made is None:
                    break
                self._set.pod_adopted(made, RUNNING_SINCE)
        self._wake_up()

    def apply(self, spec: ReplicaSetSpec, label: str) -> None:
        """The user applies another spec: a template counts for the pods made from then on."""
        before, self.spec = self.spec, spec
        self._other_templates |= before.revision != spec.revision
        same = before.min_ready_seconds == spec.min_ready_seconds
        changed = changed_fields(before, spec, settings=() if same else ("minReadySeconds",))
        replica_set = self._set
        replica_set.take(spec)
        replica_set.set_min_ready(spec.min_ready_seconds * 1000, self._clock.now)
        self._note_applied(changed, label)
        self._wake_up()

    def scale(self, replicas: int) -> None:
        """The user changes `spec.replicas` alone."""
        self.apply(replace(self.spec, replicas=replicas), f"scale to {replicas}")

    def delete(self) -> None:
        """The user deletes it, in the background: the garbage collector deletes its pods."""
        self._deleted = True
        self.spec = replace(self.spec, replicas=0)
        self._note_applied(("deleted",), "deleted")
        self._pods.collect(self._cause)

    def _note_applied(self, changed: tuple[str, ...], label: str) -> None:
        self._cause = self._status.applied(self.spec, changed, label, desired=self.spec.replicas)

    # -- its controller ------------------------------------------------------------------------------------

    def _wake_up(self) -> None:
        if not self._deleted and (self._run_timer is None or not self._run_timer.pending):
            self._run_timer = self._clock.after(0, self._run, phase=Phase.CONTROLLER)

    def _run(self) -> None:
        if self._deleted:
            return
        replica_set, now = self._set, self._clock.now
        replica_set.advance(now)
        size = -1
        while replica_set.sync(self._pods, [], now) or replica_set.active != size:
            size = replica_set.active
            if replica_set.status.failure:
                break
        if replica_set.status.failure:
            self._retry.rate_limited()
        else:
            self._retry.forget()
        self._await_available()
        self._settled()
        if self._pods.told_of is None and replica_set.active > replica_set.ready:
            self._clock.after(0, self._pods.diagnose, phase=Phase.OBSERVER)

    def _await_available(self) -> None:
        """Look again when the next pod will have been ready for minReadySeconds."""
        if self._available_timer is not None:
            self._available_timer.cancel()
            self._available_timer = None
        due = self._set.next_available_at()
        if due is not None:
            self._available_timer = self._clock.at(due, self._run, phase=Phase.CONTROLLER)

    def _settled(self) -> None:
        """Write down the status if it changed in this instant."""
        replicas, status = self.spec.replicas, self._set.status
        missing = max(0, replicas - status.available)
        counts = Counts(
            status.replicas, self._updated(), status.ready, status.available, missing, status.terminating
        )
        complete = not missing and status.replicas == replicas
        self._status.settled(self.spec, counts, self._cause, complete=complete, failure=status.failure)

    def _updated(self) -> int:
        """How many of its pods are of the newest template; they are looked through where there has been another."""
        if not self._other_templates:
            return self._set.status.replicas
        return sum(
            pod.revision == self.spec.revision and not pod.terminating and pod.final_phase is None
            for pod in self._pods
        )

    # -- what its pods do ----------------------------------------------------------------------------------

    def pods(self) -> Iterator[Pod]:
        """All pods that exist, in the order in which they were made."""
        return iter(self._pods)

    def gang_placed(self, pods: Sequence[Pod]) -> None:
        """A pod got its node."""
        self._pods.placed(pods)

    def gang_refused(self, pods: Sequence[Pod]) -> None:
        """It did not."""
        if self._pods.told_of is None:
            self._clock.after(0, self._pods.diagnose, phase=Phase.OBSERVER)

    def pod_ready(self, pod: Pod) -> None:
        """The pod's Ready condition turned true."""
        self._set.pod_ready(self._pods.up_to_date(pod)[1], self._clock.now)
        self._wake_up()

    def pod_unready(self, pod: Pod, reason: str) -> None:
        """It turned false."""
        self._set.pod_unready(self._pods.find(pod)[1])
        self._wake_up()

    def pod_stuck(self, pod: Pod) -> None:
        """The pod will not become ready by itself; a ReplicaSet waits for it all the same."""

    def container_died(self, pod: Pod, reason: str, exit_code: int) -> None:
        """A container is dead: the kubelet starts it again."""

    def evict(self, pod: Pod, reason: str, cause: int, grace: int | None = None) -> None:
        """Somebody else deletes the pod: another one is made at once."""
        number = self._pods.evict(pod, reason, cause, grace)
        if number is not None:
            self._cause = number
            self._wake_up()

    def group(self, pod: Pod) -> Sequence[Pod]:
        """Its pods compute each for itself."""
        return [pod]

    def ties_device_plugin(self, pod: Pod) -> bool:
        """Whether the device plugin acts for the pod: it does not."""
        return False

    def engine_silent(self, pod: Pod, cause: int) -> None:
        """The pod's engine answers nobody: its pods do without each other."""

    def npu_fault(self, pod: Pod, fault: PlatformFault, cause: int) -> None:
        """The platform tells of a fault: nobody listens."""

    def pod_finished(self, pod: Pod, reason: str) -> None:
        """To the ReplicaSet the pod is no more (controller_utils.go, IsPodActive), terminating or not."""
        _, replica_pod = self._pods.find(pod)
        self._set.pod_gone(replica_pod)
        self._wake_up()

    def pod_gone(self, pod: Pod) -> None:
        """The pod's object is gone."""
        _, replica_pod = self._pods.gone(pod)
        self._set.pod_gone(replica_pod)
        self._wake_up()
