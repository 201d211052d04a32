"""Image references: their tags, which decide the default of imagePullPolicy, and what is wrong with other texts.

Sources: pkg/util/parsers/parsers.go of Kubernetes and the grammar of github.com/distribution/reference.
"""

from __future__ import annotations

import re
from functools import lru_cache

_COMPONENT = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = rf"(?:{_COMPONENT}(?:\.{_COMPONENT})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_reference = re.compile(
    rf"(?:{_DOMAIN})/(?P<path>{_PATH}(?:/{_PATH})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
).fullmatch
_FORMAT = "invalid reference format"
_identifier = re.compile(r"[a-f0-9]{64}").fullmatch
_HEX_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}


def image_tag(image: str) -> str | None:
    """The tag of an image: `latest` where neither tag nor digest is given, empty where only a digest is.

    None for a text that is no image reference.
    """
    try:
        return _tag(image)
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def reference_error(image: str) -> str:
    """What the parser says of a text that is no image reference; "" of one that is.

    Source: github.com/distribution/reference, normalize.go (ParseNormalizedNamed) and reference.go (Parse).
    """
    try:
        _tag(image)
    except ValueError as error:
        return str(error)
    return ""


def _tag(image: str) -> str:
    """The tag, as `image_tag` gives it.

    Raises:
        ValueError: the text is no image reference; the message is the parser's.
    """
    if _identifier(image):
        raise ValueError(f"invalid repository name ({image}), cannot specify 64-byte hexadecimal strings")
    if len(image) > 1000:
        raise ValueError(_FORMAT)
    first, slash, rest = image.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost" or first.lower() != first):
        first, rest = "docker.io", image
    if first in ("docker.io", "index.docker.io"):
        first = "docker.io"
        if "/" not in rest:
            rest = f"library/{rest}"
    remote = rest.partition(":")[0]
    if remote != remote.lower():
        raise ValueError(f"{_FORMAT}: repository name ({remote}) must be lowercase")
    match = _reference(f"{first}/{rest}")
    if match is None:
        raise ValueError(_FORMAT)
    if len(first) + 1 + len(match["path"]) > 255:
        raise ValueError("repository name must not be more than 255 characters")
    if match["digest"]:
        algorithm, _, digits = match["digest"].partition(":")
        if algorithm not in _HEX_DIGITS:
            raise ValueError("unsupported digest algorithm")
        if len(digits) != _HEX_DIGITS[algorithm]:
            raise ValueError("invalid checksum digest length")
        if digits != digits.lower():
            raise ValueError("invalid checksum digest format")
        return match["tag"] or ""
    return match["tag"] or "latest"


def default_pull_policy(image: str) -> str:
    """`Always` for the tag latest, given or implied, else `IfNotPresent`."""
    return "Always" if image_tag(image) == "latest" else "IfNotPresent"
