"""`kubeinfer-sim completion bash|zsh|fish`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion", short_help="Print the shell completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of SHELL: source it, or put it where the shell looks for them.

    bash: eval "$(kubeinfer-sim completion bash)"
    """
    from kubeinfer_sim.cli.main import cli

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "kubeinfer-sim", "_KUBEINFER_SIM_COMPLETE").source())
