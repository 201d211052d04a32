"""What a year of faults costs: `python tests/benchmarks/faults.py [--write] [INSTANCES ...]`. Run by hand.

Instances of four pods with the guide's three probes run for a year on 4.4 nodes each; on every node faults come at
the rate of the profile `meta-rsc1`, of the kinds of Llama 3's training run, and are recovered from. Printed are
counts, and the time as ratios to the reference (`common.py`); with --write the table goes into docs/benchmarks.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from building import kubeinfer, scenario
from common import Cost, show, sizes
from rollout import PROBES, ROLES

from kubeinfer_sim.cluster.fault_records import FaultInjected
from kubeinfer_sim.cluster.records import PodCreated
from kubeinfer_sim.scenario.faults.model import FaultPlan, FaultProcess
from kubeinfer_sim.scenario.faults.profiles import LLAMA3_MIX, PROFILES
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.timings.distributions import Exponential

RUNS = 3
YEAR = 365 * 86_400_000


def year(instances: int) -> Scenario:
    labels = {"modelarts-infer-npu-reset-enable": "true"}
    spec = kubeinfer(instances, roles=ROLES, labels=labels, **PROBES)
    process = FaultProcess("meta-rsc1", "node", Exponential(PROFILES["meta-rsc1"].mean), LLAMA3_MIX)
    return scenario(spec, instances * 44 // 10, 900, 30, faults=FaultPlan((process,)), horizon=YEAR)


def main() -> None:
    lines = [
        "| instances | nodes | faults | pods rebuilt | events | events/fault | records | median s | ratio (events) "
        "| ratio (records) |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for instances in sizes([10, 100, 1000]):
        made = year(instances)
        cost = Cost.of(made, min(4 * instances, 4000), RUNS)
        run = cost.run
        faults = sum(1 for _ in run.history.of(FaultInjected))
        rebuilt = sum(1 for _ in run.history.of(PodCreated)) - 4 * instances
        lines.append(
            f"| {instances:,} | {len(made.nodes):,} | {faults:,} | {rebuilt:,} | {run.fired:,} "
            f"| {run.fired / faults:.1f} | {len(run.history):,} | {cost.cells()} |"
        )
    show("faults", "\n".join(lines))


if __name__ == "__main__":
    main()
