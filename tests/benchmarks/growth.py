"""How cost grows with size: `python tests/benchmarks/growth.py [--write] [INSTANCES ...]`. Run by hand, asserted nowhere.

Instances of ten pods with the guide's three probes are rolled over at 20 %/20 % on five nodes each, with room for four
pods on a node: 10,000 instances have 50,000 nodes. Each size is played three times, in processes of their own: for its processor time and the
memory it takes with its history, without its history, and for its function calls. An exponent is that of the growth from
the size above. With --write the table goes into docs/benchmarks.md.
"""

from __future__ import annotations

import gc
import resource
import subprocess
import sys
import time
from itertools import pairwise
from math import log
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from building import kubeinfer, nodes
from common import show, sizes
from measured import PROBES, STAGES, calls

from kubeinfer_sim.engine.history import History
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.timings.model import Timings
from kubeinfer_sim.simulation.assembly import assemble
from kubeinfer_sim.simulation.simulate import play

PODS = {"prefill": 6, "decode": 4}
NODES_PER_INSTANCE = 5


def rollout(instances: int) -> Scenario:
    old, new = (kubeinfer(instances, "20%", "20%", each, PODS, npus=2, **PROBES) for each in ("old", "new"))
    return Scenario(
        "growth", (old,), nodes(instances * NODES_PER_INSTANCE), Timings(STAGES), actions=(Apply(0, new),)
    )


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(instances: int, what: str) -> tuple[float, ...]:
    """Calls; or seconds, and the MB that come on top of what the scenario takes, with a history that is kept or not."""
    made = rollout(instances)
    if what == "calls":
        return (calls(made)[0],)
    gc.collect()
    before, begun = megabytes(), time.process_time()
    play(assemble(made, 0, None, History(keep=what == "kept"), pods=False))
    return time.process_time() - begun, megabytes() - before


def in_a_process(instances: int, what: str) -> list[float]:
    words = [sys.executable, __file__, "--measure", str(instances), what]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return [float(each) for each in done.stdout.split()]


def exponents(counts: list[int], costs: list[float]) -> list[str]:
    found = [
        log(b / a) / log(n / m) for (m, n), (a, b) in zip(pairwise(counts), pairwise(costs), strict=True)
    ]
    return ["", *(f"{each:.2f}" for each in found)]


def main() -> None:
    counts = sizes([100, 1000, 10_000])
    calls_made, seconds, kept, flat = [], [], [], []
    for instances in counts:
        calls_made += in_a_process(instances, "calls")
        took, held = in_a_process(instances, "kept")
        seconds.append(took)
        kept.append(held)
        flat.append(in_a_process(instances, "not kept")[1])
    lines = [
        "| instances | nodes | lives of pods | calls per life | exponent (calls) | CPU s | exponent (CPU) "
        "| kB per life, history kept | not kept |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    of_calls, of_time = exponents(counts, calls_made), exponents(counts, seconds)
    for i, instances in enumerate(counts):
        lives = 2 * sum(PODS.values()) * instances
        lines.append(
            f"| {instances:,} | {NODES_PER_INSTANCE * instances:,} | {lives:,} | {calls_made[i] / lives:.0f} "
            f"| {of_calls[i]} | {seconds[i]:.1f} | {of_time[i]} | {1000 * kept[i] / lives:.1f} | {1000 * flat[i] / lives:.1f} |"
        )
    show("growth", "\n".join(lines))


if __name__ == "__main__":
    if "--measure" in sys.argv:
        print(*measure(int(sys.argv[-2]), sys.argv[-1]))
    else:
        main()
