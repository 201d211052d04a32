"""`kubeinfer-sim events SCENARIO --at 12m30s`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from kubeinfer_sim.cli.command import (
    file_argument,
    filename_option,
    form_option,
    option,
    subcommand,
)
from kubeinfer_sim.cli.invariants import BROKEN, broken_in_sample, invariants_option
from kubeinfer_sim.cli.scenario_file import ReadFile, scenario_file_options


def _surplus(ctx: click.Context, rest: Sequence[str]) -> str:
    return "events looks at one scenario, at one time: --at TIME"


@subcommand(
    "events",
    short_help="Show the events of a scenario up to one time, as kubectl get events would.",
    surplus=_surplus,
)
@file_argument("scenario")
@filename_option
@option("--at", metavar="TIME", help="From the start of the scenario: 2h13m, 90s. Default: its end.")
@scenario_file_options
@invariants_option
@form_option("text", "json")
def command(
    read_file: ReadFile,
    at: str | None,
    form: str | None,
    check_invariants: bool,
) -> int:
    """Simulate SCENARIO (- for standard input) up to one time and show the events of the hour before it.

    The columns are those of kubectl get events, the reasons and messages those of the kubelet, the schedulers and the
    controllers; what comes again is counted. `-o json` is a List as kubectl writes it, which calibrate reads.
    """
    from kubeinfer_sim.cli.estimate import tell_if_long
    from kubeinfer_sim.cli.output import note, output_of, unicode_on
    from kubeinfer_sim.metrics.events import events_of
    from kubeinfer_sim.report.events import events_json, render_events
    from kubeinfer_sim.report.pods import pods_of
    from kubeinfer_sim.report.words import configured

    output = output_of(form, {})
    file = read_file()
    loaded = file.load()
    tell_if_long(loaded, searches=False, at_most=at is not None)
    moment = pods_of(loaded, at)
    if check_invariants and broken_in_sample(loaded, [loaded.seed], file.whole):
        return BROKEN
    events = events_of(loaded, moment.run.history, moment.at, moment.run.end)
    out = sys.stdout
    if output.is_text and (facts := configured(loaded.configuration)):
        note(facts)
    output.write(
        text=lambda: render_events(
            events, moment.at, namespaces=len(loaded.namespaces) > 1, unicode=unicode_on(out)
        ),
        json=lambda: events_json(events),
    )
    return 0
