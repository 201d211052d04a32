"""`kubeinfer-sim sensitivity SCENARIO`."""

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
)
from kubeinfer_sim.cli.output import Output
from kubeinfer_sim.cli.outputs import output_options
from kubeinfer_sim.cli.replications import INTERRUPTED, Many, failure_code
from kubeinfer_sim.errors import UsageError

if TYPE_CHECKING:
    from kubeinfer_sim.experiment.indices import Method
    from kubeinfer_sim.experiment.sensitivity import Of
    from kubeinfer_sim.experiment.worker import Played


def _surplus(ctx: click.Context, rest: Sequence[str]) -> str:
    return "sensitivity turns the inputs of one scenario"


@subcommand(
    "sensitivity", short_help="Say which input or assumption moves the answer most.", surplus=_surplus
)
@file_argument("scenario")
@filename_option
@option(
    "--of",
    type=click.Choice(["duration", "lost", "minReady", "probability"]),
    help="The figure: how long the slowest change takes, the time lost, the fewest ready, or how often all objectives "
    "hold; if not given what the objectives are about.",
)
@option(
    "--method",
    type=click.Choice(["morris", "sobol"]),
    help="Also indices of all that moves it turned together, with bootstrap intervals. Wants the extra [sensitivity].",
)
@option(
    "--samples",
    type=Whole(min=2, max=100_000),
    metavar="N",
    help="Of --method: trajectories of Morris (10, if not given), base samples of Sobol (64).",
)
@seeds_option("How many seeds each value meets; if not given one, and ten where anything is drawn.")
@campaign_options
@output_options("what moves it", "text", "json", "markdown", "html")
def command(
    scenario: str,
    of: Of | None,
    method: Method | None,
    samples: int | None,
    many: Many,
    loaded: Loaded,
    output: Output,
) -> int:
    """Turn every input and assumption of SCENARIO alone, under the same faults, and say what moves the answer most.

    Turned are the stages (to their low and high end), every assumption about the closed controller (to its other
    values), how often faults come (half and double), and the nodes (one less, one more). What to measure on the real
    cluster first stands at the end. See docs/sensitivity.md.
    """
    from kubeinfer_sim.cli.output import look_of
    from kubeinfer_sim.cli.progress import ProgressBar
    from kubeinfer_sim.experiment.sensitivity import sensitivity
    from kubeinfer_sim.manifest.source import read_source

    if samples is not None and method is None:
        raise UsageError("--samples are those of --method: add --method morris or --method sobol")
    source = read_source(scenario)
    with many.places() as workers, ProgressBar("runs") as bar:

        def progress(done: int, total: int, played: Sequence[Mapping[int, Played]]) -> None:
            bar.update(done, total, lambda: f"{len(played) - 1:,} values")

        found = sensitivity(
            source,
            of,
            method=method,
            samples=samples,
            n=many.replications,
            workers=workers,
            store=many.store,
            progress=progress,
            **loaded,
        )

    def text() -> str:
        from kubeinfer_sim.report.sensitivity import render_sensitivity

        return render_sensitivity(found, scenario, **look_of(sys.stdout))

    def json() -> str:
        from kubeinfer_sim.report.sensitivity_result import sensitivity_json

        return sensitivity_json(found, scenario)

    def markdown() -> str:
        from kubeinfer_sim.cli.own_line import same_again
        from kubeinfer_sim.report.markdown.sensitivity import sensitivity_markdown

        return sensitivity_markdown(found, scenario, same_again())

    def html() -> str:
        from kubeinfer_sim.report.html.sensitivity import sensitivity_page

        return campaign_page(partial(sensitivity_page, found, scenario), source, loaded)

    output.write(text=text, json=json, markdown=markdown, html=html)
    if found.comparison.interrupted:
        return INTERRUPTED
    return failure_code(each for _, each in found.comparison.failures)
