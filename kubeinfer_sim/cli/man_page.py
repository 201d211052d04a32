"""The man page of `kubeinfer-sim`, made from the commands themselves: `python -m kubeinfer_sim.cli.man_page`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from kubeinfer_sim.cli.group import cli

_EXIT_CODES = (
    ("0", "it holds"),
    ("1", "it does not"),
    ("2", "what was given is wrong"),
    ("3", "the simulator is at fault"),
    ("4", "many runs leave it undecided"),
    ("5", "the output cannot be written"),
    ("130", "interrupted"),
    ("141", "nobody reads the output any more"),
)


def man_page() -> str:
    """The page in the language of man(7)."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    group = click.Context(cli, info_name="kubeinfer-sim", **cli.context_settings)
    yield '.TH KUBEINFER-SIM 1 "" "kubeinfer-sim" "User commands"'
    yield ".SH NAME"
    yield "kubeinfer\\-sim \\- dry\\-run KubeInfer deployments, updates and failures"
    yield ".SH SYNOPSIS"
    yield ".B kubeinfer\\-sim\n\\fICOMMAND\\fR [\\fIOPTIONS\\fR] \\fIFILE\\fR..."
    yield ".SH COMMANDS"
    for name in cli.list_commands(group):
        command = cli.get_command(group, name)
        assert command is not None
        yield from _command(command, click.Context(command, info_name=name, parent=group), name)
    yield ".SH EXIT STATUS"
    for code, meaning in _EXIT_CODES:
        yield f".TP\n.B {code}\n{meaning}"


def _command(command: click.Command, context: click.Context, name: str) -> Iterator[str]:
    """A command, and those of which it is made."""
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {_text(f'{name} {usage}')}"
    for paragraph in (command.help or "").split("\n\n"):
        yield f".PP\n{_text(' '.join(paragraph.split()))}"
    for param in command.get_params(context):
        record = param.get_help_record(context)
        if record is not None and isinstance(param, click.Option):
            yield f".TP\n.B {_text(record[0])}\n{_text(record[1])}"
    if isinstance(command, click.Group):
        for own, each in command.commands.items():
            yield from _command(each, click.Context(each, info_name=own, parent=context), f"{name} {own}")


def _text(text: str) -> str:
    """A text in which nothing acts."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped


if __name__ == "__main__":
    sys.stdout.write(man_page())
