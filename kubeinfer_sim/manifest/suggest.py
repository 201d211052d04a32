"""The nearest known word, for messages about unknown ones; what compares them is imported when there is one."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from kubeinfer_sim.errors import UsageError

#: Longer words are no misspelling of a field's name; comparing costs the product of the lengths.
_LONGEST = 80


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like this one, in whatever case; None when none is near."""
    by_lower = {each.lower(): each for each in known}
    if len(word) > _LONGEST:
        return None
    from difflib import get_close_matches

    close = get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def alike(word: str, other: str) -> float:
    """How alike two words are, from 0 to 1."""
    from difflib import SequenceMatcher

    return SequenceMatcher(a=word, b=other).ratio()


def expect_known(given: Iterable[str], known: Collection[str], called: str) -> None:
    """Check the names of arguments of a function of the Python API that are passed on.

    Raises:
        UsageError: one of them is unknown.
    """
    for each in given:
        if each not in known:
            there = ", ".join(sorted(known))
            raise UsageError(
                f"{called} takes no {each}{did_you_mean(each, known)} (there are besides its own: {there})"
            )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "replicas"?`, or nothing."""
    near = nearest(word, known)
    return f'; did you mean "{near}"?' if near is not None else ""
