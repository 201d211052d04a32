"""`kubeinfer-sim recommend MANIFEST --nodes 8x8 --min-ready 3`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kubeinfer_sim.cli.command import (
    Whole,
    configuration_option,
    file_argument,
    filename_option,
    first_nodes_options,
    horizon_option,
    option,
    subcommand,
    timings_option,
    values_options,
)
from kubeinfer_sim.cli.files import RECOMMENDED, OutputFile, is_recommended, write_file
from kubeinfer_sim.cli.gates import Gates, gate_options
from kubeinfer_sim.cli.outputs import output_options
from kubeinfer_sim.cli.replications import UNDECIDED, Many, place_options

if TYPE_CHECKING:
    from kubeinfer_sim.cli.output import Output
    from kubeinfer_sim.experiment.recommending.recommend import Recommendation
    from kubeinfer_sim.scenario.configuration import Configuration


def _surplus(ctx: click.Context, rest: Sequence[str]) -> str:
    return "recommend takes one manifest, or one scenario"


@subcommand(
    "recommend", short_help="Find the smallest change that meets objectives, as a patch.", surplus=_surplus
)
@file_argument("manifest")
@filename_option
@first_nodes_options
@gate_options
@option(
    "--name",
    metavar="[NAMESPACE/|KIND/]NAME",
    help="Which KubeInfer or Deployment, where there are several; the objectives here are asked of it.",
)
@click.option(
    "--vary",
    "vary",
    metavar="NAME=LIST",
    multiple=True,
    help="A field of the manifest, or spareNodes, and the values to try, in place of the usual ones: maxSurge=0,1,2, "
    "startupProbe.failureThreshold=30,60, recovery.prefill=Instance,Pod, spareNodes=1..4.",
)
@option(
    "--patch",
    "patch_to",
    metavar="FILE",
    type=OutputFile(is_recommended, "name a new file: `--patch new.patch`"),
    help="Write the changes as a diff for `git apply`, comments and layout of the manifest kept.",
)
@option(
    "--kubectl-patch",
    "kubectl_to",
    metavar="FILE",
    type=OutputFile(is_recommended, "name a new file: `--kubectl-patch new.yaml`"),
    help="Write them for `kubectl patch --type json --patch-file`.",
)
@option(
    "--rules",
    "rules_to",
    metavar="FILE",
    type=OutputFile(is_recommended, "name a new file: `--rules new.yaml`"),
    help="Write the rules of Custom recovery that go with them, where there are any.",
)
@option(
    "-n",
    "--replications",
    "replications",
    type=Whole(min=1, max=1_000_000),
    metavar="N",
    help="Runs of a set of changes at most, where anything is drawn; if not given as many as decide it.",
)
@place_options
@option("--seed", type=Whole(min=0), metavar="N", help="The first seed.")
@values_options("the manifest")
@horizon_option
@timings_option
@configuration_option
@output_options("the recommendation", "text", "json", "markdown", "html")
def command(
    manifest: str,
    cluster: str | None,
    pods: str | None,
    gates: Gates,
    name: str | None,
    vary: tuple[str, ...],
    patch_to: str | None,
    kubectl_to: str | None,
    rules_to: str | None,
    many: Many,
    seed: int | None,
    settings: tuple[str, ...],
    files: tuple[str, ...],
    horizon: str | None,
    timings: str | None,
    configuration: Configuration | None,
    output: Output,
) -> int:
    """Find the smallest set of changes of MANIFEST with which objectives are met, at the fewest nodes more.

    Budgets, recovery levels, the reset label, startup windows, grace periods and spare nodes are played under the same
    seeds, the vendor's advice among them; what is recommended is a patch, each change with its effect. MANIFEST may be
    a scenario, which has nodes, faults and objectives of its own; else it is updated to a new revision on --nodes.
    Exit code 0: recommended, or nothing to change; 1: nothing meets the objectives; 4: undecided. See
    docs/recommend.md.
    """
    from kubeinfer_sim.cli.output import look_of
    from kubeinfer_sim.cli.progress import ProgressBar
    from kubeinfer_sim.experiment.judging import Decision
    from kubeinfer_sim.experiment.recommending.recommend import recommend
    from kubeinfer_sim.manifest.template import parse_settings
    from kubeinfer_sim.report.recommendation import render_recommendation
    from kubeinfer_sim.report.recommendation_result import recommendation_json

    inputs: dict[str, Any] = {
        "pods": pods,
        "objectives": gates.objectives(),
        "places": gates.places(),
        "name": name,
        "timings": timings,
        "set_values": parse_settings(settings, files),
        "seed": seed,
        "horizon": horizon,
        "configuration": configuration,
    }
    with many.places() as workers, ProgressBar("runs", at_most=True) as bar:
        made = recommend(
            manifest,
            cluster,
            vary=vary,
            n=many.replications,
            workers=workers,
            progress=lambda done, told: bar.update(done, done, lambda: told),
            **inputs,
        )

    def markdown() -> str:
        from kubeinfer_sim.cli.own_line import same_again
        from kubeinfer_sim.report.markdown.recommendation import recommendation_markdown

        return recommendation_markdown(made, same_again())

    def html() -> str:
        from kubeinfer_sim.cli.own_line import same_again
        from kubeinfer_sim.experiment.recommending.inputs import read_inputs
        from kubeinfer_sim.report.html.origin import Origin
        from kubeinfer_sim.report.html.recommendation import recommendation_page
        from kubeinfer_sim.report.html.render import page_html

        origin = Origin(same_again(), lambda: read_inputs(manifest, cluster, **inputs).whole())
        return page_html(recommendation_page(made, origin))

    output.write(
        text=lambda: render_recommendation(made, **look_of(sys.stdout)),
        json=lambda: recommendation_json(made),
        markdown=markdown,
        html=html,
    )
    _write(made, patch_to, kubectl_to, rules_to)
    return {Decision.HELD: 0, Decision.MISSED: 1}.get(made.decision, UNDECIDED)


def _write(made: Recommendation, patch_to: str | None, kubectl_to: str | None, rules_to: str | None) -> None:
    same = "no field of the manifest changes"
    if patch_to is not None:
        _write_one("--patch", patch_to, made.patch(), same)
    if kubectl_to is not None:
        _write_one("--kubectl-patch", kubectl_to, made.patch("kubectl"), same)
    if rules_to is not None:
        _write_one("--rules", rules_to, made.recovery, "no rules of Custom recovery go with it")


def _write_one(given_by: str, name: str, text: str, nothing: str) -> None:
    """Write a file, but none that `git apply` and the like would refuse as empty."""
    from kubeinfer_sim.cli.output import note
    from kubeinfer_sim.manifest.render import printable

    if text:
        write_file(name, f"{RECOMMENDED}\n{text}", ours=is_recommended, option=given_by)
    else:
        stale = "; the file that is there is of an earlier run" if Path(name).is_file() else ""
        note(f"{given_by} {printable(name)} is not written: {nothing}{stale}")
