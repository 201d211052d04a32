"""`kubeinfer-sim schema KIND`."""

from __future__ import annotations

import json
from importlib import import_module

import click

from kubeinfer_sim.cli.command import subcommand
from kubeinfer_sim.cli.output import show_document

#: Kind -> the module and the function that make its JSON Schema.
SCHEMAS = {
    "scenario": ("scenario.json_schemas", "scenario_json_schema"),
    "cluster": ("scenario.json_schemas", "cluster_json_schema"),
    "timings": ("scenario.json_schemas", "timings_json_schema"),
    "recovery": ("scenario.json_schemas", "recovery_json_schema"),
    "configuration": ("scenario.json_schemas", "configuration_json_schema"),
    "result": ("report.result", "result_json_schema"),
    "replications": ("report.replications_result", "replications_json_schema"),
    "rareevents": ("report.rare_events_result", "rare_events_json_schema"),
    "comparison": ("report.comparison_result", "comparison_json_schema"),
    "plan": ("report.plan_result", "plan_json_schema"),
    "backtest": ("report.backtest_result", "backtest_json_schema"),
    "sweep": ("report.sweep_result", "sweep_json_schema"),
    "cliffs": ("report.sweep_result", "cliffs_json_schema"),
    "recommendation": ("report.recommendation_result", "recommendation_json_schema"),
    "sensitivity": ("report.sensitivity_result", "sensitivity_json_schema"),
    "fuzz": ("testing.fuzz.document", "fuzz_json_schema"),
    "why": ("report.why_result", "why_json_schema"),
    "pods": ("report.pods_result", "pods_json_schema"),
    "manifest": ("manifest.json_schema", "manifest_json_schema"),
}


@subcommand("schema", short_help="Print a JSON Schema, or the CustomResourceDefinition.")
@click.argument("kind", metavar="KIND", type=click.Choice([*SCHEMAS, "crd"]))
def command(kind: str) -> None:
    """Print the JSON Schema of KIND, for editors and checks.

    KIND is one of scenario, cluster, timings, recovery, configuration and manifest (what is read), result,
    replications, rareevents, backtest, comparison, plan, sweep, cliffs, recommendation, sensitivity, fuzz, why and pods
    (what is written), or crd: a CustomResourceDefinition in YAML.

    An editor with yaml-language-server completes a scenario whose first line is
    # yaml-language-server: $schema=scenario.schema.json
    """
    if kind == "crd":
        from kubeinfer_sim.manifest.crd import crd_yaml

        show_document(crd_yaml())
        return
    module, function = SCHEMAS[kind]
    schema = getattr(import_module(f"kubeinfer_sim.{module}"), function)
    show_document(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
