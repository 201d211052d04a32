"""A text of the report in styled pieces.

Rich takes longer to import than a small run to play: it draws the tables alone, where there are some.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Self

from kubeinfer_sim.manifest.wrapping import cells

if TYPE_CHECKING:
    from rich.text import Text as RichText

#: Word of a style -> parameter of ANSI's sequence (ECMA-48, SGR).
_PARAMETERS = {"bold": 1, "dim": 2, "underline": 4}
_COLOURS = {"red": 31, "green": 32, "yellow": 33, "cyan": 36}


class Text:
    """A text whose pieces may be bold, dim, underlined or coloured.

    Args:
        text: the first piece; line breaks in it are kept.
        style: words such as `bold red`, which hold for what is appended, too, unless its own style says `not bold`.
        no_wrap: a command to copy; it stays on one line, however long.
    """

    __slots__ = ("_pieces", "no_wrap", "style")

    def __init__(self, text: str = "", style: str = "", *, no_wrap: bool = False) -> None:
        self.style, self.no_wrap = style, no_wrap
        self._pieces: list[tuple[str, str]] = []
        self.append(text)

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def __str__(self) -> str:
        return self.plain

    def __rich__(self) -> RichText:
        """The same in a cell of one of Rich's tables."""
        from rich.text import Text as RichText

        return RichText.assemble(*self._pieces)

    @property
    def plain(self) -> str:
        """Without styles."""
        return "".join(text for text, _ in self._pieces)

    @property
    def coloured(self) -> str:
        """With ANSI's sequences."""
        return "".join(
            _styled("".join(text for text, _ in same), style)
            for style, same in groupby(self._pieces, lambda piece: piece[1])
        )

    @property
    def cells(self) -> int:
        """How wide it is."""
        return cells(self.plain)

    def append(self, text: str | Self, style: str = "") -> Self:
        """Add a piece, or all those of a text; returns this one."""
        pieces = [(text, style)] if isinstance(text, str) else text._pieces
        self._pieces += [(each, _combined(self.style, own)) for each, own in pieces if each]
        return self

    def join(self, texts: Iterable[Self]) -> Self:
        """The texts with this one between them."""
        joined = type(self)()
        for place, text in enumerate(texts):
            if place:
                joined.append(self)
            joined.append(text)
        return joined

    def part(self, begin: int, end: int) -> Self:
        """From one character up to another."""
        part, place = type(self)(), 0
        for text, style in self._pieces:
            part.append(text[max(0, begin - place) : max(0, end - place)], style)
            place += len(text)
        return part

    def lines(self) -> list[Self]:
        """What stands between its line breaks."""
        lines, begin = [], 0
        for line in self.plain.split("\n"):
            lines.append(self.part(begin, begin + len(line)))
            begin += len(line) + 1
        return lines


def _styled(text: str, style: str) -> str:
    return f"\x1b[{_sequence(style)}m{text}\x1b[0m" if style else text


@cache
def _sequence(style: str) -> str:
    words = set(style.split())
    return ";".join(str(number) for word, number in (_PARAMETERS | _COLOURS).items() if word in words)


@cache
def _combined(outer: str, inner: str) -> str:
    """The style of a piece within a text of another style."""
    words: dict[str, None] = {}
    negated = False
    for word in (*outer.split(), *inner.split()):
        if word == "not":
            negated = True
        elif negated:
            words.pop(word, None)
            negated = False
        else:
            if word in _COLOURS:
                words = {each: None for each in words if each not in _COLOURS}
            words[word] = None
    return " ".join(words)
