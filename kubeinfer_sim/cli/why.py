"""`kubeinfer-sim why SCENARIO --at 2h13m [--instance 3|chat-3]`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubeinfer_sim.cli.command import (
    configuration_option,
    file_argument,
    filename_option,
    form_option,
    horizon_option,
    json_option,
    option,
    seed_option,
    subcommand,
    values_options,
)

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.configuration import Configuration


@subcommand("why", short_help="Say why a scenario is as it is at one time, and what will end it.")
@file_argument("scenario")
@filename_option
@option("--at", required=True, metavar="TIME", help="From the start of the scenario: 2h13m, 90s.")
@option("--instance", metavar="N|NAME-N", help="Only the instance with this ordinal, or name, in full.")
@values_options("the manifest")
@horizon_option
@configuration_option
@seed_option
@json_option("the answer")
@form_option("text", "json")
def command(
    scenario: str,
    at: str,
    instance: str | None,
    settings: tuple[str, ...],
    files: tuple[str, ...],
    horizon: str | None,
    seed: int | None,
    form: str | None,
    configuration: Configuration | None,
    json_to: str | None,
) -> int:
    """Simulate SCENARIO (- for standard input) again and say what it is like at one time, and why.

    How many instances are ready; for each that is not: since when, what its pods are doing and where, what led to
    it from the first cause on, and what will end it and when. Runs are deterministic, so it is the run that `run`
    reports on.
    """
    from kubeinfer_sim.cli.output import output_of, unicode_on, width_of
    from kubeinfer_sim.manifest.template import parse_settings
    from kubeinfer_sim.report.why import moment_of, render_why
    from kubeinfer_sim.scenario.load import load_scenario
    from kubeinfer_sim.simulation.simulate import simulate

    output = output_of(form, json_to)
    loaded = load_scenario(
        scenario,
        set_values=parse_settings(settings, files),
        seed=seed,
        horizon=horizon,
        configuration=configuration,
    )
    run = simulate(loaded, pods=False)
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
