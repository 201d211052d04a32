"""What a rollout costs: `python tests/benchmarks/rollout.py [--write] [INSTANCES ...]`. Run by hand, asserted nowhere.

Instances of four pods with the guide's three probes are rolled over at 20 %/20 % on 4.4 nodes each. Printed are
counts, and the time as ratios to the reference (`common.py`); with --write the table goes into docs/benchmarks.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from building import kubeinfer, nodes, seconds, stage_timings
from common import Cost, show, sizes

from kubeinfer_sim.manifest.model import Probe
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.timings.model import Timings

RUNS = 5
ROLES = {"prefill": 3, "decode": 1}
PROBES = {
    "startup": Probe(period_seconds=10, timeout_seconds=10, failure_threshold=720),
    "liveness": Probe(period_seconds=5, timeout_seconds=10, failure_threshold=6),
    "readiness": Probe(period_seconds=5, timeout_seconds=10, failure_threshold=3, success_threshold=3),
}


def rollout(instances: int) -> Scenario:
    old = kubeinfer(instances, "20%", "20%", "old", ROLES, **PROBES)
    new = kubeinfer(instances, "20%", "20%", "new", ROLES, **PROBES)
    stages = stage_timings(
        600, 60, bind=seconds(3), image_cold=seconds(290), create=seconds(3), rank_table=seconds(5)
    )
    return Scenario(
        "benchmark", (old,), nodes(instances * 44 // 10), Timings(stages), actions=(Apply(0, new),)
    )


def main() -> None:
    lines = [
        "| instances | pods | nodes | events | events/pod | records | median s | ratio (events) | ratio (records) |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for instances in sizes([10, 100, 1000, 2000]):
        scenario = rollout(instances)
        cost = Cost.of(scenario, min(4 * instances, 4000), RUNS)
        pods, run = 8 * instances, cost.run
        lines.append(
            f"| {instances:,} | {pods:,} | {len(scenario.nodes):,} | {run.fired:,} | {run.fired / pods:.1f} "
            f"| {len(run.history):,} | {cost.cells()} |"
        )
    show("rollout", "\n".join(lines))


if __name__ == "__main__":
    main()
