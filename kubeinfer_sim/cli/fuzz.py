"""`kubeinfer-sim fuzz SCENARIO|MANIFEST --any-single-fault`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kubeinfer_sim.cli.command import (
    Whole,
    configuration_option,
    file_argument,
    filename_option,
    form_option,
    horizon_option,
    json_option,
    nodes_options,
    option,
    seed_option,
    subcommand,
    values_options,
)
from kubeinfer_sim.cli.output import look_of, note, output_of, tell
from kubeinfer_sim.cli.replications import INTERRUPTED, UNDECIDED, Many, place_options
from kubeinfer_sim.errors import UsageError

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.configuration import Configuration
    from kubeinfer_sim.testing.fuzz.counterexample import Counterexample
    from kubeinfer_sim.testing.fuzz.exhaustive import SingleFaults

#: Seconds a run may take, unless the command line says otherwise: one that never ends is a finding, not a hang.
RUN_TIMEOUT = 60.0


def _milliseconds(text: str) -> int:
    from kubeinfer_sim.scenario.units import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@subcommand("fuzz", short_help="Play a scenario with every single fault there is.")
@file_argument("file", metavar="SCENARIO|MANIFEST")
@filename_option
@click.option(
    "--any-single-fault",
    is_flag=True,
    help="Is it safe under any one fault at any moment? All kinds, on all places that more than a name tells apart, at "
    "the beginning and the end of each phase of the run.",
)
@option("--faults", metavar="LIST", help="Only these kinds of faults: NodeDeath,CardDrop.")
@click.option(
    "--every-place", is_flag=True, help="Strike each of the places, too, that only names tell apart."
)
@option(
    "--max-examples",
    type=Whole(min=1, max=10_000_000),
    metavar="N",
    help="At most so many runs, an even sample of all; the report says of how many.",
)
@option(
    "--for",
    "time_limit",
    metavar="TIME",
    callback_value=_milliseconds,
    help="Begin no more runs after so long (10m), likewise.",
)
@values_options("the manifest")
@horizon_option
@nodes_options
@configuration_option
@click.option("-q", "--quiet", is_flag=True, help="No report, no progress: exit code (and -o, --json) only.")
@seed_option
@place_options
@json_option("what was found")
@form_option("text", "json", "junit")
def command(
    file: str,
    any_single_fault: bool,
    faults: str | None,
    every_place: bool,
    max_examples: int | None,
    time_limit: int | None,
    settings: tuple[str, ...],
    files: tuple[str, ...],
    horizon: str | None,
    cluster: str | None,
    pods: str | None,
    configuration: Configuration | None,
    quiet: bool,
    seed: int | None,
    many: Many,
    form: str | None,
    json_to: str | None,
) -> int:
    """Play SCENARIO once with each single fault, and say which of them break it, the worst first.

    Of a MANIFEST it is a new revision of it that is rolled out, on --nodes. Broken is what misses an objective, or
    never finishes, though it does not without the fault. The worst is kept in .kubeinfer-sim/ as one file that holds
    all it is made of, and `kubeinfer-sim run` plays again from any folder.

    Exit code 0: none of all there are breaks it; 1: one does; 4: none of those that were played, which are not all.
    """
    from kubeinfer_sim.cli.progress import ProgressBar, pace
    from kubeinfer_sim.manifest.template import parse_settings
    from kubeinfer_sim.report.words import count
    from kubeinfer_sim.testing.fuzz.exhaustive import play_single_faults

    if not any_single_fault:
        raise UsageError("say what to search: --any-single-fault plays every single fault there is")
    output = output_of(form, json_to)
    document = _whole(
        file,
        set_values=parse_settings(settings, files),
        seed=seed,
        horizon=horizon,
        cluster=cluster,
        pods=pods,
        configuration=configuration,
    )
    begun = time.perf_counter()
    limit = RUN_TIMEOUT if many.run_timeout is None else many.run_timeout
    with (
        Many(
            engine=many.engine, scheduler=many.scheduler, workers=many.workers, run_timeout=limit
        ).places() as workers,
        ProgressBar("runs", at_most=time_limit is not None, shown=not quiet) as bar,
    ):
        played = play_single_faults(
            document,
            kinds=() if faults is None else [each.strip() for each in faults.split(",")],
            every_place=every_place,
            most=max_examples,
            seconds=None if time_limit is None else time_limit / 1000,
            workers=workers,
            progress=lambda done, total, broken: bar.update(done, total, lambda: f"{broken:,} break it"),
        )
    took = time.perf_counter() - begun
    kept = _keep(document, played, limit)

    def text() -> str:
        from kubeinfer_sim.testing.fuzz.screen import render_single_faults

        return render_single_faults(played, kept, **look_of(sys.stdout))

    def result() -> str:
        from kubeinfer_sim.testing.fuzz.document import fuzz_json

        return fuzz_json(played, kept)

    def junit() -> str:
        from kubeinfer_sim.testing.fuzz.document import fuzz_junit

        return fuzz_junit(played, file)

    output.write(json=result, junit=junit, **({} if quiet else {"text": text}))
    if not quiet:
        if not output.is_text:
            from kubeinfer_sim.testing.fuzz.screen import sentence

            tell(sentence(played), later="")
        note(f"simulated in {took:.2f} s: {count(len(played.cases), 'run')}, {pace(len(played.cases), took)}")
    return _exit_code(played)


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
        cluster, pods = given.pop("cluster"), given.pop("pods")
        nodes = {} if cluster is None else {"cluster": {"file": cluster, "pods": pods} if pods else cluster}
        spec = {"manifest": file, "update": {"newRevision": True}, **nodes}
        head = {"apiVersion": API_VERSION, "kind": "Scenario", "metadata": {"name": Path(file).stem}}
        source = SourceText("rollout", to_yaml({**head, "spec": spec}))
    load_scenario(source, set_values=set_values, **given)
    return whole_scenario(source, set_values=set_values, **given)


def _keep(document: dict[str, Any], played: SingleFaults, limit: float) -> Counterexample | None:
    """The worst as a file, where anything breaks it."""
    from kubeinfer_sim.testing.fuzz.counterexample import keep_counterexample
    from kubeinfer_sim.testing.fuzz.screen import case_sentence

    broken = played.broken
    if not broken:
        return None
    worst = broken[0]
    told = "; ".join((case_sentence(worst), *worst.cost.breaks))
    try:
        return keep_counterexample(
            document, [worst.fault.action], told, played.base, worst.cost, run_timeout=limit
        )
    except OSError as error:
        note(f"the worst could not be kept as a file ({error.strerror})")
        return None


def _exit_code(played: SingleFaults) -> int:
    if played.stopped == "interrupted":
        return INTERRUPTED
    if played.failed:
        return 2 if all(each.cost.fault.startswith("error") for each in played.failed) else 3
    if played.broken:
        return 1
    return UNDECIDED if played.stopped else 0
