"""`kubeinfer-sim fuzz SCENARIO|MANIFEST`: a search near it, or each single fault, or two faults at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kubeinfer_sim.cli.command import (
    Whole,
    configuration_option,
    file_argument,
    filename_option,
    horizon_option,
    nodes_options,
    option,
    seed_option,
    subcommand,
    values_options,
)
from kubeinfer_sim.cli.output import Output
from kubeinfer_sim.cli.outputs import output_options
from kubeinfer_sim.cli.replications import Many, place_options
from kubeinfer_sim.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from kubeinfer_sim.scenario.configuration import Configuration

#: Seconds a run may take, unless the command line says otherwise: one that never ends is a finding, not a hang.
RUN_TIMEOUT = 60.0
#: Bytes that it may need beside what the process has by then, likewise.
RUN_MEMORY = 2 << 30


def _milliseconds(text: str) -> int:
    from kubeinfer_sim.scenario.units import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _bytes(text: str) -> int:
    from kubeinfer_sim.scenario.units import parse_size

    try:
        size = parse_size(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if not size:
        raise click.BadParameter(f"{text}: expected more than nothing, as in 2GiB")
    return size


def _names(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _complete_edit(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from kubeinfer_sim.testing.strategies import EDITS

    before, comma, begun = incomplete.rpartition(",")
    return [CompletionItem(f"{before}{comma}{name}") for name in EDITS if name.startswith(begun)]


@subcommand("fuzz", short_help="Search near a scenario, or all single faults, for what breaks it.")
@file_argument("file", metavar="SCENARIO|MANIFEST")
@filename_option
@option(
    "--vary",
    metavar="LIST",
    callback_value=_names,
    shell_complete=_complete_edit,
    help="What a search edits: faults, times, stages, cluster, budgets, replicas, recovery, probes, grace (these, if "
    "not given), actions, assumptions, version, seed.",
)
@option(
    "--phases",
    metavar="LIST",
    callback_value=_names,
    help="Phases of a search: saved (what was found earlier), corners (one edit), random (up to three), long (up to "
    "ten); all of them, in this order, if not given.",
)
@click.option(
    "--any-single-fault",
    is_flag=True,
    help="No search but all: is it safe under any one fault at any moment? All kinds, on all places that more than a "
    "name tells apart, at the beginning and the end of each phase of the run.",
)
@click.option(
    "--any-two-faults",
    is_flag=True,
    help="Single faults, and then pairs of those that break nothing alone: 1,000, if neither --max-examples nor --for "
    "is given, half of them of the faults that lose most, half an even sample.",
)
@option(
    "--faults",
    metavar="LIST",
    callback_value=_names,
    help="Of --any-single-fault and --any-two-faults: only these kinds, NodeDeath,CardDrop.",
)
@click.option(
    "--every-place",
    is_flag=True,
    help="Of these two: strike each of the places, too, that only names tell apart.",
)
@option(
    "--max-examples",
    type=Whole(min=1, max=10_000_000),
    metavar="N",
    help="At most so many runs: of a search 200, if not given; of all single faults an even sample; of two faults at "
    "most half of them with one.",
)
@option(
    "--for",
    "time_limit",
    metavar="TIME",
    callback_value=_milliseconds,
    help="Begin no more runs after so long (10m).",
)
@option(
    "--run-memory",
    metavar="SIZE",
    callback_value=_bytes,
    help="A run that needs more memory is given up, and is a find (2GiB, if not given; on Linux).",
)
@values_options("the manifest")
@horizon_option
@nodes_options
@configuration_option
@click.option("-q", "--quiet", is_flag=True, help="No report, no progress: exit code (and -o, --json) only.")
@seed_option
@place_options
@output_options("what was found", "text", "json", "markdown", "junit", "html")
def command(
    file: str,
    vary: list[str] | None,
    phases: list[str] | None,
    any_single_fault: bool,
    any_two_faults: bool,
    faults: list[str] | None,
    every_place: bool,
    max_examples: int | None,
    time_limit: int | None,
    run_memory: int | None,
    settings: tuple[str, ...],
    files: tuple[str, ...],
    horizon: str | None,
    cluster: str | None,
    pods: str | None,
    configuration: Configuration | None,
    quiet: bool,
    seed: int | None,
    many: Many,
    output: Output,
) -> int:
    """Search near SCENARIO for what breaks an invariant, or an objective that SCENARIO holds itself.

    Examples are SCENARIO with a few edits, drawn with --seed and guided towards more loss; one that breaks something is
    made smaller. With --any-single-fault nothing is drawn: it is played with each single fault there is, and with
    --any-two-faults besides with pairs of them, as far as there are runs or time for it. Of a MANIFEST
    it is a new revision of it that is rolled out, on --nodes. What is found is kept in .kubeinfer-sim/ as one file that
    holds all it is made of; `kubeinfer-sim run` plays it again from any folder, and the next search does so first.

    Exit code 0: nothing was found; 1: something breaks it; 3: an invariant is broken, which is our mistake; 4: of
    --any-single-fault and --any-two-faults, nothing breaks it in those that were played, which are not all; of a
    search, not even one example was played: there was no time, or nothing is kept (--phases saved).
    """
    from kubeinfer_sim.cli.fuzz_asked import Asked
    from kubeinfer_sim.experiment.dispatch import Workers
    from kubeinfer_sim.manifest.template import parse_settings

    searched: dict[str, Any] = {"--vary": vary, "--phases": phases}
    exhausted: dict[str, Any] = {
        "--faults": faults,
        "--every-place": every_place or None,
        "--workers": many.workers,
    }
    exhausted |= {"--engine": many.engine, "--scheduler": many.scheduler}
    if any_single_fault and any_two_faults:
        raise UsageError("--any-two-faults plays single faults, too: give one of the two")
    exhaustive = any_single_fault or any_two_faults
    misplaced = searched if exhaustive else exhausted
    if given := [name for name, value in misplaced.items() if value is not None]:
        raise UsageError(f"{given[0]} is about {'a search' if exhaustive else '--any-single-fault'}")
    document = _whole(
        file,
        set_values=parse_settings(settings, files),
        seed=seed,
        horizon=horizon,
        cluster=cluster,
        pods=pods,
        configuration=configuration,
    )
    asked = Asked(
        file,
        document,
        output,
        max_examples,
        None if time_limit is None else time_limit / 1000,
        Workers(
            many.workers,
            RUN_TIMEOUT if many.run_timeout is None else many.run_timeout,
            RUN_MEMORY if run_memory is None else run_memory,
        ),
        quiet,
    )
    if exhaustive:
        from kubeinfer_sim.cli.fuzz_faults import fault_pairs, single_faults

        play = fault_pairs if any_two_faults else single_faults
        return play(asked, many, faults or (), every_place=every_place)
    from kubeinfer_sim.cli.fuzz_search import search_near

    return search_near(asked, vary or (), phases or (), seed or 0)


def _whole(file: str, *, set_values: dict[str, str], **given: Any) -> dict[str, Any]:
    """The scenario with all that it is made of; of a manifest the update to a new revision of it."""
    from kubeinfer_sim.manifest.file_kinds import kind_in_file
    from kubeinfer_sim.manifest.model import KINDS_WITH_TEMPLATES
    from kubeinfer_sim.manifest.source import SourceText, read_source
    from kubeinfer_sim.scenario.load import load_scenario
    from kubeinfer_sim.scenario.schema import API_VERSION
    from kubeinfer_sim.scenario.self_contained import whole_scenario
    from kubeinfer_sim.scenario.workloads.manifests import to_yaml

    source = read_source(file)
    if kind_in_file(file) in KINDS_WITH_TEMPLATES:
        from kubeinfer_sim.scenario.rollout import require_nodes

        cluster, pods = given.pop("cluster"), given.pop("pods")
        require_nodes(cluster, given["configuration"])
        nodes = {} if cluster is None else {"cluster": {"file": cluster, "pods": pods} if pods else cluster}
        spec = {"manifest": file, "update": {"newRevision": True}, **nodes}
        head = {"apiVersion": API_VERSION, "kind": "Scenario", "metadata": {"name": Path(file).stem}}
        source = SourceText("rollout", to_yaml({**head, "spec": spec}))
    load_scenario(source, set_values=set_values, **given)
    return whole_scenario(source, set_values=set_values, **given)
