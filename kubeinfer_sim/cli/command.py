"""How every command reads its line: an option once, files with or without `-f`, and what else may have been meant."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kubeinfer_sim.cli.files import OutputFile, descriptor, is_document
from kubeinfer_sim.cli.output import STEP_BEGUN, VERBOSE, detail, patiently
from kubeinfer_sim.cli.own_line import AS_WRITTEN

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from kubeinfer_sim.scenario.configuration import Configuration

F = TypeVar("F", bound=Callable[..., Any])

#: What one value more than fits is answered with: the command, the values that are too many.
Surplus = Callable[[click.Context, Sequence[str]], str]


class Command(click.Command):
    """A command of ours.

    Attributes:
        surplus: says of arguments that are too many what was meant.
        file_first: what `-f` names is the first argument, wherever it stands.
    """

    def __init__(
        self, *args: Any, surplus: Surplus | None = None, file_first: bool = False, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.surplus = surplus
        self.file_first = file_first
        self.params += [_NO_COLOUR, _VERBOSE]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take `-f FILE` as FILE, and say what was meant where there are too many arguments."""
        if any(param.name == FILES for param in self.params):
            args = without_flag(args, front=self.file_first)
        ctx.allow_extra_args = True
        try:
            rest = super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.option_name == "--output" and (forms := self._forms()):
                besides = any(param.name == "json_to" for param in self.params)
                ctx.fail(
                    f"No such option --output: -o FORM says what goes to standard output ({', '.join(forms)})"
                    f"{', --json FILE writes a file besides' * besides}."
                )
            raise
        if not ctx.resilient_parsing:
            _each_file_once(ctx)
        if rest and not ctx.resilient_parsing:
            meant = self.surplus(ctx, rest) if self.surplus is not None else ""
            one = "argument" if len(rest) == 1 else "arguments"
            ctx.fail(f"Got unexpected extra {one} ({' '.join(rest)}){f': {meant}' if meant else ''}")
        return rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; with --verbose say how long it took, and without --quiet while it takes long."""
        begun = ctx.meta[STEP_BEGUN] = time.perf_counter()
        with nullcontext() if ctx.params.get("quiet") else patiently():
            result = super().invoke(ctx)
        detail(f"{self.name} took {time.perf_counter() - begun:.2f} s in all")
        return result

    def _forms(self) -> Sequence[str]:
        """What `-o` may be; nothing where there is no such option."""
        types = [param.type for param in self.params if param.name == "form"]
        return [str(form) for each in types if isinstance(each, click.Choice) for form in each.choices]


class Group(click.Group):
    """A command of ours that stands for several."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.params += [_NO_COLOUR, _VERBOSE]


#: The parameters that name files which commands write, or keep their runs in.
_WRITTEN = (
    "store",
    "json_to",
    "markdown_to",
    "csv_to",
    "html_to",
    "openmetrics_to",
    "trace_to",
    "parquet",
    "scenario_to",
    "timings_to",
)


def _each_file_once(ctx: click.Context) -> None:
    """Refuse one file for two outputs, before anything is simulated or written."""
    names: dict[Path, str] = {}
    for param in ctx.command.params:
        name = ctx.params.get(param.name or "")
        if not isinstance(param, click.Option) or param.name not in _WRITTEN:
            continue
        if not isinstance(name, str) or not name or descriptor(name) is not None:
            continue
        with suppress(OSError, RuntimeError, ValueError):  # what cannot be a file is told where it is opened
            path, option = Path(name).resolve(), param.opts[0]
            if path in names:
                raise click.UsageError(
                    f"{names[path]} and {option} are both {name}: give each its own file", ctx
                )
            names[path] = option


#: The parameter that stands for `-f` in the help; its values are taken as arguments.
FILES = "filename"


def without_flag(args: Sequence[str], *, front: bool = False) -> list[str]:
    """The line with `-f FILE`, `-fFILE`, `--filename FILE` and `--filename=FILE` written as FILE.

    Files stay where they stand; with `front` they come before all else.
    """
    kept: list[str] = []
    files: list[str] = [] if front else kept
    place = 0
    while place < len(args):
        word = args[place]
        place += 1
        if word == "--":
            kept += args[place - 1 :]
            break
        if word in ("-f", "--filename") and place < len(args):
            files.append(args[place])
            place += 1
        elif word.startswith("--filename="):
            files.append(word.partition("=")[2])
        elif word.startswith("-f") and len(word) > 2 and not word.startswith("--"):
            files.append(word[2:])
        else:
            kept.append(word)
    return [*files, *kept] if front else kept


