"""A text of the report in lines of whole words: rich alone would cut names that are longer than a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.text import Text

from kubeinfer_sim.manifest.wrapping import cells, lines_of

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

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        title, left = self.title, self.indent + self.room
        for text in self.text.split(allow_blank=True):
            first = self.indent + max(cells(title), self.room)
            spans = list(lines_of(text.plain, options.max_width, first=first, later=left))
            for start, end in spans or [(0, 0)]:
                line = Text(" " * self.indent, no_wrap=True, overflow="ignore")
                line.append(title + " " * (self.room - cells(title)), "dim")
                yield line.append_text(text[start:end])
                title = ""


def indented(part: RenderableType, columns: int) -> RenderableType:
    """A part of the report, moved to the right."""
    if isinstance(part, Text) and not part.no_wrap:
        return Paragraph(part, indent=columns)
    return part.indented(columns) if isinstance(part, Paragraph) else Padding(part, (0, 0, 0, columns))


def figure_table(rows: Sequence[tuple[str, str | Text]]) -> list[RenderableType]:
    """A name and a text beside it in each row."""
    room = max((cells(name) for name, _ in rows), default=0) + 2
    return [
        Paragraph(text if isinstance(text, Text) else Text(text), title=name, room=room)
        for name, text in rows
    ]
