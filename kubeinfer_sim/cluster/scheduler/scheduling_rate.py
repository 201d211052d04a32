"""How fast a scheduler binds pods, where that is slow enough to matter: MindCluster's own table.

Pods that come while others are still being bound wait behind them. Source: the table of the MindCluster
documentation (Volcano with Ascend's plugins): 100 pods 14 s, 500 57 s, 1,000 114 s, 5,000 400 s. Between its points
times are interpolated, beyond the last one the last slope goes on.
"""

from __future__ import annotations

from bisect import bisect_left

#: Pods submitted at once → ms until all of them are bound.
MINDCLUSTER = ((0, 0), (100, 14_000), (500, 57_000), (1_000, 114_000), (5_000, 400_000))


class SchedulingRate:
    """A busy period of the scheduler: the n-th pod since it began is bound after the time the table has for n."""

    __slots__ = ("_begun", "_bound_at", "_pods", "_table")

    def __init__(self, table: tuple[tuple[int, int], ...] = MINDCLUSTER) -> None:
        self._table = table
        self._begun = 0
        self._pods = 0
        self._bound_at = -1

    def bind(self, pods: int, now: int) -> int:
        """The time in ms at which so many pods, placed now, are all bound."""
        if now > self._bound_at:
            self._begun, self._pods = now, 0
        self._pods += pods
        self._bound_at = self._begun + self.time_for(self._pods)
        return self._bound_at

    def time_for(self, pods: int) -> int:
        """How long it takes to bind so many pods that come at once, in ms."""
        table = self._table
        place = min(max(bisect_left(table, (pods, 0)), 1), len(table) - 1)
        (few, short), (many, long) = table[place - 1], table[place]
        return short + (long - short) * (pods - few) // (many - few)
