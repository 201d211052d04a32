"""A cluster written as pools, from the file to the end of a run."""

from __future__ import annotations

from pathlib import Path

from kubeinfer_sim import assess, load_scenario, simulate

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def test_pools_that_name_npus_alone_are_simulated() -> None:
    scenario = load_scenario(str(SCENARIOS / "switch-fault-storm.yaml"))
    assert {node.pool for node in scenario.nodes} == {"rack-a", "rack-b"}
    assert all({"cpu", "memory"} <= node.unlimited for node in scenario.nodes)
    assert len({hash(node.unlimited) for node in scenario.nodes}) == 1
    assert assess(simulate(scenario)).verdict.sentence.startswith("All 8 instances are ready in the end")
