"""What a rollout costs: `python tests/benchmarks/rollout.py [INSTANCES ...]`. Run by hand, asserted nowhere.

Instances of four pods with the guide's three probes are rolled over at 20 %/20 % on 4.4 nodes each. Printed are
counts, and the time as ratios, in the same process, to a bare SimPy loop of as many timeouts as the run has
events, and as it has records (what the run would cost in events if each thing that happens were one).
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


def spread(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f})"


def main() -> None:
    print(
        "| instances | pods | nodes | events | events/pod | records | median s | ratio (events) | ratio (records) |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for instances in [int(text) for text in sys.argv[1:]] or [10, 100, 1000, 2000]:
        scenario = rollout(instances)
        times, by_events, by_records = [], [], []
        processes = min(4 * instances, 4000)
        for _ in range(RUNS):
            begun = time.perf_counter()
            run = simulate(scenario)
            times.append(time.perf_counter() - begun)
            by_events.append(times[-1] / bare_loop(run.fired, processes))
            by_records.append(times[-1] / bare_loop(len(run.history), processes))
        pods, records, took = 8 * instances, len(run.history), statistics.median(times)
        print(
            f"| {instances:,} | {pods:,} | {len(scenario.nodes):,} | {run.fired:,} | {run.fired / pods:.1f} "
            f"| {records:,} | {took:.3f} | {spread(by_events)} | {spread(by_records)} |"
        )


if __name__ == "__main__":
    main()
