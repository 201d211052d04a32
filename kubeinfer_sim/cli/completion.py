"""`kubeinfer-sim completion bash|zsh|fish`."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, get_completion_class

from kubeinfer_sim.cli.command import subcommand


class _Bash(BashComplete):
    """Bash takes `NAME=` for a word of its own (COMP_WORDBREAKS): put together again, and only the rest handed back.

    Behind `NAME=` comes a value, so no blank.
    """

    source_template = BashComplete.source_template.replace(
        "COMPREPLY+=($value)", "COMPREPLY+=($value)\n            [[ $value == *= ]] && compopt -o nospace"
    )

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is being typed, and that one."""
        args, incomplete = super().get_completion_args()
        if incomplete == "=":
            incomplete = ""
        elif args and args[-1] == "=":
            args = args[:-1]
        else:
            return args, incomplete
        return args[:-1], f"{args[-1]}={incomplete}" if args else incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """What bash is to put in place of the part behind the last `=`."""
        return f"{item.type},{item.value.rpartition('=')[2] or item.value}"


add_completion_class(_Bash)


@subcommand("completion", short_help="Print the shell completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of SHELL: source it, or put it where the shell looks for them.

    bash: eval "$(kubeinfer-sim completion bash)"
    """
    from kubeinfer_sim.cli.group import cli

    completion = get_completion_class(shell)
    assert completion is not None
    click.echo(completion(cli, {}, "kubeinfer-sim", "_KUBEINFER_SIM_COMPLETE").source())
