"""What the loss of a pod does to its peers: the engines of one role are taken for one collective group.

A collective operation with a peer that is gone hangs until it times out (HCCL_EXEC_TIMEOUT, about 30 min by
default), and then the process exits; nothing shows before, since health checks rarely look at the group. With
the switch `peerLossTimeout` the survivors do so, whether or not the peer is back by then: a communicator is
not mended. What replaces the lost pod waits for them at the start barrier.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.controllers.kubeinfer.instance import Instance
from kubeinfer_sim.controllers.kubeinfer.records import PeersLost


class Peers:
    """Follows the groups that have lost a pod; `timeout` in ms, None when survivors never exit."""

    def __init__(self, cluster: Cluster, timeout: int | None) -> None:
        self._clock = cluster.env.clock
        self._history = cluster.env.history
        self._kubelet = cluster.kubelet
        self._timeout = timeout
        # Members of broken groups, with how often their containers had been restarted then.
        self._broken: dict[Pod, int] = {}

    def lost(self, instance: Instance, pod: Pod, cause: int) -> None:
        """The engine of a pod is gone or silent, and its role is not rebuilt as a whole."""
        if self._timeout is None or self._broken.pop(pod, None) == pod.restarts:
            return
        survivors = [other for other in instance.group(pod) if other is not pod and self._runs(other)]
        if not survivors:
            return
        now = self._clock.now
        for other in survivors:
            self._broken[other] = other.restarts
            other.barrier.leave(other)  # whoever starts now has to wait for their successors
        until = now + self._timeout
        number = self._history.append(
            PeersLost(now, cause, instance.ref, pod.ref.name, tuple(each.ref for each in survivors), until)
        )
        self._clock.at(until, self._exit, survivors, number)

    def forget(self, pod: Pod) -> None:
        """The pod is gone."""
        self._broken.pop(pod, None)

    def _runs(self, pod: Pod) -> bool:
        """Whether its engine runs, past the barrier, in a group that is whole."""
        return (
            pod.state is PodState.RUNNING
            and not self._kubelet.engine_dead(pod)
            and (pod.node is None or pod.node.reachable)
            and not pod.barrier.holds(pod)
            and self._broken.get(pod) != pod.restarts
        )

    def _exit(self, survivors: Sequence[Pod], cause: int) -> None:
        for pod in survivors:
            same_run = self._broken.get(pod) == pod.restarts
            if same_run and pod.state is PodState.RUNNING and not self._kubelet.engine_dead(pod):
                self._kubelet.crash(pod, "PeerLost", 1, cause=cause)
