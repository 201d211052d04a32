"""`kubeinfer-sim validate MANIFEST...`."""

from __future__ import annotations

import click

from kubeinfer_sim.cli.output import show_diagnostics, write_json
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.diagnostics import Severity
from kubeinfer_sim.manifest.findings_json import findings_json


@click.command("validate", short_help="Check KubeInfer manifests as the API server would.")
@click.argument("manifests", nargs=-1, required=True)
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="Fill ${NAME} in the manifests.")
@click.option("--set-file", "files", metavar="NAME=PATH", multiple=True, help="Fill ${NAME} from a file.")
@click.option("--json", "json_to", metavar="FILE|-", help="Write the findings as JSON; - is standard output.")
@click.option("-q", "--quiet", is_flag=True, help="Errors and warnings only.")
@click.option(
    "--show-defaults", is_flag=True, help="Print the manifests with the API server's defaults filled in."
)
def command(
    manifests: tuple[str, ...],
    settings: tuple[str, ...],
    files: tuple[str, ...],
    quiet: bool,
    json_to: str | None,
    show_defaults: bool,
) -> int:
    """Check MANIFESTS (- for standard input): YAML, Kubernetes' rules for pods and Services, KubeInfer's own.

    Everything that is wrong is told at once, with its line and what would be right. Exit code 2 when a
    manifest would be refused.
    """
    from kubeinfer_sim.manifest.load import load_manifest
    from kubeinfer_sim.manifest.template import parse_settings

    values = parse_settings(settings, files)
    try:
        loaded = load_manifest(list(manifests), set_values=dict(values))
    except InputError as error:
        if json_to is not None:
            write_json(json_to, findings_json((), error.diagnostics))
        if json_to == "-":
            return 2
        show_diagnostics(error.diagnostics, err=False)
        errors = sum(each.severity is Severity.ERROR for each in error.diagnostics)
        click.echo(f"\n{errors} error{'s' if errors != 1 else ''}")
        return 2
    if json_to is not None:
        write_json(json_to, findings_json(loaded.kubeinfers, loaded.diagnostics))
    if json_to == "-":
        return 0
    shown = [each for each in loaded.diagnostics if not quiet or each.severity is not Severity.NOTE]
    if shown:
        show_diagnostics(shown, err=show_defaults)
    if show_defaults:
        from kubeinfer_sim.manifest.effective import effective_yaml

        click.echo(effective_yaml(loaded.kubeinfers), nl=False)
    elif not quiet:
        for each in loaded.kubeinfers:
            pods = sum(role.replicas for role in each.roles)
            click.echo(
                f"{each.source}: {each.namespace}/{each.name} is valid: "
                f"{each.replicas} instance{'s' if each.replicas != 1 else ''} of {pods} "
                f"pod{'s' if pods != 1 else ''}, revision {each.revision}"
            )
    return 0
