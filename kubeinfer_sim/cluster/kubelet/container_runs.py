"""The restarts of one container in place, and the back-off between them."""

from __future__ import annotations

from msgspec import Struct

from kubeinfer_sim.cluster.kubelet.backoff import ContainerBackoff, PodWorkerRetry


class Restart(Struct, frozen=True):
    """When a container starts again, and when its status says first that it waits (CrashLoopBackOff), in ms."""

    at: int
    in_status_at: int


class ContainerRuns(Struct):
    """The restarts of one container: its back-off, and when its newest run ended (ms)."""

    backoff: ContainerBackoff
    retry: PodWorkerRetry
    finished: int | None = None

    def start_after(self, now: int, *, seen: bool) -> Restart:
        """When the container that died at `now` starts again.

        `seen`: the sync that starts it knows of this death. After a kill by a probe it knows only of the run
        before: kill and start happen in one sync (kuberuntime_manager.go, computePodActions and doBackOff).

        A sync writes the status before it finds the back-off, so the next one tells of it: after an exit that is the
        next try, after a kill the sync that sees the container dead.
        """
        known = now if seen else self.finished
        self.finished = now
        if known is None:
            return Restart(now, now)
        start_at = in_status_at = now
        if self.backoff.next_start(known, now) > now:
            # The wait counts from the newest death, which the next sync does see.
            tries = list(self.backoff.tries(now, now, self.retry))
            start_at = tries[-1]
            in_status_at = tries[1] if seen else now
            known = now
        self.backoff.record_start(known, start_at)
        return Restart(start_at, in_status_at)
