"""What a rollout costs: `python tests/benchmarks/rollout.py [INSTANCES ...]`. Run by hand, asserted nowhere.

Instances of four pods with the guide's three probes are rolled over at 20 %/20 % on 4.4 nodes each. Printed are
counts, and the time as a ratio to a bare SimPy loop that handles as many events as the run has records.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import simpy

sys.path.insert(0, str(Path(__file__).parents[1]))

from building import kubeinfer, nodes, seconds, stage_timings

from kubeinfer_sim.experiment.simulate import simulate
from kubeinfer_sim.manifest.model import Probe
from kubeinfer_sim.scenario.model import Apply, Scenario, Timings

RUNS = 5
PROBES = {
    "startup": Probe(period_seconds=10, timeout_seconds=10, failure_threshold=720),
    "liveness": Probe(period_seconds=5, timeout_seconds=10, failure_threshold=6),
    "readiness": Probe(period_seconds=5, timeout_seconds=10, failure_threshold=3, success_threshold=3),
}


def rollout(instances: int) -> Scenario:
    roles = {"prefill": 3, "decode": 1}
    old = kubeinfer(instances, "20%", "20%", "old", roles, **PROBES)
    new = kubeinfer(instances, "20%", "20%", "new", roles, **PROBES)
    stages = stage_timings(
        600, 60, bind=seconds(3), image_cold=seconds(290), create=seconds(3), rank_table=seconds(5)
    )
    return Scenario("benchmark", old, nodes(instances * 44 // 10), Timings(stages), actions=(Apply(0, new),))


def bare_loop(events: int, processes: int) -> float:
    """Seconds SimPy alone needs for so many timeouts among so many live processes."""
    env = simpy.Environment()

    def live(count: int):  # type: ignore[no-untyped-def]
        for _ in range(count):
            yield env.timeout(1)

    for _ in range(processes):
        env.process(live(events // processes))
    begun = time.perf_counter()
    env.run()
    return time.perf_counter() - begun


def main() -> None:
    print("| instances | pods | nodes | events | events/pod | records | median s | µs/record | ratio |")
    print("|---|---|---|---|---|---|---|---|---|")
    for instances in [int(text) for text in sys.argv[1:]] or [10, 100, 1000, 2000]:
        scenario = rollout(instances)
        times, ratios = [], []
        for _ in range(RUNS):
            begun = time.perf_counter()
            run = simulate(scenario)
            times.append(time.perf_counter() - begun)
            ratios.append(times[-1] / bare_loop(len(run.history), min(4 * instances, 4000)))
        pods, records, took = 8 * instances, len(run.history), statistics.median(times)
        print(
            f"| {instances:,} | {pods:,} | {len(scenario.nodes):,} | {run.fired:,} | {run.fired / pods:.1f} "
            f"| {records:,} | {took:.3f} | {took / records * 1e6:.1f} | {statistics.median(ratios):.1f} "
            f"({min(ratios):.1f}-{max(ratios):.1f}) |"
        )


if __name__ == "__main__":
    main()
