"""Who follows the pods: their owner, and those who look after nodes, budgets and devices."""

from __future__ import annotations

from typing import Protocol

from kubeinfer_sim.cluster.pod import Pod


class PodListener(Protocol):
    """Who follows the pods: the controller."""

    def pod_ready(self, pod: Pod) -> None:
        """The pod's Ready condition turned true."""

    def pod_unready(self, pod: Pod, reason: str) -> None:
        """It turned false."""

    def pod_stuck(self, pod: Pod) -> None:
        """The pod will not become ready by itself; `pod.failure` says why."""

    def container_died(self, pod: Pod, reason: str) -> bool:
        """A container of the pod is dead. True: the pod is being replaced, so the kubelet leaves it alone."""
        ...

    def pod_gone(self, pod: Pod) -> None:
        """The pod's object is gone and its devices are free."""


class PodWatcher(Protocol):
    """Who else wants to know which pods stand on which node: what looks after failing nodes and budgets."""

    def pod_bound(self, pod: Pod) -> None:
        """The pod is bound to its node."""

    def pod_ready_changed(self, pod: Pod) -> None:
        """Its Ready condition has changed."""

    def pod_terminating(self, pod: Pod) -> None:
        """It has a deletion timestamp."""

    def pod_gone(self, pod: Pod) -> None:
        """Its object is gone."""
