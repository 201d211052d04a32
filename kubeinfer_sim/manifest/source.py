"""Bytes a user names, as text with line numbers; what is not readable UTF-8 text is refused here."""

from __future__ import annotations

import codecs
import os
import re
import select
import stat
import sys
from bisect import bisect_right
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct
from msgspec.structs import force_setattr

from kubeinfer_sim.diagnostics import Diagnostic, Severity
from kubeinfer_sim.errors import InputError, expect
from kubeinfer_sim.manifest.lookalikes import hint_on

#: Bytes read from one file. The API server takes requests of 3 MiB; a rendered chart holds several objects.
MAX_SOURCE_BYTES = 8 * 1024 * 1024

#: How long a FIFO may be without a writer: as long as it takes to start one.
WRITER_COMES_MS = 2000
#: Files are read in pieces of so many bytes.
PIECE = 1 << 20
#: Where the shell's own pipes, and standard input, are among files.
PIPES_OF_THE_SHELL = ("/dev/", "/proc/")

#: What `sys.audit` tells of each source that is read, with its name and how many bytes it has.
READ_EVENT = "kubeinfer_sim.read"
#: Where a file that is no text has a byte that texts never have.
_LOOKED_AT = 1024
_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
#: What a file holds that is no text, by its first bytes, and what takes it.
_NO_TEXT = (
    (
        b"SQLite format 3\0",
        "a SQLite database",
        "what --store has kept is read by `kubeinfer-sim results {}`",
    ),
    (
        b"\x1f\x8b",
        "compressed (gzip)",
        "unpack it into standard input: `zcat {}`, piped into the command with `-`",
    ),
    (b"PK\x03\x04", "a zip archive", "unpack it, and name the files in it"),
)


class SourceText(Struct, frozen=True, dict=True):
    """Text under the name the user gave it (`-` for standard input); a byte order mark is taken off.

    Attributes:
        limit: how long a text of this kind may be, in bytes.
    """

    name: str
    text: str
    limit: int = MAX_SOURCE_BYTES

    def __post_init__(self) -> None:
        if self.text.startswith("\ufeff"):
            force_setattr(self, "text", self.text[1:])

    @cached_property
    def may_have_holes(self) -> bool:
        """Whether `${` occurs anywhere; looked for once, however many documents there are."""
        return "${" in self.text

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_BREAK.finditer(self.text))]

    @cached_property
    def _lines(self) -> dict[int, str]:
        return {}

    def position(self, offset: int) -> tuple[int, int]:
        """1-based line and column, in characters, of an offset into the text."""
        starts = self._line_starts
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def line(self, number: int) -> str:
        """A line by its 1-based number, without its line break; empty when there is none."""
        starts = self._line_starts
        if not 1 <= number <= len(starts):
            return ""
        # Kept, so that a thousand findings in one long line hold that line once.
        if number not in self._lines:
            end = starts[number] if number < len(starts) else len(self.text)
            self._lines[number] = self.text[starts[number - 1] : end].rstrip("\r\n")
        return self._lines[number]

    def diagnostic(
        self,
        offset: int | None,
        message: str,
        *,
        code: str = "yaml",
        severity: Severity = Severity.ERROR,
        hint: str = "",
    ) -> Diagnostic:
        """A finding at an offset of the text, or about the whole source when `offset` is None."""
        if offset is None:
            return Diagnostic(self.name, 0, 0, message, severity=severity, code=code, hint=hint)
        line, column = self.position(offset)
        return Diagnostic(
            self.name, line, column, message, severity=severity, code=code, hint=hint, text=self.line(line)
        )

    def unreadable(self) -> list[Diagnostic]:
        """What keeps the text from being parsed at all: too long, or characters YAML does not allow."""
        if len(self.text) > self.limit:
            return [self.diagnostic(None, _too_long(self.limit), code="too-large")]
        # All but what YAML 1.1 allows in a stream (section 5.1): its parser has compiled that, which takes long.
        from yaml.reader import Reader

        match = Reader.NON_PRINTABLE.search(self.text)
        if match is None:
            return []
        character = match.group()
        name = "NUL character" if character == "\0" else f"character U+{ord(character):04X}"
        more = len(Reader.NON_PRINTABLE.findall(self.text)) - 1
        others = f", and {more} more such characters" if more else ""
        hint = (
            "the file looks like binary data"
            if character == "\0"
            else "remove it, or write it escaped in quotes"
        )
        return [self.diagnostic(match.start(), f"YAML syntax: {name} is not allowed{others}", hint=hint)]


def source_of(given: str | Path | SourceText, called: str) -> SourceText:
    """A text as it is, or that of a file; for functions of the Python API, `called` so.

    Raises:
        InputError: see `read_source`.
        UsageError: it is neither, but what has been read already, perhaps.
    """
    if isinstance(given, SourceText):
        return given
    expect(given, (str, Path), called, f"{called}('scenario.yaml')")
    return read_source(str(given))


