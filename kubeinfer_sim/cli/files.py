"""Files a command writes: whole or not at all, and never over something of the user's.

An option that takes a file to write is easily taken for a switch (`--json a.yaml`). So a file that is there is written
over only if it holds an earlier output of ours, or nothing.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kubeinfer_sim.errors import OutputError, UsageError
from kubeinfer_sim.manifest.file_kinds import (
    COMMENT_ENDS,
    OPENMETRICS_BEGINS,
    OUTPUT_KINDS,
    PAGE_BEGINS,
    TRACE_SAYS,
)

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    _OfText = click.ParamType[str]
else:
    _OfText = click.ParamType  # older ones are not generic

#: How what `calibrate` writes begins; a Timings file without it was written by hand.
CALIBRATED = "# Learned by kubeinfer-sim calibrate"
#: How what `recommend` writes begins.
RECOMMENDED = "# Written by kubeinfer-sim recommend"
#: How what `--write-scenario` writes begins; a scenario without it is somebody's own.
SIMULATED = "# Written by kubeinfer-sim rollout --write-scenario"

_DOCUMENT = rb'\s*\{\s*"apiVersion"\s*:\s*"kubeinfer-sim/v1"\s*,\s*"kind"\s*:\s*"(?:%s)"' % b"|".join(
    kind.encode() for kind in OUTPUT_KINDS
)
#: What of a file is looked at to see what it is.
_HEAD = 4096
#: Bytes in which the first packet of a trace says whose it is.
_FIRST_PACKET = 100
#: Bits of a new file's mode, before the umask.
_NEW_FILE_MODE = 0o666
#: What a full or failing disk says; everything else about a file is in how it is named.
_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
#: A standard stream, or a pipe the shell made for `>(command)`, by the name it has among files.
_DESCRIPTOR = r"/(?:dev|proc/self)/fd/([0-9]{1,6})"
_STANDARD = {"-": 1, "/dev/stdout": 1, "/dev/stderr": 2}


def is_document(head: bytes) -> bool:
    """Whether a file begins as a JSON document of ours does."""
    return re.match(_DOCUMENT, head) is not None


def is_comment(head: bytes) -> bool:
    """Whether a file begins as a comment of ours in Markdown does."""
    return head.partition(b"\n")[0].rstrip().endswith(COMMENT_ENDS.encode())


def is_table(head: bytes) -> bool:
    """Whether a file begins as a table of combinations of ours does."""
    return head.partition(b"\n")[0].rstrip().endswith(b",front")


def is_page(head: bytes) -> bool:
    """Whether a file begins as a page of ours does."""
    return head.startswith(PAGE_BEGINS.encode())


def is_openmetrics(head: bytes) -> bool:
    """Whether a file begins as time series of ours do."""
    return head.startswith(OPENMETRICS_BEGINS.encode())


def is_trace(head: bytes) -> bool:
    """Whether a file begins as a trace of ours does: with a packet (field 1) that says so."""
    return head.startswith(b"\n") and TRACE_SAYS.encode() in head[:_FIRST_PACKET]


def is_calibrated(head: bytes) -> bool:
    """Whether a file begins as what `calibrate` writes does."""
    return head.startswith(CALIBRATED.encode())


def is_simulated(head: bytes) -> bool:
    """Whether a file begins as what `rollout --write-scenario` writes does."""
    return head.startswith(SIMULATED.encode())


def is_recommended(head: bytes) -> bool:
    """Whether a file begins as what `recommend` writes does."""
    return head.startswith(RECOMMENDED.encode())


class OutputFile(_OfText):
    """A file to write, refused before anything else is done if it holds something of the user's; `-` is none.

    `instead` says how to have the same on standard output.
    """

    name = "file"

    def __init__(self, ours: Callable[[bytes], bool], instead: str) -> None:
        self.ours, self.instead = ours, instead

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name of the file."""
        name = str(value)
        if ctx is not None and ctx.resilient_parsing:
            return name
        option = param.opts[-1] if param is not None else "it"
        right = f"{option} takes the file to write; {self.instead}"
        if name.startswith("-") and name != "-":
            self.fail(f"{name} is an option, and {right}", param, ctx)
        try:
            theirs = is_of_the_user(name, self.ours)
        except (OSError, ValueError, RuntimeError) as error:
            self.fail(f"{name or repr(name)}: {_why(error)}; {right}", param, ctx)
        if theirs:
            self.fail(
                f"{name} is there already and is no output of kubeinfer-sim of this kind, so it is not overwritten; "
                f"{right}",
                param,
                ctx,
            )
        return name

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Any file."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type="file")]


def is_of_the_user(name: str, ours: Callable[[bytes], bool]) -> bool:
    """Whether there is a file of this name that holds anything which is not ours.

    Raises:
        OSError, ValueError, RuntimeError: it cannot be looked at, or is nothing that can be written.
    """
    if descriptor(name) is not None:
        return False
    path = Path(name).resolve()
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        _check_folder(path.parent)
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder")
    if stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise OSError(errno.EINVAL, "is a device or a socket")
    if not stat.S_ISREG(mode):
        return False
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "is write-protected")
    _check_folder(path.parent)
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return bool(head.strip()) and not ours(head)


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, f"the folder {folder} is write-protected")


def descriptor(name: str) -> int | None:
    """The number of the open file a name stands for (`-`, `/dev/stdout`, `/dev/fd/63`); None of all others."""
    match = re.fullmatch(_DESCRIPTOR, name)
    return int(match[1]) if match else _STANDARD.get(name)


def write_file(name: str, text: str | bytes, *, ours: Callable[[bytes], bool], option: str) -> None:
    """Write a document, a text always in UTF-8; a regular file gets it whole or stays as it is.

    A pipe or a device is written to as it is; a symbolic link keeps being one, and a file its mode.

    Raises:
        UsageError: there can be no such file, or one has come there that is not `ours`.
        OutputError: the disk is full, or the like.
    """
    data = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
    number = descriptor(name)
    try:
        if number == 1:
            write_bytes(data)
        elif number is not None:
            with os.fdopen(os.dup(number), "wb") as file:
                file.write(data)
        elif is_of_the_user(name, ours):
            raise UsageError(f"{option} {name}: has come there meanwhile and is no output of kubeinfer-sim")
        elif (path := Path(name).resolve()).exists() and not path.is_file():
            with path.open("wb") as file:
                file.write(data)
        else:
            _replace(path, data)
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, OSError) and (error.errno in _OF_THE_DISK or error.errno == errno.EPIPE):
            raise OutputError(f"{option} {name}", error) from error
        raise UsageError(f"{option} {name}: {_why(error)}") from None


def write_bytes(data: bytes) -> None:
    """Bytes on standard output, behind what was printed before."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _replace(path: Path, data: bytes) -> None:
    import tempfile  # a run that writes no file has no use for it

    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(_mode(path))
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _mode(path: Path) -> int:
    """The mode of the file that is replaced, or the one a new file has."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        return _NEW_FILE_MODE & ~umask
