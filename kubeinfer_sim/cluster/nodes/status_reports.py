"""The status reports of kubelets that change something in the API.

Only a report that changes something, after the kubelet was silent or the controller wrote otherwise, is carried
out; of all others `heartbeat.Heartbeat` knows when they were (pkg/kubelet/kubelet_node_status.go).
"""

from __future__ import annotations

from typing import Protocol

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.engine.clock import Clock, Timer


class PodStatusWriter(Protocol):
    """What knows of a pod whether it is ready: its kubelet."""

    def restore_ready(self, pod: Pod) -> None:
        """Write the pod's Ready condition as its containers have it."""


class StatusReporter(Watcher):
    """The status reports of all kubelets that change something in the API."""

    def __init__(self, clock: Clock, api: Api, pods: PodStatusWriter) -> None:
        self._clock = clock
        self._api = api
        self._pods = pods
        self._timers: dict[str, Timer] = {}
        #: Nodes with pods whose Ready condition somebody else than their kubelet wrote.
        self._overruled: dict[str, dict[Pod, None]] = {}

    def silent(self, node: Node) -> None:
        """The kubelet sends nothing from now on (the machine is dead, hung or cut off)."""
        assert node.heartbeat is not None
        node.heartbeat.fall_silent(self._clock.now)
        timer = self._timers.pop(node.name, None)
        if timer is not None:
            timer.cancel()
        self._api.silent(node)

    def back(self, node: Node, *, restarted: bool = True) -> None:
        """The kubelet sends again."""
        assert node.heartbeat is not None
        node.heartbeat.come_back(self._clock.now, restarted=restarted)
        self._check_if_needed(node)

    def becomes(self, node: Node, *, ready: bool) -> None:
        """The kubelet finds itself ready or not (its runtime or network died …) and posts that at once."""
        assert node.heartbeat is not None
        node.heartbeat.ready = ready
        if node.heartbeat.alive_since is not None:
            self._check(node)

    def pod_overruled(self, pod: Pod) -> None:
        """A controller wrote the pod's Ready condition; its kubelet will put it right when it can."""
        assert pod.node is not None
        self._overruled.setdefault(pod.node.name, {})[pod] = None
        if self._api.has(pod.node):
            self._check_if_needed(pod.node)

    def node_ready_changed(self, node: Node) -> None:
        """Somebody wrote the Ready condition; the kubelet insists on its own view."""
        self._check_if_needed(node)

    def node_removed(self, node: Node) -> None:
        """Its kubelet fails to update the status of a node that is not there (tryUpdateNodeStatus).

        It registers again only when it is started anew.
        """
        if node.heartbeat is not None and node.heartbeat.alive_since is not None:
            self.silent(node)

    def pod_gone(self, pod: Pod) -> None:
        """Nothing to put right any more."""
        if pod.node is not None:
            self._overruled.get(pod.node.name, {}).pop(pod, None)

    def _check_if_needed(self, node: Node) -> None:
        beat = node.heartbeat
        if beat is None or beat.alive_since is None or node.name in self._timers:
            return
        if node.ready != str(beat.ready) or (beat.ready and self._overruled.get(node.name)):
            when = beat.next_check(self._clock.now)
            self._timers[node.name] = self._clock.at(when, self._check, node)

    def _check(self, node: Node) -> None:
        """The kubelet's status check."""
        timer = self._timers.pop(node.name, None)
        if timer is not None:
            timer.cancel()
        beat = node.heartbeat
        assert beat is not None
        now = self._clock.now
        beat.posted = beat.reported(now)
        if node.ready != str(beat.ready):
            beat.posted = now
            self._api.set_node_ready(node, "True" if beat.ready else "False")
        if beat.ready:
            for pod in self._overruled.pop(node.name, {}):
                if not pod.terminating:
                    self._pods.restore_ready(pod)
