"""`kubeinfer-sim diff OLD NEW`."""

from __future__ import annotations

import sys

import click

from kubeinfer_sim.errors import UsageError


@click.command("diff", short_help="Say what changes from one manifest to another.")
@click.argument("old")
@click.argument("new")
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="Fill ${NAME} in the manifests.")
@click.option("--set-file", "files", metavar="NAME=PATH", multiple=True, help="Fill ${NAME} from a file.")
@click.option("--json", "json_to", metavar="FILE|-", help="Write JSON, too; - is standard output, alone.")
def command(
    old: str, new: str, settings: tuple[str, ...], files: tuple[str, ...], json_to: str | None
) -> int:
    """Say what applying NEW changes in a cluster that runs OLD, whether it rolls out, and what does nothing.

    The meaning is compared, not the text: defaults count as written, 1000m is 1. - is standard input:
    kubectl get kubeinfer x -o yaml | kubeinfer-sim diff - new.yaml
    """
    from kubeinfer_sim.cli.manifests import load_each
    from kubeinfer_sim.cli.output import width_of, write_json
    from kubeinfer_sim.manifest.diff import diff
    from kubeinfer_sim.manifest.template import parse_settings
    from kubeinfer_sim.report.diff import diff_json, diff_text

    if old == new == "-":
        raise UsageError("only one of OLD and NEW can come from standard input")
    before, after = load_each([old, new], parse_settings(settings, files))
    found = diff((*before.kubeinfers, *before.deployments), (*after.kubeinfers, *after.deployments))
    if json_to is not None:
        write_json(json_to, diff_json(found))
    if json_to != "-":
        click.echo(diff_text(found, width=width_of(sys.stdout)))
    return 0
