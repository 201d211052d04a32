"""How often checks may flap in a run: each answer that differs is drawn, and some runs would draw for days."""

from __future__ import annotations

from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.scenario.timings.distribution import RandomSource
from kubeinfer_sim.scenario.units import format_duration

#: So many answers are drawn in a run: about a minute's work.
MOST_DRAWS = 5_000_000


class FlapLimit:
    """Counts the numbers that all probers of a run draw."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._drawn = 0

    def source(self, source: RandomSource) -> RandomSource:
        """The same source, counted."""
        return _Counted(self, source)

    def count(self) -> None:
        """One more.

        Raises:
            UsageError: they are too many.
        """
        self._drawn += 1
        if self._drawn > MOST_DRAWS:
            raise UsageError(
                f"checks have flapped {MOST_DRAWS:,} times by {format_duration(self._clock.now)}, and no more of it is "
                "simulated: let them flap less often or for less long, or end the run sooner (horizon, quietAfter)"
            )


class _Counted:
    __slots__ = ("_limit", "_source")

    def __init__(self, limit: FlapLimit, source: RandomSource) -> None:
        self._limit = limit
        self._source = source

    def random(self) -> float:
        self._limit.count()
        return self._source.random()
