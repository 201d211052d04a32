"""Random streams for what is random about a fault: named after it and its time.

So it does not matter which faults found something to strike before, and the same faults strike whatever the recovery
under test has left running.
"""

from __future__ import annotations

from collections import Counter

from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.streams import Stream, Streams


class FaultDraws:
    """Gives a stream for each draw; those of one instant and name are numbered."""

    def __init__(self, clock: Clock, streams: Streams) -> None:
        self._clock = clock
        self._streams = streams
        self._at = 0
        self._drawn: Counter[str] = Counter()

    def __call__(self, what: str) -> Stream:
        """The stream of what is drawn now for the first, second … time."""
        now = self._clock.now
        if self._at != now:
            self._at, self._drawn = now, Counter()
        self._drawn[what] += 1
        return self._streams.named(f"fault-at-random/{now}/{what}/{self._drawn[what]}")
