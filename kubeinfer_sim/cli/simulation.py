"""What `run` and `rollout` have in common: options, the simulation, its report and its exit code."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec.structs import replace

from kubeinfer_sim.cli.command import seed_option
from kubeinfer_sim.cli.estimate import estimated, tell_if_long
from kubeinfer_sim.cli.invariants import BROKEN, WriteWhole, broken_in, invariants_option, watch_of
from kubeinfer_sim.cli.output import Output, look_of, note, step, tell
from kubeinfer_sim.cli.outputs import FILES, output_options
from kubeinfer_sim.cli.own_line import own_line, same_again
from kubeinfer_sim.cli.replications import Many, replicate_and_report, replication_options
from kubeinfer_sim.errors import SimulatorFault, UsageError
from kubeinfer_sim.scenario.model import Scenario

if TYPE_CHECKING:
    from kubeinfer_sim.report.detail import Detail
    from kubeinfer_sim.report.verdict import Assessment
    from kubeinfer_sim.simulation.run import Run

F = TypeVar("F", bound=Callable[..., Any])

#: Parameters that say what becomes of a result, not what it is.
_OF_THE_OUTPUT = {
    "form",
    *FILES.values(),
    "scenario_to",
    "quiet",
    "details",
    "assumptions",
    "check_determinism",
    "check_invariants",
}

#: What a result does not tell one by one.
_LEFT_OUT = {"instances": "pods", "summary": "instances and pods"}


def simulation_options(command: F) -> F:
    """The options of every command that simulates, once or many times, and reports."""
    for option in (
        invariants_option,
        click.option(
            "--check-determinism",
            is_flag=True,
            help="Simulate twice, the second time with another PYTHONHASHSEED, and compare the bytes.",
        ),
        click.option(
            "-q", "--quiet", is_flag=True, help="No report, no timing: exit code (and -o, --json) only."
        ),
        click.option(
            "--assumptions",
            is_flag=True,
            help="Every assumption and default that the prediction rests on, not only how many.",
        ),
        click.option(
            "--details",
            is_flag=True,
            help="The report at length: stages of all starts and stops, each step of recovery, stages of lost time.",
        ),
        click.option(
            "--detail",
            "told",
            type=click.Choice(["summary", "instances", "pods"]),
            help="What the JSON result tells: figures alone, each instance, or each pod, too; if not given, all that "
            "the scenario asks for at most 10,000 of.",
        ),
        click.option(
            "--estimate",
            is_flag=True,
            help="Simulate nothing: print how much processor time and memory it would take on this machine.",
        ),
        seed_option,
        replication_options,
        output_options(
            "the result", "text", "json", "markdown", "junit", "github", "html", "openmetrics", "trace"
        ),
    ):
        command = option(command)
    return command


def simulate_and_report(
    scenario: Scenario,
    *,
    file: str,
    output: Output,
    quiet: bool,
    details: bool,
    told: Detail | None,
    estimate: bool,
    assumptions: bool,
    check_determinism: bool,
    check_invariants: bool,
    many: Many,
    whole: WriteWhole,
    inputs: Sequence[str | None],
) -> int:
    """Simulate, report, and return the exit code: 0 when it holds, 1 when not; of many runs 4 when it is undecided.

    Args:
        scenario: what to simulate.
        file: the file that annotations are about.
        output: what is written where.
        quiet: no report.
        details: a report at length.
        estimate: say what it would cost, and simulate nothing.
        told: what the JSON result tells; None: as much as suits the size of the run.
        assumptions: a report with every assumption and default.
        check_determinism: simulate a second time, in another process where all `inputs` can be read again.
        check_invariants: have the numbered invariants watch; of many runs a sample.
        many: how many runs, if more than one.
        whole: writes the scenario with all that it is made of.
        inputs: the files the command line names.

    Raises:
        UsageError: something of one run is asked for with many, or something of a result without one.
        SimulatorFault: the two runs of --check-determinism differ.
    """
    from kubeinfer_sim.cli.progress import RunProgress
    from kubeinfer_sim.report.detail import detail_of
    from kubeinfer_sim.simulation.simulate import simulate

    step("read and checked")
    if estimate and (output.files or not output.is_text):
        raise UsageError("--estimate is for people: it makes no result, and prints text")
    if estimate and told is not None:
        raise UsageError("--estimate makes no result that --detail could be about: leave out one of them")
    if many.wanted:
        of_one = {
            "--details": details,
            "--detail": told,
            "--check-determinism": check_determinism,
            "--openmetrics": output.wants("openmetrics"),
            "--trace": output.wants("trace"),
        }
        for name, given in of_one.items():
            if given:
                raise UsageError(f"{name} is about one run: give its --seed instead of replications")
        if estimate:
            if many.replications is None:
                raise UsageError(
                    "--estimate takes a number of runs, as in -n 300: how many more is not known before"
                )
            on_dask = many.engine == "dask"
            click.echo(estimated(scenario, many.replications, pods_told=False, on_dask=on_dask), nl=False)
            return 0
        if many.replications is not None and not quiet:
            tell_if_long(scenario, many.replications, pods_told=False)
        return replicate_and_report(
            scenario,
            many,
            output,
            file=file,
            quiet=quiet,
            assumptions=assumptions,
            whole=whole,
            check_invariants=check_invariants,
        )
    begun = time.perf_counter()
    result_wanted = output.wants("json")
    document = result_wanted or check_determinism
    if told is not None and not document:
        raise UsageError("--detail is about the JSON result: add --json FILE or -o json")
    level = detail_of(scenario) if told is None else told
    pods_told = document and level == "pods"
    if estimate:
        click.echo(estimated(scenario, None, pods_told=pods_told), nl=False)
        return 0
    if not quiet:
        tell_if_long(scenario, None, pods_told=pods_told)
    watch = watch_of(scenario, wanted=check_invariants)
    run = simulate(
        scenario,
        listeners=() if watch is None else [watch.observe],
        pods=pods_told or watch is not None,
        on_look=None if quiet else RunProgress(scenario.horizon),
    )
    took = time.perf_counter() - begun
    step("simulated")
    if broken_in(watch, run, whole):
        return BROKEN
    assessment = _assessed(run)
    text = _document(assessment, level) if document else ""
    step("judged")
    if check_determinism:
        again = _again(inputs)
        other = (
            _document(_assessed(simulate(scenario)), level) if again is None else _in_another_process(again)
        )
        _compare(text, other)
    reports = _reports(assessment, text, file, whole, output, details=details, assumptions=assumptions)
    output.write(**{name: make for name, make in reports.items() if not (quiet and name == "text")})
    step("reported")
    if not quiet:
        if not output.is_text:
            from kubeinfer_sim.report.verdict import verdict_line

            tell(verdict_line(assessment), later="")
        events = f"{run.fired:,} events, {run.history.total:,} records"
        same = ", twice with the same bytes" if check_determinism else ""
        hold = ", all invariants hold" if check_invariants else ""
        note(f"simulated in {took:.2f} s: {events}{same}{hold}")
        if result_wanted and told is None and level != "pods":
            note(f"the result tells of no {_LEFT_OUT[level]}, so many there are: --detail pods tells of all")
    return 0 if assessment.verdict.holds else 1


def _assessed(run: Run) -> Assessment:
    """A run judged; one that never finishes with what lets it, found by playing it again."""
    from kubeinfer_sim.metrics import Outcome
    from kubeinfer_sim.report.verdict import assess

    assessment = assess(run)
    if assessment.outcome not in (Outcome.NEVER, Outcome.UNFINISHED):
        return assessment
    from kubeinfer_sim.experiment.ways_to_finish import ways_to_finish

    return replace(assessment, ways=ways_to_finish(run, assessment.outcome, assessment.cluster))


def _document(assessment: Assessment, told: Detail) -> str:
    # Only here: its fifty models take as long to define as a small run to play.
    from kubeinfer_sim.report.result import build_result, to_json

    return to_json(build_result(assessment, told=told))


def _reports(
    assessment: Assessment,
    result: str,
    file: str,
    whole: WriteWhole,
    output: Output,
    *,
    details: bool,
    assumptions: bool,
) -> dict[str, Callable[[], str | bytes]]:
    """The forms of a report, each made when it is asked for; the switches are of the text."""

    def text() -> str:
        from kubeinfer_sim.report.terminal import render

        return render(assessment, **look_of(sys.stdout), details=details, assumptions=assumptions)

    def markdown() -> str:
        from kubeinfer_sim.report.markdown.run import run_markdown

        return run_markdown(assessment, same_again(assessment.run.seed))

    def junit() -> str:
        from kubeinfer_sim.report.checks import verdict_junit

        return verdict_junit(assessment, file)

    def github() -> str:
        from kubeinfer_sim.report.checks import verdict_annotations

        return verdict_annotations(assessment, file)

    def html() -> str:
        from kubeinfer_sim.report.html.origin import Origin
        from kubeinfer_sim.report.html.render import page_html
        from kubeinfer_sim.report.html.run import run_page

        return page_html(run_page(assessment, Origin(same_again(assessment.run.seed), whole)))

    def openmetrics() -> str:
        from kubeinfer_sim.report.openmetrics import run_openmetrics

        return run_openmetrics(assessment)

    def trace() -> bytes:
        from kubeinfer_sim.report.trace.run import run_trace

        return run_trace(assessment, every_accelerator=output.every_accelerator)

    return {
        "text": text,
        "json": lambda: result,
        "markdown": markdown,
        "junit": junit,
        "github": github,
        "html": html,
        "openmetrics": openmetrics,
        "trace": trace,
    }


def _compare(one: str, other: str) -> None:
    if one == other:
        return
    lines = zip_longest(one.splitlines(), other.splitlines(), fillvalue="(nothing)")
    number, (a, b) = next((n, pair) for n, pair in enumerate(lines, 1) if pair[0] != pair[1])
    raise SimulatorFault(
        "two runs of one scenario and seed gave different results, first in line "
        f"{number} of the JSON result: {a.strip()[:100]} / {b.strip()[:100]}"
    )


def _again(inputs: Sequence[str | None]) -> list[str] | None:
    """This command's own line for a second run in another process; None where an input can be read only once."""
    if not all(Path(each).is_file() for each in inputs if each is not None):
        return None
    command, options, arguments = own_line(_OF_THE_OUTPUT)
    return [command, *options, "--", *arguments]


def _in_another_process(line: Sequence[str]) -> str:
    """The JSON result of the same command, by the same package, under another PYTHONHASHSEED."""
    import subprocess

    hash_seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    here = str(Path(__file__).parents[2])
    path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    command, *rest = line
    done = subprocess.run(
        [sys.executable, "-P", "-m", "kubeinfer_sim", command, "--quiet", "-o", "json", *rest],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path},
    )
    if done.returncode not in (0, 1):
        why = done.stderr.decode("utf-8", "replace").strip()
        raise SimulatorFault(f"the second run ended with code {done.returncode}: {why}")
    return done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")
