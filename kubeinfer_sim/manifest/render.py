"""Findings for people: `file:line:col: error: path: message`, the line with a caret, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable

from kubeinfer_sim.diagnostics import Diagnostic, Severity
from kubeinfer_sim.manifest.wrapping import cells, wrap

_COLOURS = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m", Severity.NOTE: "\x1b[1;36m"}
_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_SMALLEST = 40


def render(diagnostics: Iterable[Diagnostic], *, colour: bool = False, width: int | None = 80) -> str:
    """Findings one after another, each with its source line and a caret, without a final line break.

    Args:
        diagnostics: in the order they are to be read.
        colour: use ANSI colours.
        width: columns of the terminal; None leaves messages unbroken (for logs).

    Control characters (also those that turn the direction of text) never reach the terminal.
    """
    columns = None if width is None else max(width, _SMALLEST)
    return "\n".join(line for each in diagnostics for line in _render_one(each, colour, columns))


def sort_key(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    """Order findings as a reader meets them: by file, line, column."""
    return diagnostic.file, diagnostic.line, diagnostic.column, diagnostic.message


def printable(text: str) -> str:
    """The text with control and formatting characters written as escapes, so that none can act."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def _render_one(diagnostic: Diagnostic, colour: bool, width: int | None) -> list[str]:
    def paint(code: str, text: str) -> str:
        return f"{code}{text}{_RESET}" if colour else text

    where = printable(diagnostic.where)
    head = f"{where}: {diagnostic.severity}: {printable(diagnostic.sentence)}{diagnostic.tag}"
    lines = wrap(head, width, later="    ", whole=len(f"{where}: {diagnostic.severity}:"))
    if colour and lines[0].startswith(start := f"{where}: {diagnostic.severity}:"):
        painted = (
            f"{paint(_BOLD, where + ':')} {paint(_COLOURS[diagnostic.severity], diagnostic.severity + ':')}"
        )
        lines[0] = painted + lines[0][len(start) :]
    if diagnostic.line and diagnostic.text:
        gutter = f"{diagnostic.line:>5} | "
        text, before = _trim(diagnostic.text, diagnostic.column, (width or 120) - len(gutter))
        lines.append(paint(_DIM, gutter) + text)
        if diagnostic.column:
            lines.append(paint(_DIM, "      | ") + " " * before + paint(_COLOURS[diagnostic.severity], "^"))
    if diagnostic.hint:
        hint = f"hint: {printable(diagnostic.hint)}"
        lines += wrap(hint, width, first="      = ", later="            ")
    return lines


def _trim(text: str, column: int, room: int) -> tuple[str, int]:
    """The part of a line around a column that fits `room` cells, and the cells before the column in it."""
    index = min(max(column - 1, 0), len(text))
    if len(text) <= room and cells(text) <= room:
        return "".join(map(_harmless, text)), cells(text[:index])
    room -= 2  # for the ellipses
    start, before = index, 0
    # As much as half the room before the column, all of it when the line's beginning is that near.
    while start and before + cells(text[start - 1]) <= room // 2:
        start -= 1
        before += cells(text[start])
    end, used = index, before
    while end < len(text) and used + cells(text[end]) <= room:
        used += cells(text[end])
        end += 1
    left, right = "…" if start else "", "…" if end < len(text) else ""
    return left + "".join(map(_harmless, text[start:end])) + right, before + len(left)


def _harmless(character: str) -> str:
    if character == "\t":
        return "→"
    return character if character.isprintable() else "�"
