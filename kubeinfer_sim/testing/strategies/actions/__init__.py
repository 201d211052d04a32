"""What people do on the time line: a function, or a line, for each action there is.

A function gets what there is then (`Then`) and gives what stands under the action's name, or None when there is
nothing it could mean. `tests/testing/test_strategies.py` fails for an action of the schema without one. Scenarios at
random are drawn from the actions in the order in which they are imported here.
"""

from kubeinfer_sim.testing.strategies.actions import workloads  # isort: skip
from kubeinfer_sim.testing.strategies.actions import objects  # isort: skip
from kubeinfer_sim.testing.strategies.actions import pods  # isort: skip
from kubeinfer_sim.testing.strategies.actions import nodes  # isort: skip
from kubeinfer_sim.testing.strategies.actions import faults  # isort: skip
from kubeinfer_sim.testing.strategies.actions.registry import ACTIONS, ALL, draw_action
from kubeinfer_sim.testing.strategies.actions.then import Then

__all__ = ["ACTIONS", "ALL", "Then", "draw_action", "faults", "nodes", "objects", "pods", "workloads"]
