"""Hypothesis strategies that make what users write: manifests, clusters, time lines, whole scenarios, and neighbours.

@given(near(WrittenScenario.read("scenarios/rolling-update-2p1d.yaml")))
def test_it_holds_near_it(scenario): checked(scenario.load())
"""

from kubeinfer_sim.testing.strategies.differences import differences
from kubeinfer_sim.testing.strategies.edits import EDITS
from kubeinfer_sim.testing.strategies.near import near
from kubeinfer_sim.testing.strategies.scenarios import scenarios
from kubeinfer_sim.testing.strategies.written import WrittenManifest, WrittenScenario

__all__ = ["EDITS", "WrittenManifest", "WrittenScenario", "differences", "near", "scenarios"]
