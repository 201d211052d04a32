"""What `run` and `rollout` have in common: options, the simulation, its report and its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from kubeinfer_sim.cli.command import form_option, json_option, seed_option
from kubeinfer_sim.cli.output import colour_on, detail, note, output_of, show, unicode_on, width_of
from kubeinfer_sim.errors import SimulatorFault
from kubeinfer_sim.scenario.model import Scenario

if TYPE_CHECKING:
    from kubeinfer_sim.report.verdict import Assessment

F = TypeVar("F", bound=Callable[..., Any])

#: Parameters that say what becomes of a result, not what it is.
_OF_THE_OUTPUT = {"form", "json_to", "quiet", "details", "assumptions", "check_determinism"}


def simulation_options(command: F) -> F:
    """The options of every command that simulates once and reports."""
    for option in (
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
        seed_option,
        json_option("the result"),
        form_option("text", "json", "markdown", "junit", "github"),
    ):
        command = option(command)
    return command


def simulate_and_report(
    scenario: Scenario,
    *,
    file: str,
    form: str | None,
    json_to: str | None,
    quiet: bool,
    details: bool,
    assumptions: bool,
    check_determinism: bool,
    inputs: Sequence[str | None],
) -> int:
    """Simulate, report, and return the exit code: 0 when it holds, 1 when not.

    Args:
        scenario: what to simulate.
        file: the file that annotations are about.
        form: of standard output, as -o says.
        json_to: where the JSON result goes, as --json says.
        quiet: no report.
        details: a report at length.
        assumptions: a report with every assumption and default.
        check_determinism: simulate a second time, in another process where all `inputs` can be read again.
        inputs: the files the command line names.

    Raises:
        SimulatorFault: the two runs of --check-determinism differ.
    """
    from kubeinfer_sim.report.result import build_result, to_json
    from kubeinfer_sim.report.verdict import assess
    from kubeinfer_sim.simulation.simulate import simulate

    output = output_of(form, json_to)
    begun = time.perf_counter()
    document = output.form == "json" or output.file is not None or check_determinism
    run = simulate(scenario, pods=document)
    took = time.perf_counter() - begun
    assessment = assess(run)
    text = to_json(build_result(assessment)) if document else ""
    detail(f"judged in {time.perf_counter() - begun - took:.2f} s")
    if check_determinism:
        again = _again(inputs)
        other = (
            to_json(build_result(assess(simulate(scenario)))) if again is None else _in_another_process(again)
        )
        _compare(text, other)
    reports = _reports(assessment, text, file, details=details, assumptions=assumptions)
    output.write(**{name: make for name, make in reports.items() if not (quiet and name == "text")})
    if not quiet:
        if not output.is_text:
            from kubeinfer_sim.report.terminal import verdict_line

            show(verdict_line(assessment, unicode=unicode_on(sys.stderr)), err=True)
        events = f"{run.fired:,} events, {run.history.total:,} records"
        same = ", twice with the same bytes" if check_determinism else ""
        note(f"simulated in {took:.2f} s: {events}{same}")
    return 0 if assessment.verdict.holds else 1


def _reports(
    assessment: Assessment, result: str, file: str, *, details: bool, assumptions: bool
) -> dict[str, Callable[[], str]]:
    """The forms of a report, each made when it is asked for; the switches are of the text."""

    def text() -> str:
        from kubeinfer_sim.report.terminal import render

        out = sys.stdout
        return render(
            assessment,
            width=width_of(out),
            colour=colour_on(out),
            unicode=unicode_on(out),
            details=details,
            assumptions=assumptions,
        )

    def markdown() -> str:
        from kubeinfer_sim.report.markdown.run import run_markdown

        return run_markdown(assessment)

    def junit() -> str:
        from kubeinfer_sim.report.checks import verdict_junit

        return verdict_junit(assessment, file)

    def github() -> str:
        from kubeinfer_sim.report.checks import verdict_annotations

        return verdict_annotations(assessment, file)

    return {"text": text, "json": lambda: result, "markdown": markdown, "junit": junit, "github": github}


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
    context = click.get_current_context()
    options: list[str] = []
    arguments: list[str] = []
    for param in context.command.params:
        name = param.name or ""
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if not given or name in _OF_THE_OUTPUT or name not in context.params:
            continue
        value = context.params[name]
        values = [str(each) for each in (value if isinstance(value, tuple) else (value,))]
        if not isinstance(param, click.Option):
            arguments += values
        elif param.is_flag:
            options.append(param.opts[-1])
        else:
            options += [part for each in values for part in (param.opts[-1], each)]
    return [context.command.name or "", *options, "--", *arguments]


def _in_another_process(line: Sequence[str]) -> str:
    """The JSON result of the same command, by the same package, under another PYTHONHASHSEED."""
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
