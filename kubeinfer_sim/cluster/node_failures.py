"""Nodes that fail: machines die, are cut off, reboot and come back, and somebody taints them as out of service.

What the control plane makes of it is its own affair: it sees heartbeats cease, and taints.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubeinfer_sim.cluster.devices.manager import Devices
from kubeinfer_sim.cluster.devices.repair import Due
from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.cluster.node import NO_EXECUTE, OUT_OF_SERVICE
from kubeinfer_sim.cluster.nodes.status_reports import StatusReporter
from kubeinfer_sim.cluster.records import NodeFailed, NodeOutOfService, NodePowerCycled, NodeReturned
from kubeinfer_sim.engine.clock import Timer
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.scenario.actions.model import PLUGIN_AFTER_REBOOT, PLUGIN_AFTER_RESTART, FailureMode
from kubeinfer_sim.scenario.cluster.model import Taint


class NodeFailures:
    """Has machines fail and come back."""

    def __init__(
        self, env: Environment, kubelet: Kubelet, reporter: StatusReporter, devices: Devices
    ) -> None:
        self._clock = env.clock
        self._history = env.history
        self._api = env.api
        self._kubelet = kubelet
        self._reporter = reporter
        self._devices = devices
        self._returns: dict[str, Timer] = {}
        self._plugin_after: dict[str, int | None] = {}

    def fail(
        self,
        name: str,
        mode: FailureMode,
        *,
        until: int | None = None,
        plugin_after: int | None = None,
        cause: int = NO_CAUSE,
    ) -> bool:
        """A machine fails; `until` is when it is back by itself, `plugin_after` how long after its device plugin is.

        One that is dead is back after a reboot and stays so otherwise, one that fails otherwise may still die; nothing
        else happens to it: False.
        """
        node, now = self._api.machines[name], self._clock.now
        assert node.heartbeat is not None
        if not node.alive and mode == "reboot":
            node.last = self._history.append(NodePowerCycled(now, node.last, name))
            self._comes_back(name, until, plugin_after)
            return True
        dies = mode in ("silent", "reboot")
        if not node.alive or not (dies or (node.reachable and node.heartbeat.ready)):
            return False
        node.last = self._history.append(NodeFailed(now, cause, name, mode, node.heartbeat.heard(now)))
        if mode == "notReady":
            self._reporter.becomes(node, ready=False)
        else:
            if mode == "cutOff":
                self._kubelet.cut_off(node)
            elif mode == "kubeletRestart":
                self._kubelet.stop_kubelet(node)
            else:
                self._kubelet.go_down(node)
            if node.heartbeat.alive_since is not None:
                self._reporter.silent(node)
            for pod in self._api.unfinished_on(name) if mode != "kubeletRestart" else ():
                pod.owner.engine_silent(pod, node.last)
        self._comes_back(name, until, plugin_after)
        return True

    def _comes_back(self, name: str, until: int | None, plugin_after: int | None) -> None:
        """From now on it is back at that time, and at no other, if at any."""
        if (timer := self._returns.pop(name, None)) is not None:
            timer.cancel()
        self._plugin_after[name] = plugin_after
        if until is not None:
            self._returns[name] = self._clock.at(until, self.restore, name)

    def restore(self, name: str) -> bool:
        """A machine that failed is well again; nothing happens to one that is: False."""
        node, now = self._api.machines[name], self._clock.now
        timer = self._returns.pop(name, None)
        if timer is not None:
            timer.cancel()
        assert node.heartbeat is not None
        if not node.reachable:
            rebooted = not node.alive
            node.last = self._history.append(NodeReturned(now, node.last, name, rebooted))
            restarted = rebooted or not node.kubelet_runs
            plugin_after = self._plugin_after.pop(name, None)
            if restarted:
                usual = PLUGIN_AFTER_REBOOT if rebooted else PLUGIN_AFTER_RESTART
                after = usual if plugin_after is None else plugin_after
                self._devices.statuses.kubelet_starts(name, after, node.last)
            if node.kubelet_runs:
                self._kubelet.come_back(node)
            else:
                self._kubelet.start_kubelet(node, node.last)
            node.heartbeat.ready = True
            if self._api.has(node):
                self._reporter.back(node, restarted=restarted)
            elif restarted:
                node.registers(now)
                self._api.join(node, node.last)
                self._reporter.back(node)
            self._devices.statuses.node_reachable(name)
        elif not node.heartbeat.ready:
            node.last = self._history.append(NodeReturned(now, node.last, name, False))
            self._reporter.becomes(node, ready=True)
        else:
            return False
        return True

    def due(self) -> Iterator[Due]:
        """The machines that will be back by themselves."""
        return (Due(name, "return", timer.when) for name, timer in self._returns.items() if timer.pending)

    def out_of_service(self, name: str, *, ended: bool, cause: int = NO_CAUSE) -> bool:
        """Somebody who knows the machine is dead says so: its pods are removed without waiting for it.

        Nothing happens where that has been said already: False.
        """
        node = self._api.machines[name]
        taint = Taint(OUT_OF_SERVICE, "nodeshutdown", NO_EXECUTE)
        if (taint in node.taints) is not ended:
            return False
        node.last = self._history.append(NodeOutOfService(self._clock.now, cause, name, ended))
        if ended:
            self._api.change_taints(node, remove=[taint])
        else:
            self._api.change_taints(node, add=[taint])
        return True
