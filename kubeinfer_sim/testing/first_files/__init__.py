"""The first files of somebody who has manifests and wants them tested: a commented scenario, a property, pipelines.

first = first_scenario(Asked("deploy/chat.yaml", cluster="5x8"), "kubeinfer-sim/chat.scenario.yaml")
"""

from kubeinfer_sim.testing.first_files.asked import Asked
from kubeinfer_sim.testing.first_files.pipelines import PIPELINES, FirstFile, pipeline_files
from kubeinfer_sim.testing.first_files.property_test import property_test
from kubeinfer_sim.testing.first_files.scenario import FirstScenario, first_scenario

__all__ = [
    "PIPELINES",
    "Asked",
    "FirstFile",
    "FirstScenario",
    "first_scenario",
    "pipeline_files",
    "property_test",
]
