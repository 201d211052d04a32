"""What happens to whole nodes, as their kubelets see it: machines die or are cut off, kubelets are restarted.

A kubelet that does not run probes, starts and stops nothing, and its node's heartbeats cease; its containers go on, but
its pulls and kills end with it. A new kubelet begins them anew, with the whole grace period; it has no back-offs and no
probe results. Since 1.35 it goes by the status the API server has until a probe
finds otherwise; up to 1.34 each container with a startup or readiness probe is not ready until it has passed them again
(KEP-4781).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from kubeinfer_sim.cluster.kubelet.container import Container
from kubeinfer_sim.cluster.kubelet.containers import Containers
from kubeinfer_sim.cluster.kubelet.image_manager import ImageManager
from kubeinfer_sim.cluster.kubelet.pod_admission import PodAdmission
from kubeinfer_sim.cluster.kubelet.pod_termination import PodTermination
from kubeinfer_sim.cluster.kubelet.pod_worker import PodWorker, Sync
from kubeinfer_sim.cluster.kubelet.services import Services
from kubeinfer_sim.cluster.kubelet.set_up import SetUp
from kubeinfer_sim.cluster.kubelet.sync_loop import SyncLoop
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import PodState
from kubeinfer_sim.engine.clock import Timer


class NodeEvents:
    """What becomes of the pods of a node that fails, and of one that is back."""

    def __init__(
        self,
        services: Services,
        images: ImageManager,
        set_up: SetUp,
        containers: Containers,
        admission: PodAdmission,
        termination: PodTermination,
        loop: SyncLoop,
    ) -> None:
        self._clock = services.clock
        self._status = services.status
        self._probes = services.probes
        self._kubernetes = services.kubernetes
        self._images = images
        self._set_up = set_up
        self._containers = containers
        self._admission = admission
        self._termination = termination
        self._loop = loop

    # -- machines ------------------------------------------------------------------------------------------

    def go_down(self, node: Node, workers: Iterable[PodWorker]) -> None:
        """The machine is dead, and all that ran on it; the API server knows nothing of that."""
        node.alive = node.reachable = False
        node.kubelet_runs = True  # whether it did matters no more
        self._images.give_up(node)
        for worker in workers:
            worker.held = None
            worker.forget_timers()
            worker.plan, worker.to_stop = None, False
            self._admission.forget(worker)
            self._termination.stopped(worker)
            worker.forget_probers()
        node.lose_memory(self._clock.now)

    def cut_off(self, node: Node) -> None:
        """The machine runs on, but its kubelet and the API server do not hear of each other."""
        node.reachable = False

    def come_back(self, node: Node, workers: Iterable[PodWorker]) -> None:
        """The kubelet talks to the API server again; what ran on a dead machine is started anew."""
        rebooted = not node.alive
        if rebooted:
            node.kubelet_since = self._clock.now
        node.alive = node.reachable = True
        for worker in workers:
            pod = worker.pod
            if rebooted and pod.state is PodState.DELETING:
                worker.sync = Sync.SETTING_UP  # nothing runs any more
            if worker.is_behind or (rebooted and pod.state is PodState.PULLING):
                self._catch_up(worker, worker.node.last, again=rebooted)
            elif rebooted:
                self._boot(worker)
            elif pod.state is PodState.RUNNING:
                self._loop.sync(worker)

    def _catch_up(self, worker: PodWorker, cause: int, *, again: bool) -> None:
        """The kubelet hears what it missed: the pod is to be stopped, or set up; `again`: the kubelet is new."""
        if worker.pod.state is PodState.DELETING:
            self._termination.hears(worker, new=again)
        elif not again:
            self._admission.admit(worker)
        elif self._admission.admit_again(worker, cause):
            self._set_up.begin(worker)

    def _boot(self, worker: PodWorker) -> None:
        """The machine is up again: the kubelet, new itself, finds the pod's containers dead."""
        self._containers.forget_back_offs(worker)
        if worker.pod.state is PodState.RUNNING and not self._admission.admit_again(worker, worker.node.last):
            return
        self._probes.reboot(worker)
        worker.pod.last = worker.node.last
        for container in worker.containers:
            if worker.pod.state is not PodState.RUNNING:
                return
            if container.dead:
                self._containers.found_dead(worker, container)
            else:
                self._loop.died(worker, container, "NodeRebooted", 137)

    # -- kubelets ------------------------------------------------------------------------------------------

    def stop_kubelet(self, node: Node, workers: Iterable[PodWorker]) -> None:
        """The kubelet's process ends, and the calls with which it pulls and kills."""
        now = self._clock.now
        self._images.give_up(node)
        node.lose_pulls(now)
        for worker in workers:
            pod = worker.pod
            if pod.state is PodState.DELETING:
                self._termination.leave(worker)
                continue
            if pod.state is PodState.RUNNING and not worker.probed:
                self._probes.probe_long_running(worker)
            for container in worker.probed:
                self._probes.exact(worker, container)
            worker.held = {place: _resumed(timer) for place, timer in worker.timers.items()}
            if (pulls := worker.pulls(now)) is not None:
                worker.hold(None, partial(self._pull_anew, worker, pulls))
            worker.forget_timers()
        node.reachable = node.kubelet_runs = False

    def start_kubelet(self, node: Node, workers: Iterable[PodWorker], cause: int) -> None:
        """A new kubelet has read the pods it is to run, and looks at what is there."""
        now = node.kubelet_since = self._clock.now
        node.reachable = node.kubelet_runs = True
        for worker in workers:
            pod = worker.pod
            held, worker.held = worker.held or {}, None
            if worker.is_behind:
                self._catch_up(worker, cause, again=True)
                continue
            if pod.state is PodState.DELETING:
                self._termination.again(worker)
                continue
            if pod.state is PodState.FINISHED:
                continue
            if worker.asks_for_devices and not self._admission.admit_again(worker, cause):
                continue
            if worker.sync is Sync.SETTING_UP:
                worker.added_at = now
            self._containers.forget_back_offs(worker)
            self._set_up.pull_back_off.kubelet_restarted(worker)
            if worker.probed:
                self._adopt(worker, cause)
            for place, resume in held.items():
                if place is None or not place.dead:
                    worker.timers[place] = resume(now)
                else:
                    self._containers.start_dead(worker, place)
            if worker.probed:
                self._loop.sync(worker)

    def _pull_anew(self, worker: PodWorker, container: Container, at: int) -> Timer:
        return self._clock.at(at, self._set_up.pull_anew, worker, container)

    def _adopt(self, worker: PodWorker, cause: int) -> None:
        """The new kubelet probes the containers that run."""
        pod = worker.pod
        self._probes.adopt(worker)
        started = ready = True
        for container in worker.probed:
            assert container.prober is not None
            started = started and container.prober.started
            ready = ready and container.prober.ready
        if not self._kubernetes.new_kubelet_keeps_readiness:
            pod.started = started and not any(container.dead for container in worker.containers)
        if pod.ready and not ready:
            pod.last = cause
            self._status.unready(pod, "KubeletRestarted")


def _resumed(timer: Timer) -> Callable[[int], Timer]:
    """Sets it again, for when it would have fired or for the time given, if that is later."""
    return lambda now: timer.again(max(timer.when, now))
