"""A pod's end: stopped within its grace period, or its object removed at once (kubelet.go, SyncTerminatingPod)."""

from __future__ import annotations

from msgspec.structs import replace

from kubeinfer_sim.cluster.kubelet.container import Container
from kubeinfer_sim.cluster.kubelet.containers import Containers
from kubeinfer_sim.cluster.kubelet.engine_starts import EngineStarts
from kubeinfer_sim.cluster.kubelet.pod_worker import PodWorker, Stopping, Sync
from kubeinfer_sim.cluster.kubelet.services import Services
from kubeinfer_sim.cluster.kubelet.set_up import SetUp
from kubeinfer_sim.cluster.kubelet.termination import ended_early, pod_stop_stages, stop_anew
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import PodDeleting, PodStopping
from kubeinfer_sim.cluster.stages import Stage, end_of
from kubeinfer_sim.engine.clock import Phase

#: What the status of a pod says that was on its node for too long (pkg/kubelet/active_deadline.go).
DEADLINE_EXCEEDED = "Pod was active on the node longer than the specified deadline"


class PodTermination:
    """Stops pods."""

    def __init__(
        self,
        services: Services,
        engines: EngineStarts,
        set_up: SetUp,
        containers: Containers,
    ) -> None:
        self._clock = services.clock
        self._history = services.history
        self._draws = services.draws
        self._status = services.status
        self._engines = engines
        self._set_up = set_up
        self._containers = containers

    def delete(self, worker: PodWorker, reason: str, cause: int) -> None:
        """The pod gets a deletion timestamp, and its kubelet stops it as soon as it hears of that."""
        pod = worker.pod
        if pod.deletion_grace == 0:
            self.removed(worker)
        if pod.deletion_grace == 0 or pod.state is PodState.FINISHED:
            self.delete_unbound(pod, reason, cause)
            return
        pod.state = PodState.DELETING
        pod.ready = False
        now = self._clock.now
        stages: tuple[Stage, ...] = ()
        # Cut off, it stays Terminating until the node is back or somebody removes it.
        stops = worker.node.reachable and not worker.in_sync(now)
        if stops:
            stages = self._stop(worker)
        elif worker.node.reachable:
            stages = self._stop_after_sync(worker)
        pod.last = self._history.append(PodDeleting(now, cause, pod.ref, reason, stages))
        if stops:
            self._gone_after(worker, stages)

    def _stop_after_sync(self, worker: PodWorker) -> tuple[Stage, ...]:
        """A sync is under way, and the pod is stopped when it is over; returns what is known to be left of it."""
        worker.to_stop = True
        if worker.timer is not None:
            worker.timer.cancel()
            worker.timer = None
        return self._set_up.end_with_sync(worker) if worker.sync is Sync.SETTING_UP else ()

    def sync_over(self, worker: PodWorker) -> None:
        """What its kubelet was about when it heard of the deletion may be over by now."""
        if not worker.in_sync(self._clock.now):
            self._begin(worker)

    def _begin(self, worker: PodWorker) -> None:
        """Stop a pod whose deletion is known already."""
        pod, stages = worker.pod, self._stop(worker)
        pod.last = self._history.append(PodStopping(self._clock.now, pod.last, pod.ref, stages))
        self._gone_after(worker, stages)

    def delete_unbound(self, pod: Pod, reason: str, cause: int) -> None:
        """Delete a pod that no kubelet has to stop: it has no node, it has ended, or its grace period is 0.

        pkg/registry/core/pod/strategy.go, CheckGracefulDelete.
        """
        pod.state = PodState.DELETING
        pod.last = self._history.append(PodDeleting(self._clock.now, cause, pod.ref, reason, ()))
        self._clock.after(0, self._unbound_gone, pod)

    def _unbound_gone(self, pod: Pod) -> None:
        if pod.state is not PodState.GONE:  # else it was removed in the instant of its deletion
            self._status.gone(pod)

    def hears(self, worker: PodWorker, *, new: bool) -> None:
        """The kubelet hears of a deletion it missed, or can say that nothing is left of the pod.

        A `new` one has no sync under way: those of the one before have ended with it.
        """
        if worker.sync is Sync.TERMINATED:
            self._status.gone(worker.pod)
        elif not new and worker.in_sync(self._clock.now):
            self._stop_after_sync(worker)
        else:
            self._begin(worker)

    def _stop(self, worker: PodWorker) -> tuple[Stage, ...]:
        """The kubelet stops a pod; returns what that takes."""
        stages: tuple[Stage, ...] = ()
        now = self._clock.now
        if worker.sync not in (Sync.UNHEARD, Sync.TERMINATED):
            until = now if worker.sync is Sync.SETTING_UP else None
            stages = pod_stop_stages(worker, self._draws, until=until)
        worker.stopping = Stopping(now, stages, worker.runs_init(now))
        worker.sync, worker.to_stop = Sync.TERMINATING, False
        worker.forget_timers()
        self.stopped(worker)
        return stages

    def stopped(self, worker: PodWorker) -> None:
        """It waits for no image and no object any more, and its engine does not run."""
        self._set_up.pull_back_off.forget(worker)
        self._set_up.objects.forget(worker)
        self._containers.forget(worker)
        self._engines.stop(worker)

    def leave(self, worker: PodWorker) -> None:
        """The kubelet that stops the pod, or is about to when its sync is over, is restarted."""
        if worker.to_stop:
            worker.to_stop, worker.plan = False, None
            worker.forget_timers()
        elif worker.sync is Sync.TERMINATING and worker.timer is not None:
            assert worker.stopping is not None
            worker.timer.cancel()
            worker.stopping = worker.stopping.left(self._clock.now)
            for container in worker.every:
                container.kill = ()

    def again(self, worker: PodWorker) -> None:
        """A new kubelet stops the pod anew, with its whole grace period; what was told to end does so in its time."""
        assert worker.stopping is not None
        stages = stop_anew(worker, self._clock.now, self._draws)
        pod, now = worker.pod, self._clock.now
        worker.stopping = Stopping(now, stages, worker.stopping.init)
        pod.last = self._history.append(PodStopping(now, pod.last, pod.ref, stages))
        self._gone_after(worker, stages)

    def runs(self, worker: PodWorker, container: Container) -> bool:
        """Whether a process of the container still runs of a pod that is deleted and being stopped."""
        if worker.sync is not Sync.TERMINATING or worker.pod.state is not PodState.DELETING:
            return False
        if worker.stopping is None or worker.timer is None or container.ended or not worker.node.alive:
            return False
        ends = end_of(container.kill, worker.stopping.since)
        return ends is not None and self._clock.now < ends

    def exits(self, worker: PodWorker, container: Container) -> None:
        """The process ends by itself before its time: the pod is gone sooner if it was the slowest."""
        assert worker.stopping is not None
        assert worker.timer is not None
        now, pod, planned = self._clock.now, worker.pod, worker.stopping
        container.ended = True
        worker.stopping = planned._replace(stages=ended_early(worker, container, now))
        if end_of(worker.stopping.stages, 0) == end_of(planned.stages, 0):
            return
        since, (stage, *rest), _ = worker.stopping.left(now)
        if stage.duration is not None:
            stage = replace(stage, duration=max(0, since + stage.duration - now))
        worker.timer.cancel()
        stages = (stage, *rest)
        pod.last = self._history.append(PodStopping(now, pod.last, pod.ref, stages))
        self._gone_after(worker, stages)

    def exceeds_deadline(self, worker: PodWorker) -> None:
        """It has been on its node for too long: it is stopped, and Failed (pkg/kubelet/active_deadline.go)."""
        self.complete(worker, failed=True, reason="DeadlineExceeded", message=DEADLINE_EXCEEDED)

    def complete(self, worker: PodWorker, *, failed: bool, reason: str = "", message: str = "") -> None:
        """Its containers have ended for good, or are ended: what still runs is stopped, then its phase is final."""
        stages = self._stop(worker)
        if stages[:-1]:
            pod = worker.pod
            pod.last = self._history.append(PodStopping(self._clock.now, pod.last, pod.ref, stages))
        length = end_of(stages, 0)
        if length is not None:
            worker.timer = self._clock.after(length, self._completed, worker, failed, reason, message)

    def _completed(self, worker: PodWorker, failed: bool, reason: str, message: str) -> None:
        worker.timer = None
        if worker.node.reachable:
            self._status.finish(worker.pod, "Failed" if failed else "Succeeded", reason, message)

    def _gone_after(self, worker: PodWorker, stages: tuple[Stage, ...]) -> None:
        """Its containers are dead after all stages but the last, and its object goes after that."""
        length = end_of(stages[:-1], 0)
        if length is None:
            return
        clean_up = stages[-1].duration if stages else 0
        if clean_up == 0:
            worker.timer = self._clock.after(length, self._stopped, worker)
        else:
            # What is decided in the instant of their death comes before the API server hears of it.
            worker.timer = self._clock.after(length, self._dead, worker, clean_up, phase=Phase.OBSERVER)

    def _dead(self, worker: PodWorker, clean_up: int | None) -> None:
        """All its containers are dead: what it holds is free when the API server hears that its phase is final."""
        worker.timer = None
        if clean_up is not None:
            worker.timer = self._clock.after(clean_up, self._stopped, worker)
        if worker.node.reachable:
            self._status.finish(worker.pod, "Failed")

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
        worker.sync, worker.to_stop = Sync.TERMINATED, False
        self.stopped(worker)
