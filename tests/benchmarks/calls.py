"""What a pod's life and a fault cost in function calls: `python tests/benchmarks/calls.py [--write]`. Run by hand.

With constant stages and with drawn ones; `simulation/test_cost_in_calls.py` asserts the counts. Printed are calls,
events and records, and the CPU time, also as a ratio to that with constant stages, both measured in turn in one process;
with --write the table goes into docs/benchmarks.md.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from common import of_both_kinds, show, spread
from measured import calls, calls_of_many, rollout, rollout_of_deployment, year

from kubeinfer_sim import load_scenario, replicate
from kubeinfer_sim.cluster.fault_records import FaultInjected
from kubeinfer_sim.cluster.records import PodCreated
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.simulate import simulate

RUNS = 5
#: So many runs of one scenario are played together.
MANY = 50
UPDATE = Path(__file__).parents[2] / "scenarios" / "rolling-update-2p1d.yaml"
RANGE = {("spec", "timings", "profile"): "range"}


def cpu_seconds(made: Scenario) -> float:
    gc.collect()
    begun = time.process_time()
    simulate(made, pods=False)
    return time.process_time() - begun


def cpu_seconds_of_many(made: Scenario) -> float:
    gc.collect()
    begun = time.process_time()
    replicate(made, MANY)
    return (time.process_time() - begun) / MANY


def rows_of_many() -> Iterator[str]:
    """What a run costs that is one of many, figures included, and beside its events."""
    update = load_scenario(str(UPDATE))
    both = {"constant": update, "drawn": load_scenario(str(UPDATE), changes=RANGE)}
    times = [{stages: cpu_seconds_of_many(each) for stages, each in both.items()} for _ in range(RUNS)]
    for stages, each in both.items():
        run = simulate(each, pods=False)
        least = min(took[stages] for took in times) * 1e6
        ratio = spread([took[stages] / took["constant"] for took in times], 2)
        yield (
            f"| a run of many, 2P1D | {stages} | {calls_of_many(each, MANY):,.0f} | {run.fired} | {len(run.history)} "
            f"| {least:,.0f} | {'' if stages == 'constant' else ratio} |"
        )


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
        both = of_both_kinds(made)
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
    lines += rows_of_many()
    show("calls", "\n".join(lines))


if __name__ == "__main__":
    main()
