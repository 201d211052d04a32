"""Node failures against Kubernetes' tables and against traces recorded from its controllers.

Both the tick-by-tick reference and the modules the simulator uses reproduce every trace, to the millisecond.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from cluster.node_lifecycle.reference import Reference
from cluster.node_lifecycle.simulated import Simulated
from cluster.node_lifecycle.traces import comparable, expected, tolerations
from conftest import load_table

from kubeinfer_sim.cluster.admission import with_default_tolerations
from kubeinfer_sim.cluster.nodes.taint_eviction import min_toleration_seconds
from kubeinfer_sim.cluster.nodes.zone_state import EvictionRates
from kubeinfer_sim.manifest.model import Toleration


@cache
def named_tolerations(folder: str) -> dict[str, tuple[Toleration, ...]]:
    """The tolerations the pods of the recorded traces refer to by name."""
    table = load_table(folder, "golden_node_lifecycle")
    assert table is not None
    return {name: tolerations(rows) for name, rows in table["format"]["tolerations"].items()}


@pytest.fixture
def pod_tolerations(request: pytest.FixtureRequest) -> dict[str, tuple[Toleration, ...]]:
    return named_tolerations(request.config.getoption("--vectors"))


@pytest.mark.vectors("golden_node_lifecycle")
def test_the_controllers_reproduce_the_recorded_trace(
    case: dict[str, Any], pod_tolerations: dict[str, tuple[Toleration, ...]]
) -> None:
    assert comparable(case, Simulated(case, pod_tolerations).run()) == expected(case)


@pytest.mark.sweep
@pytest.mark.vectors("golden_node_lifecycle")
def test_the_reference_reproduces_the_recorded_trace(
    case: dict[str, Any], pod_tolerations: dict[str, tuple[Toleration, ...]]
) -> None:
    assert comparable(case, Reference(case, pod_tolerations).run()) == expected(case)


@pytest.mark.vectors("k8s_node_zone_state")
def test_the_state_and_rate_of_a_zone(case: dict[str, Any]) -> None:
    rates = EvictionRates()
    state = rates.state(case["ready"], case["not_ready"])
    assert state == case["expected_state"]
    assert rates.rate(state, case["ready"] + case["not_ready"]) == case["taint_rate_nodes_per_s"]


@pytest.mark.vectors("k8s_taint_eviction_min_toleration")
def test_the_shortest_toleration_decides(case: dict[str, Any]) -> None:
    seconds = min_toleration_seconds(case["toleration_seconds"])
    assert (-1 if seconds is None else seconds) == case["expected_seconds"]


@pytest.mark.vectors("k8s_default_toleration_seconds")
def test_admission_grants_300_seconds(case: dict[str, Any]) -> None:
    granted = with_default_tolerations(tolerations(case["tolerations"]))
    assert granted == tolerations(case["expected_tolerations"])
