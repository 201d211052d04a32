"""What would give a gang its places: the fewest steps of which all are needed, three of them at most."""

from __future__ import annotations

import pytest
from building import kubeinfer, nodes, scenario
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import GangPending
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint
from kubeinfer_sim.simulation.simulate import simulate

LABELLED, OTHER = nodes(1, labels={"a": "b"})[0], nodes(1)[0]
#: By what would have it take a pod: a node that does not.
CLOSED: dict[str, NodeSpec] = {
    "uncordon": replace(LABELLED, unschedulable=True),
    "taint": replace(LABELLED, taints=(Taint("kept", "for others", "NoSchedule"),)),
    "label": OTHER,
}


def ways(closed: list[NodeSpec]) -> list[list[str]]:
    """What somebody could do for a gang that needs all of these nodes."""
    spec = kubeinfer(1, roles={"serve": len(closed)}, node_selector={"a": "b"})
    named = tuple(replace(node, name=f"node-{number}") for number, node in enumerate(closed))
    run = simulate(replace(scenario(spec, 1, initial="empty"), nodes=named))
    *_, last = run.history.of(GangPending)
    return [[step.what for step in way] for way in last.ways]


@pytest.mark.parametrize("steps", [["uncordon"], ["uncordon", "taint"], ["uncordon", "taint", "label"]])
def test_a_way_has_all_the_steps_that_it_takes_and_no_more(steps: list[str]) -> None:
    alone, *_ = ways([CLOSED[step] for step in steps])
    assert sorted(alone) == sorted(steps)
