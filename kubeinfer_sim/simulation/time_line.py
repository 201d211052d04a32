"""What people do to the cluster and to the objects on it: the actions of a scenario's time line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubeinfer_sim.cluster.disruption.drain import DrainOptions
from kubeinfer_sim.cluster.pod import PodState
from kubeinfer_sim.cluster.records import ContainerCrashed
from kubeinfer_sim.engine.clock import Phase
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.scenario.actions.model import (
    Action,
    Apply,
    ApplyDeployment,
    Cordon,
    Crash,
    Drain,
    Fault,
    ForceDelete,
    Health,
    ImageFault,
    NodeDown,
    NodeUp,
    OutOfService,
    Scale,
    StartFault,
)
from kubeinfer_sim.simulation.targets import matches

if TYPE_CHECKING:
    from kubeinfer_sim.simulation.simulate import Simulation


class TimeLine:
    """Does what the actions of a simulation's scenario say, each at its time."""

    def __init__(self, simulation: Simulation) -> None:
        self._sim = simulation

    def start(self) -> None:
        """Let each action happen at its time."""
        for action in self._sim.scenario.actions:
            self._sim.clock.at(action.at, self.act, action, phase=Phase.ACTION)

    def act(self, action: Action) -> None:
        """What a person does to the cluster or the KubeInfer."""
        match action:
            case Apply():
                self._sim.workloads.of(action.kubeinfer).apply(action.kubeinfer, action.label)
            case Scale():
                self._sim.workloads.of(self._sim.scenario.kubeinfer).scale(action.replicas)
            case ApplyDeployment():
                self._sim.workloads.of(action.deployment).apply(action.deployment, action.label)
            case Cordon():
                for name in action.nodes:
                    self._cordon(name, not action.uncordon)
            case Drain():
                options = DrainOptions(
                    action.ignore_daemon_sets, action.delete_empty_dir_data, action.force, action.timeout
                )
                self._sim.drains.start(action.nodes, options, self._cordon)
            case NodeDown() | NodeUp() | OutOfService() | ForceDelete():
                self._node_failure(action)
            case Health():
                self._sim.health.act(action, self._sim.workloads.pods)
            case Crash():
                self._crash(action)
            case Fault():
                assert self._sim.faults is not None
                self._sim.faults.inject(action)
            case StartFault():
                pass  # the kubelets know of it from the beginning
            case ImageFault():
                self._sim.kubelet.break_images(action.images, broken=True)
                if action.until is not None:
                    self._sim.clock.at(action.until, self._images_back, action.images, phase=Phase.ACTION)

    def _node_failure(self, action: NodeDown | NodeUp | OutOfService | ForceDelete) -> None:
        assert self._sim.failures is not None
        match action:
            case NodeDown():
                for name in action.nodes:
                    self._sim.failures.fail(name, action.mode, until=action.until)
            case NodeUp():
                for name in action.nodes:
                    self._sim.failures.restore(name)
            case OutOfService():
                for name in action.nodes:
                    self._sim.failures.out_of_service(name, ended=action.ended)
            case ForceDelete():
                pods = [
                    pod
                    for pod in self._sim.workloads.pods()
                    if matches(action.target, pod)
                    and (pod.state is PodState.DELETING or not action.terminating_only)
                ]
                for pod in pods:
                    if pod.state is not PodState.DELETING:
                        self._sim.api.evict(pod, "ForceDeleted", NO_CAUSE)
                    self._sim.api.remove(pod, "ForceDeleted", NO_CAUSE)

    def _cordon(self, name: str, unschedulable: bool = True) -> None:
        self._sim.api.cordon(self._sim.api.nodes[name], unschedulable)

    def _crash(self, action: Crash) -> None:
        for pod in [pod for pod in self._sim.workloads.pods() if matches(action.target, pod)]:
            container = self._sim.kubelet.container_named(pod, action.container)
            if container is None:
                continue
            cause = self._sim.history.append(
                ContainerCrashed(self._sim.clock.now, NO_CAUSE, pod.ref, action.reason, action.exit_code)
            )
            self._sim.kubelet.crash(pod, action.reason, action.exit_code, container=container, cause=cause)

    def _images_back(self, images: tuple[str, ...]) -> None:
        self._sim.kubelet.break_images(images, broken=False)
