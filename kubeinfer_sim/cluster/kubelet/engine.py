"""The inference engine of a pod: from the start barrier of its gang to its first answer."""

from __future__ import annotations

from kubeinfer_sim.cluster.kubelet.probing import Probing
from kubeinfer_sim.cluster.kubelet.start_stages import SHARED_STORAGE, end_of, interrupt
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.prober.forecast import Follower
from kubeinfer_sim.cluster.records import EngineStarted, TransferDone
from kubeinfer_sim.cluster.stages import WEIGHTS


class EngineStart(Probing):
    """Starts engines when their gangs are complete, and reads their weights."""

    def _arrive(self, pod: Pod) -> list[Pod]:
        """The pod stands at its gang's barrier; returns the pods whose engines start now."""
        released = pod.barrier.arrive(pod)
        for other in released:
            self._start_engine(other)
        return released

    def _in_sight(self, pod: Pod) -> None:
        """The barrier let the pod's engine start, so its probes' findings can be foreseen."""
        prober = pod.probers.get(pod.engine)
        if isinstance(prober, Follower):
            prober.serving(pod.serving_at, self._latency(pod))
            self._follow(pod)
        elif prober is not None:
            self._health_changed(pod)

    def _start_engine(self, pod: Pod) -> None:
        """The barrier let the engine start: everything up to the first answer, as far as it can be foreseen."""
        now = self._clock.now
        node = pod.node
        assert node is not None
        stages = self._draws.before_weights(pod)
        begins = end_of(stages, now)
        if begins is not None:
            weights = self._draws.weights(pod, node, begins, shared=self._storage is not None)
            stages = (*stages, weights)
            loaded = end_of((weights,), begins)
            if loaded is not None:
                stages += self._draws.after_weights(pod, node, loaded)
            elif self._storage is not None and weights.regime == SHARED_STORAGE:
                transfers = self._transfers
                size = transfers.weights_sizes.get(pod.ref.role, transfers.default_weights_size)
                pod.reading = self._storage.start(size, lambda: self._weights_read(pod, size), at=begins)
        pod.last = self._history.append(EngineStarted(now, pod.last, pod.ref, stages))
        if pod.serving_at is None and pod.reading is None:
            self._api.stuck(pod, "EngineNeverReady")

    def _weights_read(self, pod: Pod, size: int) -> None:
        now = self._clock.now
        pod.reading = None
        assert pod.node is not None
        stages = self._draws.after_weights(pod, pod.node, now)
        pod.last = self._history.append(TransferDone(now, pod.last, pod.ref, WEIGHTS, size, stages))
        if pod.serving_at is None:
            self._api.stuck(pod, "EngineNeverReady")
        self._in_sight(pod)

    def throttle_storage(self, factor: float) -> None:
        """The storage that all nodes share goes at this part of its speed; nothing happens where there is none."""
        if self._storage is not None:
            self._storage.throttle(factor)

    def _interrupt(self, pod: Pod) -> None:
        """The engine stops: it leaves the barrier, and what it had not finished is not on the node."""
        self._api.engine_stopped(pod)
        pod.barrier.leave(pod)
        if pod.reading is not None and self._storage is not None:
            self._storage.cancel(pod.reading)
            pod.reading = None
        if pod.node is not None:
            interrupt(pod, pod.node, self._clock.now)
        pod.serving_at = pod.weights_at = None
