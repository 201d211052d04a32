"""The kubelet takes a pod that comes to its node, or rejects it: phase Failed, with its reason, for good.

pkg/kubelet/kubelet.go (HandlePodAdditions), pkg/kubelet/allocation. A pod comes by the scheduler's binding, by its own
`nodeName`, or again when the kubelet is new: after a reboot all pods do, after a restart of the kubelet alone those
whose containers do not run. What made the rejected pod may make the next at once; that goes on without a pause for as
long as nothing changes on the node, and is not played pod by pod: after `MANY` of them the latest waits for such a
change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.kubelet.admission_checks import DeviceManager, Neighbour, Refusal, refusal
from kubeinfer_sim.cluster.kubelet.pod_termination import PodTermination
from kubeinfer_sim.cluster.kubelet.pod_worker import PodWorker, Sync
from kubeinfer_sim.cluster.kubelet.services import Services
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod, PodState, Workload
from kubeinfer_sim.cluster.records import PodBound, PodRejected, RejectionsGoOn
from kubeinfer_sim.scenario.cluster.model import RunningPod

#: From a pod's binding to its phase Failed at the API server, ms: recorded are 125 pods of a ReplicaSet in 3 s.
REJECTED_AFTER = 24
#: After the start of a kubelet, ms: when it has looked at its pods, and when its status manager's round says Failed of
#: those that it rejects, since they might have running containers (10 s; recorded are 1.07 and 10.08 s).
LOOKED_AT_AFTER, FAILED_AFTER = 1_000, 10_000
#: So many pods of one owner are rejected by one node for one reason, none longer than `PAUSE` ms after the one before.
MANY, PAUSE = 500, 60_000


class Rejections(Struct):
    """Pods of one owner that a node has rejected for one reason, one after the other; ms."""

    since: int
    last: int
    number: int = 0
    told: bool = False


class PodAdmission:
    """Admits pods.

    `devices`: who knows which devices are well; None where all are. `beside`: pods of a node that are not played.
    """

    def __init__(
        self,
        services: Services,
        api: Api,
        termination: PodTermination,
        begin: Callable[[PodWorker], None],
        devices: DeviceManager | None,
        beside: Callable[[str], Iterable[RunningPod]],
    ) -> None:
        self._clock = services.clock
        self._history = services.history
        self._status = services.status
        self._api = api
        self._termination = termination
        self._begin = begin
        self._devices = devices
        self._beside = beside
        # Pods may come to nodes that the scheduler has not asked.
        self._unasked = False
        self._rejections: dict[tuple[Workload, str, str], Rejections] = {}
        self._waiting: dict[str, dict[PodWorker, Refusal]] = {}

    @property
    def goes_on(self) -> bool:
        """Whether pods are being rejected without a pause."""
        return bool(self._waiting)

    def admit(self, worker: PodWorker) -> None:
        """The kubelet hears of a pod: it sets it up, or rejects it."""
        pod = worker.pod
        self._unasked = self._unasked or bool(pod.template.node_name)
        # What the scheduler was asked about fits, unless devices are unhealthy of which it has not heard.
        if not self._unasked and (self._devices is None or not pod.npus):
            self._begin(worker)
            return
        refused = self._refusal(worker, known=False)
        if refused is None:
            self._take(worker)
            return
        now = self._clock.now
        pod.last = self._history.append(PodBound(now, pod.last, pod.ref, worker.node.name, ()))
        self._reject(worker, refused)

    def admit_again(self, worker: PodWorker, cause: int) -> bool:
        """A new kubelet, by the record `cause`, comes upon a pod whose containers do not run; False: it rejects it."""
        pod = worker.pod
        refused = self._refusal(worker, known=worker.sync not in (Sync.UNHEARD, Sync.TERMINATED))
        if refused is None:
            pod.rejected = False
            if self._devices is not None:
                self._devices.allocate(pod)
            return True
        worker.forget_timers()
        worker.plan = None
        self._termination.stopped(worker)
        worker.forget_probers()
        worker.sync = Sync.TERMINATED
        pod.rejected = True
        pod.last = cause
        self._note(worker, refused)
        worker.timer = self._clock.after(LOOKED_AT_AFTER, self._looked_at, worker, refused)
        return False

    def forget(self, worker: PodWorker) -> None:
        """The pod is stopped, or gone."""
        if self._waiting:
            waiting = self._waiting.get(worker.node.name, {})
            if waiting.pop(worker, None) is not None and not waiting:
                del self._waiting[worker.node.name]

    def node_changed(self, node: Node) -> None:
        """The node has more room, or other labels or taints: pods that it was about to reject may be taken."""
        for worker in list(self._waiting.get(node.name, ())):
            refused = self._refusal(worker, known=False)
            if refused is None:
                self.forget(worker)
                self._take(worker)
            elif refused.reason != self._waiting[node.name][worker].reason:
                self.forget(worker)
                self._reject(worker, refused)

    def _take(self, worker: PodWorker) -> None:
        pod = worker.pod
        was_rejected, pod.rejected = pod.rejected, False
        self._begin(worker)
        if was_rejected and self._devices is not None:
            self._devices.allocate(pod)

    def _refusal(self, worker: PodWorker, *, known: bool) -> Refusal | None:
        pod, node = worker.pod, worker.node
        others = [
            Neighbour(each.template.requests, each.template.raw.get("spec") or {})
            for each in self._api.unfinished_on(node.name)
            if each is not pod and each.final_phase is None and not each.rejected
        ]
        others += [Neighbour(each.requests, each.manifest["spec"]) for each in self._beside(node.name)]
        return refusal(pod, node, others, self._devices, known=known)

    # -- rejected ------------------------------------------------------------------------------------------

    def _reject(self, worker: PodWorker, refused: Refusal) -> None:
        """Nothing of the pod runs, and nothing will."""
        pod, node, now = worker.pod, worker.node, self._clock.now
        worker.sync = Sync.TERMINATED
        pod.rejected = True
        rejections = self._counted(pod, node, refused)
        if rejections.number < MANY:
            self._note(worker, refused)
            worker.timer = self._clock.after(REJECTED_AFTER, self._failed, worker, refused)
            return
        self._waiting.setdefault(node.name, {})[worker] = refused
        if not rejections.told:
            rejections.told = True
            took = max(1, now - rejections.since)
            pod.last = self._history.append(
                RejectionsGoOn(now, pod.last, pod.ref, node.name, *refused, rejections.number, took)
            )

    def _counted(self, pod: Pod, node: Node, refused: Refusal) -> Rejections:
        now, key = self._clock.now, (pod.owner, node.name, refused.reason)
        known = self._rejections.get(key)
        if known is None or now - known.last > PAUSE:
            known = self._rejections[key] = Rejections(now, now)
        known.number += 1
        known.last = now
        return known

    def _note(self, worker: PodWorker, refused: Refusal) -> None:
        pod = worker.pod
        pod.last = self._history.append(
            PodRejected(self._clock.now, pod.last, pod.ref, worker.node.name, *refused)
        )

    def _looked_at(self, worker: PodWorker, refused: Refusal) -> None:
        """Its status has no conditions any more."""
        if worker.node.reachable and worker.pod.ready:
            self._status.unready(worker.pod, refused.reason)
        worker.timer = self._clock.after(FAILED_AFTER - LOOKED_AT_AFTER, self._failed, worker, refused)

    def _failed(self, worker: PodWorker, refused: Refusal) -> None:
        worker.timer = None
        if worker.node.reachable and worker.pod.state is not PodState.DELETING:
            self._status.finish(worker.pod, "Failed", refused.reason, f"Pod was rejected: {refused.message}")
