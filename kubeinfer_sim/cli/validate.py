"""`kubeinfer-sim validate FILE...`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from kubeinfer_sim.cli.command import (
    complete_files,
    complete_rules,
    configuration_option,
    file_argument,
    filename_option,
    form_option,
    json_option,
    option,
    subcommand,
    values_options,
)
from kubeinfer_sim.cli.output import detail, output_of, show, show_diagnostics, show_document, width_of
from kubeinfer_sim.diagnostics import Diagnostic, Severity
from kubeinfer_sim.manifest.model import BarePod, DaemonSet, Deployment

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.check import Checked
    from kubeinfer_sim.scenario.configuration import Configuration


@subcommand("validate", short_help="Check manifests as the API server would, lint them; check files of ours.")
@file_argument("manifests", nargs=-1, required=True)
@filename_option
@values_options("the manifests")
@click.option("--strict", is_flag=True, help="Exit with 1 when there are warnings.")
@click.option(
    "--disable",
    metavar="CODE",
    multiple=True,
    shell_complete=complete_rules,
    help="Do not run a lint rule, e.g. KI007 (or KI007,KI008).",
)
@click.option("--no-lint", is_flag=True, help="Only what the API server and KubeInfer would refuse.")
@option(
    "--nodes",
    "--cluster",
    metavar="COUNTxNPUS|FILE",
    help="Lint for a cluster: 8x8 is 8 nodes of 8 NPUs; or a Cluster file, or from kubectl get nodes -o json.",
    shell_complete=complete_files,
)
@configuration_option
@json_option("the findings")
@form_option("text", "json", "sarif", "github", "junit")
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
    form: str | None,
    configuration: Configuration | None,
    quiet: bool,
    json_to: str | None,
    show_defaults: bool,
) -> int:
    """Check MANIFESTS (- for standard input): YAML, Kubernetes' rules, KubeInfer's own.

    Everything that is wrong is told at once, with its line and what would be right; then what is valid and will
    hurt all the same (`kubeinfer-sim explain`). Files of kind Scenario, Cluster, Recovery and Timings are checked
    with all they name, and not simulated. Exit code 2 when a file is invalid, 1 when there are warnings under
    --strict, else 0.
    """
    from kubeinfer_sim.manifest.template import parse_settings
    from kubeinfer_sim.scenario.check import check_files

    output = output_of(form, {"json": json_to})
    disabled = None if no_lint else _codes(disable)
    begun = time.perf_counter()
    checked = check_files(
        manifests,
        parse_settings(settings, files),
        nodes=nodes,
        disabled=disabled,
        configuration=configuration,
    )
    detail(
        f"checked {len(manifests)} file{'s' * (len(manifests) != 1)} in {time.perf_counter() - begun:.2f} s"
    )
    severities = {each.severity for each in checked.findings}
    code = 2 if Severity.ERROR in severities else int(strict and Severity.WARNING in severities)
    shown = [each for each in checked.findings if not quiet or each.severity is not Severity.NOTE]
    output.to_file(lambda: _json(checked, checked.findings))
    if not output.is_text:
        output.to_standard_output(
            json=lambda: _json(checked, shown),
            sarif=lambda: _sarif(shown),
            github=lambda: _github(shown),
            junit=lambda: _junit(manifests, shown, strict=strict),
        )
        return code
    if shown:
        show_diagnostics(shown, err=show_defaults)
    if code == 2:
        show(f"\n{_counts(checked.findings)}", err=show_defaults)
    elif show_defaults:
        from kubeinfer_sim.manifest.effective import effective_yaml

        show_document(effective_yaml(checked.kubeinfers, checked.plain))
    elif not quiet:
        for sentence in _sentences(checked):
            show(_folded(sentence))
        if checked.findings:
            show(_counts(checked.findings))
    return code


def _sentences(checked: Checked) -> Iterator[str]:
    """What is valid."""
    for each in checked.kubeinfers:
        pods = sum(role.replicas for role in each.roles)
        yield (
            f"{each.source}: {each.namespace}/{each.name} is valid: "
            f"{each.replicas} instance{'s' if each.replicas != 1 else ''} of {pods} "
            f"pod{'s' if pods != 1 else ''}, revision {each.revision}"
        )
    for other in checked.plain:
        size = (
            ""
            if isinstance(other, BarePod | DaemonSet)
            else f" of {other.replicas} pod{'s' if other.replicas != 1 else ''}"
        )
        strategy = f", {other.strategy}" if isinstance(other, Deployment) else ""
        yield (
            f"{other.source}: {other.namespace}/{other.name} is valid: a {other.kind}{size}{strategy}, "
            f"revision {other.revision}"
        )
    for beside in checked.objects:
        line, _ = beside.document.position(())
        yield f"{beside.document.source.name}:{line}: {beside.kind} {beside.name} is valid"
    if checked.configured is not None:
        yield f"linted for {', '.join(checked.configured.facts)} from {checked.configured.file}"
    for file in checked.files:
        yield f"{file.name}: {file.kind} is valid: {file.tells}"


def _folded(sentence: str) -> str:
    """A sentence in lines as wide as the terminal."""
    from kubeinfer_sim.manifest.wrapping import wrap

    return "\n".join(wrap(sentence, width_of(sys.stdout), later="    "))


def _json(checked: Checked, diagnostics: Sequence[Diagnostic]) -> str:
    from kubeinfer_sim.report.findings.document import findings_json

    return findings_json(checked, diagnostics)


def _sarif(diagnostics: Sequence[Diagnostic]) -> str:
    from kubeinfer_sim.report.findings.sarif import sarif

    return sarif(diagnostics)


def _github(diagnostics: Sequence[Diagnostic]) -> str:
    from kubeinfer_sim.report.findings.github import github_annotations

    return github_annotations(diagnostics)


def _junit(files: Sequence[str], diagnostics: Sequence[Diagnostic], *, strict: bool) -> str:
    from kubeinfer_sim.report.findings.junit import junit_xml

    return junit_xml(files, diagnostics, strict=strict)


def _codes(texts: Sequence[str]) -> frozenset[str]:
    """The rules named by --disable.

    Raises:
        UsageError: there is no such rule.
    """
    if not texts:
        return frozenset()
    from kubeinfer_sim.errors import UsageError
    from kubeinfer_sim.manifest.lint.catalogue import RULES, rule_named
    from kubeinfer_sim.manifest.suggest import did_you_mean

    codes = [each.strip() for text in texts for each in text.split(",") if each.strip()]
    rules = [rule_named(each) for each in codes]
    for each, rule in zip(codes, rules, strict=True):
        if rule is None:
            raise UsageError(
                f"--disable: there is no rule {each[:40]!r}{did_you_mean(each, RULES)}; "
                "`kubeinfer-sim explain` lists the rules"
            )
    return frozenset(rule.code for rule in rules if rule is not None)


def _counts(diagnostics: Sequence[Diagnostic]) -> str:
    """`1 error, 2 warnings`."""
    numbers = [(each, sum(one.severity is each for one in diagnostics)) for each in Severity]
    return ", ".join(f"{number} {each}{'' if number == 1 else 's'}" for each, number in numbers if number)
