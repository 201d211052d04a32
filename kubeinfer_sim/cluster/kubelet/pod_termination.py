"""A pod's end: stopped within its grace period, or its object removed at once (kubelet.go, SyncTerminatingPod)."""

from __future__ import annotations

from kubeinfer_sim.cluster.kubelet.containers import Containers
from kubeinfer_sim.cluster.kubelet.engine_starts import EngineStarts
from kubeinfer_sim.cluster.kubelet.image_waits import ImageWaits
from kubeinfer_sim.cluster.kubelet.pod_worker import PodWorker, Sync
from kubeinfer_sim.cluster.kubelet.services import Services
from kubeinfer_sim.cluster.kubelet.termination import pod_stop_stages
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import PodDeleting
from kubeinfer_sim.cluster.stages import Stage, end_of


class PodTermination:
    """Stops pods."""

    def __init__(
        self,
        services: Services,
        engines: EngineStarts,
        image_waits: ImageWaits,
        containers: Containers,
    ) -> None:
        self._clock = services.clock
        self._history = services.history
        self._draws = services.draws
        self._status = services.status
        self._engines = engines
        self._image_waits = image_waits
        self._containers = containers

    def delete(self, worker: PodWorker, reason: str, cause: int) -> None:
        """The pod gets a deletion timestamp, and its kubelet stops it as soon as it hears of that."""
        pod = worker.pod
        pod.state = PodState.DELETING
        pod.ready = False
        hears = worker.node.reachable
        # Otherwise it stays Terminating until the node is back or somebody removes it.
        stages = self._stop(worker) if hears else ()
        pod.last = self._history.append(PodDeleting(self._clock.now, cause, pod.ref, reason, stages))
        if hears:
            self._gone_after(worker, stages)

    def delete_unbound(self, pod: Pod, reason: str, cause: int) -> None:
        """A pod without a node is nobody's to stop (pkg/registry/core/pod/strategy.go, CheckGracefulDelete)."""
        pod.state = PodState.DELETING
        pod.last = self._history.append(PodDeleting(self._clock.now, cause, pod.ref, reason, ()))
        self._clock.after(0, self._unbound_gone, pod)

    def _unbound_gone(self, pod: Pod) -> None:
        if pod.state is not PodState.GONE:  # else it was removed in the instant of its deletion
            self._status.gone(pod)

    def hears(self, worker: PodWorker) -> None:
        """The kubelet hears of a deletion it missed, or can say that nothing is left of the pod."""
        if worker.sync is Sync.TERMINATED:
            self._status.gone(worker.pod)
        else:
            self._gone_after(worker, self._stop(worker))

    def _stop(self, worker: PodWorker) -> tuple[Stage, ...]:
        """The kubelet stops a pod; returns what that takes."""
        sync, worker.sync = worker.sync, Sync.TERMINATING
        worker.forget_timers()
        self.forget(worker)
        self._engines.stop(worker)
        if sync is Sync.UNHEARD:
            return ()
        until = self._clock.now if sync is Sync.SETTING_UP else None
        return pod_stop_stages(worker, self._draws, until=until)

    def _gone_after(self, worker: PodWorker, stages: tuple[Stage, ...]) -> None:
        length = end_of(stages, 0)
        if length is not None:
            worker.timer = self._clock.after(length, self._stopped, worker)

    def _stopped(self, worker: PodWorker) -> None:
        """Nothing of the pod is left on its node; its object goes as soon as the kubelet can say so."""
        worker.timer = None
        if worker.node.reachable:
            self._status.gone(worker.pod)
        else:
            worker.sync = Sync.TERMINATED

    def removed(self, worker: PodWorker) -> None:
        """The pod's object is removed at once: whatever still runs counts for nothing."""
        worker.forget_timers()
        self._engines.stop(worker)

    def forget(self, worker: PodWorker) -> None:
        """It waits for no image any more."""
        self._image_waits.forget(worker)
        self._containers.forget(worker)
