"""NPUs that recovery keeps from new pods, in runs in which none can fail: they stay out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.records import NpusIsolated
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.manifest.accelerators import accelerators_of

if TYPE_CHECKING:
    from kubeinfer_sim.cluster.devices.manager import Devices


class OfferedNpus(Watcher):
    """Stands for the device plugins where only how many NPUs a node offers matters, not which."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    def npus_isolated(self, pod: Pod, cause: int) -> None:
        """The node offers so many NPUs less as the pod asks for."""
        env, node = self._env, pod.node
        assert node is not None
        for resource, amount in accelerators_of(pod.template.requests).items():
            env.api.set_allocatable(node, resource, node.allocatable[resource] - amount)
        env.history.append(NpusIsolated(env.clock.now, cause, node.name, pod.npus))


class OfferedDevices(Watcher):
    """The same where it matters which: nodes can fail, and their kubelets admit pods again."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices

    def npus_isolated(self, pod: Pod, cause: int) -> None:
        """The node offers the pod's NPUs no more."""
        self._devices.set_state(self._devices.of(pod), "out", cause)
