"""Hypothesis strategies that make what users write: manifests, clusters, time lines, whole scenarios, and neighbours.

@given(near(WrittenScenario.read("scenarios/rolling-update-2p1d.yaml")))
def test_it_holds_near_it(scenario): checked(scenario.load())
"""

from kubeinfer_sim.testing.strategies.differences import differences
from kubeinfer_sim.testing.strategies.edits import EDITS
from kubeinfer_sim.testing.strategies.invalid import RULES, InvalidManifest, invalid_manifests
from kubeinfer_sim.testing.strategies.near import near
from kubeinfer_sim.testing.strategies.parts import (
    actions,
    clusters,
    fault_plans,
    int_or_percent,
    pod_templates,
    probes,
    quantities,
    roles,
    timings,
)
from kubeinfer_sim.testing.strategies.scenarios import manifests, scenarios
from kubeinfer_sim.testing.strategies.written import WrittenManifest, WrittenScenario

__all__ = [
    "EDITS",
    "RULES",
    "InvalidManifest",
    "WrittenManifest",
    "WrittenScenario",
    "actions",
    "clusters",
    "differences",
    "fault_plans",
    "int_or_percent",
    "invalid_manifests",
    "manifests",
    "near",
    "pod_templates",
    "probes",
    "quantities",
    "roles",
    "scenarios",
    "timings",
]
