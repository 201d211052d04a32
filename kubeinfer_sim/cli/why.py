"""`kubeinfer-sim why SCENARIO --at 2h13m [--instance 3]`."""

from __future__ import annotations

import sys

import click


@click.command("why", short_help="Say why a scenario is as it is at one time, and what will end it.")
@click.argument("scenario")
@click.option("--at", required=True, metavar="TIME", help="From the start of the scenario: 2h13m, 90s.")
@click.option(
    "--instance", type=click.IntRange(min=0), metavar="N", help="Only the instance NAME-N, in full."
)
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="Fill ${NAME} in the manifest.")
@click.option("--set-file", "files", metavar="NAME=PATH", multiple=True, help="Fill ${NAME} from a file.")
@click.option(
    "--horizon", metavar="TIME", help="Stop there (90m, 7d), or `settled`, instead of the scenario's."
)
@click.option("--seed", type=click.IntRange(min=0), help="Seed of all random streams.")
@click.option("--json", "json_to", metavar="FILE|-", help="Write the answer as JSON; - is standard output.")
def command(
    scenario: str,
    at: str,
    instance: int | None,
    settings: tuple[str, ...],
    files: tuple[str, ...],
    horizon: str | None,
    seed: int | None,
    json_to: str | None,
) -> int:
    """Simulate SCENARIO (- for standard input) again and say what it is like at one time, and why.

    How many instances are ready; for each that is not: since when, what its pods are doing and where, what led to
    it from the first cause on, and what will end it and when. Runs are deterministic, so it is the run that `run`
    reports on.
    """
    from kubeinfer_sim.cli.output import unicode_on, width_of, write_json
    from kubeinfer_sim.manifest.template import parse_settings
    from kubeinfer_sim.report.why import moment_of, render_why
    from kubeinfer_sim.report.why_result import why_json
    from kubeinfer_sim.scenario.load import load_scenario
    from kubeinfer_sim.simulation.simulate import simulate

    loaded = load_scenario(scenario, set_values=parse_settings(settings, files), seed=seed, horizon=horizon)
    run = simulate(loaded, pods=False)
    moment = moment_of(run, at, instance)
    if json_to is not None:
        write_json(json_to, why_json(run, moment))
    if json_to != "-":
        out = sys.stdout
        text = render_why(run, moment, instance, width=width_of(out), unicode=unicode_on(out))
        click.echo(text.rstrip("\n"))
    return 0
