"""What the API server hears of pods from their kubelets (pkg/kubelet/status/status_manager.go).

The only part of the kubelet that writes to the API. What is written while the node cannot be reached is for the callers
to hold back: `PodWorker.node.reachable`.
"""

from __future__ import annotations

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.kubelet.pod_worker import PodWorker
from kubeinfer_sim.cluster.pod import PodState
from kubeinfer_sim.cluster.records import GatesAwaited, PodStarted
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import History

#: Why a pod is not Ready all of whose containers are (pkg/kubelet/status/generate.go, ReadinessGatesNotReady).
GATES_NOT_READY = "ReadinessGatesNotReady"


class StatusManager:
    """Writes the status of pods.

    Attributes:
        unready, stuck, finish, gone, engine_stopped: what `Api` calls so.
    """

    def __init__(self, clock: Clock, history: History, api: Api) -> None:
        self._clock = clock
        self._history = history
        self._api = api
        self.unready = api.unready
        self.stuck = api.stuck
        self.finish = api.finish
        self.gone = api.gone
        self.engine_stopped = api.engine_stopped

    def update(self, worker: PodWorker) -> None:
        """Started and Ready of the pod follow from its containers', as far as the API server hears of them."""
        pod = worker.pod
        if pod.state is not PodState.RUNNING or not worker.node.reachable:
            return
        started, ready = True, not pod.overruled
        for container in worker.containers:
            if container.dead:
                # Killed and started again within one sync, it is still ready in the API's eyes; not in ours.
                started = ready = False
            elif (prober := container.prober) is not None:
                started = started and prober.started
                ready = ready and prober.ready
        if started and not pod.started:
            pod.started = True
            pod.last = self._history.append(
                PodStarted(self._clock.now, pod.last, pod.ref, worker.layout.startup_probed)
            )
        reason = "ReadinessProbeFailed"
        if ready and (awaited := pod.gates_awaited):
            ready, reason = False, GATES_NOT_READY
            if pod.failure != reason:
                self._history.append(GatesAwaited(self._clock.now, pod.last, pod.ref, awaited))
                self._api.stuck(pod, reason)
        if ready and not pod.ready:
            self._api.ready(pod)
        elif not ready and pod.ready:
            self._api.unready(pod, reason)

    def container_died(self, worker: PodWorker, reason: str, exit_code: int) -> None:
        """A container has ended badly; `reason` as kubectl has it."""
        if not worker.node.reachable or worker.to_stop:
            return
        pod = worker.pod
        if pod.ready:
            self._api.unready(pod, reason)
        self._api.stuck(pod, reason)
        self._api.container_died(pod, reason, exit_code)
