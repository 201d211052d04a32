"""What a pod's life and a fault cost in function calls: `python tests/benchmarks/calls.py [--write]`. Run by hand.

With constant stages and with drawn ones; `simulation/test_cost_in_calls.py` asserts the counts. Printed are calls,
events and records, and the CPU time, also as a ratio to that with constant stages, both measured in turn in one process;
with --write the table goes into docs/benchmarks.md.
"""

from __future__ import annotations

import gc
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from common import show, spread
from measured import calls, drawn, rollout, rollout_of_deployment, year

from kubeinfer_sim.cluster.fault_records import FaultInjected
from kubeinfer_sim.cluster.records import PodCreated
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.simulate import simulate

RUNS = 5


def cpu_seconds(made: Scenario) -> float:
    gc.collect()
    begun = time.process_time()
    simulate(made, pods=False)
    return time.process_time() - begun


def main() -> None:
    lines = [
        "| what | stages | calls | events | records | CPU µs | CPU time by that with constant stages |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, made, unit in (
        ("a pod's life, rolled over, KubeInfer", rollout(200), PodCreated),
        ("a pod's life, rolled over, Deployment", rollout_of_deployment(800), PodCreated),
        ("a fault", year(60), FaultInjected),
    ):
        both = {"constant": made, "drawn": drawn(made)}
        times = [{stages: cpu_seconds(each) for stages, each in both.items()} for _ in range(RUNS)]
        for stages, each in both.items():
            number, run = calls(each)
            units = sum(1 for _ in run.history.of(unit))
            least = min(took[stages] for took in times) * 1e6 / units
            ratio = spread([took[stages] / took["constant"] for took in times], 2)
            lines.append(
                f"| {name} | {stages} | {number / units:,.0f} | {run.fired / units:.1f} "
                f"| {len(run.history) / units:.1f} | {least:,.0f} | {'' if stages == 'constant' else ratio} |"
            )
    show("calls", "\n".join(lines))


if __name__ == "__main__":
    main()
