"""A pod's end: stopped within its grace period, or its object removed at once."""

from __future__ import annotations

from kubeinfer_sim.cluster.kubelet.sidecars import Sidecars
from kubeinfer_sim.cluster.kubelet.start_stages import end_of
from kubeinfer_sim.cluster.kubelet.termination import pod_stop_stages
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import (
    PodDeleting,
)
from kubeinfer_sim.cluster.stages import Stage


class Stopping(Sidecars):
    """Stops pods."""

    def pod_terminating(self, pod: Pod, reason: str, cause: int) -> None:
        """The pod is deleted: its kubelet stops it, as soon as it hears of that."""
        state, pod.state = pod.state, PodState.DELETING
        pod.ready = False
        stages: tuple[Stage, ...] = ()
        reachable = pod.node is None or pod.node.reachable
        if reachable:
            stages = self._stop(pod, state)
        else:
            # It stays Terminating until the node is back or somebody removes it.
            self._to_stop[pod] = PodState.PENDING if pod in self._unheard else state
        pod.last = self._history.append(PodDeleting(self._clock.now, cause, pod.ref, reason, stages))
        if reachable:
            self._gone_after(pod, stages)

    def _stop(self, pod: Pod, state: PodState) -> tuple[Stage, ...]:
        """The kubelet stops a pod that was in this state; returns what that takes."""
        self._forget_timers(pod)
        self._imageless.pop(pod, None)
        self._interrupt(pod)
        if state is PodState.PENDING:
            return ()
        until = self._clock.now if state is PodState.PULLING else None
        grace = pod.template.termination_grace_period_seconds
        return pod_stop_stages(pod, grace, self._draws, until=until)

    def _gone_after(self, pod: Pod, stages: tuple[Stage, ...]) -> None:
        length = end_of(stages, 0)
        if length is not None:
            pod.timer = self._clock.after(length, self._stopped, pod)

    def _stopped(self, pod: Pod) -> None:
        """Nothing of the pod is left on its node; its object goes as soon as the kubelet can say so."""
        pod.timer = None
        if pod.node is None or pod.node.reachable:
            self._api.gone(pod)
        else:
            self._to_stop[pod] = PodState.GONE

    @staticmethod
    def _forget_timers(pod: Pod) -> None:
        if pod.timer is not None:
            pod.timer.cancel()
            pod.timer = None
        for timer in pod.timers.values():
            timer.cancel()
        pod.timers.clear()

    def pod_gone(self, pod: Pod) -> None:
        """Its object is gone: nothing is known of it any more."""
        self._unheard.pop(pod, None)
        self._to_stop.pop(pod, None)
        self._imageless.pop(pod, None)
        for table in (self._pull_back_offs, self._unstarted):
            for key in [key for key in table if key[0] is pod]:
                del table[key]  # type: ignore[arg-type]
        self._held.pop(pod, None)
        if pod.restarts or pod.init_restarts:
            for index in range(-len(pod.template.init_containers), len(pod.containers)):
                self._runs.pop((pod, index), None)

    def pod_removed(self, pod: Pod) -> None:
        """Its object is removed at once: whatever still runs counts for nothing."""
        self._forget_timers(pod)
        self._interrupt(pod)
