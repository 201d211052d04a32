"""Image references: which tag one has, for the default of imagePullPolicy.

Sources: pkg/util/parsers/parsers.go of Kubernetes and the grammar of github.com/distribution/reference.
"""

from __future__ import annotations

import re

_COMPONENT = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = rf"(?:{_COMPONENT}(?:\.{_COMPONENT})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_reference = re.compile(
    rf"(?:{_DOMAIN})/(?P<path>{_PATH}(?:/{_PATH})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
).fullmatch
_identifier = re.compile(r"[a-f0-9]{64}").fullmatch
_HEX_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}


def image_tag(image: str) -> str | None:
    """The tag of an image: `latest` where neither tag nor digest is given, empty where only a digest is.

    None for a text that is no image reference.
    """
    if _identifier(image) or len(image) > 1000:
        return None
    first, slash, rest = image.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost" or first.lower() != first):
        first, rest = "docker.io", image
    if first in ("docker.io", "index.docker.io"):
        first = "docker.io"
        if "/" not in rest:
            rest = f"library/{rest}"
    match = _reference(f"{first}/{rest}")
    if match is None or len(first) + 1 + len(match["path"]) > 255:
        return None
    if match["digest"]:
        algorithm, _, digits = match["digest"].partition(":")
        if len(digits) != _HEX_DIGITS.get(algorithm) or digits != digits.lower():
            return None
        return match["tag"] or ""
    return match["tag"] or "latest"


def default_pull_policy(image: str) -> str:
    """`Always` for the tag latest, given or implied, else `IfNotPresent`."""
    return "Always" if image_tag(image) == "latest" else "IfNotPresent"
