"""What a year of faults holds in memory: `python tests/benchmarks/memory.py [--write] [INSTANCES ...]`. Run by hand.

The scenario is that of `faults.py`. Printed is what Python has allocated for the run (tracemalloc) halfway and at its
end: without its history, measured as it goes on, and with its history; with --write the table goes into
docs/benchmarks.md.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from common import show, sizes
from measured import YEAR, year

from kubeinfer_sim.engine.clock import Phase
from kubeinfer_sim.engine.history import History
from kubeinfer_sim.experiment.figures import RunMeters
from kubeinfer_sim.simulation.assembly import assemble
from kubeinfer_sim.simulation.simulate import play


def allocated(instances: int, *, keep: bool, measure: bool) -> tuple[int, list[float]]:
    """Records, and MB halfway and at the end."""
    made, held = year(instances), []
    gc.collect()
    tracemalloc.start()
    simulation = assemble(made, 0, None, History(keep=keep), pods=False)
    meters = RunMeters(made)
    if measure:
        simulation.env.history.subscribe(meters.observe)

    def look() -> None:
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0] / 1e6)

    for at in (YEAR // 2, YEAR):
        simulation.env.clock.at(at, look, phase=Phase.OBSERVER)
    records = play(simulation).history.total
    tracemalloc.stop()
    return records, held


def main() -> None:
    lines = [
        "| instances | records | neither kept nor measured | measured | kept |",
        "|---|---|---|---|---|",
    ]
    for instances in sizes([100, 1000]):
        cells = []
        for keep, measure in ((False, False), (False, True), (True, False)):
            records, (half, whole) = allocated(instances, keep=keep, measure=measure)
            cells.append(f"{half:.1f}, {whole:.1f}")
        lines.append(f"| {instances:,} | {records:,} | {' | '.join(cells)} |")
    show("memory", "\n".join(lines))


if __name__ == "__main__":
    main()
