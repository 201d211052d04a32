"""`kubeinfer-sim calibrate PODS [EVENTS]`."""

from __future__ import annotations

import json
from typing import Any

import click

from kubeinfer_sim.cli.command import file_argument, filename_option, option, subcommand
from kubeinfer_sim.cli.files import OutputFile, is_calibrated, write_file
from kubeinfer_sim.cli.output import note, show_document
from kubeinfer_sim.errors import UsageError

#: What `-o` may be.
_FORMS = ("yaml", "json")


class _FormOrFile(OutputFile):
    """A form of standard output; a file, too, as long as that is going."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The form, or the name of the file."""
        if value in _FORMS:
            return str(value)
        if "." not in value and "/" not in value and value != "-":
            self.fail(f"{value!r} is not one of {', '.join(map(repr, _FORMS))}.", param, ctx)
        return super().convert(value, param, ctx)


@subcommand(
    "calibrate",
    short_help="Learn stage timings and failure rates from pods that run on a real cluster.",
    file_first=True,
)
@file_argument("pods")
@click.argument("listings", metavar="[EVENTS]...", nargs=-1)
@filename_option
@option(
    "--output",
    metavar="FILE",
    default="-",
    type=OutputFile(is_calibrated, "leave it out for standard output, else name a new file"),
    help="The Timings file to write; standard output if not given.",
)
@option(
    "-o",
    "short",
    metavar="[yaml|json]",
    type=_FormOrFile(is_calibrated, "leave it out for standard output, else name a new file"),
    help="What goes to standard output; yaml, with comments, if not given.",
)
@option("--role-label", metavar="KEY", help="The label that names a pod's role.")
@option("--name", default="calibrated", help="Name of the Timings; calibrated if not given.")
def command(
    pods: str, listings: tuple[str, ...], output: str, short: str | None, role_label: str | None, name: str
) -> int:
    """Learn how long stages take from PODS (kubectl get pods -o json) and EVENTS (kubectl get events -o json), and how
    often nodes, NPUs and containers fail: from listings over time, each maybe of nodes, pods and events together.

    Writes a file of kind Timings for `timings: {file: ...}` of a scenario: fitted distributions by role, with
    how many pods they rest on and how well they fit. Without events, which clusters keep for an hour, pulls
    cannot be told from container creation.
    """
    from kubeinfer_sim.scenario.cluster.kubectl.listing import read_listing_file
    from kubeinfer_sim.scenario.timings.calibration.calibrate import calibrate

    if [pods, *listings].count("-") > 1:
        raise UsageError("only one of PODS and EVENTS can come from standard input")
    if short in _FORMS and output != "-":
        raise UsageError(f"-o {short} is about standard output, and --output writes a file: give one of them")
    if short is not None and short not in _FORMS:
        note("-o FILE is going, since -o says elsewhere what goes to standard output: write --output FILE")
    first, *others = [read_listing_file(each) for each in (pods, *listings)]
    text, summary = calibrate(
        first,
        others[0] if others else None,
        others[1:],
        role_label=role_label,
        name=name,
    )
    if short == "json":
        show_document(_as_json(text))
    else:
        target = output if short in (None, "yaml") else short
        write_file(target, text, ours=is_calibrated, option="--output")
    click.echo(summary, err=True)
    return 0


def _as_json(text: str) -> str:
    """The same object without comments."""
    from kubeinfer_sim.manifest.source import SourceText
    from kubeinfer_sim.manifest.yaml_tree import load_documents

    (document,) = load_documents(SourceText("calibrate", text))
    return json.dumps(document.value, indent=2, ensure_ascii=False) + "\n"
