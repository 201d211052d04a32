"""How many runs to make: two stages for a precision, or one after the other until it is decided.

Looking at an interval again and again and stopping when it is narrow covers 25 to 62 % on data like downtimes. So there
is one look: at a pilot, which tells how many runs to make, and these are made (Stein, Annals of Mathematical Statistics
16, 1945). What may be looked at after every run is `proportions.decided`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, fsum, inf

from kubeinfer_sim.experiment.statistics.estimate import CONFIDENCE
from kubeinfer_sim.experiment.statistics.means import ENOUGH, alike, bounds, telling

#: The least number of runs from which the number is taken.
PILOT = 50


def runs_for(pilot: Sequence[float], precision: float, confidence: float = CONFIDENCE) -> float:
    """How many values the mean takes to be known to ± `precision` of itself, by a pilot; never fewer than it has.

    Where too few of the pilot have anything in them, at least so many that there will be enough of these; infinite
    where all are 0, of which nothing can be told.

    Raises:
        ValueError: the pilot has no values.
    """
    if not pilot:
        raise ValueError("a pilot needs runs")
    count = len(pilot)
    mean = fsum(pilot) / count
    if not any(pilot):
        return inf
    if alike(pilot) or not mean:
        return count
    low, high = bounds(pilot, confidence)
    wanted = precision * abs(mean)
    half = max(high - mean, mean - low)
    enough = ceil(count * ENOUGH / telling(pilot))
    return max(count, enough, ceil(count * (half / wanted) ** 2))
