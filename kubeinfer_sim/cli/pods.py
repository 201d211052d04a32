"""`kubeinfer-sim pods SCENARIO [POD]... --at 12m30s`."""

from __future__ import annotations

import sys

import click

from kubeinfer_sim.cli.command import (
    file_argument,
    filename_option,
    form_option,
    json_option,
    option,
    subcommand,
)
from kubeinfer_sim.cli.invariants import BROKEN, broken_in_sample, invariants_option
from kubeinfer_sim.cli.scenario_file import ReadFile, scenario_file_options


@subcommand(
    "pods",
    short_help="Show the pods of a scenario at one time, as kubectl get pods would.",
    file_first=True,
)
@file_argument("scenario")
@click.argument("names", metavar="[POD]...", nargs=-1)
@filename_option
@option("--at", metavar="TIME", help="From the start of the scenario: 2h13m, 90s. Default: its end.")
@scenario_file_options
@invariants_option
@json_option("them")
@form_option("text", "wide", "json", "yaml", "kubectl")
def command(
    read_file: ReadFile,
    names: tuple[str, ...],
    at: str | None,
    form: str | None,
    check_invariants: bool,
    json_to: str | None,
) -> int:
    """Simulate SCENARIO (- for standard input) up to one time and show the pods that exist then.

    The columns are those of kubectl get pods, in its words. Of each POD that is named, conditions (with since when)
    and containers are shown, too, as kubectl describe pod would. `-o wide` has kubectl's other columns, too.
    `-o kubectl` is a List with pods and events, as kubectl get pods,events -o json writes it, which backtest and
    calibrate read.
    """
    from kubeinfer_sim.cli.estimate import tell_if_long
    from kubeinfer_sim.cli.output import output_of, unicode_on, width_of
    from kubeinfer_sim.report.pods import pods_of, render_pods

    output = output_of(form, {"json": json_to})
    file = read_file()
    loaded = file.load()
    tell_if_long(loaded, searches=False, at_most=at is not None)
    moment = pods_of(loaded, at, names)
    # The run that is shown may end before the whole one does.
    if check_invariants and broken_in_sample(loaded, [loaded.seed], file.whole):
        return BROKEN
    out = sys.stdout

    def document() -> str:
        from kubeinfer_sim.report.pods_result import pods_json

        return pods_json(moment)

    def in_yaml() -> str:
        from kubeinfer_sim.report.pods_result import pods_yaml

        return pods_yaml(moment)

    def as_kubectl() -> str:
        from kubeinfer_sim.report.kubectl_listing import kubectl_listing

        return kubectl_listing(moment, all_events=not names)

    def table(*, wide: bool) -> str:
        return render_pods(
            moment, describe=bool(names), wide=wide, width=width_of(out), unicode=unicode_on(out)
        )

    output.write(
        text=lambda: table(wide=False),
        wide=lambda: table(wide=True),
        json=document,
        yaml=in_yaml,
        kubectl=as_kubectl,
    )
    return 0
