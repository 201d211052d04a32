"""What AIReSim's default job costs: `python tests/benchmarks/airesim.py [--write] [--original FOLDER]`. Run by hand.

The job (256 days on 4,096 servers, `tests/published/airesim.py`) is timed (processor time), alone and as ratio to the
reference (`common.py`); with --original also AIReSim itself, from a checkout of github.com/karthikp-ubc/airesim, in the
same process. With --write the table goes into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from common import bare_loop, show, spread
from published.airesim import HOUR, Parameters, TrainingJob


def timed(job: Callable[[int], Any], runs: int) -> tuple[list[float], list[Any]]:
    times, results = [], []
    for seed in range(42, 42 + runs):
        gc.collect()
        begun = time.process_time()
        results.append(job(seed))
        times.append(time.process_time() - begun)
    return times, results


def original(folder: str, seed: int) -> float:
    """AIReSim itself; the total time in hours."""
    if folder not in sys.path:
        sys.path.insert(0, folder)
    from airesim.params import Params
    from airesim.simulator import Simulator

    return float(Simulator(Params(), seed=seed).run().training_time_hours)


def table(runs: int, folder: str | None) -> str:
    times, jobs = timed(lambda seed: TrainingJob(Parameters(), seed).run(), runs)
    events = [job.clock.fired for job in jobs]
    ratios = [took / bare_loop(count) for took, count in zip(times, events, strict=True)]
    hours = statistics.fmean(job.total / HOUR for job in jobs)
    lines = [
        "| simulator | total time of the job, h | events | seconds | ratio to bare SimPy | of AIReSim's time |",
        "|---|---|---|---|---|---|",
    ]
    mine = f"| this engine | {hours:,.1f} | {statistics.fmean(events):,.0f} | {spread(times, 2)} | {spread(ratios)} "
    if folder is None:
        lines.append(mine + "| |")
    else:
        theirs, totals = timed(lambda seed: original(folder, seed), 3)
        share = statistics.median(times) / statistics.median(theirs)
        lines.append(mine + f"| 1/{1 / share:.0f} |")
        lines.append(f"| AIReSim | {statistics.fmean(totals):,.1f} | | {spread(theirs, 2)} | | 1 |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
    parser.add_argument("--json", metavar="FILE", help="write its rows there")
    parser.add_argument("--original", metavar="FOLDER", help="a checkout of AIReSim, timed too")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    show("airesim", table(options.runs, options.original))


if __name__ == "__main__":
    main()
