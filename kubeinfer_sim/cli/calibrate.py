"""`kubeinfer-sim calibrate PODS [EVENTS]`."""

from __future__ import annotations

import click

from kubeinfer_sim.errors import UsageError


@click.command("calibrate", short_help="Learn stage timings from pods that run on a real cluster.")
@click.argument("pods")
@click.argument("events", required=False)
@click.option(
    "-o", "--output", metavar="FILE|-", default="-", help="The Timings file to write; - is the default."
)
@click.option("--role-label", metavar="KEY", help="The label that names a pod's role.")
@click.option("--name", default="calibrated", show_default=True, help="Name of the Timings.")
def command(pods: str, events: str | None, output: str, role_label: str | None, name: str) -> int:
    """Learn how long stages take from PODS (kubectl get pods -o json) and EVENTS (kubectl get events -o json).

    Writes a file of kind Timings for `timings: {file: ...}` of a scenario: fitted distributions by role, with
    how many pods they rest on and how well they fit. Without events, which clusters keep for an hour, pulls
    cannot be told from container creation.
    """
    from kubeinfer_sim.cli.output import write_text
    from kubeinfer_sim.scenario.cluster.kubectl.listing import read_listing_file
    from kubeinfer_sim.scenario.timings.calibration.calibrate import calibrate

    if pods == events == "-":
        raise UsageError("only one of PODS and EVENTS can come from standard input")
    text, summary = calibrate(
        read_listing_file(pods),
        None if events is None else read_listing_file(events),
        role_label=role_label,
        name=name,
    )
    write_text(output, text, option="--output")
    click.echo(summary, err=True)
    return 0
