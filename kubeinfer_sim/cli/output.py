"""Where output goes: data to standard output, everything about the run itself to standard error."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import click

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.manifest.diagnostics import Diagnostic

#: Bits of a new file's mode, before the umask.
_NEW_FILE_MODE = 0o666


def width_of(stream: TextIO) -> int:
    """Columns of the terminal; 80 where there is none, or as COLUMNS says."""
    return shutil.get_terminal_size((80, 24)).columns if stream.isatty() or os.environ.get("COLUMNS") else 80


def colour_on(stream: TextIO) -> bool:
    """Colour on a terminal, unless NO_COLOR or TERM=dumb ask for none."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def unicode_on(stream: TextIO) -> bool:
    """Whether the stream can carry more than ASCII."""
    return "utf" in (getattr(stream, "encoding", "") or "").lower()


def show_diagnostics(diagnostics: Iterable[Diagnostic], *, err: bool = True) -> None:
    """Print findings with their source lines."""
    from kubeinfer_sim.manifest.render import render

    stream = sys.stderr if err else sys.stdout
    click.echo(render(diagnostics, colour=colour_on(stream), width=width_of(stream)).rstrip("\n"), err=err)


def write_json(target: str, text: str) -> None:
    """Write a document to a file, whole or not at all, or to standard output (`-`).

    Raises:
        UsageError: the file cannot be written.
    """
    if target == "-":
        sys.stdout.write(text)
        return
    path = Path(target)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            umask = os.umask(0)
            os.umask(umask)
            Path(temporary).chmod(_NEW_FILE_MODE & ~umask)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"--json {target}: {error.strerror or error}") from None
