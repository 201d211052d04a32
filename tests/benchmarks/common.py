"""What the benchmarks share: the reference they are compared with, and their tables, in docs/benchmarks.md and as JSON.

The reference is a bare SimPy loop in the same process: as many timeouts, among a thousand processes that wait, as a run
has events, or records (what it would cost in events if each thing that happens were one).
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import simpy

sys.path.insert(0, str(Path(__file__).parents[1]))

from measured import drawn

from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
#: So many processes wait beside each bare loop: with a number that grew with the run, the reference did, too.
WAITING = 1000


def bare_loop(events: int) -> float:
    """Seconds SimPy alone needs for so many timeouts, while `WAITING` other processes wait."""
    env = simpy.Environment()

    def live(count: int, length: int):  # type: ignore[no-untyped-def]
        for _ in range(count):
            yield env.timeout(length)

    for _ in range(WAITING):
        env.process(live(1, events + 2))
    env.process(live(events, 1))
    env.run(until=0.5)  # all of them wait now
    gc.collect()
    begun = time.process_time()
    env.run(until=events + 1)
    return time.process_time() - begun


def of_both_kinds(made: Scenario) -> dict[str, Scenario]:
    """The scenario with its stages, which are constant, and with drawn ones."""
    return {"constant": made, "drawn": drawn(made)}


def spread(ratios: list[float], digits: int = 1) -> str:
    """Median (min-max)."""
    low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


@dataclass(frozen=True)
class Cost:
    """Some runs of one scenario: seconds, and ratios to the reference by events and by records."""

    run: Run
    seconds: list[float]
    by_events: list[float]
    by_records: list[float]

    @classmethod
    def of(cls, scenario: Scenario, runs: int) -> Cost:
        """Simulate `runs` times."""
        seconds, by_events, by_records = [], [], []
        for _ in range(runs):
            gc.collect()
            begun = time.process_time()
            run = simulate(scenario, pods=False)
            seconds.append(time.process_time() - begun)
            by_events.append(seconds[-1] / bare_loop(run.fired))
            by_records.append(seconds[-1] / bare_loop(len(run.history)))
        return cls(run, seconds, by_events, by_records)

    def cells(self) -> str:
        """Median seconds and both ratios, as the last cells of a row."""
        return f"{statistics.median(self.seconds):.3f} | {spread(self.by_events)} | {spread(self.by_records)}"


def write(name: str, text: str) -> None:
    """Put a table into the page, between the marks of its name."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    page = PAGE.read_text(encoding="utf-8")
    before, found, rest = page.partition(f"{begin}\n")
    if not found or end not in rest:
        sys.exit(f"{PAGE.name} has no marks {begin} … {end}")
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def rows(text: str) -> list[dict[str, str]]:
    """The rows of a table by the names of its columns."""
    lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.splitlines()]
    head, _, *cells = lines
    return [dict(zip(head, row, strict=True)) for row in cells]


def show(name: str, text: str) -> None:
    """Print a table; with --write, put it into the page; with --json FILE, its rows into a file."""
    print(text)
    if "--write" in sys.argv:
        write(name, text)
    if "--json" in sys.argv:
        file = Path(sys.argv[sys.argv.index("--json") + 1])
        file.write_text(json.dumps({name: rows(text)}), encoding="utf-8")


def sizes(default: list[int]) -> list[int]:
    """The numbers on the command line."""
    return [int(text) for text in sys.argv[1:] if text.isdecimal()] or default
