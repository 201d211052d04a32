"""`kubeinfer-sim backtest SCENARIO LISTING...`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kubeinfer_sim.cli.campaigns import Loaded, campaign_options, campaign_page, seeds_option
from kubeinfer_sim.cli.command import file_argument, option, subcommand
from kubeinfer_sim.cli.files import OutputFile, is_calibrated, write_file
from kubeinfer_sim.cli.outputs import output_options
from kubeinfer_sim.cli.replications import INTERRUPTED, UNDECIDED, Many, failure_code
from kubeinfer_sim.errors import UsageError

if TYPE_CHECKING:
    from kubeinfer_sim.cli.output import Output


@subcommand(
    "backtest",
    short_help="Hold a rollout that has happened, as kubectl listed it, against its prediction.",
    file_first=True,
)
@file_argument("scenario")
@click.argument("listings", metavar="LISTING...", nargs=-1)
@seeds_option("How many runs the prediction is made of; if not given 199, and one where nothing is drawn.")
@option(
    "--timings",
    "timings_to",
    metavar="FILE",
    type=OutputFile(is_calibrated, "name a new file: `--timings learned.yaml`"),
    help="Write what calibrate learns of the same pods to a file of kind Timings, for `timings: {file: ...}`.",
)
@campaign_options
@output_options("the backtest", "text", "json", "markdown", "html")
def command(
    scenario: str,
    listings: tuple[str, ...],
    timings_to: str | None,
    many: Many,
    loaded: Loaded,
    output: Output,
) -> int:
    """Say of a rollout whether it went as many runs of SCENARIO predict: each LISTING is what kubectl get pods,events
    -o json wrote before, during or after it. Or of several: SCENARIO is then a folder of folders, each with a
    scenario.yaml and its listings *.json.

    Told are duration, fewest ready, order and stages, each with its predicted interval and whether the truth lay in
    it: exit 0 where all that can be judged did, 1 where not, 4 where nothing can be judged. See docs/backtest.md.
    """
    from kubeinfer_sim.cli.output import look_of, note
    from kubeinfer_sim.cli.own_line import same_again
    from kubeinfer_sim.cli.progress import ProgressBar
    from kubeinfer_sim.experiment.backtest.backtest import backtest, backtest_folder
    from kubeinfer_sim.manifest.source import read_source
    from kubeinfer_sim.report.backtest import render_backtest
    from kubeinfer_sim.report.backtest_result import backtest_json
    from kubeinfer_sim.report.markdown.backtest import backtest_markdown

    several = Path(scenario).is_dir()
    if several and listings:
        raise UsageError(f"{scenario} is a folder, in whose folders the listings are: name no others")
    if not several and not listings:
        raise UsageError(
            "backtest needs listings of what happened: kubectl get pods,events -A -o json > after.json"
        )
    if [scenario, *listings].count("-") > 1:
        raise UsageError("only one file can come from standard input")
    source = None if several else read_source(scenario)
    with many.places() as workers, ProgressBar("runs") as bar:
        how: dict[str, Any] = {
            "n": many.replications,
            "workers": workers,
            "store": many.store,
            "progress": lambda done, total: bar.update(done, total, lambda: ""),
            **loaded,
        }
        if source is None:
            made = backtest_folder(scenario, **how)
        else:
            made = backtest(source, listings, **how)
    if timings_to is not None:
        learned = made.timings()
        if learned:
            write_file(timings_to, learned, ours=is_calibrated, option="--timings")
        else:
            note("--timings: no length of any stage can be learned of these listings, so nothing is written")

    def html() -> str:
        from kubeinfer_sim.report.html.backtest import backtest_page

        return campaign_page(partial(backtest_page, made), source, loaded)

    output.write(
        text=lambda: render_backtest(made, **look_of(sys.stdout)),
        json=lambda: backtest_json(made),
        markdown=lambda: backtest_markdown(made, same_again()),
        html=html,
    )
    if made.interrupted:
        return INTERRUPTED
    if code := failure_code(each for _, each in made.failures):
        return code
    judged = len(made.judged)
    return UNDECIDED if not judged else int(made.inside < judged)
