"""The API server's pods, and who is told of their changes.

The components of the cluster share the state of objects and its changes, and nothing else. A kubelet writes here what
becomes of its pods; the pod's owner and whoever watches are told in the instant in which it happens, in one order:

1. of Ready, and that it is lost: the owner, then the watchers;
2. of a binding, a deletion timestamp, an engine's end: the watchers;
3. of the end of a pod's object: the watchers, then the owner, who may make another pod in its place.

The watchers are told in the order in which `watch` was given them, once, where the simulation is put together.
"""

from __future__ import annotations

from collections.abc import Callable

from kubeinfer_sim.cluster.pod import Pod


class PodWatcher:
    """Told of changes right after they are stored; overrides what it cares for, and costs nothing else."""

    def pod_bound(self, pod: Pod) -> None:
        """The pod is bound to its node."""

    def pod_ready_changed(self, pod: Pod) -> None:
        """Its Ready condition has changed."""

    def pod_terminating(self, pod: Pod) -> None:
        """It has a deletion timestamp."""

    def pod_gone(self, pod: Pod) -> None:
        """Its object is gone."""

    def engine_stopped(self, pod: Pod) -> None:
        """The process of its inference engine has ended, however."""


class Api:
    """Where pods' changes are written and watched."""

    def __init__(self) -> None:
        self.watch()

    def watch(self, *watchers: PodWatcher) -> None:
        """These are told of changes from now on, in this order, and nobody else."""

        def told(event: str) -> list[Callable[[Pod], None]]:
            default = getattr(PodWatcher, event)
            return [getattr(each, event) for each in watchers if getattr(type(each), event) is not default]

        self._bound = told("pod_bound")
        self._ready_changed = told("pod_ready_changed")
        self._terminating = told("pod_terminating")
        self._gone = told("pod_gone")
        self._engine_stopped = told("engine_stopped")

    # -- what kubelets write -------------------------------------------------------------------------------

    def bound(self, pod: Pod) -> None:
        """The pod is bound to its node, and its kubelet knows."""
        for tell in self._bound:
            tell(pod)

    def ready(self, pod: Pod) -> None:
        """The pod's Ready condition turned true."""
        pod.owner.pod_ready(pod)
        for tell in self._ready_changed:
            tell(pod)

    def unready(self, pod: Pod, reason: str) -> None:
        """It turned false."""
        pod.owner.pod_unready(pod, reason)
        for tell in self._ready_changed:
            tell(pod)

    def stuck(self, pod: Pod) -> None:
        """The pod will not become ready by itself; `pod.failure` says why."""
        pod.owner.pod_stuck(pod)

    def container_died(self, pod: Pod, reason: str, exit_code: int) -> bool:
        """A container is dead; `reason` of an init container after `Init:`, as kubectl has it.

        Returns:
            True when the pod is being replaced, so that the kubelet leaves it alone.
        """
        return pod.owner.container_died(pod, reason, exit_code)

    def terminating(self, pod: Pod) -> None:
        """The pod has a deletion timestamp."""
        for tell in self._terminating:
            tell(pod)

    def gone(self, pod: Pod) -> None:
        """The pod's object is gone, and its devices are free."""
        for tell in self._gone:
            tell(pod)
        pod.owner.pod_gone(pod)

    def engine_stopped(self, pod: Pod) -> None:
        """The process of the pod's engine has ended, however."""
        for tell in self._engine_stopped:
            tell(pod)
