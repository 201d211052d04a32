"""A command's own line, to be run again: in another process, or by the reader with one seed."""

from __future__ import annotations

import shlex
from collections.abc import Collection

import click
from click.core import ParameterSource

#: Before the name of a parameter: where the text is kept in the context of which its value was made.
AS_WRITTEN = "kubeinfer_sim.as_written"


def own_line(leave_out: Collection[str]) -> tuple[str, list[str], list[str]]:
    """The command that is running, its options and its arguments as they were given, but for some parameters."""
    context = click.get_current_context()
    options: list[str] = []
    arguments: list[str] = []
    for param in context.command.params:
        name = param.name or ""
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if not given or name in leave_out or name not in context.params:
            continue
        value = context.meta.get(f"{AS_WRITTEN}.{name}", context.params[name])
        values = [str(each) for each in (value if isinstance(value, tuple) else (value,))]
        if not isinstance(param, click.Option):
            arguments += values
        elif param.is_flag:
            options.append(param.opts[-1])
        else:
            options += [part for each in values for part in (param.opts[-1], each)]
    return context.command.name or "", options, arguments


#: Parameters that say what becomes of a result, and how it is got, not what it is.
_NOT_OF_THE_RESULT = {
    "form",
    "json_to",
    "markdown_to",
    "csv_to",
    "html_to",
    "openmetrics_to",
    "trace_to",
    "trace_accelerators",
    "scenario_to",
    "timings_to",
    "patch_to",
    "kubectl_to",
    "rules_to",
    "quiet",
    "details",
    "told",
    "assumptions",
    "check_determinism",
    "check_invariants",
    "engine",
    "scheduler",
    "workers",
    "store",
}


def same_again(seed: int | None = None) -> str:
    """The command that makes the same again, with its seed, for a shell."""
    command, options, arguments = own_line(_NOT_OF_THE_RESULT | ({"seed"} if seed is not None else set()))
    seeded = [] if seed is None else ["--seed", str(seed)]
    return shlex.join(["kubeinfer-sim", command, *arguments, *options, *seeded])
