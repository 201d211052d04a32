"""The `kubeinfer-sim` command as a process: its streams, and how errors become exit codes.

Exit codes: 0 what was asked holds, 1 it does not (objective missed, update never finishes), 2 the input is wrong, 3 the
simulator is at fault, 4 many runs leave it undecided, 5 the environment fails (output full or closed, no
scheduler at an address), 130 interrupted,
141 nobody reads the output any more (as after SIGPIPE).
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

from kubeinfer_sim.cli.streams import abandon, standard_streams
from kubeinfer_sim.errors import OutputError


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code."""
    # What is imported, and what a run holds, lives to the end: to look through it for cycles every 700 objects costs a
    # sixth of a small run.
    gc.set_threshold(100_000)
    # Pydantic looks for plugins in every package there is; none has anything to do with our files.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    leave(run(args))


def leave(code: int) -> NoReturn:
    """End the process with a code, without taking it apart object by object, which takes longer than a small run.

    What is registered for the end (`atexit`) is done. Where somebody traces or profiles, who writes what he has seen
    when Python ends, or another thread still runs, it ends as it always does.
    """
    if _watched() or ("threading" in sys.modules and sys.modules["threading"].active_count() > 1):
        gc.freeze()  # else it would look through all there is for cycles, twice
        sys.exit(code)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # as it is where it was closed from the start
            with suppress(OSError, ValueError):  # full, or closed since: what is ours is written by now
                stream.flush()
    os._exit(code)


def _watched() -> bool:
    """Whether somebody traces, profiles, or goes on in the interpreter afterwards."""
    monitoring = getattr(sys, "monitoring", None)  # Python 3.12 and later
    return (
        sys.gettrace() is not None
        or sys.getprofile() is not None
        or bool(sys.flags.inspect)
        or (monitoring is not None and any(monitoring.get_tool(each) for each in range(6)))
    )


def run(args: list[str] | None = None) -> int:
    """Run the command line and return its exit code; no exception leaves it."""
    with standard_streams():
        try:
            code = _run(args)
            sys.stdout.flush()
            sys.stderr.flush()
        except OutputError as error:
            return _unwritten(error)
        except BrokenPipeError:  # of a stream that is not the interpreter's own
            return 141
        return code


def _run(args: list[str] | None) -> int:
    import click

    from kubeinfer_sim.cli.group import cli

    line = sys.argv[1:] if args is None else args
    if line in (["-v"], ["version"]):
        line = ["--version"]
    elif line[:1] == ["help"]:
        line = [*line[1:2], "--help"]
    try:
        if "_KUBEINFER_SIM_COMPLETE" in os.environ:
            import_module("kubeinfer_sim.cli.completion")
        result: Any = cli.main(args=line, prog_name="kubeinfer-sim", standalone_mode=False, obj=line)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.ClickException as error:
        from kubeinfer_sim.cli.failures import misused

        return misused(error, line)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    return result if isinstance(result, int) else 0


def _unwritten(error: OutputError) -> int:
    """Nobody reads any more, or what should take our output does not."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OutputError:
            abandon(stream)
    if error.nobody_reads:
        return 141
    try:
        from kubeinfer_sim.cli.output import tell

        tell(f"error: {error}")
        sys.stderr.flush()
    except OutputError:
        abandon(sys.stderr)
    return 5
