"""What pytest collects with the plugin: scenario files and manifests, an item for each thing that must hold."""

from kubeinfer_sim.testing.collected.item import Check, NotHeld
from kubeinfer_sim.testing.collected.manifests import ManifestFile
from kubeinfer_sim.testing.collected.scenarios import ScenarioFile

__all__ = ["Check", "ManifestFile", "NotHeld", "ScenarioFile"]
