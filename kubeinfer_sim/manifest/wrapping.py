"""Sentences in lines as wide as the terminal: no word is cut, nor a name, a path or a command that people copy."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

#: What stays together: a run without blanks, in which what stands in backticks, a command, counts as one word.
_WORD = re.compile(r"(?:`[^`\n]*`|\S)+")


def cells(text: str) -> int:
    """Terminal cells: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(map(_cells_of, text))


@lru_cache(maxsize=4096)
def _cells_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrap(text: str, width: int | None, *, first: str = "", later: str = "", whole: int = 0) -> list[str]:
    """A sentence in lines of at most `width` cells; what has no blank to break at stays whole, however long.

    Args:
        text: one paragraph.
        width: None leaves it on one line.
        first: what stands before the first line.
        later: what stands before the others.
        whole: so many characters at the beginning are one word, blanks and all (a file's name).
    """
    spans = list(lines_of(text, width, first=cells(first), later=cells(later), whole=whole))
    return [(later if place else first) + text[start:end] for place, (start, end) in enumerate(spans)] or [
        first.rstrip()
    ]


def lines_of(
    text: str, width: int | None, *, first: int = 0, later: int = 0, whole: int = 0
) -> Iterator[tuple[int, int]]:
    """Where each line begins and ends, with `first` cells before the first and `later` before the others."""
    begun, end, room = -1, 0, (width or 0) - first
    for start, stop in _words(text, whole):
        if begun < 0:
            # Blanks a text begins with are its indentation.
            begun = 0
        elif width is not None and cells(text[begun:stop]) > room:
            yield begun, end
            begun, room = start, width - later
        end = stop
    if begun >= 0:
        yield begun, end


def _words(text: str, whole: int) -> Iterator[tuple[int, int]]:
    place = 0
    if whole:
        match = _WORD.match(text, whole)
        place = match.end() if match else whole
        yield 0, place
    yield from (match.span() for match in _WORD.finditer(text, place))
