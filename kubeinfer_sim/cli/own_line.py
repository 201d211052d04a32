"""A command's own line, to be run again: in another process, or by the reader with one seed."""

from __future__ import annotations

from collections.abc import Collection

import click
from click.core import ParameterSource


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
        value = context.params[name]
        values = [str(each) for each in (value if isinstance(value, tuple) else (value,))]
        if not isinstance(param, click.Option):
            arguments += values
        elif param.is_flag:
            options.append(param.opts[-1])
        else:
            options += [part for each in values for part in (param.opts[-1], each)]
    return context.command.name or "", options, arguments
