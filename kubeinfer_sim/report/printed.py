"""The parts of a report as text: of a width, coloured or plain, with or without characters beyond ASCII."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.text import Text

from kubeinfer_sim.report.paragraph import Paragraph
from kubeinfer_sim.report.words import plain

NARROWEST, WIDEST = 60, 160
#: Blanks at the end of a line, also between codes that end a colour.
_TRAILING = re.compile(r"(?: |\x1b\[[0-9;]*m)+$", re.M)


def within(width: int) -> int:
    """How wide a report is on a terminal of so many columns."""
    return min(max(width, NARROWEST), WIDEST)


def printed(parts: Iterable[RenderableType], *, width: int, colour: bool, unicode: bool) -> str:
    """The parts one below the other, ending in one line break.

    Args:
        parts: a text that must not be wrapped (`no_wrap`, a command to copy) stays whole, however long it is.
        width: columns.
        colour: with ANSI colours.
        unicode: False replaces everything drawn beyond ASCII.
    """
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
        for part in parts:
            if isinstance(part, Text) and not part.no_wrap:
                part = Paragraph(part)
            console.print(part, soft_wrap=isinstance(part, Text), crop=False)
    text = _TRAILING.sub(lambda match: match[0].replace(" ", ""), capture.get()).rstrip("\n") + "\n"
    return text if unicode else plain(text)
