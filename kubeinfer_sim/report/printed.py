"""The parts of a report as text: of a width, coloured or plain, with or without characters beyond ASCII."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from kubeinfer_sim.report.paragraph import Paragraph, Part
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import plain

if TYPE_CHECKING:
    from rich.padding import Padding
    from rich.table import Table

NARROWEST, WIDEST = 60, 160
#: Blanks at the end of a line, also between codes that end a colour.
_TRAILING = re.compile(r"(?: |\x1b\[[0-9;]*m)+$", re.M)


def within(width: int) -> int:
    """How wide a report is on a terminal of so many columns."""
    return min(max(width, NARROWEST), WIDEST)


def printed(parts: Iterable[Part], *, width: int, colour: bool, unicode: bool) -> str:
    """The parts one below the other, ending in one line break.

    Args:
        parts: a text that must not be wrapped (`no_wrap`, a command to copy) stays whole, however long it is.
        width: columns.
        colour: with ANSI colours.
        unicode: False replaces everything drawn beyond ASCII.
    """
    written = "".join(f"{line}\n" for part in parts for line in _lines(part, width, colour=colour))
    text = _TRAILING.sub(lambda match: match[0].replace(" ", ""), written).rstrip("\n") + "\n"
    return text if unicode else plain(text)


def _lines(part: Part, width: int, *, colour: bool) -> Iterable[str]:
    if isinstance(part, Text):
        lines = part.lines() if part.no_wrap else Paragraph(part).lines(width)
    elif isinstance(part, Paragraph):
        lines = part.lines(width)
    else:
        return _drawn(part, width, colour=colour)
    return (line.coloured if colour else line.plain for line in lines)


def _drawn(table: Table | Padding, width: int, *, colour: bool) -> list[str]:
    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    with console.capture() as capture:
        console.print(table, crop=False)
    return capture.get().splitlines()
