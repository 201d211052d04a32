"""What `run` and `rollout` have in common: options, the simulation, its report and its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

import click

from kubeinfer_sim.cli.output import colour_on, unicode_on, width_of, write_json
from kubeinfer_sim.errors import SimulatorFault
from kubeinfer_sim.scenario.model import Scenario

F = TypeVar("F", bound=Callable[..., Any])


def simulation_options(command: F) -> F:
    """The options of every command that simulates."""
    for option in (
        click.option(
            "--check-determinism",
            is_flag=True,
            help="Simulate twice, the second time with another PYTHONHASHSEED, and compare the bytes.",
        ),
        click.option(
            "-q", "--quiet", is_flag=True, help="No report, no timing: exit code (and --json) only."
        ),
        click.option("--seed", type=click.IntRange(min=0), help="Seed of all random streams."),
        click.option(
            "--json", "json_to", metavar="FILE|-", help="Write the result as JSON; - is standard output."
        ),
    ):
        command = option(command)
    return command


def cluster_options(command: F) -> F:
    """The options of a real cluster as input."""
    for option in (
        click.option("--pods", metavar="FILE", help="What runs there: from kubectl get pods -A -o json."),
        click.option(
            "--cluster",
            metavar="FILE",
            help="The nodes: from kubectl get nodes -o json (or yaml), or a Cluster file.",
        ),
    ):
        command = option(command)
    return command


def simulate_and_report(
    scenario: Scenario,
    *,
    seed: int | None,
    json_to: str | None,
    quiet: bool,
    check_determinism: bool,
    again: Sequence[str] | None,
) -> int:
    """Simulate, report, and return the exit code: 0 when it holds, 1 when not.

    `again` is this command's own line for a second run in another process; None where standard input was read.

    Raises:
        SimulatorFault: the two runs of --check-determinism differ.
    """
    from kubeinfer_sim.report.result import build_result, to_json
    from kubeinfer_sim.report.terminal import render, verdict_line
    from kubeinfer_sim.report.verdict import assess
    from kubeinfer_sim.simulation.simulate import simulate

    begun = time.perf_counter()
    document = json_to is not None or check_determinism
    run = simulate(scenario, seed=seed, pods=document)
    took = time.perf_counter() - begun
    assessment = assess(run)
    text = to_json(build_result(assessment)) if document else ""
    if check_determinism:
        if again is None:
            other = to_json(build_result(assess(simulate(scenario, seed=seed))))
        else:
            other = _in_another_process(again)
        _compare(text, other)
    if json_to is not None:
        write_json(json_to, text)
    if not quiet:
        if json_to == "-":
            click.echo(verdict_line(assessment, unicode=unicode_on(sys.stderr)), err=True)
        else:
            out = sys.stdout
            report = render(assessment, width=width_of(out), colour=colour_on(out), unicode=unicode_on(out))
            click.echo(report.rstrip("\n"))
        events = f"{run.fired:,} events, {run.history.total:,} records"
        same = ", twice with the same bytes" if check_determinism else ""
        click.echo(click.style(f"simulated in {took:.2f} s: {events}{same}", dim=True), err=True)
    return 0 if assessment.verdict.holds else 1


def _compare(one: str, other: str) -> None:
    if one == other:
        return
    lines = zip_longest(one.splitlines(), other.splitlines(), fillvalue="(nothing)")
    number, (a, b) = next((n, pair) for n, pair in enumerate(lines, 1) if pair[0] != pair[1])
    raise SimulatorFault(
        "two runs of one scenario and seed gave different results, first in line "
        f"{number} of the JSON result: {a.strip()[:100]} / {b.strip()[:100]}"
    )


def _in_another_process(line: Sequence[str]) -> str:
    """The JSON result of the same command, by the same package, under another PYTHONHASHSEED."""
    hash_seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    here = str(Path(__file__).parents[2])
    path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-P", "-m", "kubeinfer_sim", *line, "--quiet", "--json", "-"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path},
    )
    if done.returncode not in (0, 1):
        why = done.stderr.decode("utf-8", "replace").strip()
        raise SimulatorFault(f"the second run ended with code {done.returncode}: {why}")
    return done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")
