"""What one attempt to make sure of an image does: nothing, a pull, or an error the container waits with.

The decisions of the kubelet's image manager (pkg/kubelet/images/image_manager.go, EnsureImageExists): pull
policy, back-off after failed pulls, the registry's rate limit. How long a pull takes is not decided here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from kubeinfer_sim.cluster.backoff import ImageBackoff
from kubeinfer_sim.cluster.rate_limit import TokenBucket


class ImageError(StrEnum):
    """Why a container waits for its image: the reason in its status (pkg/kubelet/images/types.go)."""

    INVALID_NAME = "InvalidImageName"
    INSPECT = "ImageInspectError"
    NEVER_PULL = "ErrImageNeverPull"
    PULL = "ErrImagePull"
    BACK_OFF = "ImagePullBackOff"


# The grammar of github.com/distribution/reference (reference.go), for names without a default domain.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_TAG = r"(?P<tag>:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
_DIGEST = r"(?P<digest>@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?"
_REFERENCE = re.compile(rf"(?P<path>{_COMPONENT}(?:/{_COMPONENT})*){_TAG}{_DIGEST}", re.ASCII)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")


def is_image_name(image: str) -> bool:
    """Whether a text names an image, as a container runtime's client reads it (ParseNormalizedNamed).

    The part before the first slash is a registry if it contains a dot, a colon or a capital, or is
    `localhost`. Repositories are lower case, and 64 hex digits alone are an identifier, not a name.
    """
    if _IDENTIFIER.fullmatch(image):
        return False
    domain, slash, rest = image.partition("/")
    if not slash or not (re.search(r"[.:A-Z]", domain) or domain == "localhost"):
        domain, rest = "", image
    elif not re.fullmatch(_DOMAIN, domain):
        return False
    match = _REFERENCE.fullmatch(rest)
    return match is not None and len(match["path"]) <= 255


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
        if not is_image_name(self.image):
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
