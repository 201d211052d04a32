"""`kubeinfer-sim compare SCENARIO --recovery Instance,Pod,rules.yaml`, or another knob."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from kubeinfer_sim.cli.command import (
    configuration_option,
    file_argument,
    filename_option,
    form_option,
    horizon_option,
    json_option,
    option,
    subcommand,
    values_options,
)

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from kubeinfer_sim.scenario.configuration import Configuration


def _surplus(ctx: click.Context, rest: Sequence[str]) -> str:
    return "compare plays one scenario with a knob turned: --vary manifest=a.yaml,b.yaml compares manifests"


def _complete_assumption(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from kubeinfer_sim.experiment.assumption_knob import assumption_values

    name, equals, given = incomplete.partition("=")
    known = assumption_values()
    if not equals:
        return [CompletionItem(f"{each}=") for each in known if each.startswith(incomplete)]
    before, comma, begun = given.rpartition(",")
    return [
        CompletionItem(f"{name}={before}{comma}{value}")
        for value in known.get(name, ())
        if value.startswith(begun)
    ]


@subcommand(
    "compare", short_help="Simulate a scenario with a knob turned, under the same faults.", surplus=_surplus
)
@file_argument("scenario")
@filename_option
@option(
    "--recovery",
    metavar="LIST",
    help="Instance, Pod, Custom, files of rules, module:function; separated by commas.",
)
@option(
    "--assume",
    metavar="NAME=LIST",
    shell_complete=_complete_assumption,
    help="An assumption of the scenario and values for it: startupCrash=rebuild,kubelet.",
)
@click.option(
    "--vary",
    metavar="NAME=LIST",
    multiple=True,
    help="Any other knob: maxSurge, maxUnavailable, label (on,off), spareNodes, or a path in the scenario's spec "
    "(kubernetesVersion=1.31,1.36; cluster=3x8,4x8; faults.npus.spares=0,2).",
)
@option("--seeds", type=click.IntRange(min=1, max=100_000), default=1, help="How many seeds to run.")
@option("--seed", type=click.IntRange(min=0), metavar="N", help="The first seed, instead of the scenario's.")
@values_options("the manifest")
@horizon_option
@configuration_option
@json_option("the comparison")
@form_option("text", "json", "markdown")
def command(
    scenario: str,
    recovery: str | None,
    assume: str | None,
    vary: tuple[str, ...],
    seeds: int,
    seed: int | None,
    settings: tuple[str, ...],
    files: tuple[str, ...],
    horizon: str | None,
    form: str | None,
    configuration: Configuration | None,
    json_to: str | None,
) -> int:
    """Simulate SCENARIO once for each setting of a knob, under the same faults, and say how they differ.

    The knob is --recovery, --assume or --vary.

    The first is what the others are held against. With several seeds every number is a mean, with half of its
    95 % interval; the differences are paired by seed. A function named with module:function decides about every
    failure (see docs/recovery.md); it is run as it is, so name none you do not trust.
    """
    from kubeinfer_sim.cli.output import colour_on, output_of, show_diagnostics, unicode_on, width_of
    from kubeinfer_sim.errors import UsageError
    from kubeinfer_sim.experiment.assumption_knob import assumption_variants
    from kubeinfer_sim.experiment.compare import compare
    from kubeinfer_sim.experiment.knobs import knob_variants
    from kubeinfer_sim.experiment.recovery_knob import recovery_variants
    from kubeinfer_sim.manifest.register.check import not_simulated
    from kubeinfer_sim.manifest.source import read_source
    from kubeinfer_sim.manifest.template import parse_settings
    from kubeinfer_sim.report.comparison import render_comparison
    from kubeinfer_sim.report.comparison_result import comparison_json
    from kubeinfer_sim.report.markdown.comparison import comparison_markdown
    from kubeinfer_sim.scenario.load import load_scenario

    output = output_of(form, json_to)
    given = {"--recovery": recovery, "--assume": assume}
    knobs = [f"{name} {value}" for name, value in given.items() if value is not None]
    knobs += [f"--vary {each}" for each in vary]
    if len(knobs) != 1:
        told = f"found {' and '.join(knobs)}; turn them one at a time" if knobs else "found none"
        raise UsageError(f"compare needs one knob, one of --recovery, --assume and --vary: {told}")
    source, values = read_source(scenario), parse_settings(settings, files)
    if vary:
        variants = knob_variants(
            vary[0], source, values, seed=seed, horizon=horizon, configuration=configuration
        )
    else:
        loaded = load_scenario(
            source, set_values=values, seed=seed, horizon=horizon, configuration=configuration
        )
        if recovery is not None:
            if ":" in recovery:
                sys.path.insert(0, "")  # a function in the working directory, as with `python -m`
            variants = recovery_variants(loaded, recovery.split(","))
        else:
            variants = assumption_variants(loaded, assume or "")
    warnings = not_simulated(warning for each in variants for warning in each.scenario.warnings)
    if warnings:
        show_diagnostics(warnings)
    first = variants[0].scenario.seed
    comparison = compare(variants, range(first, first + seeds))
    out = sys.stdout
    output.write(
        text=lambda: render_comparison(
            comparison, width=width_of(out), colour=colour_on(out), unicode=unicode_on(out)
        ),
        json=lambda: comparison_json(comparison),
        markdown=lambda: comparison_markdown(comparison),
    )
    return 0
