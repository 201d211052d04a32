"""What placing costs: `python tests/benchmarks/placement.py [--write] [--kubernetriks FILE] [INSTANCES ...]`. Run by hand.

The job Kubernetriks (a simulator of Kubernetes clusters in Rust) publishes as its own: 10,000 pods on 5,200 nodes
are created, run for an hour and end. Here each pod is an instance of one pod; the cluster has labels and taints, and
0.52 nodes for each pod. Printed are counts and the time, alone and as ratios, in the same process, to bare SimPy
loops of as many timeouts as the run has events and records; with --kubernetriks, the program that `cargo build --release`
makes of github.com/jellythefish/kubernetriks, also its time for as many pods of an hour on as many nodes of the same size.
With --write the table goes into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Literal, get_args

sys.path.insert(0, str(Path(__file__).parents[1]))

from building import kubeinfer, stage_timings
from common import Cost, show, spread

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


#: The job as Kubernetriks reads it, with its own intervals and delays; a node has room for four pods.
_CONFIG = """\
sim_name: benchmark
seed: 123
metrics_printer: {{format: !JSON, output_file: {folder}/metrics.json}}
trace_config:
  generic_trace: {{workload_trace_path: {folder}/pods.yaml, cluster_trace_path: {folder}/nodes.yaml}}
scheduling_cycle_interval: 10.0
enable_unscheduled_pods_conditional_move: false
as_to_ps_network_delay: 0.050
ps_to_sched_network_delay: 0.089
sched_to_as_network_delay: 0.023
as_to_node_network_delay: 0.152
as_to_ca_network_delay: 0.67
as_to_hpa_network_delay: 0.50
"""
_NODE = """\
- timestamp: 0
  event_type: !CreateNode
    node: {{metadata: {{name: node-{number}}}, status: {{capacity: {{cpu: 64000, ram: 274877906944}}}}}}
"""
_POD = """\
- timestamp: 10
  event_type: !CreatePod
    pod:
      metadata: {{name: pod-{number}}}
      spec:
        resources:
          requests: {{cpu: 16000, ram: 68719476736}}
          limits: {{cpu: 16000, ram: 68719476736}}
        running_duration: 3600.0
"""


def kubernetriks(program: str, pods: int) -> float:
    """Seconds of processor time that Kubernetriks takes for the job, with what it takes to read it."""
    with tempfile.TemporaryDirectory() as folder:
        written = {
            "config": _CONFIG.format(folder=folder),
            "nodes": "events:\n" + "".join(_NODE.format(number=each) for each in range(pods * 52 // 100)),
            "pods": "events:\n" + "".join(_POD.format(number=each) for each in range(pods)),
        }
        for name, text in written.items():
            (Path(folder) / f"{name}.yaml").write_text(text, encoding="utf-8")
        (Path(folder) / "experiments").mkdir()  # it writes gauges there
        before = _of_children()
        words = [str(Path(program).resolve()), "--config-file", "config.yaml"]
        quiet = {**os.environ, "RUST_LOG": "error"}
        subprocess.run(words, check=True, capture_output=True, cwd=folder, env=quiet)
        took = _of_children() - before
        ended = json.loads((Path(folder) / "metrics.json").read_text(encoding="utf-8"))["counters"]
        if ended["pods_succeeded"] != pods:
            sys.exit(f"Kubernetriks: {ended['pods_succeeded']} of {pods} pods succeeded")
        return took


def _of_children() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def table(counts: list[int], program: str | None) -> str:
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
    for pods in counts if program else ():
        times = [kubernetriks(str(program), pods) for _ in range(RUNS)]
        lines.append(
            f"| Kubernetriks | {pods:,} | {pods * 52 // 100:,} | | | | {spread(times, 2)} "
            f"| {1e6 * statistics.median(times) / pods:.0f} | | |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("instances", nargs="*", type=int, default=[1_250, 2_500, 5_000, 10_000])
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
    parser.add_argument("--json", metavar="FILE", help="write its rows there")
    parser.add_argument("--kubernetriks", metavar="FILE", help="its program, timed too")
    options = parser.parse_args()
    show("placement", table(options.instances, options.kubernetriks))


if __name__ == "__main__":
    main()
