"""The `kubeinfer-sim` command: finds the subcommand, imports it only then, and turns errors into exit codes.

Exit codes: 0 what was asked holds, 1 it does not (objective missed, update never finishes), 2 the input is wrong, 3 the
simulator is at fault, 4 many runs leave it undecided, 5 the environment fails (output full or closed, no
scheduler at an address), 130 interrupted,
141 nobody reads the output any more (as after SIGPIPE).
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import StringIO
from itertools import takewhile
from typing import Any, NoReturn

import click

from kubeinfer_sim._version import __version__
from kubeinfer_sim.cli.streams import abandon, standard_streams
from kubeinfer_sim.errors import OutputError

#: Command -> (module under kubeinfer_sim.cli, one line of help). Imported when it is called, so --help is quick.
COMMANDS = {
    "run": ("run", "Simulate a scenario file."),
    "rollout": ("rollout", "Simulate an update from one manifest to another; no scenario file needed."),
    "compare": ("compare", "Simulate a scenario with a knob turned, under the same faults."),
    "plan": ("plan", "Find the cheapest setting with which the objectives hold."),
    "backtest": ("backtest", "Hold a rollout that has happened against its prediction."),
    "sensitivity": ("sensitivity", "Say which input or assumption moves the answer most: a tornado."),
    "sweep": ("sweep", "Simulate a scenario all over a space of knobs; Pareto fronts and cliffs."),
    "recommend": ("recommend", "Find the smallest change of a manifest that meets objectives, as a patch."),
    "fuzz": ("fuzz", "Search near a scenario, or all single faults, for what breaks it."),
    "results": ("results", "List, summarise and export the runs that a store holds."),
    "why": ("why", "Say why a scenario is as it is at one time, and what will end it."),
    "pods": ("pods", "Show the pods of a scenario at one time, as kubectl get pods would."),
    "events": ("events", "Show the events of a scenario up to one time, as kubectl get events would."),
    "validate": ("validate", "Check manifests as the API server would, lint them; check files of ours."),
    "explain": ("explain", "Explain a lint rule, or list all of them."),
    "diff": ("diff", "Say what changes from one manifest to another, and whether it rolls out."),
    "init": ("init", "Write a first scenario for a manifest, or what CI needs to test manifests."),
    "calibrate": ("calibrate", "Learn stage timings from pods that run on a real cluster."),
    "schema": ("schema", "Print the JSON Schema of a file kubeinfer-sim reads or writes, or the CRD."),
    "completion": ("completion", "Print the shell completion script."),
}

#: What people type for a command, from the habit of others.
MEANT = {
    "apply": "rollout",
    "update": "rollout",
    "upgrade": "rollout",
    "simulate": "run",
    "sim": "run",
    "start": "run",
    "lint": "validate",
    "check": "validate",
    "get": "pods",
    "describe": "why",
    "status": "pods",
    "store": "results",
    "report": "results",
    "learn": "calibrate",
    "new": "init",
}
#: Options that every command has, and that may stand before it, too.
_EVERYWHERE = ("--no-color", "-v", "--verbose")


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"kubeinfer_sim.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; of one that is misspelt say which is near."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from kubeinfer_sim.manifest.suggest import did_you_mean

            name = args[0][:40]
            ctx.fail(f"No such command {name!r}{_meant(args[0]) or did_you_mean(name, COMMANDS) or '.'}")
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Move the options that every command has behind the command; of others say that they stand there."""
        ahead = len(list(takewhile(_EVERYWHERE.__contains__, args)))
        args = [*args[ahead : ahead + 1], *args[:ahead], *args[ahead + 1 :]]
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            command = next((word for word in args if word in COMMANDS), None)
            if command is not None:
                name = error.option_name
                ctx.fail(f"{name} stands behind the command: kubeinfer-sim {command} {name} …")
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and report what goes wrong while its options still hold."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, OutputError, BrokenPipeError):
            raise
        except Exception as error:  # the one place where everything unexpected ends
            raise click.exceptions.Exit(_report(error, ctx.obj)) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _meant(word: str) -> str:
    """What somebody may mean who types a file, or the name another tool has for it, in place of a command."""
    if word in MEANT:
        return f"; `kubeinfer-sim {MEANT[word]} --help` is about what comes near"
    from kubeinfer_sim.manifest.file_kinds import kind_in_file, what_for

    meant = what_for(kind_in_file(word), word)
    return f"; {meant}" if meant else ""


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, "-V", "--version", prog_name="kubeinfer-sim")
def cli() -> None:
    """Dry-run KubeInfer deployments, rolling updates and failures on a simulated Ascend NPU cluster.

    Exit codes: 0 it holds, 1 it does not, 2 the input is wrong, 3 the simulator is at fault, 4 many runs
    leave it undecided, 5 the output cannot be written, or a scheduler not be reached.
    """


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code."""
    # What is imported, and what a run holds, lives to the end: to look through it for cycles every 700 objects costs a
    # sixth of a small run.
    gc.set_threshold(100_000)
    # Pydantic looks for plugins in every package there is; none has anything to do with our files.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    code = run(args)
    # Nor when it ends: Python would look through all of it twice more, which takes longer than a small run.
    gc.freeze()
    sys.exit(code)


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
        _misused(error)
        _hint(error.format_message(), line)
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    return result if isinstance(result, int) else 0


def _tell(text: str) -> None:
    """Say something on standard error; what that takes is imported when there is something to say."""
    from kubeinfer_sim.cli.output import tell

    tell(text)


def _misused(error: click.ClickException) -> None:
    """What click says of a line that cannot be read, in lines of whole words."""
    said = StringIO()
    error.show(said)
    _tell(said.getvalue().rstrip("\n"))


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
        _tell(f"error: {error}")
        sys.stderr.flush()
    except OutputError:
        abandon(sys.stderr)
    return 5


def _hint(message: str, line: Sequence[str]) -> None:
    """Name the look-alikes of ASCII on the command line that a message quotes: `--at 10：30`."""
    from kubeinfer_sim.manifest.lookalikes import hint_on

    typed = {character for word in line for character in word}
    hint = hint_on("".join(character for character in message if character in typed))
    if hint:
        _tell(f"hint: {hint}")


def _report(error: Exception, line: Sequence[str]) -> int:
    from kubeinfer_sim.errors import InputError, UnavailableError, UserError

    if isinstance(error, InputError):
        from kubeinfer_sim.cli.output import show_diagnostics

        show_diagnostics(error.diagnostics)
        return 2
    if isinstance(error, UserError):
        _tell(f"error: {error}")
        _hint(str(error), line)
        return 2
    if isinstance(error, UnavailableError):
        _tell(f"error: {error}")
        return 5
    if os.environ.get("KUBEINFER_SIM_DEBUG"):
        import traceback

        traceback.print_exception(error)
    _tell(f"simulator fault {_fault_id(error)} ({type(error).__name__}): {error}")
    from kubeinfer_sim.cli.output import ISSUES

    _tell(f"This is our mistake, not yours; {ISSUES}, and with this id.")
    if not os.environ.get("KUBEINFER_SIM_DEBUG"):
        _tell("KUBEINFER_SIM_DEBUG=1 shows the traceback.")
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
