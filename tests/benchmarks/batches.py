"""What a batch of runs costs Dask's scheduler: `python tests/benchmarks/batches.py [--write] [RUNS_IN_A_BATCH ...]`. By hand.

Runs of `rolling-update-2p1d` are given to two workers on loopback in batches of one size after the other. Printed is the
processor time of the scheduler for each batch, less what it takes when nothing is asked of it; the part of the time it
would be busy if both workers had a core; and the time of the command for each run. Constants of `experiment/batches.py`
are from here. With --write the table goes into docs/benchmarks.md.
"""

from __future__ import annotations

import time
from unittest.mock import patch

from common import show, sizes
from many import UPDATE, Spent, cpu_of, dask

from kubeinfer_sim import load_scenario, replicate
from kubeinfer_sim.experiment import dispatch

#: At least so many, and so many batches: fewer do not show beside what the scheduler takes when nothing is asked of it.
RUNS, BATCHES = 320, 20
IDLE_SECONDS = 10
WORKERS = 2


def main() -> None:
    made = load_scenario(str(UPDATE))
    lines = [
        "| runs in a batch | batches | ms of work in one | scheduler, ms per batch | busy, of the time | command, ms per run |",
        "|---|---|---|---|---|---|",
    ]
    with dask(WORKERS) as (places, (scheduler, *workers)):
        replicate(made, 100, workers=places)
        begun = cpu_of(scheduler)
        time.sleep(IDLE_SECONDS)
        idle = (cpu_of(scheduler) - begun) / IDLE_SECONDS
        for size in sizes([1, 4, 16, 40]):
            runs = max(RUNS, BATCHES * size)
            with (
                patch.object(dispatch, "runs_of_batch", lambda *_, size=size: size),
                patch.object(dispatch, "_FIRST", size),
            ):
                own, theirs = Spent(), [cpu_of(each) for each in (scheduler, *workers)]
                replicate(made, runs, workers=places)
                used = [
                    cpu_of(each) - before for each, before in zip((scheduler, *workers), theirs, strict=True)
                ]
            batches = runs // size
            each = max(0.0, used[0] - idle * own.wall()) / batches
            work = sum(used[1:]) / batches
            lines.append(
                f"| {size} | {batches} | {1000 * work:.0f} | {1000 * each:.1f} | {100 * each * WORKERS / work:.1f} % "
                f"| {1000 * own.cpu() / runs:.2f} |"
            )
    show("batches", "\n".join(lines))


if __name__ == "__main__":
    main()
