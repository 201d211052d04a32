"""`kubeinfer-sim run SCENARIO`."""

from __future__ import annotations

import click

from kubeinfer_sim.cli.simulation import cluster_options, simulate_and_report, simulation_options
from kubeinfer_sim.errors import UsageError


@click.command("run", short_help="Simulate a scenario file.")
@click.argument("scenario")
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="Fill ${NAME} in the manifest.")
@click.option("--set-file", "files", metavar="NAME=PATH", multiple=True, help="Fill ${NAME} from a file.")
@click.option(
    "--horizon", metavar="TIME", help="Stop there (90m, 7d), or `settled`, instead of the scenario's."
)
@cluster_options
@simulation_options
def command(
    scenario: str,
    settings: tuple[str, ...],
    files: tuple[str, ...],
    horizon: str | None,
    cluster: str | None,
    pods: str | None,
    seed: int | None,
    json_to: str | None,
    quiet: bool,
    check_determinism: bool,
) -> int:
    """Simulate SCENARIO, a file of kind Scenario (- for standard input), and report what it will do.

    Exit code 0: it finishes and every objective holds; 1: it does not; 2: the file is wrong.
    """
    from kubeinfer_sim.manifest.template import parse_settings
    from kubeinfer_sim.scenario.load import load_scenario

    if [scenario, cluster, pods].count("-") > 1:
        raise UsageError("only one file can come from standard input")
    loaded = load_scenario(
        scenario,
        set_values=parse_settings(settings, files),
        seed=seed,
        horizon=horizon,
        cluster=cluster,
        pods=pods,
    )
    again = ["run", scenario, *(part for each in settings for part in ("--set", each))]
    again += [part for each in files for part in ("--set-file", each)]
    again += ["--horizon", horizon] if horizon is not None else []
    again += ["--seed", str(seed)] if seed is not None else []
    again += ["--cluster", cluster] if cluster is not None else []
    again += ["--pods", pods] if pods is not None else []
    return simulate_and_report(
        loaded,
        seed=seed,
        json_to=json_to,
        quiet=quiet,
        check_determinism=check_determinism,
        again=None if "-" in (scenario, cluster, pods) else again,
    )
