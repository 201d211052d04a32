"""A pod all of whose containers are restarted in place, as a rule of one of them asks (RestartAllContainers, KEP-5532).

None gets time to stop and no preStop hook is run; then the pod goes through its set-up again, init containers included,
with the same address, node, devices and volumes. The containers are removed from the node before, so that none has an
exit to be backed off from.
"""

from __future__ import annotations

from kubeinfer_sim.cluster.kubelet.stopping import Stopping
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import ContainerDied

#: Why a container dies that has done nothing itself.
RESTART_ALL = "RestartAllContainers"


class InPlace(Stopping):
    """Restarts pods in place."""

    def _restart_all(self, pod: Pod) -> None:
        now = self._clock.now
        init = pod.state is PodState.PULLING
        self._forget_timers(pod)
        for index, container in enumerate(pod.containers):
            runs = not init or pod.sidecars.get(index, now + 1) <= now
            if runs and index not in pod.dead:
                pod.last = self._history.append(
                    ContainerDied(now, pod.last, pod.ref, container.name, RESTART_ALL, 137, init)
                )
        self._interrupt(pod)
        pod.probers.clear()
        pod.dead.clear()
        pod.sidecars.clear()
        pod.plan = pod.waits = pod.began_at = None
        pod.started = False
        pod.restarts += 1
        pod.in_place += 1
        pod.state = PodState.PULLING
        self._go_on(pod, 0)
