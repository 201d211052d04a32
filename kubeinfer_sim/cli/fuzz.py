"""`kubeinfer-sim fuzz SCENARIO|MANIFEST`: a search near it, or each single fault, or two faults at a time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct
from msgspec.structs import replace

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
from kubeinfer_sim.cli.invariants import BROKEN
from kubeinfer_sim.cli.output import Output, look_of, note, tell
from kubeinfer_sim.cli.outputs import output_options
from kubeinfer_sim.cli.own_line import same_again
from kubeinfer_sim.cli.replications import INTERRUPTED, UNDECIDED, Many, place_options
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.manifest.yaml_text import one_line

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from kubeinfer_sim.cli.progress import ProgressBar
    from kubeinfer_sim.experiment.dispatch import Workers
    from kubeinfer_sim.report.html.origin import Origin
    from kubeinfer_sim.report.html.page import Page
    from kubeinfer_sim.scenario.configuration import Configuration
    from kubeinfer_sim.testing.fuzz.cases import Cost
    from kubeinfer_sim.testing.fuzz.counterexample import Counterexample
    from kubeinfer_sim.testing.fuzz.exhaustive import SingleFaults
    from kubeinfer_sim.testing.fuzz.fault_pairs import FaultPairs

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
    asked = _Asked(
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
    if any_single_fault:
        return _single_faults(asked, many, faults or (), every_place=every_place)
    if any_two_faults:
        return _fault_pairs(asked, many, faults or (), every_place=every_place)
    return _search(asked, vary or (), phases or (), seed or 0)


class _Asked(Struct, frozen=True):
    """What both ways have in common.

    Attributes:
        seconds: begin no more runs after that.
        limits: those of a run.
    """

    file: str
    document: dict[str, Any]
    output: Output
    most: int | None
    seconds: float | None
    limits: Workers
    quiet: bool

    def origin(self) -> Origin:
        """Where its page came from."""
        from kubeinfer_sim.report.html.origin import Origin

        return Origin(same_again(), lambda: self.document)

    def write(self, sentence: str, took: float, runs: int, **forms: Callable[[], str]) -> None:
        """Write what was found where it belongs, and say how long it took."""
        from kubeinfer_sim.cli.progress import pace
        from kubeinfer_sim.report.words import count

        self.output.write(
            **{name: make for name, make in forms.items() if not (self.quiet and name == "text")}
        )
        if not self.quiet:
            if not self.output.is_text:
                tell(sentence, later="")
            note(f"simulated in {took:.2f} s: {count(runs, 'run')}, {pace(runs, took)}")


def _single_faults(asked: _Asked, many: Many, kinds: Sequence[str], *, every_place: bool) -> int:
    begun = time.perf_counter()
    with _places(asked, many) as workers:
        played = _each_alone(asked, workers, kinds, every_place=every_place)
    took = time.perf_counter() - begun
    kept = _keep_worst(asked, played)

    def text() -> str:
        from kubeinfer_sim.testing.fuzz.screen import render_single_faults

        return render_single_faults(played, kept, **look_of(sys.stdout))

    def result() -> str:
        from kubeinfer_sim.testing.fuzz.document import single_faults_json

        return single_faults_json(played, kept)

    def junit() -> str:
        from kubeinfer_sim.testing.fuzz.document import single_faults_junit

        return single_faults_junit(played, asked.file)

    def markdown() -> str:
        from kubeinfer_sim.testing.fuzz.markdown import single_faults_markdown

        return single_faults_markdown(played, kept)

    def html() -> str:
        from kubeinfer_sim.testing.fuzz.page import single_faults_page

        return _on_page(single_faults_page(played, kept, asked.origin()))

    from kubeinfer_sim.testing.fuzz.screen import sentence

    asked.write(
        sentence(played),
        took,
        len(played.cases),
        text=text,
        json=result,
        markdown=markdown,
        junit=junit,
        html=html,
    )
    return _exit_code(played.stopped, [each.cost for each in played.cases])


def _fault_pairs(asked: _Asked, many: Many, kinds: Sequence[str], *, every_place: bool) -> int:
    """Single faults in at most half of the runs or the time, then two faults in what is left."""
    from kubeinfer_sim.testing.fuzz.fault_pairs import IN_TIME, PAIRS, play_fault_pairs

    begun = time.perf_counter()
    half = replace(
        asked,
        most=None if asked.most is None else max(1, asked.most // 2),
        seconds=None if asked.seconds is None else asked.seconds / 2,
    )
    with _places(asked, many) as workers:
        singles = _each_alone(half, workers, kinds, every_place=every_place)
        most = PAIRS if asked.seconds is None else IN_TIME
        if asked.most is not None:
            most = asked.most - len(singles.cases)
        with _bar(asked) as bar:
            pairs = play_fault_pairs(
                asked.document,
                singles,
                every_place=every_place,
                most=0 if singles.stopped == "interrupted" else most,
                seconds=None if asked.seconds is None else asked.seconds - (time.perf_counter() - begun),
                workers=workers,
                progress=_told_by(bar),
            )
    took = time.perf_counter() - begun
    kept = _keep_worst(asked, pairs if pairs.broken else singles)

    def text() -> str:
        from kubeinfer_sim.testing.fuzz.pairs_screen import render_fault_pairs

        return render_fault_pairs(pairs, kept, **look_of(sys.stdout))

    def result() -> str:
        from kubeinfer_sim.testing.fuzz.document import fault_pairs_json

        return fault_pairs_json(pairs, kept)

    def junit() -> str:
        from kubeinfer_sim.testing.fuzz.document import fault_pairs_junit

        return fault_pairs_junit(pairs, asked.file)

    def markdown() -> str:
        from kubeinfer_sim.testing.fuzz.markdown import fault_pairs_markdown

        return fault_pairs_markdown(pairs, kept)

    def html() -> str:
        from kubeinfer_sim.testing.fuzz.page import fault_pairs_page

        return _on_page(fault_pairs_page(pairs, kept, asked.origin()))

    from kubeinfer_sim.testing.fuzz.pairs_screen import pairs_sentence

    costs = [each.cost for each in singles.cases] + [each.cost for each in pairs.cases]
    asked.write(
        pairs_sentence(pairs),
        took,
        len(costs),
        text=text,
        json=result,
        markdown=markdown,
        junit=junit,
        html=html,
    )
    interrupted = "interrupted" in (singles.stopped, pairs.stopped)
    return _exit_code("interrupted" if interrupted else pairs.stopped or singles.stopped, costs)


def _on_page(page: Page) -> str:
    from kubeinfer_sim.report.html.render import page_html

    return page_html(page)


@contextmanager
def _places(asked: _Asked, many: Many) -> Iterator[Workers]:
    """Where runs are played, each within its limits."""
    with replace(many, run_timeout=asked.limits.run_timeout).places() as places:
        yield replace(places, run_memory=asked.limits.run_memory)


def _each_alone(asked: _Asked, workers: Workers, kinds: Sequence[str], *, every_place: bool) -> SingleFaults:
    from kubeinfer_sim.testing.fuzz.exhaustive import play_single_faults

    with _bar(asked) as bar:
        return play_single_faults(
            asked.document,
            kinds=kinds,
            every_place=every_place,
            most=asked.most,
            seconds=asked.seconds,
            workers=workers,
            progress=_told_by(bar),
        )


def _bar(asked: _Asked) -> ProgressBar:
    from kubeinfer_sim.cli.progress import ProgressBar

    return ProgressBar("runs", at_most=asked.seconds is not None, shown=not asked.quiet)


def _told_by(bar: ProgressBar) -> Callable[[int, int, int], None]:
    return lambda done, total, broken: bar.update(done, total, lambda: f"{broken:,} break it")


def _exit_code(stopped: str, costs: Sequence[Cost]) -> int:
    if stopped == "interrupted":
        return INTERRUPTED
    if failed := [each for each in costs if each.fault]:
        return 2 if all(each.fault.startswith("error") for each in failed) else BROKEN
    if any(each.breaks for each in costs):
        return 1
    return UNDECIDED if stopped else 0


def _keep_worst(asked: _Asked, played: SingleFaults | FaultPairs) -> Counterexample | None:
    """The worst as a file, where anything breaks it."""
    from kubeinfer_sim.testing.fuzz.cases import check_replay, with_actions
    from kubeinfer_sim.testing.fuzz.exhaustive import SingleFaults
    from kubeinfer_sim.testing.fuzz.pairs_screen import pair_sentence
    from kubeinfer_sim.testing.fuzz.screen import case_sentence

    if not played.broken:
        return None
    if isinstance(played, SingleFaults):
        alone = played.broken[0]
        base, cost, told, actions = played.base, alone.cost, case_sentence(alone), [alone.fault.action]
    else:
        pair = played.broken[0]
        base, cost, told = played.singles.base, pair.cost, pair_sentence(pair)
        actions = [pair.first.action, pair.second.action]
    whole = with_actions(asked.document, actions)
    check_replay(whole, base, cost, asked.limits)
    differences = tuple(f"spec.actions: new, {one_line(each)}" for each in actions)
    return _keep(asked.document, whole, "; ".join((told, *cost.breaks)), differences)


def _search(asked: _Asked, vary: Sequence[str], phases: Sequence[str], drawn_from: int) -> int:
    from kubeinfer_sim.cli.progress import ProgressBar
    from kubeinfer_sim.testing.fuzz.counterexample import saved_ones
    from kubeinfer_sim.testing.fuzz.search import search
    from kubeinfer_sim.testing.fuzz.search_result import search_sentence

    begun = time.perf_counter()
    with ProgressBar("examples", at_most=True, shown=not asked.quiet) as bar:
        done = search(
            asked.document,
            vary=vary,
            phases=phases,
            saved=saved_ones(asked.document),
            most=asked.most,
            seconds=asked.seconds,
            drawn_from=drawn_from,
            run_timeout=asked.limits.run_timeout,
            run_memory=asked.limits.run_memory,
            progress=lambda number, total: bar.update(number, total, str),
        )
    took = time.perf_counter() - begun
    found = done.found
    kept = None
    if found is not None:
        invariants = bool(found.invariant)
        kept = _keep(asked.document, found.document, found.sentence, found.differences, invariants=invariants)
        if kept is not None and found.saved_as not in ("", kept.path):
            Path(found.saved_as).unlink()  # it is now what it makes of what is given now

    def text() -> str:
        from kubeinfer_sim.testing.fuzz.search_screen import render_search

        return render_search(done, kept, **look_of(sys.stdout))

    def result() -> str:
        from kubeinfer_sim.testing.fuzz.document import search_json

        return search_json(done, kept)

    def junit() -> str:
        from kubeinfer_sim.testing.fuzz.document import search_junit

        return search_junit(done, asked.file)

    def markdown() -> str:
        from kubeinfer_sim.testing.fuzz.markdown import search_markdown

        return search_markdown(done, kept)

    def html() -> str:
        from kubeinfer_sim.testing.fuzz.page import search_page

        return _on_page(search_page(done, kept, asked.origin()))

    runs = sum(done.examples.values())
    asked.write(
        search_sentence(done), took, runs, text=text, json=result, markdown=markdown, junit=junit, html=html
    )
    if found is not None:
        return BROKEN if found.invariant else 1
    if done.stopped == "interrupted":
        return INTERRUPTED
    return UNDECIDED if done.undecided else 0


def _keep(
    given: Mapping[str, Any],
    found: Mapping[str, Any],
    sentence: str,
    differences: tuple[str, ...],
    *,
    invariants: bool = False,
) -> Counterexample | None:
    """What was found as a file; None where it cannot be written, which is told."""
    from kubeinfer_sim.testing.fuzz.counterexample import keep_counterexample

    try:
        return keep_counterexample(given, found, sentence, differences, invariants=invariants)
    except OSError as error:
        note(f"what was found could not be kept as a file ({error.strerror})")
        return None


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
