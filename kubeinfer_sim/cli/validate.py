"""`kubeinfer-sim validate MANIFEST...`."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence

import click

from kubeinfer_sim.cli.output import show_diagnostics, width_of, write_json
from kubeinfer_sim.diagnostics import Diagnostic, Severity
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.model import Deployment, KubeInfer

FORMATS = ("text", "json", "sarif", "github", "junit")


@click.command("validate", short_help="Check KubeInfer manifests as the API server would, and lint them.")
@click.argument("manifests", nargs=-1, required=True)
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="Fill ${NAME} in the manifests.")
@click.option("--set-file", "files", metavar="NAME=PATH", multiple=True, help="Fill ${NAME} from a file.")
@click.option("--strict", is_flag=True, help="Exit with 1 when there are warnings.")
@click.option(
    "--disable", metavar="CODE", multiple=True, help="Do not run a lint rule, e.g. KI007 (or KI007,KI008)."
)
@click.option("--no-lint", is_flag=True, help="Only what the API server and KubeInfer would refuse.")
@click.option(
    "--nodes",
    "--cluster",
    metavar="COUNTxNPUS|FILE",
    help="Lint for a cluster: 8x8 is 8 nodes of 8 NPUs; or a Cluster file, or from kubectl get nodes -o json.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    help="Form of the output; text if not given.",
)
@click.option("--json", "json_to", metavar="FILE|-", help="Write the findings as JSON; - is standard output.")
@click.option("-q", "--quiet", is_flag=True, help="Errors and warnings only.")
@click.option(
    "--show-defaults", is_flag=True, help="Print the manifests with the API server's defaults filled in."
)
def command(
    manifests: tuple[str, ...],
    settings: tuple[str, ...],
    files: tuple[str, ...],
    strict: bool,
    disable: tuple[str, ...],
    no_lint: bool,
    nodes: str | None,
    form: str,
    quiet: bool,
    json_to: str | None,
    show_defaults: bool,
) -> int:
    """Check MANIFESTS (- for standard input): YAML, Kubernetes' rules, KubeInfer's own.

    Everything that is wrong is told at once, with its line and what would be right; then what is valid and will
    hurt all the same (`kubeinfer-sim explain`). Exit code 2 when a manifest is invalid, 1 when there are
    warnings under --strict, else 0.
    """
    from kubeinfer_sim.manifest.load import load_manifest
    from kubeinfer_sim.manifest.template import parse_settings

    if json_to == "-":
        form = "json"
    disabled = _codes(disable)
    kubeinfers: Sequence[KubeInfer] = ()
    deployments: Sequence[Deployment] = ()
    try:
        loaded = load_manifest(list(manifests), set_values=dict(parse_settings(settings, files)))
        found = list(loaded.diagnostics)
        kubeinfers, deployments = loaded.kubeinfers, loaded.deployments
        if not no_lint:
            from kubeinfer_sim.manifest.lint import lint
            from kubeinfer_sim.scenario.timings.expectations import expectations

            pairs = zip(kubeinfers, loaded.documents, strict=True)
            found += lint(pairs, expectations(kubeinfers, nodes), disabled=disabled)
            found = _in_order(found, manifests)
    except InputError as error:
        found = list(error.diagnostics)
    severities = {each.severity for each in found}
    code = 2 if Severity.ERROR in severities else int(strict and Severity.WARNING in severities)
    shown = [each for each in found if not quiet or each.severity is not Severity.NOTE]
    if json_to not in (None, "-"):
        write_json(str(json_to), _rendered("json", manifests, kubeinfers, deployments, found, strict=strict))
    if form != "text":
        click.echo(_rendered(form, manifests, kubeinfers, deployments, shown, strict=strict), nl=False)
        return code
    if shown:
        show_diagnostics(shown, err=show_defaults)
    if code == 2:
        click.echo(f"\n{_counts(found)}", err=show_defaults)
    elif show_defaults:
        from kubeinfer_sim.manifest.effective import effective_yaml

        click.echo(effective_yaml(kubeinfers, deployments), nl=False)
    elif not quiet:
        for each in kubeinfers:
            pods = sum(role.replicas for role in each.roles)
            _say(
                f"{each.source}: {each.namespace}/{each.name} is valid: "
                f"{each.replicas} instance{'s' if each.replicas != 1 else ''} of {pods} "
                f"pod{'s' if pods != 1 else ''}, revision {each.revision}"
            )
        for deployment in deployments:
            _say(
                f"{deployment.source}: {deployment.namespace}/{deployment.name} is valid: a Deployment of "
                f"{deployment.replicas} pod{'s' if deployment.replicas != 1 else ''}, "
                f"{deployment.strategy}, revision {deployment.revision}"
            )
        if found:
            click.echo(_counts(found))
    return code


def _say(sentence: str) -> None:
    """A sentence on standard output, folded where the terminal ends."""
    for line in textwrap.wrap(
        sentence,
        width_of(sys.stdout),
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    ):
        click.echo(line)


def _rendered(
    form: str,
    manifests: Sequence[str],
    kubeinfers: Sequence[KubeInfer],
    deployments: Sequence[Deployment],
    found: Sequence[Diagnostic],
    *,
    strict: bool,
) -> str:
    if form == "json":
        from kubeinfer_sim.manifest.findings_json import findings_json

        return findings_json(kubeinfers, found, deployments)
    if form == "sarif":
        from kubeinfer_sim.report.findings.sarif import sarif

        return sarif(found)
    if form == "github":
        from kubeinfer_sim.report.findings.github import github_annotations

        return github_annotations(found)
    from kubeinfer_sim.report.findings.junit import junit_xml

    return junit_xml(manifests, found, strict=strict)


def _codes(texts: Sequence[str]) -> frozenset[str]:
    """The rules named by --disable.

    Raises:
        UsageError: there is no such rule.
    """
    if not texts:
        return frozenset()
    from kubeinfer_sim.errors import UsageError
    from kubeinfer_sim.manifest.lint import RULES
    from kubeinfer_sim.manifest.suggest import did_you_mean

    codes = [each.strip() for text in texts for each in text.split(",") if each.strip()]
    for each in codes:
        if each not in RULES:
            raise UsageError(
                f"--disable: there is no rule {each[:40]!r}{did_you_mean(each, RULES)}; "
                "`kubeinfer-sim explain` lists the rules"
            )
    return frozenset(codes)


def _in_order(found: Sequence[Diagnostic], manifests: Sequence[str]) -> list[Diagnostic]:
    """By file as given, then by line."""
    places = {name: index for index, name in reversed(list(enumerate(manifests)))}
    return sorted(found, key=lambda each: (places.get(each.file, len(places)), each.line, each.column))


def _counts(found: Sequence[Diagnostic]) -> str:
    """`1 error, 2 warnings`."""
    numbers = [(each, sum(one.severity is each for one in found)) for each in Severity]
    return ", ".join(f"{number} {each}{'' if number == 1 else 's'}" for each, number in numbers if number)
