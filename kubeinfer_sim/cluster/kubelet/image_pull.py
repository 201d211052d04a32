"""What one attempt to make sure of an image does: nothing, a pull, or an error the container waits with.

The decisions of the kubelet's image manager (pkg/kubelet/images/image_manager.go, EnsureImageExists): pull
policy, back-off after failed pulls, the registry's rate limit. How long a pull takes is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple

from kubeinfer_sim.cluster.kubelet.backoff import RELIST, ImageBackoff, PodWorkerRetry
from kubeinfer_sim.cluster.rate_limit import TokenBucket
from kubeinfer_sim.manifest.kubernetes.images import image_tag

_HOUR = 3_600_000


class ImageError(StrEnum):
    """Why a container waits for its image: the reason in its status (pkg/kubelet/images/types.go)."""

    INVALID_NAME = "InvalidImageName"
    INSPECT = "ImageInspectError"
    NEVER_PULL = "ErrImageNeverPull"
    PULL = "ErrImagePull"
    BACK_OFF = "ImagePullBackOff"


@dataclass(slots=True)
class ImagePuller:
    """The attempts of one pod to get one image.

    Attributes:
        registry: the node's limit of pulls (registryPullQPS 5, registryBurst 10), shared by its pods; None
            when it is off.
    """

    image: str
    policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    backoff: ImageBackoff = field(default_factory=ImageBackoff)
    registry: TokenBucket | None = None

    def attempt(self, now: int, *, present: bool, inspectable: bool = True) -> ImageError | bool:
        """What an attempt at `now` comes to.

        Args:
            now: milliseconds.
            present: whether the runtime has the image.
            inspectable: whether the runtime can tell.

        Returns:
            True: pull now, and tell `failed` if that fails. False: start with the image that is there. An
            error otherwise; a pull the rate limit forbids has failed already.
        """
        if image_tag(self.image) is None:
            return ImageError.INVALID_NAME
        if not inspectable:
            return ImageError.INSPECT
        if self.policy == "Never" or (self.policy == "IfNotPresent" and present):
            return False if present else ImageError.NEVER_PULL
        if self.backoff.next_pull(now) > now:
            return ImageError.BACK_OFF
        if self.registry is not None and not self.registry.try_accept(now):
            self.failed(now)
            return ImageError.PULL
        return True

    def failed(self, now: int) -> None:
        """The pull failed at `now`: the container waits with ErrImagePull, then with ImagePullBackOff."""
        self.backoff.record_failure(now)


class PullSync(NamedTuple):
    """A sync of a pod at `at` ms that waits for an image; `pulls`: its back-off is over, so it tries."""

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
    """What the status of such a pod says at `now`: what came of the sync before the last one, which wrote it."""
    shown = outcome = ImageError.PULL
    for sync in failing_syncs(first, now, ImageBackoff(), retry, takes):
        if sync.at > now:
            break
        shown, outcome = outcome, ImageError.PULL if sync.pulls else ImageError.BACK_OFF
    return shown
