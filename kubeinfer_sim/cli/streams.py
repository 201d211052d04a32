"""The standard streams as a command may find them: closed, full, read by nobody, or without UTF-8.

A failure to write to one of them is the environment's and no fault of ours: it is told apart from every other error
where the bytes leave (`OutputError`), so that no other code has to think of it.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from kubeinfer_sim.errors import OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: Descriptors of the standard streams, and how to open the null device in place of one that is closed: reading from
#: and printing to it fails as it does on a closed one, messages about errors go nowhere.
_IN_PLACE = {0: os.O_WRONLY, 1: os.O_RDONLY, 2: os.O_WRONLY}


class _Checked(io.FileIO):
    """The file behind a standard stream."""

    def __init__(self, descriptor: int, what: str) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._what = what

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OutputError(self._what, error) from error


@contextmanager
def standard_streams() -> Iterator[None]:
    """For as long as a command runs, failures to write are `OutputError`s, and no stream is missing."""
    for descriptor, flags in _IN_PLACE.items():
        _fill_if_closed(descriptor, flags)
    kept = sys.stdout, sys.stderr
    # Streams somebody has put in their place (a test, a notebook) are left as they are.
    if kept[0] is sys.__stdout__:
        sys.stdout = _checked(kept[0], 1, "standard output")
    if kept[1] is sys.__stderr__:
        sys.stderr = _checked(kept[1], 2, "standard error")
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a name is no reason to fail, nor one that cannot be asked.
        if isinstance(stream, io.TextIOWrapper):
            with suppress(OSError, ValueError):
                stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        sys.stdout, sys.stderr = kept


def abandon(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere: the interpreter must not complain about it at its end."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def _fill_if_closed(descriptor: int, flags: int) -> None:
    """Without this the next file that is opened would be the standard stream, and be written into."""
    try:
        os.fstat(descriptor)
    except OSError:
        null = os.open(os.devnull, flags)
        if null != descriptor:
            os.dup2(null, descriptor)
            os.close(null)


def _checked(stream: TextIO | None, descriptor: int, what: str) -> TextIO:
    if stream is None:  # closed when the interpreter began
        return io.TextIOWrapper(io.BufferedWriter(_Checked(descriptor, what)), encoding="utf-8")
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # without buffers (python -u) the one is the other
    if type(raw) is not io.FileIO or not isinstance(stream, io.TextIOWrapper):
        return stream  # a console of Windows
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Checked(descriptor, what)),
        encoding=stream.encoding,
        line_buffering=stream.line_buffering,
    )
