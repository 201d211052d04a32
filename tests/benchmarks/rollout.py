"""What a rollout costs: `python tests/benchmarks/rollout.py [--write] [INSTANCES ...]`. Run by hand, asserted nowhere.

Instances of four pods with the guide's three probes are rolled over at 20 %/20 % on 4.4 nodes each, with constant stages
and with drawn ones. Printed are counts, and the time as ratios to the reference (`common.py`); with --write the table
goes into docs/benchmarks.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from common import Cost, of_both_kinds, show, sizes
from measured import rollout

RUNS = 5


def main() -> None:
    lines = [
        "| instances | stages | pods | nodes | events | events/pod | records | median s | ratio (events) "
        "| ratio (records) |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for instances in sizes([10, 100, 1000, 2000]):
        for stages, scenario in of_both_kinds(rollout(instances)).items():
            cost = Cost.of(scenario, RUNS)
            pods, run = 8 * instances, cost.run
            lines.append(
                f"| {instances:,} | {stages} | {pods:,} | {len(scenario.nodes):,} | {run.fired:,} | {run.fired / pods:.1f} "
                f"| {len(run.history):,} | {cost.cells()} |"
            )
    show("rollout", "\n".join(lines))


if __name__ == "__main__":
    main()
