"""A scenario that somebody plays step by step: a session to drive, and a state machine that has Hypothesis drive it."""

from kubeinfer_sim.testing.stateful.machine import ScenarioMachine
from kubeinfer_sim.testing.stateful.session import Look, Session

__all__ = ["Look", "ScenarioMachine", "Session"]
