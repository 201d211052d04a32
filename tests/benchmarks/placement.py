"""What placing costs: `python tests/benchmarks/placement.py [--write] [INSTANCES ...]`. Run by hand, asserted nowhere.

The job Kubernetriks (a simulator of Kubernetes clusters in Rust) publishes as its own: 10,000 pods on 5,200 nodes
are created, run for an hour and end. Here each pod is an instance of one pod; the cluster has labels and taints, and
0.52 nodes for each pod. Printed are counts and the time, alone and as ratios, in the same process, to bare SimPy
loops of as many timeouts as the run has events and records; with --write the table goes into docs/benchmarks.md.
"""

from __future__ import annotations

import statistics
import sys
from itertools import product
from pathlib import Path
from typing import Literal, get_args

sys.path.insert(0, str(Path(__file__).parents[1]))

from building import kubeinfer, stage_timings
from common import Cost, show, sizes, spread

from kubeinfer_sim.manifest.model import Toleration
from kubeinfer_sim.scenario.actions.model import Scale
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint
from kubeinfer_sim.scenario.model import Assumptions, Scenario
from kubeinfer_sim.scenario.timings.model import Timings
from kubeinfer_sim.simulation.assembly import assemble
from kubeinfer_sim.simulation.simulate import play

Scheduler = Literal["kube-scheduler", "volcano"]
RUNS = 3
HOUR = 3_600_000
NPU = "huawei.com/ascend-1980"


def job(instances: int, scheduler: Scheduler = "kube-scheduler") -> Scenario:
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
        (spec,),
        nodes,
        Timings(stage_timings(10, 5)),
        initial="empty",
        actions=(Scale(HOUR, 0),),
        assumptions=Assumptions(scheduler=scheduler),
    )


def table(counts: list[int]) -> str:
    lines = [
        "| scheduler | instances | nodes | events | records | nodes looked at per pod | median s | µs per pod "
        "| ratio (events) | ratio (records) |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for scheduler, instances in product(get_args(Scheduler), counts):
        scenario = job(instances, scheduler)
        cost = Cost.of(scenario, RUNS)
        run, took = cost.run, statistics.median(cost.seconds)
        simulation = assemble(scenario, 0)
        play(simulation)
        looked = simulation.cluster.scheduling.stats.nodes / instances
        lines.append(
            f"| {scheduler} | {instances:,} | {len(scenario.nodes):,} | {run.fired:,} | {len(run.history):,} | {looked:.2f} "
            f"| {spread(cost.seconds, 2)} | {1e6 * took / instances:.0f} "
            f"| {spread(cost.by_events)} | {spread(cost.by_records)} |"
        )
    return "\n".join(lines)


def main() -> None:
    show("placement", table(sizes([1_250, 2_500, 5_000, 10_000])))


if __name__ == "__main__":
    main()
