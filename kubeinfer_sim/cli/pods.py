"""`kubeinfer-sim pods SCENARIO [POD]... --at 12m30s`."""

from __future__ import annotations

import sys

import click

from kubeinfer_sim.cli.simulation import cluster_options


@click.command("pods", short_help="Show the pods of a scenario at one time, as kubectl get pods would.")
@click.argument("scenario")
@click.argument("names", metavar="[POD]...", nargs=-1)
@click.option("--at", metavar="TIME", help="From the start of the scenario: 2h13m, 90s. Default: its end.")
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="Fill ${NAME} in the manifest.")
@click.option("--set-file", "files", metavar="NAME=PATH", multiple=True, help="Fill ${NAME} from a file.")
@click.option(
    "--horizon", metavar="TIME", help="Stop there (90m, 7d), or `settled`, instead of the scenario's."
)
@cluster_options
@click.option("--seed", type=click.IntRange(min=0), help="Seed of all random streams.")
@click.option("--json", "json_to", metavar="FILE|-", help="Write them as JSON; - is standard output.")
def command(
    scenario: str,
    names: tuple[str, ...],
    at: str | None,
    settings: tuple[str, ...],
    files: tuple[str, ...],
    horizon: str | None,
    cluster: str | None,
    pods: str | None,
    seed: int | None,
    json_to: str | None,
) -> int:
    """Simulate SCENARIO (- for standard input) up to one time and show the pods that exist then.

    The columns are those of kubectl get pods, in its words. Of each POD that is named, conditions (with since when)
    and containers are shown, too, as kubectl describe pod would.
    """
    from kubeinfer_sim.cli.output import unicode_on, width_of, write_json
    from kubeinfer_sim.errors import UsageError
    from kubeinfer_sim.manifest.template import parse_settings
    from kubeinfer_sim.report.pods import pods_of, render_pods
    from kubeinfer_sim.report.pods_result import pods_json
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
    moment = pods_of(loaded, at, names)
    if json_to is not None:
        write_json(json_to, pods_json(moment))
    if json_to != "-":
        out = sys.stdout
        text = render_pods(moment, describe=bool(names), width=width_of(out), unicode=unicode_on(out))
        click.echo(text.rstrip("\n"))
    return 0
