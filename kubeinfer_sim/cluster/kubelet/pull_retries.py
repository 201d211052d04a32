"""When a pod whose pulls fail tries again: the attempts nobody notices are played, not simulated."""

from __future__ import annotations

from kubeinfer_sim.cluster.kubelet.backoff import ImageBackoff, PodWorkerRetry
from kubeinfer_sim.cluster.kubelet.image_pull import ImageError, next_attempt, reason_shown
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.manifest.releases import Release


class PullRetries:
    """When pods try again to pull."""

    def __init__(self, streams: Streams, kubernetes: Release) -> None:
        self._streams = streams
        self._kubernetes = kubernetes

    def of(self, pod: Pod) -> PodWorkerRetry:
        """The pod's retries, from the first one on."""
        return PodWorkerRetry(self._kubernetes, self._streams.named(f"pull/{pod.stream_name}"))

    def next(
        self, pod: Pod, first: int, now: int, back_off: ImageBackoff | None = None, *, takes: int = 0
    ) -> int:
        """The pod's first attempt that is not before `now`, as all have failed since the `first`, `takes` ms each."""
        return next_attempt(first, now, back_off or ImageBackoff(), self.of(pod), takes)

    def reason(self, pod: Pod, first: int, now: int, takes: int) -> ImageError:
        """Why the pod waits, as its status has it at `now`; all its pulls have failed since the `first` (ms)."""
        return reason_shown(first, now, self.of(pod), takes)
