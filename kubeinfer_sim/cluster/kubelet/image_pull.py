"""What one attempt to make sure of an image does: nothing, a pull, or an error the container waits with.

The decisions of the kubelet's image manager (pkg/kubelet/images/image_manager.go, EnsureImageExists): pull
policy, back-off after failed pulls, the registry's rate limit. How long a pull takes is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from kubeinfer_sim.cluster.kubelet.backoff import ImageBackoff, PodWorkerRetry
from kubeinfer_sim.cluster.rate_limit import TokenBucket
from kubeinfer_sim.manifest.kubernetes.images import image_tag


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


def failed_attempts(first: int, backoff: ImageBackoff, retry: PodWorkerRetry) -> Iterator[int]:
    """When a pod tries to pull (ms), from `first` on, as long as every pull fails at once."""
    at = first
    while True:
        yield at
        backoff.record_failure(at)
        at += 1
        while (due := backoff.next_pull(at)) > at:
            at = retry.next(at, due - at)


def next_attempt(first: int, now: int, backoff: ImageBackoff, retry: PodWorkerRetry) -> int:
    """When a pod, whose pulls have all failed since `first`, tries again at `now` or later (ms).

    The attempts in between are played, not simulated: nobody notices them.
    """
    return next(at for at in failed_attempts(first, backoff, retry) if at >= now)
