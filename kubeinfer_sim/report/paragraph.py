"""A text of the report in lines of whole words: names that are longer than a line stay whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Self, TypeAlias

from kubeinfer_sim.manifest.wrapping import cells, lines_of
from kubeinfer_sim.report.text import Text

if TYPE_CHECKING:
    from rich.padding import Padding
    from rich.table import Table

#: What a report is put together from; tables may be moved to the right.
Part: TypeAlias = "Text | Paragraph | Table | Padding"

#: The most a text stands to the right beside its title.
_FARTHEST = 40


class Paragraph:
    """A text, with a title to its left or without.

    Args:
        text: its own line breaks are kept.
        title: what stands before its first line.
        room: columns the title takes; the text hangs beside it.
        indent: columns to the left of both.
    """

    def __init__(self, text: Text, title: str = "", room: int = 0, indent: int = 0) -> None:
        self.text, self.title, self.room, self.indent = text, title, min(room, _FARTHEST), indent

    def indented(self, columns: int) -> Self:
        """The same, moved to the right."""
        return type(self)(self.text, self.title, self.room, self.indent + columns)

    def lines(self, width: int) -> Iterator[Text]:
        """The lines, at most so many columns wide where their words allow it."""
        title, left = self.title, self.indent + self.room
        for text in self.text.lines():
            # A title that is longer than its room moves the text beside it, and that alone.
            room = cells(title) + 2 if 0 < self.room <= cells(title) else self.room
            first = self.indent + max(cells(title), room)
            spans = list(lines_of(text.plain, width, first=first, later=left))
            for start, end in spans or [(0, 0)]:
                line = Text(" " * self.indent).append(title + " " * (room - cells(title)), "dim")
                yield line.append(text.part(start, end))
                title = ""


def indented(part: Part, columns: int) -> Part:
    """A part of the report, moved to the right."""
    if isinstance(part, Text) and not part.no_wrap:
        return Paragraph(part, indent=columns)
    if isinstance(part, Paragraph):
        return part.indented(columns)
    from rich.padding import Padding

    return Padding(part, (0, 0, 0, columns))


def figure_table(rows: Sequence[tuple[str, str | Text]]) -> list[Part]:
    """A name and a text beside it in each row."""
    room = max((cells(name) for name, _ in rows), default=0) + 2
    return [
        Paragraph(text if isinstance(text, Text) else Text(text), title=name, room=room)
        for name, text in rows
    ]
