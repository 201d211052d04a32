"""`kubeinfer-sim schema scenario|cluster|result`."""

from __future__ import annotations

import json

import click


@click.command("schema", short_help="Print a JSON Schema.")
@click.argument("kind", type=click.Choice(["scenario", "cluster", "result"]))
def command(kind: str) -> None:
    """Print the JSON Schema of KIND, for editors and checks.

    An editor with yaml-language-server completes a scenario whose first line is
    # yaml-language-server: $schema=scenario.schema.json
    """
    if kind == "scenario":
        from kubeinfer_sim.scenario.schema import scenario_json_schema as schema
    elif kind == "cluster":
        from kubeinfer_sim.scenario.schema import cluster_json_schema as schema
    else:
        from kubeinfer_sim.report.result import result_json_schema as schema
    click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))
