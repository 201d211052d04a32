"""Whether an image has to be pulled, why one never can be, and when a pod whose pulls fail tries again.

The decisions of the kubelet's image manager (pkg/kubelet/images/image_manager.go, EnsureImageExists). Whose turn it is
on a node, the rate limit and how long a pull takes are in `image_manager`, pods that wait in `image_pull_back_off`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from kubeinfer_sim.cluster.kubelet.backoff import RELIST, ImageBackoff, PodWorkerRetry
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.manifest.kubernetes.images import reference_error
from kubeinfer_sim.manifest.model import Container as ContainerSpec
from kubeinfer_sim.manifest.releases import Release

_HOUR = 3_600_000


class ImageError(StrEnum):
    """Why a container waits for its image: the reason in its status (pkg/kubelet/images/types.go)."""

    INVALID_NAME = "InvalidImageName"
    NEVER_PULL = "ErrImageNeverPull"
    PULL = "ErrImagePull"
    BACK_OFF = "ImagePullBackOff"


def needs_pull(container: ContainerSpec, node: Node, at: int) -> bool:
    """Whether the kubelet asks for the image at `at`: its policy says so, or the image is not there, or no image.

    With policy Never it does not ask, but what is not there is an error (imagePullPrecheck).
    """
    if container.image_pull_policy == "Always":
        return True
    there = node.images.get(container.image)
    return there is None or there > at or bool(reference_error(container.image))


def never_pulled(container: ContainerSpec) -> ImageError | None:
    """Why the kubelet never asks a registry for an image that it needs; None where it does ask."""
    if reference_error(container.image):
        return ImageError.INVALID_NAME
    return ImageError.NEVER_PULL if container.image_pull_policy == "Never" else None


class PullSync(Struct, frozen=True):
    """A sync at `at` ms of a pod that waits for an image; `pulls`: the back-off is over, and it tries."""

    at: int
    pulls: bool


def failing_syncs(
    first: int, near: int, backoff: ImageBackoff, retry: PodWorkerRetry, takes: int
) -> Iterator[PullSync]:
    """The syncs of a pod all of whose pulls fail from `first` on (ms), `takes` each, up to any time after `near`.

    The start of its sandbox brings one within a second (PLEG); then it is retried every 10 to 15 s, whatever is left of
    the back-off: that of an image is not among the errors that say when they end (*trace*).
    """
    at = first
    if (hours := (near - first) // _HOUR) > 1:
        # By then it has waited for the longest time for long, and where in that it began does not show any more.
        at += (hours - 1) * _HOUR
        backoff.entry.delay = backoff.entry.limits.maximum
        backoff.entry.updated = at - backoff.entry.limits.maximum
    pulls = True
    while True:
        yield PullSync(at, pulls)
        began = at
        if pulls:
            at += takes
            backoff.record_failure(at)
        at = at + round(RELIST * retry.source.random()) if began == first else retry.next(at)
        pulls = backoff.next_pull(at) <= at


def next_attempt(first: int, now: int, backoff: ImageBackoff, retry: PodWorkerRetry, takes: int = 0) -> int:
    """When a pod, whose pulls have all failed since `first`, tries again at `now` or later (ms).

    The attempts in between are played, not simulated: nobody notices them.
    """
    syncs = failing_syncs(first, now, backoff, retry, takes)
    return next(sync.at for sync in syncs if sync.pulls and sync.at >= now)


def reason_shown(first: int, now: int, retry: PodWorkerRetry, takes: int) -> ImageError:
    """What the status of such a pod says at `now`: what the sync before the last one came to."""
    shown = outcome = ImageError.PULL
    for sync in failing_syncs(first, now, ImageBackoff(), retry, takes):
        if sync.at > now:
            break
        shown, outcome = outcome, ImageError.PULL if sync.pulls else ImageError.BACK_OFF
    return shown


class PullRetries:
    """When pods whose pulls fail try again: the attempts nobody notices are played, not simulated."""

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
