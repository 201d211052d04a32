"""`kubeinfer-sim schema scenario|cluster|timings|recovery|result|comparison|why|pods|manifest|crd`."""

from __future__ import annotations

import json

import click


@click.command("schema", short_help="Print a JSON Schema, or the CustomResourceDefinition.")
@click.argument(
    "kind",
    metavar="KIND",
    type=click.Choice(
        [
            "scenario",
            "cluster",
            "timings",
            "recovery",
            "result",
            "comparison",
            "why",
            "pods",
            "manifest",
            "crd",
        ]
    ),
)
def command(kind: str) -> None:
    """Print the JSON Schema of KIND, for editors and checks.

    KIND is one of scenario, cluster, timings, recovery and manifest (what is read), result, comparison and why (what
    is written), or crd: a CustomResourceDefinition in YAML.

    An editor with yaml-language-server completes a scenario whose first line is
    # yaml-language-server: $schema=scenario.schema.json
    """
    if kind == "crd":
        from kubeinfer_sim.manifest.crd import crd_yaml

        click.echo(crd_yaml(), nl=False)
        return
    if kind == "manifest":
        from kubeinfer_sim.manifest.json_schema import manifest_json_schema as schema
    elif kind == "scenario":
        from kubeinfer_sim.scenario.schema import scenario_json_schema as schema
    elif kind == "cluster":
        from kubeinfer_sim.scenario.schema import cluster_json_schema as schema
    elif kind == "timings":
        from kubeinfer_sim.scenario.schema import timings_json_schema as schema
    elif kind == "comparison":
        from kubeinfer_sim.report.comparison_result import comparison_json_schema as schema
    elif kind == "why":
        from kubeinfer_sim.report.why_result import why_json_schema as schema
    elif kind == "pods":
        from kubeinfer_sim.report.pods_result import pods_json_schema as schema
    elif kind == "recovery":
        from kubeinfer_sim.scenario.schema import recovery_json_schema as schema
    else:
        from kubeinfer_sim.report.result import result_json_schema as schema
    click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))
