"""What placing costs: `python tests/benchmarks/placement.py [--write] [INSTANCES ...]`. Run by hand, asserted nowhere.

The job Kubernetriks (a simulator of Kubernetes clusters in Rust) publishes as its own: 10,000 pods on 5,200 nodes
are created, run for an hour and end. Here each pod is an instance of one pod; the cluster has labels and taints, and
0.52 nodes for each pod. Printed are counts and the time, alone and as ratios, in the same process, to bare SimPy
loops of as many timeouts as the run has events and records; with --write the table goes into docs/benchmarks.md.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from building import kubeinfer, stage_timings
from rollout import bare_loop, spread

from kubeinfer_sim.experiment.simulate import Simulation, simulate
from kubeinfer_sim.manifest.model import Toleration
from kubeinfer_sim.scenario.model import NodeSpec, Scale, Scenario, Taint, Timings

RUNS = 5
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- placement -->", "<!-- /placement -->"
HOUR = 3_600_000
NPU = "huawei.com/ascend-1980"


def job(instances: int) -> Scenario:
    """Nodes of three zones and four kinds; every second one wants a toleration, every eighth is another pool's."""
    nodes = tuple(
        NodeSpec(
            f"node-{i}",
            "pool",
            {"cpu": 64_000, "memory": 256 * 2**30, NPU: 4},
            {
                "kubernetes.io/hostname": f"node-{i}",
                "zone": f"z{i % 3}",
                "pool": "web" if i % 8 == 7 else "infer",
                "generation": str(i % 4),
            },
            (Taint("dedicated", "infer"),) if i % 2 else (),
        )
        for i in range(instances * 52 // 100)
    )
    spec = kubeinfer(
        instances,
        npus=1,
        readiness=None,
        node_selector={"pool": "infer"},
        tolerations=(Toleration("dedicated", "Equal", "infer", "NoSchedule"),),
    )
    return Scenario(
        "benchmark",
        spec,
        nodes,
        Timings(stage_timings(10, 5)),
        initial="empty",
        actions=(Scale(HOUR, 0),),
    )


def table(sizes: list[int]) -> str:
    lines = [
        "| instances | nodes | events | records | nodes looked at per pod | median s | µs per pod "
        "| ratio (events) | ratio (records) |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for instances in sizes:
        scenario = job(instances)
        times, by_events, by_records = [], [], []
        for _ in range(RUNS):
            begun = time.perf_counter()
            run = simulate(scenario)
            times.append(time.perf_counter() - begun)
            processes = min(instances, 4000)
            by_events.append(times[-1] / bare_loop(run.fired, processes))
            by_records.append(times[-1] / bare_loop(len(run.history), processes))
        took = statistics.median(times)
        simulation = Simulation(scenario, 0)
        simulation.run()
        looked = simulation.scheduler.stats.nodes / instances
        lines.append(
            f"| {instances:,} | {len(scenario.nodes):,} | {run.fired:,} | {len(run.history):,} | {looked:.2f} "
            f"| {took:.2f} ({min(times):.2f}-{max(times):.2f}) | {1e6 * took / instances:.0f} "
            f"| {spread(by_events)} | {spread(by_records)} |"
        )
    return "\n".join(lines)


def write(text: str) -> None:
    """Put the table into the page, between its marks."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(f"{BEGIN}\n")
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main() -> None:
    sizes = [int(text) for text in sys.argv[1:] if text != "--write"] or [1_250, 2_500, 5_000, 10_000]
    text = table(sizes)
    print(text)
    if "--write" in sys.argv:
        write(text)


if __name__ == "__main__":
    main()
