"""What is random in a scenario: lengths of time, drawn from named streams (`distributions.py` has the kinds)."""

from __future__ import annotations

from typing import Protocol

from kubeinfer_sim.scenario.units import Millis


class RandomSource(Protocol):
    """What a distribution draws from: one named stream of the engine."""

    def random(self) -> float:
        """The next number in [0, 1)."""
        ...


class Distribution(Protocol):
    """How long something takes."""

    def sample(self, source: RandomSource) -> Millis | None:
        """One duration in milliseconds, never negative; None when it never ends."""
        ...

    def describe(self) -> str:
        """The distribution in a few words, as reports print it: `constant 1m30s`, `triangular 20s/45s/1m`."""
        ...
