"""The pods of ReplicaSets in the simulated cluster, from their creation until they are gone.

Stands between ReplicaSets, which count pods, and scheduler and kubelets, which run them. Each pod is placed by itself,
as kube-scheduler does it, and starts its engine without waiting for others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.kubelet import RUNNING_SINCE
from kubeinfer_sim.cluster.pod import Pod, PodState, Workload
from kubeinfer_sim.cluster.reasons import Refusal
from kubeinfer_sim.cluster.records import InstanceRef, PodReady, PodRef
from kubeinfer_sim.cluster.scheduler.pod_gang import PodGang
from kubeinfer_sim.cluster.start_barrier import StartBarrier
from kubeinfer_sim.controllers.deployment.records import PodEvicted, PodsRefused
from kubeinfer_sim.controllers.deployment.replica_pod import ASSUMED, ReplicaPod
from kubeinfer_sim.controllers.deployment.replica_set import ReplicaSet
from kubeinfer_sim.manifest.model import KUBE_SCHEDULER, Kind, PodTemplate
from kubeinfer_sim.scenario.timings.model import StageTimings

#: Why a ReplicaSet deletes a pod, in a word, and the record that it follows from.
Why = tuple[str, int]


class ReplicaPods:
    """Makes and deletes pods for the ReplicaSets of one workload (`replica_set.PodControl`).

    Attributes:
        told_of: the pod about which it was recorded last why it waits, while that exists.

    Args:
        cluster: where they run.
        owner: the workload, which is told what becomes of them.
        kind: of the workload.
        timings: how long the stages of its pods take.
        why: what made a ReplicaSet want other pods.
        preemption: whether other schedulers than kube-scheduler preempt.
    """

    def __init__(
        self,
        cluster: Cluster,
        owner: Workload,
        kind: Kind,
        timings: StageTimings,
        why: Callable[[ReplicaSet], Why],
        *,
        preemption: bool,
    ) -> None:
        self._preemption = preemption
        self._clock = cluster.env.clock
        self._history = cluster.env.history
        self._api = cluster.env.api
        self._scheduling = cluster.scheduling
        self._owner = owner
        self._kind = kind
        self._timings = timings
        self._why = why
        self.told_of: Pod | None = None
        self._replica_pods: dict[Pod, ReplicaPod] = {}
        self._pods: dict[ReplicaPod, tuple[Pod, ReplicaSet, PodGang]] = {}
        self._refusals: dict[ReplicaSet, Refusal] = {}
        self._number = 0

    def __iter__(self) -> Iterator[Pod]:
        return iter(self._replica_pods)

    def find(self, pod: Pod) -> tuple[ReplicaSet, ReplicaPod]:
        """Whose pod it is, and what it is to that."""
        replica_pod = self._replica_pods[pod]
        return self._pods[replica_pod][1], replica_pod

    def up_to_date(self, pod: Pod) -> tuple[ReplicaSet, ReplicaPod]:
        """The same, with what it is ranked by as it is now."""
        replica_pod = self._replica_pods[pod]
        self.refresh((replica_pod,))
        return self._pods[replica_pod][1], replica_pod

    def placed(self, pods: Iterable[Pod]) -> None:
        """The scheduler has given pods their nodes."""
        for pod in pods:
            replica_pod = self._replica_pods[pod]
            self._pods[replica_pod][1].pod_placed(replica_pod)

    def create(self, replica_set: ReplicaSet) -> ReplicaPod | None:
        """A new pod, which waits to be placed; None where the API server refuses it."""
        template = self._admitted(replica_set)
        if template is None:
            return None
        pod, gang = self._make(replica_set, template)
        self._scheduling.submit(gang)
        return pod

    def adopt(self, replica_set: ReplicaSet) -> ReplicaPod | None:
        """A pod that has run for long, or waits where there is no room; None where the API server refuses it."""
        template = self._admitted(replica_set)
        if template is None:
            return None
        pod, gang = self._make(replica_set, template)
        if self._scheduling.adopt(gang):
            pod.created = RUNNING_SINCE
            self.refresh((pod,))
            real = gang.pods[0]
            real.last = self._history.append(PodReady(self._clock.now, real.last, real.ref))
        else:
            self._scheduling.submit(gang)
        return pod

    def _admitted(self, replica_set: ReplicaSet) -> PodTemplate | None:
        """The pod's template as the API server takes it; None where it refuses the pod, which is recorded once."""
        spec, namespace = replica_set.spec, self._owner.namespace
        template = self._api.admission.admit(replica_set.template, namespace)
        refusal = self._api.admission.refusal(namespace, [(f"{spec.name}-{self._number}", template)])
        if refusal is None:
            return template
        if not replica_set.status.failure or refusal != self._refusals.get(replica_set):
            self._refusals[replica_set] = refusal
            _, cause = self._why(replica_set)
            record = PodsRefused(self._clock.now, cause, spec.name, refusal, self._kind)
            self._history.append(record)
        return None

    def _make(self, replica_set: ReplicaSet, template: PodTemplate) -> tuple[ReplicaPod, PodGang]:
        now, spec = self._clock.now, replica_set.spec
        ref = InstanceRef(self._api.new_uid(), spec.name, self._number, self._kind)
        pod = Pod(
            self._owner,
            PodRef(ref, spec.name, 0, 0),
            template,
            self._timings,
            spec.revision,
            spec.weights_key,
            StartBarrier(1),
        )
        _, cause = self._why(replica_set)
        self._api.create(pod, cause)
        replica_pod = ReplicaPod(self._number, now - now % 1000)
        self._number += 1
        preempts = self._preemption or spec.template.scheduler_name == KUBE_SCHEDULER
        gang = PodGang(ref, (pod,), pod.last, preempts, replica_set.owner, annotations=spec.annotations)
        self._replica_pods[pod] = replica_pod
        self._pods[replica_pod] = pod, replica_set, gang
        return replica_pod, gang

    def refresh(self, pods: Iterable[ReplicaPod]) -> None:
        """Bring what pods are ranked by up to date."""
        for pod in pods:
            real, _, _ = self._pods[pod]
            unbound = ASSUMED if real.placed else ""
            pod.node = real.node.name if real.node is not None else unbound
            pod.phase = "Running" if real.state is PodState.RUNNING else "Pending"
            pod.restarts = real.restarts

    def delete(self, pod: ReplicaPod) -> None:
        """Delete a pod its ReplicaSet has too many of."""
        real, replica_set, gang = self._pods[pod]
        reason, cause = self._why(replica_set)
        self._scheduling.withdraw(gang)
        self._api.delete(real, reason, cause)

    def evict(self, pod: Pod, reason: str, cause: int, grace: int | None = None) -> int | None:
        """Somebody else deletes the pod; the record of that, None where it is being deleted already."""
        replica_pod = self._replica_pods[pod]
        _, replica_set, gang = self._pods[replica_pod]
        if pod.terminating:
            return None
        name = replica_set.spec.name
        number = self._history.append(
            PodEvicted(self._clock.now, cause, name, pod.ref.name, reason, self._kind)
        )
        replica_set.pod_deleting(replica_pod)
        self._scheduling.withdraw(gang)
        self._api.delete(pod, reason, number, grace=grace)
        return number

    def collect(self, cause: int) -> None:
        """Their owner is gone: the garbage collector deletes them all."""
        for replica_pod, (pod, replica_set, gang) in list(self._pods.items()):
            if not pod.terminating:
                replica_set.pod_deleting(replica_pod)
                self._scheduling.withdraw(gang)
                self._api.delete(pod, "GarbageCollected", cause)

    def gone(self, pod: Pod) -> tuple[ReplicaSet, ReplicaPod]:
        """The pod's object is gone; whose it was."""
        if pod is self.told_of:
            self.told_of = None
        replica_pod = self._replica_pods.pop(pod)
        _, replica_set, _ = self._pods.pop(replica_pod)
        return replica_set, replica_pod

    def diagnose(self) -> None:
        """Record why the first pod that waits for a node waits, node by node."""
        for pod, _, gang in self._pods.values():
            if self._scheduling.waits(gang) and not self._scheduling.is_untried(gang):
                self._scheduling.diagnose(gang, pod.last)
                self.told_of = pod
                return
