"""Small edits of what somebody has written: the neighbourhood of a scenario or of a manifest.

Each edit is a function under `@edit(name)`, or `@edit(name, manifest=True)` where a manifest alone can be edited so. It
changes the draft in place, or returns False where there is nothing for it to change.
"""

from kubeinfer_sim.testing.strategies.edits import scenarios, workloads
from kubeinfer_sim.testing.strategies.edits.registry import EDITS, Draft

__all__ = ["EDITS", "Draft", "scenarios", "workloads"]
