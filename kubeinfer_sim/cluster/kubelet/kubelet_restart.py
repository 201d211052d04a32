"""Kubelets that are restarted: their containers go on, what they know of them is lost.

While it does not run nothing is probed, started or stopped, and the node's heartbeats cease. A new kubelet has no
back-offs and no probe results. Since 1.35 it goes by the status the API server has until a probe finds otherwise; up to
1.34 each container with a startup or readiness probe is not ready until it has passed them again (KEP-4781).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kubeinfer_sim.cluster.kubelet.outages import Outages
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.engine.clock import Timer


class KubeletRestarts(Outages):
    """What a kubelet's restart means for the pods of its node."""

    def stop_kubelet(self, node: Node) -> None:
        """The kubelet's process ends. What the container runtime has begun, it ends."""
        for pod in self._api.pods_on(node.name):
            if pod.state is PodState.DELETING:
                continue
            if pod.state is PodState.RUNNING and not pod.probers:
                self._probe_running(pod)
            for index in pod.probers:
                self._exact(pod, index)
            held = {place: _resumed(timer) for place, timer in pod.timers.items()}
            self._forget_timers(pod)
            if held:
                self._held[pod] = held
        node.reachable = node.kubelet_runs = False

    def go_down(self, node: Node) -> None:
        """The machine is dead; that its kubelet did not run matters no more."""
        for pod in self._api.pods_on(node.name):
            self._held.pop(pod, None)
        node.kubelet_runs = True
        super().go_down(node)

    def start_kubelet(self, node: Node, cause: int) -> None:
        """A new kubelet has read the pods it is to run, and looks at what is there."""
        now = self._clock.now
        node.reachable = node.kubelet_runs = True
        for pod in self._api.pods_on(node.name):
            held = self._held.pop(pod, {})
            if pod in self._to_stop or pod in self._unheard:
                self._heard(pod, node, rebooted=False)
                continue
            if pod.state is PodState.DELETING:
                continue  # the container runtime stops it
            for index in range(-len(pod.template.init_containers), len(pod.containers)):
                self._runs.pop((pod, index), None)
            if pod in self._imageless:
                self._imageless[pod] = replace(self._imageless[pod], since=now)
            if pod.probers:
                self._adopt_containers(pod, cause)
            for place, resume in held.items():
                if isinstance(place, str) or place not in pod.dead:
                    pod.timers[place] = resume(now)
                elif (create := self._draws.draw(pod.timings.create, pod, "create")) is not None:
                    # Nobody remembers a back-off.
                    pod.timers[place] = self._clock.after(create, self._runs_again, pod, place, False)
            if pod.probers:
                self._follow(pod)

    def _adopt_containers(self, pod: Pod, cause: int) -> None:
        """New probe workers for the containers that run, each beginning at a random part of its period."""
        now = pod.added_at = self._clock.now
        for index in pod.probers:
            before = self._exact(pod, index)
            prober = pod.probers[index] = self._prober(pod, pod.containers[index], kubelet_age_ms=0)
            since = before.running_since
            if since is not None and index not in pod.dead:
                prober.container_adopted(
                    now, self._health(pod, index), since=since, started=before.started, pod_ready=pod.ready
                )
        probers = pod.probers.values()
        if not self._kubernetes.new_kubelet_keeps_readiness:
            pod.started = not pod.dead and all(prober.started for prober in probers)
        if pod.ready and not all(prober.ready for prober in probers):
            pod.last = cause
            self._api.unready(pod, "KubeletRestarted")


def _resumed(timer: Timer) -> Callable[[int], Timer]:
    """Sets it again, for when it would have fired or for the time given, if that is later."""
    return lambda now: timer.again(max(timer.when, now))