def subcommand(name: str, *, short_help: str, **settings: Any) -> Callable[[F], click.Command]:
    """Make a function a command; `settings` are those of `Command`."""
    return click.command(name, cls=Command, short_help=short_help, **settings)


# -- parameters --------------------------------------------------------------------------------------------


def complete_files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Any file, which the shell knows best."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def complete_rules(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Codes of lint rules, and their names for who begins to type one."""
    from click.shell_completion import CompletionItem

    from kubeinfer_sim.manifest.lint.catalogue import RULES

    rules = sorted(RULES.values(), key=lambda each: each.code)
    codes = [
        CompletionItem(each.code, help=each.summary)
        for each in rules
        if each.code.startswith(incomplete.upper())
    ]
    names = [CompletionItem(each.name) for each in rules if incomplete and each.name.startswith(incomplete)]
    return codes + names


def file_argument(name: str, **options: Any) -> Callable[[F], F]:
    """A file to read; `-f` before it changes nothing."""
    return click.argument(name, shell_complete=complete_files, **options)


class Whole(click.IntRange):
    """A whole number in a range."""

    name = "whole number"


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """An option with one value: given twice it is an error, not the last one in silence.

    `callback_value` makes something else of the text; it raises `click.BadParameter` where it cannot.
    """
    default, make = settings.pop("default", None), settings.pop("callback_value", None)

    def only(ctx: click.Context, param: click.Parameter, values: tuple[Any, ...]) -> Any:
        if len(values) > 1 and not ctx.resilient_parsing:
            raise click.UsageError(f"{' / '.join(param.opts)} is there twice: {_both(values)}", ctx)
        value = values[0] if values else default
        if make is None or value is None:
            return value
        ctx.meta[f"{AS_WRITTEN}.{param.name}"] = value
        return make(value)

    return click.option(*names, multiple=True, callback=only, **settings)


def _both(values: Sequence[Any]) -> str:
    shown = [str(value)[:60] for value in values[:2]]
    return f"{' and '.join(shown)}" if shown[0] != shown[1] else f"{shown[0]} both times"


def filename_option(command: F) -> F:
    """`-f FILE`, for those who are used to kubectl."""
    return click.option(
        "-f",
        "--filename",
        FILES,
        metavar="FILE",
        expose_value=False,
        multiple=True,
        help="The same as FILE as an argument.",
        shell_complete=complete_files,
    )(command)


def form_option(*forms: str) -> Callable[[F], F]:
    """`-o FORM`: what standard output is."""
    return option(
        "-o",
        "--format",
        "form",
        type=click.Choice(forms),
        help="What goes to standard output; text if not given.",
    )


#: The knobs of `--vary`, in the help of the commands that turn them.
_KNOBS = (
    "maxSurge, maxUnavailable, replicas, minReadySeconds, terminationGracePeriodSeconds (of all, or as in "
    "replicas.router of one workload), startupProbe.failureThreshold and the other numbers of startupProbe, "
    "livenessProbe and readinessProbe (of all, or as in startupProbe.failureThreshold.prefill of one role), "
    "recovery.prefill, label (on,off), nodes (8..16), spareNodes, or a path in the scenario's spec "
    "(kubernetesVersion=1.31,1.36; cluster=3x8,4x8; faults.npus.spares=0,2)"
)


def vary_option(combined: str) -> Callable[[F], F]:
    """`--vary`, again and again; `combined` says what becomes of several."""
    return click.option(
        "--vary", metavar="NAME=LIST", multiple=True, help=f"A knob and its values: {_KNOBS}. {combined}"
    )


def json_option(what: str) -> Callable[[F], F]:
    """`--json FILE`: the JSON document, besides."""
    return option(
        "--json",
        "json_to",
        metavar="FILE",
        type=OutputFile(
            is_document,
            "for JSON on standard output write `-o json`, else name a new file: `--json new.json`",
        ),
        help=f"Write {what} to a file as JSON, too; - is `-o json`.",
    )


