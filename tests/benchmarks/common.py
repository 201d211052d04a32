"""What the benchmarks share: the reference they are compared with, and their tables in docs/benchmarks.md.

The reference is a bare SimPy loop in the same process: as many timeouts, among many live processes, as a run has
events, or records (what it would cost in events if each thing that happens were one).
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import simpy

sys.path.insert(0, str(Path(__file__).parents[1]))

from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"


def bare_loop(events: int, processes: int) -> float:
    """Seconds SimPy alone needs for so many timeouts among so many live processes."""
    env = simpy.Environment()

    def live(count: int):  # type: ignore[no-untyped-def]
        for _ in range(count):
            yield env.timeout(1)

    for _ in range(processes):
        env.process(live(events // processes))
    gc.collect()
    begun = time.process_time()
    env.run()
    return time.process_time() - begun


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
    def of(cls, scenario: Scenario, processes: int, runs: int) -> Cost:
        """Simulate `runs` times."""
        seconds, by_events, by_records = [], [], []
        for _ in range(runs):
            gc.collect()
            begun = time.process_time()
            run = simulate(scenario, pods=False)
            seconds.append(time.process_time() - begun)
            by_events.append(seconds[-1] / bare_loop(run.fired, processes))
            by_records.append(seconds[-1] / bare_loop(len(run.history), processes))
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


def show(name: str, text: str) -> None:
    """Print a table; with --write, put it into the page, too."""
    print(text)
    if "--write" in sys.argv:
        write(name, text)


def sizes(default: list[int]) -> list[int]:
    """The numbers on the command line."""
    return [int(text) for text in sys.argv[1:] if text != "--write"] or default
