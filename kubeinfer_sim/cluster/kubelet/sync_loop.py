"""What the parts of a kubelet hand back to it (pkg/kubelet/kubelet.go, syncLoop)."""

from __future__ import annotations

from typing import Protocol

from kubeinfer_sim.cluster.kubelet.container import Container
from kubeinfer_sim.cluster.kubelet.pod_worker import PodWorker
from kubeinfer_sim.cluster.kubelet.set_up_plan import FailedHook


class SyncLoop(Protocol):
    """Syncs pods when something about them has changed."""

    def sync(self, worker: PodWorker) -> None:
        """Apply what the pod's probes have found by now, and wake up when they will find something new.

        A pod that was deleted during a sync is stopped when that is over.
        """

    def died(self, worker: PodWorker, container: Container, reason: str, exit_code: int) -> None:
        """A container of the pod has ended."""

    def completed(self, worker: PodWorker, *, failed: bool) -> None:
        """No container of the pod runs or will be started again, except for sidecars, which are stopped."""

    def hook_failed(self, worker: PodWorker, hook: FailedHook) -> None:
        """A container has been killed since its postStart hook failed."""
