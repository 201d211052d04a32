"""The restarts of one container in place, and the back-off between them."""

from __future__ import annotations

from dataclasses import dataclass

from kubeinfer_sim.cluster.kubelet.backoff import ContainerBackoff, PodWorkerRetry


@dataclass(slots=True)
class ContainerRuns:
    """The restarts of one container: its back-off, and when its newest run ended (ms)."""

    backoff: ContainerBackoff
    retry: PodWorkerRetry
    finished: int | None = None

    def start_after(self, now: int, *, seen: bool) -> int:
        """When the container that died at `now` starts again.

        `seen`: the sync that starts it knows of this death. After a kill by a probe it knows only of the run
        before: kill and start happen in one sync (kuberuntime_manager.go, computePodActions and doBackOff).
        """
        known = now if seen else self.finished
        self.finished = now
        if known is None:
            return now
        start_at = now
        if self.backoff.next_start(known, now) > now:
            # The wait counts from the newest death, which the next sync does see.
            start_at = self.backoff.restart_at(now, now, self.retry)
            known = now
        self.backoff.record_start(known, start_at)
        return start_at
