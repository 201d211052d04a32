"""Hypothesis strategies that make scenarios as users write them."""

from kubeinfer_sim.testing.strategies.scenarios import scenarios
from kubeinfer_sim.testing.strategies.written import WrittenScenario

__all__ = ["WrittenScenario", "scenarios"]
