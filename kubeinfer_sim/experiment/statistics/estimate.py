"""An estimate from some runs, and between which bounds the true number lies."""

from __future__ import annotations

from msgspec import Struct

CONFIDENCE = 0.95
TOO_FEW = "too few to say"


class Estimate(Struct, frozen=True):
    """A number estimated from runs.

    Attributes:
        mean: the estimate: a mean, a proportion, a percentile (infinite where it lies among runs that never finish).
        low, high: bounds of the interval that holds the true number with the confidence asked for; None where nothing
            can be said on that side.
        method: how the interval comes about; "" without one.
        reason: why there is none, or none on one side; "" where there is.
        differs: of differences: whether it can be told that the true one is not 0.
    """

    mean: float
    low: float | None = None
    high: float | None = None
    method: str = ""
    reason: str = ""
    differs: bool = False

    @property
    def half(self) -> float | None:
        """Half the width of the interval."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2
