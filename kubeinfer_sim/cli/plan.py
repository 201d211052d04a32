"""`kubeinfer-sim plan SCENARIO --vary nodes=8..16 --vary maxSurge=0,1,25%`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from kubeinfer_sim.cli.campaigns import Loaded, campaign_options, campaign_page
from kubeinfer_sim.cli.command import (
    Whole,
    file_argument,
    filename_option,
    option,
    subcommand,
    vary_option,
)
from kubeinfer_sim.cli.outputs import output_options
from kubeinfer_sim.cli.replications import INTERRUPTED, UNDECIDED, Many, failure_code

if TYPE_CHECKING:
    from kubeinfer_sim.cli.output import Output


def _surplus(ctx: click.Context, rest: Sequence[str]) -> str:
    return "plan searches one scenario: --vary manifest=a.yaml,b.yaml varies manifests"


@subcommand("plan", short_help="Find the cheapest setting whose objectives hold.", surplus=_surplus)
@file_argument("scenario")
@filename_option
@vary_option("The cheapest combination of all that hold is searched for.")
@option(
    "--cost",
    type=click.Choice(["nodes", "accelerators", "price", "node-hours", "accelerator-hours"]),
    help="What is to be cheap in an hour: nodes (node-hours), their accelerators (accelerator-hours), or the price of "
    "pools; if not given prices where pools have them.",
)
@option(
    "--probability",
    metavar="P%",
    help="All objectives have to hold in the same run with this probability, in place of each one's own.",
)
@option(
    "-n",
    "--replications",
    "replications",
    type=Whole(min=1, max=10_000_000),
    metavar="N",
    help="Runs of one combination at most (10,000); what they leave undecided is said.",
)
@campaign_options
@output_options("the plan", "text", "json", "markdown", "html")
def command(
    scenario: str,
    vary: tuple[str, ...],
    cost: str | None,
    probability: str | None,
    many: Many,
    loaded: Loaded,
    output: Output,
) -> int:
    """Find the cheapest combination of knobs with which the objectives of SCENARIO hold, with its confidence.

    Runs are spent where it is close: from the cheapest on each combination is played, under the same faults, until it
    is decided whether its objectives hold with their probability. Exit codes: 0 one is chosen, 1 none holds, 4 it is
    undecided which is the cheapest. See docs/plan.md.
    """
    from kubeinfer_sim.cli.output import look_of
    from kubeinfer_sim.cli.progress import ProgressBar
    from kubeinfer_sim.experiment.judging import Decision
    from kubeinfer_sim.experiment.planning.plan import plan
    from kubeinfer_sim.manifest.source import read_source
    from kubeinfer_sim.report.plan import render_plan
    from kubeinfer_sim.report.plan_result import plan_json

    with many.places() as workers, ProgressBar("runs", at_most=True) as bar:
        source = read_source(scenario)
        made = plan(
            source,
            vary,
            cost=cost,
            probability=probability,
            n=many.replications,
            workers=workers,
            store=many.store,
            progress=lambda done, most, told: bar.update(done, most, lambda: told),
            **loaded,
        )

    def markdown() -> str:
        from kubeinfer_sim.cli.own_line import same_again
        from kubeinfer_sim.report.markdown.plan import plan_markdown

        return plan_markdown(made, same_again())

    def html() -> str:
        from kubeinfer_sim.report.html.plan import plan_page

        return campaign_page(partial(plan_page, made), source, loaded)

    output.write(
        text=lambda: render_plan(made, **look_of(sys.stdout)),
        json=lambda: plan_json(made),
        markdown=markdown,
        html=html,
    )
    if made.interrupted:
        return INTERRUPTED
    if code := failure_code(each for _, each in made.failures):
        return code
    return {Decision.HELD: 0, Decision.MISSED: 1}.get(made.decision, UNDECIDED)
