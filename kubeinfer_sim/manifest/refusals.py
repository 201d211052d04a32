"""Which objects of a manifest the API server would not take in the place of those that are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kubeinfer_sim.manifest.kubernetes.updates import invalid, update_errors


@dataclass(frozen=True, slots=True)
class Refusal:
    """An object that stays as it was.

    Attributes:
        words: the answer of the API server.
    """

    kind: str
    namespace: str
    name: str
    words: str


def refusals(old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]) -> list[Refusal]:
    """Those of the new objects that change what must not change, against old ones of their kind and name.

    Of several versions of one object the last counts.
    """
    before = {_key(each): each for each in old}
    found = []
    for key, each in {_key(each): each for each in new}.items():
        words = refusal(before[key], each) if key in before else ""
        if words:
            found.append(Refusal(*key, words))
    return found


def refusal(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """The answer of the API server to an object in the place of another; empty where it takes it."""
    errors = update_errors(old, new)
    kind, _, name = _key(new)
    return invalid(kind, name, errors) if errors else ""


def _key(written: Mapping[str, Any]) -> tuple[str, str, str]:
    metadata = written.get("metadata")
    names = metadata if isinstance(metadata, Mapping) else {}
    return str(written.get("kind")), str(names.get("namespace") or "default"), str(names.get("name") or "")
