"""The worst of several effects that overlap: they do not add up, and the end of one leaves the others."""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Worst(Generic[K]):
    """Keeps the key with the lowest value; of equal ones the first that came.

    A change costs O(log n) on average, however many last: an end is noted, and what is over leaves the heap when it
    comes to its top, or when more than half of the heap is over.
    """

    __slots__ = ("_came", "_heap", "_lasts")

    def __init__(self) -> None:
        self._lasts: dict[K, int] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._came = 0

    def add(self, key: K, value: float) -> None:
        """It lasts from now on; a key that is there already comes anew, with this value."""
        self._came += 1
        self._lasts[key] = self._came
        heappush(self._heap, (value, self._came, key))

    def discard(self, key: K) -> None:
        """It is over; nothing happens if it is not there."""
        if self._lasts.pop(key, None) is not None and len(self._heap) > 2 * len(self._lasts) + 16:
            self._heap = [entry for entry in self._heap if self._lasts.get(entry[2]) == entry[1]]
            heapify(self._heap)

    @property
    def key(self) -> K | None:
        """The worst; None when nothing lasts."""
        self._clean()
        return self._heap[0][2] if self._heap else None

    def value(self, default: float) -> float:
        """The value of the worst, or `default` when nothing lasts."""
        self._clean()
        return self._heap[0][0] if self._heap else default

    def _clean(self) -> None:
        heap, lasts = self._heap, self._lasts
        while heap and lasts.get(heap[0][2]) != heap[0][1]:
            heappop(heap)
