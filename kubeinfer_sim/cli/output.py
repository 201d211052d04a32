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

from kubeinfer_sim.diagnostics import Diagnostic
from kubeinfer_sim.errors import UsageError

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
    """Write the document of --json; see `write_text`."""
    write_text(target, text, option="--json")


def write_text(target: str, text: str, *, option: str) -> None:
    """Write a document to a file, whole or not at all, or to standard output (`-`); always UTF-8.

    What is no regular file (a pipe, a device) is written to as it is; a symbolic link keeps being one.

    Raises:
        UsageError: the file cannot be written.
    """
    data = text.encode("utf-8", "backslashreplace")
    if target == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        path = Path(target).resolve()
        if target.startswith("/dev/") or (path.exists() and not path.is_file() and not path.is_dir()):
            Path(target).write_bytes(data)
        else:
            _replace(path, data)
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"{option} {target}: {why}") from None


def _replace(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(_NEW_FILE_MODE & ~umask)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
