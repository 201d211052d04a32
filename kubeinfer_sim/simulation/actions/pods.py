"""Actions on pods: their containers crash, their images cannot be pulled, their objects are removed by force."""

from __future__ import annotations

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import ContainerCrashed
from kubeinfer_sim.engine.clock import Phase
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.scenario.actions.model import Crash, ForceDelete, ImageFault, StartFault, Target
from kubeinfer_sim.simulation.actions.handlers import Handlers
from kubeinfer_sim.simulation.actions.targets import matches
from kubeinfer_sim.simulation.workloads import Workloads


class PodActions:
    """Does them."""

    def __init__(self, cluster: Cluster, workloads: Workloads) -> None:
        self._env = cluster.env
        self._kubelet = cluster.kubelet
        self._workloads = workloads

    def handlers(self) -> Handlers:
        """The actions it does."""
        return {
            Crash: self._crash,
            ForceDelete: self._force_delete,
            ImageFault: self._break_images,
            StartFault: self._nothing,
        }

    def _pods(self, target: Target) -> list[Pod]:
        return [pod for pod in self._workloads.pods() if matches(target, pod)]

    def _crash(self, action: Crash) -> None:
        env = self._env
        for pod in self._pods(action.target):
            container = self._kubelet.container_named(pod, action.container)
            if container is None:
                continue
            crashed = ContainerCrashed(env.clock.now, NO_CAUSE, pod.ref, action.reason, action.exit_code)
            cause = env.history.append(crashed)
            self._kubelet.crash(pod, action.reason, action.exit_code, container=container, cause=cause)

    def _force_delete(self, action: ForceDelete) -> None:
        """`kubectl delete pod --grace-period=0 --force`."""
        api = self._env.api
        for pod in self._pods(action.target):
            terminating = pod.state is PodState.DELETING
            if action.terminating_only and not terminating:
                continue
            if not terminating:
                api.evict(pod, "ForceDeleted", NO_CAUSE)
            api.remove(pod, "ForceDeleted", NO_CAUSE)

    def _break_images(self, action: ImageFault) -> None:
        self._kubelet.break_images(action.images, broken=True)
        if action.until is not None:
            self._env.clock.at(action.until, self._mend_images, action, phase=Phase.ACTION)

    def _mend_images(self, action: ImageFault) -> None:
        self._kubelet.break_images(action.images, broken=False)

    def _nothing(self, action: StartFault) -> None:
        """The kubelets know of it from the beginning."""
