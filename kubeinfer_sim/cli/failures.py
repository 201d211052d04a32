"""What is said of a command that fails, and the exit code that follows from it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING

from kubeinfer_sim._version import __version__
from kubeinfer_sim.cli.output import ISSUES, show_diagnostics, tell
from kubeinfer_sim.errors import InputError, UnavailableError, UserError

if TYPE_CHECKING:
    import click


def misused(error: click.ClickException, line: Sequence[str]) -> int:
    """What click says of a line that cannot be read, in lines of whole words."""
    said = StringIO()
    error.show(said)
    tell(said.getvalue().rstrip("\n"))
    _hint(error.format_message(), line)
    return 2


def report(error: Exception, line: Sequence[str]) -> int:
    """What is said of an error that a command ends with."""
    if isinstance(error, InputError):
        show_diagnostics(error.diagnostics)
        return 2
    if isinstance(error, UserError):
        tell(f"error: {error}")
        _hint(str(error), line)
        return 2
    if isinstance(error, UnavailableError):
        tell(f"error: {error}")
        return 5
    if os.environ.get("KUBEINFER_SIM_DEBUG"):
        import traceback

        traceback.print_exception(error)
    tell(f"simulator fault {_fault_id(error)} ({type(error).__name__}): {error}")
    tell(f"This is our mistake, not yours; {ISSUES}, and with this id.")
    if not os.environ.get("KUBEINFER_SIM_DEBUG"):
        tell("KUBEINFER_SIM_DEBUG=1 shows the traceback.")
    return 3


def _fault_id(error: BaseException) -> str:
    """Eight hex digits for what went wrong where: the same fault has the same id on every machine."""
    import hashlib

    places = [__version__, type(error).__name__]
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        places.append(f"{step.tb_frame.f_globals.get('__name__')}.{code.co_name}:{step.tb_lineno}")
        step = step.tb_next
    return hashlib.sha256("\n".join(places).encode()).hexdigest()[:8]


def _hint(message: str, line: Sequence[str]) -> None:
    """Name the look-alikes of ASCII on the command line that a message quotes: `--at 10：30`."""
    from kubeinfer_sim.manifest.lookalikes import hint_on

    typed = {character for word in line for character in word}
    hint = hint_on("".join(character for character in message if character in typed))
    if hint:
        tell(f"hint: {hint}")
