"""What stands on a page, without a tag: the verdict, three numbers, sections of pictures, tables and texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from kubeinfer_sim.report.plots.plot import Plot

#: How something came out.
Tone = Literal["good", "bad", "open", "plain"]


class Cell(Struct, frozen=True):
    """A cell of a table that is sorted by a number, or coloured; `sort` None: by its text."""

    text: str
    sort: float | None = None
    tone: Tone = "plain"


class Number(Struct, frozen=True):
    """One of the numbers that matter: its name, itself, and what to know of it."""

    name: str
    value: str
    note: str = ""


class Picture(Struct, frozen=True):
    """A picture and what is said under it: what is put together, how to read it."""

    plot: Plot
    caption: str = ""


class Table(Struct, frozen=True):
    """A table whose head sorts it, and what is said under it.

    Attributes:
        head: names of the columns; without any there is no head.
        rows: cells; a plain text is sorted as one.
        left_out: so many rows there are besides.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    caption: str = ""
    left_out: int = 0


class Text(Struct, frozen=True):
    """Paragraphs, or items of a list."""

    paragraphs: Sequence[str]
    as_list: bool = False


class Verbatim(Struct, frozen=True):
    """A text in letters of equal width, such as a file or a command; `title`: it is folded up under that."""

    text: str
    title: str = ""


Block = Picture | Table | Text | Verbatim


class Section(Struct, frozen=True):
    """A part of a page; one without blocks is left out."""

    title: str
    blocks: Sequence[Block]


class Page(Struct, frozen=True):
    """A page.

    Attributes:
        title: of the window.
        subtitle: what was simulated.
        verdict: in a sentence, with its mark.
        numbers: the three that matter.
        end: what it rests on and how to get it again.
    """

    title: str
    subtitle: str
    verdict: str
    tone: Tone
    numbers: Sequence[Number]
    sections: Sequence[Section]
    end: Sequence[Section]
