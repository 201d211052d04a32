"""`kubeinfer-sim run SCENARIO`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from kubeinfer_sim.cli.command import (
    configuration_option,
    file_argument,
    filename_option,
    horizon_option,
    nodes_options,
    subcommand,
    timings_option,
    values_options,
)
from kubeinfer_sim.cli.output import Output
from kubeinfer_sim.cli.replications import Many
from kubeinfer_sim.cli.scenario_file import read_scenario_file
from kubeinfer_sim.cli.simulation import simulate_and_report, simulation_options
from kubeinfer_sim.errors import UsageError

if TYPE_CHECKING:
    from kubeinfer_sim.report.detail import Detail
    from kubeinfer_sim.scenario.configuration import Configuration


def _surplus(ctx: click.Context, rest: Sequence[str]) -> str:
    """`run old.yaml new.yaml` means a rollout, if these are manifests."""
    from kubeinfer_sim.manifest.file_kinds import kind_in_file
    from kubeinfer_sim.manifest.model import KINDS_ROLLED_OUT

    files = [str(ctx.params["scenario"]), *rest]
    if all(kind_in_file(each) in KINDS_ROLLED_OUT for each in files):
        return (
            f"an update from one manifest to another is `kubeinfer-sim rollout {' '.join(files)} --nodes 8x8`"
        )
    return "run takes one scenario; `kubeinfer-sim compare` plays one with a knob turned"


@subcommand("run", short_help="Simulate a scenario file.", surplus=_surplus)
@file_argument("scenario")
@filename_option
@values_options("the manifest")
@horizon_option
@nodes_options
@configuration_option
@timings_option
@click.option(
    "--rare",
    is_flag=True,
    help="Estimate how rarely objectives about readiness are missed, beyond five nines, by -n forced runs that count "
    "by their likelihood ratio.",
)
@simulation_options
def command(
    scenario: str,
    settings: tuple[str, ...],
    files: tuple[str, ...],
    horizon: str | None,
    cluster: str | None,
    timings: str | None,
    rare: bool,
    pods: str | None,
    seed: int | None,
    configuration: Configuration | None,
    output: Output,
    quiet: bool,
    details: bool,
    told: Detail | None,
    estimate: bool,
    assumptions: bool,
    check_determinism: bool,
    check_invariants: bool,
    many: Many,
) -> int:
    """Simulate SCENARIO, a file of kind Scenario (- for standard input), and report what it will do.

    Exit code 0: it finishes and every objective holds; 1: it does not; 2: the file is wrong. With -n it is simulated
    with many seeds: 0: every objective holds with its probability; 1: one does not; 4: it is undecided.
    """
    file = read_scenario_file(
        scenario,
        settings=settings,
        files=files,
        seed=seed,
        horizon=horizon,
        cluster=cluster,
        pods=pods,
        timings=timings,
        configuration=configuration,
    )
    loaded = file.load()
    if rare:
        from kubeinfer_sim.cli.rare_events import estimate_and_report

        if details or told or estimate or check_determinism or check_invariants:
            raise UsageError(
                "--details, --detail, --estimate, --check-determinism and --check-invariants are about runs as they "
                "are, --rare forces them"
            )
        if output.wants("openmetrics"):
            raise UsageError("--openmetrics is about one run: leave out --rare and -n")
        return estimate_and_report(loaded, many, output=output, quiet=quiet, assumptions=assumptions)
    return simulate_and_report(
        loaded,
        file=scenario,
        output=output,
        quiet=quiet,
        details=details,
        told=told,
        estimate=estimate,
        assumptions=assumptions,
        check_determinism=check_determinism,
        check_invariants=check_invariants,
        many=many,
        inputs=(scenario, cluster, pods),
        whole=file.whole,
    )