def read_source(name: str, limit: int = MAX_SOURCE_BYTES, *, only_files: bool = False) -> SourceText:
    """Read a file or a pipe (`<(helm template …)`, a FIFO), or standard input for `-`; a pipe only once.

    At most `limit` bytes are read, never from a device, and from a FIFO only if somebody writes to it, so that
    nothing keeps us waiting for ever. With `only_files` a pipe is refused, too.

    Raises:
        InputError: there is no such file, it is none of these, is unreadable, too long or not UTF-8.
    """
    try:
        if not name:
            raise ValueError("an empty name")
        pieces = _read_pieces(name, limit, only_files=only_files)
    except OSError as error:
        hint = hint_on(name)
        if isinstance(error, IsADirectoryError) and name != "-":
            hint = f"name the files in it, e.g. {name.rstrip('/')}/*.yaml"
        raise InputError([Diagnostic(name, 0, 0, _why(error), code="unreadable", hint=hint)]) from error
    except ValueError as error:  # empty, or a NUL in it
        raise InputError([Diagnostic(name, 0, 0, "this is not a file name", code="unreadable")]) from error
    sys.audit(READ_EVENT, name, sum(map(len, pieces)))
    return decode_source(name, pieces, limit)


def decode_source(name: str, pieces: list[bytes], limit: int = MAX_SOURCE_BYTES) -> SourceText:
    """Turn the bytes of a file, in pieces, into text.

    They are taken out of their list one by one: all bytes beside all text would be twice as much.

    Raises:
        InputError: too long, or not UTF-8.
    """
    if sum(map(len, pieces)) > limit:
        raise InputError([Diagnostic(name, 0, 0, _too_long(limit), code="too-large")])
    head = pieces[0][:_LOOKED_AT] if pieces else b""
    for mark, what, hint in _NO_TEXT:
        if head.startswith(mark):
            message = f"this is {what}, not a text"
            raise InputError([Diagnostic(name, 0, 0, message, code="encoding", hint=hint.format(name))])
    for mark, encoding in _ENCODINGS:
        if head.startswith(mark):
            message = f"the file is encoded as {encoding}, not UTF-8"
            hint = "save it as UTF-8 (PowerShell's `>` writes UTF-16; use `| Out-File -Encoding utf8`)"
            raise InputError([Diagnostic(name, 0, 0, message, code="encoding", hint=hint)])
    text, decoder = "", codecs.getincrementaldecoder("utf-8")()
    pieces.reverse()
    try:
        while pieces:
            text += decoder.decode(pieces.pop(), final=not pieces)
    except UnicodeDecodeError as error:
        if b"\0" in head:
            message = "this is no text, but something binary: manifests and scenarios are YAML or JSON"
            raise InputError([Diagnostic(name, 0, 0, message, code="encoding")]) from None
        before = SourceText(name, text + error.object[: error.start].decode("utf-8"))
        line, column = before.position(len(before.text))
        message = f"byte 0x{error.object[error.start]:02x} is not valid UTF-8"
        raise InputError(
            [Diagnostic(name, line, column, message, code="encoding", hint="save the file as UTF-8")]
        ) from error
    return SourceText(name, text, limit)


def _read_up_to(file: BinaryIO, most: int) -> list[bytes]:
    """No more than `most` bytes, in pieces: a read of so many sets aside memory for all of them beforehand."""
    pieces = []
    while most > 0 and (piece := file.read(min(most, PIECE))):
        pieces.append(piece)
        most -= len(piece)
    return pieces


def _read_pieces(name: str, limit: int, *, only_files: bool) -> list[bytes]:
    if name in ("-", "/dev/stdin"):
        if sys.stdin is None:
            raise OSError("standard input is closed")
        return _read_up_to(sys.stdin.buffer, limit + 1)
    # Without O_NONBLOCK, opening a FIFO nobody writes to would wait for ever.
    descriptor = os.open(Path(name), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError
        if stat.S_ISFIFO(mode) and not only_files:
            _wait_for_writer(descriptor, name)
        elif not stat.S_ISREG(mode):
            kind = "a FIFO" if stat.S_ISFIFO(mode) else "a device or socket"
            raise OSError(f"is {kind}, not a file; give `-` and pipe into standard input instead")
        return _read_up_to(file, limit + 1)


def _wait_for_writer(descriptor: int, name: str) -> None:
    """Until there is something to read, or whoever was to write has closed the pipe; from then on reading waits.

    Raises:
        OSError: it is a FIFO of the file system, and nobody writes to it.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    # A pipe the shell made has its writer from the start; one that was gone by now leaves it empty.
    if not name.startswith(PIPES_OF_THE_SHELL) and not poll.poll(WRITER_COMES_MS):
        raise OSError(f"is a FIFO, not a file, and nobody writes to it ({WRITER_COMES_MS // 1000} s)")
    os.set_blocking(descriptor, True)


def _why(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "is a directory, not a file"
    if isinstance(error, PermissionError):
        return "permission denied"
    return error.strerror or str(error)


def _too_long(limit: int) -> str:
    why = ", which is more than any manifest" if limit == MAX_SOURCE_BYTES else ""
    return f"longer than {limit // (1024 * 1024)} MiB{why}"
