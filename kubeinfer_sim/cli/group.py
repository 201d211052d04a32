"""The `kubeinfer-sim` command as click sees it: finds the subcommand, and imports it only then."""

from __future__ import annotations

from importlib import import_module
from itertools import takewhile
from typing import Any

import click

from kubeinfer_sim._version import __version__
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
            from kubeinfer_sim.cli.failures import report

            raise click.exceptions.Exit(report(error, ctx.obj)) from None

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
