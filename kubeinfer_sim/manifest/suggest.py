"""The nearest known word, for messages about unknown ones."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

#: Longer words are no misspelling of a field's name; comparing costs the product of the lengths.
_LONGEST = 80


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like this one, in whatever case; None when none is near."""
    by_lower = {each.lower(): each for each in known}
    if len(word) > _LONGEST:
        return None
    close = get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "replicas"?`, or nothing."""
    near = nearest(word, known)
    return f'; did you mean "{near}"?' if near is not None else ""
