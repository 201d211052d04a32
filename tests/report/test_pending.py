"""A gang without a place is explained node by node, in the report and in the result."""

from __future__ import annotations

import json

from building import NPU, kubeinfer, scenario
from msgspec.structs import replace

from kubeinfer_sim.report.result import build_result, to_json
from kubeinfer_sim.report.terminal import render
from kubeinfer_sim.report.verdict import Assessment, assess
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.simulate import simulate


def small_and_tainted() -> Scenario:
    tainted = {"taints": (Taint("dedicated"),)}
    nodes = (
        *(NodeSpec(f"small-{i}", "small", {NPU: 4}) for i in range(5)),
        *(NodeSpec(f"held-{i}", "held", {NPU: 8}, **tainted) for i in range(2)),  # type: ignore[arg-type]
    )
    return replace(scenario(kubeinfer(), 1), nodes=nodes, initial="empty")


def assessed(made: Scenario) -> Assessment:
    return assess(simulate(made))


def test_the_result_names_every_node_under_its_reasons() -> None:
    (instance,) = json.loads(to_json(build_result(assessed(small_and_tainted()))))["instances"]
    assert instance["pendingMessage"] == (
        f"0/7 nodes are available: 2 node(s) had untolerated taint(s), 5 Insufficient {NPU}."
    )
    assert instance["pendingNodes"] == [
        {"reasons": [f"Insufficient {NPU}"], "nodes": [f"small-{i}" for i in range(5)]},
        {"reasons": ["node(s) had untolerated taint(s)"], "nodes": ["held-0", "held-1"]},
    ]


def test_the_report_shows_which_nodes_have_which_reason() -> None:
    text = render(assessed(small_and_tainted()), width=120)
    assert f"small-0, small-1, small-2 and 2 more nodes: Insufficient {NPU}" in text
    assert "held-0, held-1: node(s) had untolerated taint(s)" in text


def test_the_wording_is_that_of_the_scenarios_kubernetes() -> None:
    made = replace(small_and_tainted(), kubernetes_version="1.29")
    text = render(assessed(made), width=200)
    assert "2 node(s) had untolerated taint {dedicated: }" in text
