"""What a year of faults costs: `python tests/benchmarks/faults.py [--write] [INSTANCES ...]`. Run by hand.

Instances of four pods with the guide's three probes run for a year on 4.4 nodes each; on every node faults come at
the rate of the profile `meta-rsc1`, of the kinds of Llama 3's training run, and are recovered from. Stages are constant,
then drawn. Printed are counts, and the time as ratios to the reference (`common.py`); with --write the table goes into docs/benchmarks.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from common import Cost, of_both_kinds, show, sizes
from measured import year

from kubeinfer_sim.cluster.fault_records import FaultInjected
from kubeinfer_sim.cluster.records import PodCreated

RUNS = 3


def main() -> None:
    lines = [
        "| instances | stages | nodes | faults | pods rebuilt | events | events/fault | records | median s | ratio (events) "
        "| ratio (records) |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for instances in sizes([10, 100, 1000]):
        for stages, made in of_both_kinds(year(instances)).items():
            cost = Cost.of(made, RUNS)
            run = cost.run
            faults = sum(1 for _ in run.history.of(FaultInjected))
            rebuilt = sum(1 for _ in run.history.of(PodCreated)) - 4 * instances
            lines.append(
                f"| {instances:,} | {stages} | {len(made.nodes):,} | {faults:,} | {rebuilt:,} | {run.fired:,} "
                f"| {run.fired / faults:.1f} | {len(run.history):,} | {cost.cells()} |"
            )
    show("faults", "\n".join(lines))


if __name__ == "__main__":
    main()