def values_options(what: str) -> Callable[[F], F]:
    """`--set` and `--set-file`: values for `${NAME}` in a manifest."""

    def decorate(command: F) -> F:
        for one in (
            click.option(
                "--set-file",
                "files",
                metavar="NAME=PATH",
                multiple=True,
                help="Fill ${NAME} from a file.",
                shell_complete=complete_files,
            ),
            click.option(
                "--set", "settings", metavar="NAME=VALUE", multiple=True, help=f"Fill ${{NAME}} in {what}."
            ),
        ):
            command = one(command)
        return command

    return decorate


def new_values_option(command: F) -> F:
    """`--set-new`: values of the newer of two manifests."""
    return click.option(
        "--set-new",
        "new_settings",
        metavar="NAME=VALUE",
        multiple=True,
        help="Fill ${NAME} in the new version only, over --set.",
    )(command)


def timings_option(command: F) -> F:
    """`--timings`: whether stages are drawn."""
    return option(
        "--timings",
        type=click.Choice(["typical", "range"]),
        help="Stages that are not given at their typical length, or drawn between low and high.",
    )(command)


def seed_option(command: F) -> F:
    """`--seed`."""
    return option("--seed", type=Whole(min=0), metavar="N", help="Seed of all random streams.")(command)


def horizon_option(command: F) -> F:
    """`--horizon`."""
    return option(
        "--horizon", metavar="TIME", help="Stop there (90m, 7d), or `settled`, instead of the scenario's."
    )(command)


def cluster_options(command: F) -> F:
    """The options of a real cluster as input."""
    cluster = option(
        "--cluster",
        metavar="FILE",
        help="The nodes: from kubectl get nodes -o json (or yaml), or a Cluster file.",
        shell_complete=complete_files,
    )
    return cluster(_pods_option(command))


def nodes_options(command: F) -> F:
    """The options of another cluster than the scenario's, a real one or so many nodes."""
    return _nodes_option("The nodes, instead of the scenario's")(_pods_option(command))


def first_nodes_options(command: F) -> F:
    """The options of the nodes where no scenario has any yet, as a file or so many."""
    return _nodes_option("The nodes")(_pods_option(command))


def _nodes_option(what: str) -> Callable[[F], F]:
    return option(
        "--nodes",
        "--cluster",
        "cluster",
        metavar="COUNTxNPUS|FILE",
        help=f"{what}: 8x8 is 8 nodes of 8 NPUs; or from kubectl get nodes -o json (or yaml), or a Cluster file.",
        shell_complete=complete_files,
    )


def _pods_option(command: F) -> F:
    return option(
        "--pods",
        metavar="FILE",
        help="What runs there: from kubectl get pods -A -o json.",
        shell_complete=complete_files,
    )(command)


#: What `--no-config` says of itself.
NO_CONFIGURATION = "Leave out .kubeinfer-sim.yaml and [tool.kubeinfer-sim] in pyproject.toml."


def configuration_option(command: F) -> F:
    """`--no-config`; the command gets the configuration that holds."""
    return click.option(
        "--no-config",
        "configuration",
        is_flag=True,
        callback=_configuration,
        help=NO_CONFIGURATION,
    )(command)


def _configuration(ctx: click.Context, param: click.Parameter, without: bool) -> Configuration | None:
    return None if without or ctx.resilient_parsing else found_configuration()


def found_configuration() -> Configuration | None:
    """The configuration that holds here."""
    from kubeinfer_sim.scenario.configuration import find_configuration

    configuration = find_configuration()
    if configuration is not None:
        detail(f"configured by {configuration.file}")
    return configuration


def _no_colour(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        # Of the whole line: what goes wrong later is told where the command is over.
        ctx.color = ctx.find_root().color = False


def _verbose(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        _tell_what_is_read()
        ctx.meta[VERBOSE] = True


@cache
def _tell_what_is_read() -> None:
    """Once in a process: an audit hook stays there."""
    from kubeinfer_sim.manifest.source import READ_EVENT

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == READ_EVENT:
            detail(f"read {args[0]}, {args[1]:,} bytes")

    sys.addaudithook(hook)


_NO_COLOUR = click.Option(
    ["--no-color"],
    is_flag=True,
    expose_value=False,
    callback=_no_colour,
    help="No colour, as with NO_COLOR; FORCE_COLOR wants it also in a pipe.",
)
_VERBOSE = click.Option(
    ["-v", "--verbose"],
    is_flag=True,
    expose_value=False,
    callback=_verbose,
    help="Say on standard error what is read and how long each step takes.",
)
