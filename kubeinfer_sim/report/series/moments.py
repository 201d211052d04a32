"""What was tried at which moment, in rows, and whether it broke anything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

#: Points of a picture at most, those that broke something first.
MOST_TRIED = 3_000


class Tried(Struct, frozen=True):
    """One trial: in which row, when (ms), what came of it and what is said of it."""

    row: str
    at: int
    came: Literal["breaks it", "costs something", "harmless"]
    text: str


class Moments(Struct, frozen=True):
    """Trials in rows, in the order in which rows first appear; so many are left out."""

    rows: list[str]
    tried: list[Tried]
    left_out: int


def moments(trials: Iterable[Tried]) -> Moments:
    """All of them, or of too many those that broke something, then those that cost something, then the rest."""
    ordered = sorted(trials, key=lambda each: ("breaks it", "costs something", "harmless").index(each.came))
    shown = ordered[:MOST_TRIED]
    return Moments(list(dict.fromkeys(each.row for each in shown)), shown, len(ordered) - len(shown))
