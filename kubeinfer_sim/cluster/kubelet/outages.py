"""Nodes that die, are cut off or come back, as their kubelets see it."""

from __future__ import annotations

from kubeinfer_sim.cluster.kubelet.in_place import InPlace
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod, PodState


class Outages(InPlace):
    """What becomes of the pods of a node that cannot be reached."""

    def go_down(self, node: Node) -> None:
        """The machine is dead, and all that ran on it; the API server knows nothing of that."""
        node.alive = node.reachable = False
        self._images.give_up(node)
        for pod in self._api.pods_on(node.name):
            stopping = pod.state is PodState.DELETING
            self._forget_timers(pod)
            self._imageless.pop(pod, None)
            self._interrupt(pod)
            pod.probers.clear()
            if stopping:
                self._to_stop[pod] = PodState.PULLING  # nothing runs any more
        node.lose_memory(self._clock.now)

    def cut_off(self, node: Node) -> None:
        """The machine runs on, but its kubelet and the API server do not hear of each other."""
        node.reachable = False

    def come_back(self, node: Node) -> None:
        """The kubelet talks to the API server again; what ran on a dead machine is started anew."""
        rebooted = not node.alive
        node.alive = node.reachable = True
        for pod in self._api.pods_on(node.name):
            if pod in self._to_stop or pod in self._unheard or (rebooted and pod.state is PodState.PULLING):
                self._heard(pod, node, rebooted=rebooted)
            elif rebooted:
                self._boot(pod)
            elif pod.state is PodState.RUNNING:
                self._follow(pod)

    def _heard(self, pod: Pod, node: Node, *, rebooted: bool) -> None:
        """The kubelet hears what it missed: the pod is to be stopped, or set up."""
        if pod in self._to_stop:
            state = self._to_stop.pop(pod)
            if state is PodState.GONE:
                self._api.gone(pod)
            else:
                self._gone_after(pod, self._stop(pod, PodState.PULLING if rebooted else state))
        else:
            self._unheard.pop(pod, None)
            self._set_up(pod, node)

    def _boot(self, pod: Pod) -> None:
        """The machine is up again: the kubelet, new itself, finds the pod's containers dead."""
        pod.added_at = self._clock.now
        for index, container in enumerate(pod.containers):
            if container.startup_probe or container.liveness_probe or container.readiness_probe:
                pod.probers[index] = self._prober(pod, container, kubelet_age_ms=0)
        for index in range(len(pod.containers)):
            if pod.state is PodState.RUNNING:
                self._died(pod, index, "NodeRebooted", 137)

    def restore_ready(self, pod: Pod) -> None:
        """The pod's kubelet reports again: Ready is what its containers say."""
        pod.overruled = False
        if pod.state is PodState.RUNNING:
            self._follow(pod)
