"""`kubeinfer-sim sweep SCENARIO --vary nodes=8..16 --vary maxSurge=0,1`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from kubeinfer_sim.cli.campaigns import Loaded, campaign_options, campaign_page, seeds_option
from kubeinfer_sim.cli.command import (
    Whole,
    file_argument,
    filename_option,
    option,
    subcommand,
    vary_option,
)
from kubeinfer_sim.cli.outputs import output_options
from kubeinfer_sim.cli.replications import INTERRUPTED, Many, failure_code
from kubeinfer_sim.errors import UsageError

if TYPE_CHECKING:
    from kubeinfer_sim.cli.output import Output
    from kubeinfer_sim.experiment.sweep import Method
    from kubeinfer_sim.experiment.worker import Played
    from kubeinfer_sim.manifest.source import SourceText


def _surplus(ctx: click.Context, rest: Sequence[str]) -> str:
    return "sweep plays one scenario with knobs turned: --vary manifest=a.yaml,b.yaml varies manifests"


@subcommand("sweep", short_help="Simulate a scenario all over a space of knobs.", surplus=_surplus)
@file_argument("scenario")
@filename_option
@vary_option(
    "Each combination of several knobs is played; with --samples a range may be of times or decimals, too."
)
@option(
    "--samples",
    type=Whole(min=1, max=10_000),
    metavar="N",
    help="Play so many combinations, spread evenly over lists and ranges (10s..5m, 0.5..2), in place of all.",
)
@option(
    "--method",
    type=click.Choice(["lhs", "sobol"]),
    help="Of --samples: a Latin hypercube (lhs, if not given) or a Sobol sequence.",
)
@option(
    "--front",
    metavar="LIST",
    help="The figures of the Pareto front, by their names in the JSON: duration,minReady,nodes.",
)
@option(
    "--cliff",
    metavar="KNOB",
    help="Look along one knob where the outcome jumps, and name the rule behind it: KNOB=A..B, or KNOB alone for its "
    "usual values. --vary then gives other knobs one value each.",
)
@seeds_option("How many seeds each combination meets; if not given one, and ten where anything is drawn.")
@campaign_options
@output_options("the sweep", "text", "json", "csv", "markdown", "html")
def command(
    scenario: str,
    vary: tuple[str, ...],
    samples: int | None,
    method: Method | None,
    front: str | None,
    cliff: str | None,
    many: Many,
    loaded: Loaded,
    output: Output,
) -> int:
    """Simulate SCENARIO at every combination of knobs, under the same faults, and say what comes of each.

    Told are a table of the combinations, those on the Pareto front of some figures (no other one is at least as good in
    all of them and better in one), and a picture of it. With --cliff the values of one knob are bisected for where the
    outcome jumps. See docs/sweep.md.
    """
    from kubeinfer_sim.manifest.source import read_source

    source = read_source(scenario)
    if cliff is not None:
        _without(
            "--cliff",
            {
                "--samples": samples,
                "--front": front,
                "--store": many.store,
                "-o csv or --csv": output.wants("csv") or None,
            },
        )
        return _cliffs(source, cliff, vary, many, output, loaded)
    if method is not None and samples is None:
        raise UsageError("--method is about --samples: say how many, as in --samples 200")
    if not vary:
        raise UsageError("sweep needs knobs, --vary with the values to play, or --cliff with a knob")
    return _sweep(source, vary, samples, method or "lhs", front, many, output, loaded)


def _without(option: str, given: Mapping[str, object]) -> None:
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"{name} does not go with {option}, which looks along one knob by bisection")


def _sweep(
    source: SourceText,
    vary: Sequence[str],
    samples: int | None,
    method: Method,
    front: str | None,
    many: Many,
    output: Output,
    loaded: Loaded,
) -> int:
    from kubeinfer_sim.cli.output import look_of, show_diagnostics
    from kubeinfer_sim.cli.progress import ProgressBar
    from kubeinfer_sim.experiment.sweep import sweep
    from kubeinfer_sim.report.sweep import render_sweep
    from kubeinfer_sim.report.sweep_result import sweep_csv, sweep_json
    from kubeinfer_sim.report.warnings import of_variants

    with many.places() as workers, ProgressBar("runs") as bar:

        def progress(done: int, total: int, played: Sequence[Mapping[int, Played]]) -> None:
            bar.update(done, total, lambda: f"{len(played):,} combinations")

        made = sweep(
            source,
            vary,
            samples=samples,
            method=method,
            n=many.replications,
            front=[each.strip() for each in (front or "").split(",") if each.strip()],
            workers=workers,
            store=many.store,
            progress=progress,
            **loaded,
        )
    if warnings := of_variants([each.variant for each in made.points]):
        show_diagnostics(warnings)

    def markdown() -> str:
        from kubeinfer_sim.cli.own_line import same_again
        from kubeinfer_sim.report.markdown.sweep import sweep_markdown

        return sweep_markdown(made, same_again())

    def html() -> str:
        from kubeinfer_sim.report.html.sweep import sweep_page

        return campaign_page(partial(sweep_page, made), source, loaded)

    output.write(
        text=lambda: render_sweep(made, **look_of(sys.stdout)),
        json=lambda: sweep_json(made),
        csv=lambda: sweep_csv(made),
        markdown=markdown,
        html=html,
    )
    if made.comparison.interrupted:
        return INTERRUPTED
    return failure_code(each for _, each in made.comparison.failures)


def _cliffs(
    source: SourceText, cliff: str, vary: Sequence[str], many: Many, output: Output, loaded: Loaded
) -> int:
    from kubeinfer_sim.cli.output import look_of
    from kubeinfer_sim.experiment.cliffs import find_cliffs
    from kubeinfer_sim.experiment.knobs import space
    from kubeinfer_sim.report.cliffs import explained, render_cliffs
    from kubeinfer_sim.report.sweep_result import cliffs_json

    own = space(vary, source, **loaded)
    looked_along = cliff.partition("=")[0]
    if several := [side[0].knob for side in own.sides if len(side) > 1 and side[0].knob != looked_along]:
        raise UsageError(
            f"--cliff looks along one knob: give {several[0]} one value, as in --vary {several[0]}=A"
        )
    with many.places() as workers:
        found = find_cliffs(own, cliff, [side[0] for side in own.sides], n=many.replications, workers=workers)
    told = [explained(each) for each in found.cliffs]

    def markdown() -> str:
        from kubeinfer_sim.cli.own_line import same_again
        from kubeinfer_sim.report.markdown.sweep import cliffs_markdown

        return cliffs_markdown(found, told, same_again())

    def html() -> str:
        from kubeinfer_sim.report.html.cliffs import cliffs_page

        return campaign_page(partial(cliffs_page, found, told), source, loaded)

    output.write(
        text=lambda: render_cliffs(found, told, **look_of(sys.stdout)),
        json=lambda: cliffs_json(found, told),
        markdown=markdown,
        html=html,
    )
    return 0
