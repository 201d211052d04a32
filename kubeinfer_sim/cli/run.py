"""`kubeinfer-sim run SCENARIO`."""

from __future__ import annotations

import click

from kubeinfer_sim.cli.simulation import simulate_and_report, simulation_options


@click.command("run", short_help="Simulate a scenario file.")
@click.argument("scenario")
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="Fill ${NAME} in the manifest.")
@click.option(
    "--horizon", metavar="TIME", help="Stop there (90m, 7d), or `settled`, instead of the scenario's."
)
@simulation_options
def command(
    scenario: str,
    settings: tuple[str, ...],
    horizon: str | None,
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

    loaded = load_scenario(scenario, set_values=parse_settings(settings), seed=seed, horizon=horizon)
    again = ["run", scenario, *(part for each in settings for part in ("--set", each))]
    again += ["--horizon", horizon] if horizon is not None else []
    again += ["--seed", str(seed)] if seed is not None else []
    return simulate_and_report(
        loaded,
        seed=seed,
        json_to=json_to,
        quiet=quiet,
        check_determinism=check_determinism,
        again=None if scenario == "-" else again,
    )
