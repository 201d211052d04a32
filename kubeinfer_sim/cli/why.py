"""`kubeinfer-sim why SCENARIO --at 2h13m [--instance 3|chat-3]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from kubeinfer_sim.cli.command import (
    file_argument,
    filename_option,
    form_option,
    json_option,
    option,
    subcommand,
)
from kubeinfer_sim.cli.invariants import BROKEN, broken_in, invariants_option, watch_of
from kubeinfer_sim.cli.scenario_file import ReadFile, scenario_file_options


def _surplus(ctx: click.Context, rest: Sequence[str]) -> str:
    return "why looks at one scenario, at one time: --at TIME"


@subcommand(
    "why", short_help="Say why a scenario is as it is at one time, and what will end it.", surplus=_surplus
)
@file_argument("scenario")
@filename_option
@option("--at", metavar="TIME", help="From the start of the scenario: 2h13m, 90s.  [required]")
@option("--instance", metavar="N|NAME-N", help="Only the instance with this ordinal, or name, in full.")
@scenario_file_options
@invariants_option
@json_option("the answer")
@form_option("text", "json")
def command(
    read_file: ReadFile,
    at: str | None,
    instance: str | None,
    form: str | None,
    check_invariants: bool,
    json_to: str | None,
) -> int:
    """Simulate SCENARIO (- for standard input) again and say what it is like at one time, and why.

    How many instances are ready; for each that is not: since when, what its pods are doing and where, what led to
    it from the first cause on, and what will end it and when. Runs are deterministic, so it is the run that `run`
    reports on.
    """
    from kubeinfer_sim.cli.estimate import tell_if_long
    from kubeinfer_sim.cli.output import output_of, unicode_on, width_of
    from kubeinfer_sim.errors import UsageError
    from kubeinfer_sim.report.why import moment_of, render_why, time_meant
    from kubeinfer_sim.simulation.simulate import simulate

    if at is None:
        raise UsageError("at which time? --at 2h13m; `kubeinfer-sim pods` without --at shows the end")
    output = output_of(form, {"json": json_to})
    file = read_file()
    loaded = file.load()
    tell_if_long(loaded, searches=False)
    watch = watch_of(loaded, wanted=check_invariants)
    listeners = () if watch is None else [watch.observe]
    run = simulate(loaded, listeners=listeners, pods=watch is not None, explain_at=time_meant(at))
    if broken_in(watch, run, file.whole):
        return BROKEN
    moment = moment_of(run, at, instance)
    out = sys.stdout

    def document() -> str:
        from kubeinfer_sim.report.why_result import why_json

        return why_json(run, moment)

    output.write(
        text=lambda: render_why(run, moment, instance, width=width_of(out), unicode=unicode_on(out)),
        json=document,
    )
    return 0
