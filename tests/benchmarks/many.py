"""What many runs cost beside the runs: `python tests/benchmarks/many.py [--write] [RUNS]`. Run by hand.

`rolling-update-2p1d`, constant stages, and a year of faults with drawn ones. Printed is CPU time of all processes
together, each measured in turn with what it is compared with, as others may be at work on the machine; memory is what a
worker has resident of its own (Pss). With --write the table goes into docs/benchmarks.md. Dask's workers and scheduler
are started on loopback, where it is installed.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from common import show, sizes, spread
from measured import drawn, year

from kubeinfer_sim import Scenario, Workers, load_scenario, replicate
from kubeinfer_sim.experiment.dask_cluster import dask_workers
from kubeinfer_sim.experiment.dispatch import HERE, process_pool
from kubeinfer_sim.experiment.worker import settle_in

ROUNDS = 5
UPDATE = Path(__file__).parents[2] / "scenarios" / "rolling-update-2p1d.yaml"


class Spent:
    """CPU seconds of this process, of its children that have ended, and of others that are named."""

    def __init__(self, pids: Sequence[int] = ()) -> None:
        self._pids = pids
        self._begun, self._at = self._now(), time.perf_counter()

    def cpu(self) -> float:
        return self._now() - self._begun

    def wall(self) -> float:
        return time.perf_counter() - self._at

    def _now(self) -> float:
        own = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(each.ru_utime + each.ru_stime for each in own) + sum(map(cpu_of, self._pids))


def cpu_of(pid: int) -> float:
    """CPU seconds of a living process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int) -> float:
    """What a process has in memory, its part of what is shared."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


class Pool:
    """A pool of processes that is there before it is measured, and the memory of its workers when it goes."""

    def __init__(self, workers: int) -> None:
        self.executor: Any = process_pool(workers)
        for each in [self.executor.submit(time.sleep, 0.5) for _ in range(workers)]:
            each.result()
        self.pids = list(self.executor._processes)

    def workers(self) -> Workers:
        return Workers(len(self.pids), executor=lambda _: _Kept(self.executor))


class _Kept(Executor):
    """An executor that outlives who uses it."""

    def __init__(self, inner: Executor) -> None:
        self.submit = inner.submit  # type: ignore[method-assign]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing."""


@contextmanager
def dask(workers: int) -> Iterator[tuple[Workers, list[int]]]:
    """A scheduler and workers on loopback, and their pids."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scheduler.json"
        line = [sys.executable, "-m", "dask"]
        quiet: dict[str, Any] = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        own = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
        started = [subprocess.Popen([*line, "scheduler", "--port", "0", *own], **quiet)]
        try:
            while not file.exists():
                time.sleep(0.05)
            started += [
                subprocess.Popen(
                    [*line, "worker", "--nthreads", "1", "--no-nanny", *own[:3], *own[3:]], **quiet
                )
                for _ in range(workers)
            ]
            address = file.read_text(encoding="utf-8").partition('"address": "')[2].partition('"')[0]
            with dask_workers(address) as places:
                assert places.present is not None
                while places.present() < workers:
                    time.sleep(0.1)
                yield places, [each.pid for each in started]
        finally:
            for each in started:
                each.kill()
                each.wait()


def measure(
    what: dict[str, tuple[Callable[[], object], Sequence[int]]], runs: int
) -> dict[str, list[tuple[float, float]]]:
    """CPU and wall ms per run of each, in turn, `ROUNDS` times."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in what}
    for play, _ in what.values():
        play()
    for _ in range(ROUNDS):
        for name, (play, pids) in what.items():
            spent = Spent(pids)
            play()
            found[name].append((spent.cpu() * 1000 / runs, spent.wall() * 1000 / runs))
    return found


def rows(name: str, made: Scenario, runs: int) -> Iterator[str]:
    """A line for each way to play it."""
    one, two = Pool(1), Pool(2)
    with tempfile.TemporaryDirectory() as folder:
        number = 0

        def stored() -> object:
            nonlocal number
            number += 1
            return replicate(made, runs, workers=HERE, store=Path(folder) / f"{number}.db")

        ways: dict[str, tuple[Callable[[], object], Sequence[int]]] = {
            "in this process": (lambda: replicate(made, runs), ()),
            "with a store": (stored, ()),
            "one worker process": (lambda: replicate(made, runs, workers=one.workers()), one.pids),
            "two worker processes": (lambda: replicate(made, runs, workers=two.workers()), two.pids),
        }
        if find_spec("distributed") is None:
            yield from lines(name, measure(ways, runs), {}, runs)
            return
        with dask(2) as (places, pids):
            ways["two Dask workers"] = lambda: replicate(made, runs, workers=places), pids
            found = measure(ways, runs)
            memory = {
                "one worker process": one.pids,
                "two worker processes": two.pids,
                "two Dask workers": pids[1:],
            }
            held = {way: max(map(megabytes, own)) for way, own in memory.items()}
    yield from lines(name, found, held, runs)
    for pool in (one, two):
        pool.executor.shutdown()


def lines(
    name: str, found: dict[str, list[tuple[float, float]]], memory: dict[str, float], runs: int
) -> Iterator[str]:
    base = found["in this process"]
    for way, times in found.items():
        cpu = min(each[0] for each in times)
        ratio = spread([each[0] / alone[0] for each, alone in zip(times, base, strict=True)], 2)
        faster = spread([alone[1] / each[1] for each, alone in zip(times, base, strict=True)], 2)
        held = f"{memory[way]:.0f}" if way in memory else ""
        yield f"| {name} | {way} | {cpu:.2f} | {1000 / cpu:,.0f} | {ratio} | {faster} | {held} |"


def main() -> None:
    settle_in()
    table = [
        "| what | how | CPU ms per run | runs per CPU second | CPU time by that in one process "
        "| times faster by the clock | MB per worker |",
        "|---|---|---|---|---|---|---|",
    ]
    (runs,) = sizes([400])
    table += rows("2P1D, rolled over", load_scenario(str(UPDATE)), runs)
    table += rows("a year, 4 instances of 4 pods, drawn", drawn(year(4)), max(4, runs // 40))
    show("many", "\n".join(table))


if __name__ == "__main__":
    main()
