"""A link that many transfers share: a registry, or the storage the weights come from.

Every transfer gets the same share of the bandwidth, but no more than one client can take (processor sharing).
So all of them advance at one rate, and one number, the bytes served to each since the beginning, tells how far
every transfer is: a transfer ends when that number has grown by its size. A start or an end costs O(log n), and
nothing happens in between. A start that is known beforehand is no event either: it is accounted for when the next
end is planned.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Callable
from heapq import heappop, heappush

from kubeinfer_sim.engine.clock import Clock, Timer

#: Bytes by which rounding of the served bytes may be off.
_SLACK = 1e-3


class Transfer:
    """One transfer, under way or about to begin.

    Attributes:
        until: the bytes served to each at which it has got its own; None before it begins.
        active: it has neither ended nor been cancelled.
    """

    __slots__ = ("_done", "active", "begun", "size", "until")

    def __init__(self, size: int, begun: int, done: Callable[[], None]) -> None:
        self.size = size
        self.begun = begun
        self.until: float | None = None
        self.active = True
        self._done = done

    def finish(self) -> None:
        """Tell whoever waits for it."""
        self.active = False
        self._done()


class SharedLink:
    """A link of `bandwidth` bytes/s, of which one transfer takes at most `per_client` bytes/s (None: no limit)."""

    def __init__(self, clock: Clock, bandwidth: float | None, per_client: float | None = None) -> None:
        if bandwidth is None and per_client is None:
            raise ValueError("a link needs a bandwidth, of its own or per client")
        self._clock = clock
        self._bandwidth = None if bandwidth is None else bandwidth / 1000
        self._per_client = None if per_client is None else per_client / 1000
        self._served = 0.0  # bytes each transfer got since the beginning
        self._updated = clock.now
        self._queue: list[tuple[float, int, Transfer]] = []
        self._arrivals: list[tuple[int, int, Transfer]] = []  # those about to begin, in order
        self._count = 0
        self._number = 0
        self._timer: Timer | None = None
        self._factor = 1.0

    @property
    def active(self) -> int:
        """How many transfers are under way."""
        self._serve()
        return self._count

    def start(self, size: int, done: Callable[[], None], *, at: int | None = None) -> Transfer:
        """Begin a transfer of `size` bytes, now or `at` a time to come; `done()` is called when it has ended."""
        self._serve()
        self._number += 1
        transfer = Transfer(size, self._clock.now if at is None else at, done)
        if transfer.begun > self._clock.now:
            insort(self._arrivals, (transfer.begun, self._number, transfer))
        else:
            self._begin(transfer, self._number)
        self._plan()
        return transfer

    def cancel(self, transfer: Transfer) -> None:
        """Give a transfer up; the others get its share. Nothing happens if it has ended."""
        if transfer.active:
            self._serve()
            transfer.active = False
            if transfer.until is None:
                self._arrivals = [each for each in self._arrivals if each[2].active]
            else:
                self._count -= 1
            self._plan()

    def throttle(self, factor: float) -> None:
        """From now on everything goes at this part of the speed: 1 as it should, 0 not at all."""
        self._serve()
        self._factor = factor
        self._plan()

    def _begin(self, transfer: Transfer, number: int) -> None:
        transfer.until = self._served + transfer.size
        heappush(self._queue, (transfer.until, number, transfer))
        self._count += 1

    def _rate(self, count: int) -> float:
        """Bytes per millisecond that each of so many transfers gets."""
        if self._bandwidth is None:
            assert self._per_client is not None
            return self._per_client * self._factor
        share = self._bandwidth * self._factor / count
        return share if self._per_client is None else min(share, self._per_client * self._factor)

    def _serve(self) -> None:
        """Account for the time since the last change."""
        now = self._clock.now
        while self._arrivals and self._arrivals[0][0] <= now:
            at, number, transfer = self._arrivals.pop(0)
            self._advance(at)
            self._begin(transfer, number)
        self._advance(now)

    def _advance(self, to: int) -> None:
        if self._count:
            self._served += self._rate(self._count) * (to - self._updated)
        self._updated = to

    def _plan(self) -> None:
        """Wake up when the transfer that is nearest to its end is there (rounded up to the millisecond)."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        queue = self._queue
        while queue and not queue[0][2].active:
            heappop(queue)
        if not self._factor:
            return
        at, served, count = self._updated, self._served, self._count
        first = queue[0][0] if queue else math.inf
        for begins, _, transfer in self._arrivals:
            if count:
                rate = self._rate(count)
                if at + (first - served - _SLACK) / rate <= begins:
                    break
                served += rate * (begins - at)
            at, count, first = begins, count + 1, min(first, served + transfer.size)
        if count:
            wait = -(-(first - served - _SLACK) // self._rate(count))
            self._timer = self._clock.at(max(self._clock.now, at + int(wait)), self._end)

    def _end(self) -> None:
        """Transfers whose bytes have all been served are done, in the order in which they would end."""
        self._timer = None
        self._serve()
        done = []
        while self._queue and (not self._queue[0][2].active or self._queue[0][0] <= self._served + _SLACK):
            transfer = heappop(self._queue)[2]
            if transfer.active:
                self._count -= 1
                done.append(transfer)
        self._plan()
        for transfer in done:
            transfer.finish()
