"""`kubeinfer-sim compare SCENARIO --recovery Instance,Pod,rules.yaml`, or another knob."""

from __future__ import annotations

import sys

import click


@click.command("compare", short_help="Simulate a scenario with a knob turned, under the same faults.")
@click.argument("scenario")
@click.option(
    "--recovery",
    metavar="LIST",
    help="Instance, Pod, Custom, files of rules (.yaml), module:function; separated by commas.",
)
@click.option(
    "--assume",
    metavar="NAME=LIST",
    help="An assumption of the scenario and values for it: startupCrash=rebuild,kubelet.",
)
@click.option(
    "--vary",
    metavar="NAME=LIST",
    help="Any other knob: maxSurge, maxUnavailable, label (on,off), spareNodes, or a path in the scenario's spec "
    "(kubernetesVersion=1.31,1.36; cluster=3x8,4x8; faults.npus.spares=0,2).",
)
@click.option("--seeds", type=click.IntRange(min=1, max=100_000), default=1, help="How many seeds to run.")
@click.option("--seed", type=click.IntRange(min=0), help="The first seed, instead of the scenario's.")
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="Fill ${NAME} in the manifest.")
@click.option(
    "--horizon", metavar="TIME", help="Stop there (90m, 7d), or `settled`, instead of the scenario's."
)
@click.option(
    "--json", "json_to", metavar="FILE|-", help="Write the comparison as JSON; - is standard output."
)
def command(
    scenario: str,
    recovery: str | None,
    assume: str | None,
    vary: str | None,
    seeds: int,
    seed: int | None,
    settings: tuple[str, ...],
    horizon: str | None,
    json_to: str | None,
) -> int:
    """Simulate SCENARIO once for each setting of a knob, under the same faults, and say how they differ.

    The knob is --recovery, --assume or --vary.

    The first is what the others are held against. With several seeds every number is a mean, with half of its
    95 % interval; the differences are paired by seed. A function named with module:function decides about every
    failure (see docs/recovery.md); it is run as it is, so name none you do not trust.
    """
    from kubeinfer_sim.cli.output import colour_on, unicode_on, width_of, write_json
    from kubeinfer_sim.errors import UsageError
    from kubeinfer_sim.experiment.assumption_knob import assumption_variants
    from kubeinfer_sim.experiment.compare import compare
    from kubeinfer_sim.experiment.knobs import knob_variants
    from kubeinfer_sim.experiment.recovery_knob import recovery_variants
    from kubeinfer_sim.manifest.source import read_source
    from kubeinfer_sim.manifest.template import parse_settings
    from kubeinfer_sim.report.comparison import render_comparison
    from kubeinfer_sim.report.comparison_result import comparison_json
    from kubeinfer_sim.scenario.load import load_scenario

    if sum(knob is not None for knob in (recovery, assume, vary)) != 1:
        raise UsageError("compare needs a knob: one of --recovery, --assume and --vary")
    source, values = read_source(scenario), parse_settings(settings)
    if vary is not None:
        variants = knob_variants(vary, source, values, seed=seed, horizon=horizon)
    else:
        loaded = load_scenario(source, set_values=values, seed=seed, horizon=horizon)
        if recovery is not None:
            if ":" in recovery:
                sys.path.insert(0, "")  # a function in the working directory, as with `python -m`
            variants = recovery_variants(loaded, recovery.split(","))
        else:
            variants = assumption_variants(loaded, assume or "")
    first = variants[0].scenario.seed
    found = compare(variants, range(first, first + seeds))
    if json_to is not None:
        write_json(json_to, comparison_json(found))
    if json_to != "-":
        out = sys.stdout
        text = render_comparison(found, width=width_of(out), colour=colour_on(out), unicode=unicode_on(out))
        click.echo(text.rstrip("\n"))
    return 0
