"""Repairs: how long, by how many hands, and with how many spares.

What is broken waits for a free crew, in order of arrival. With a spare on the shelf the place is filled after the
swap, and what was broken comes back to the shelf after its repair.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.units import Millis


class Due(Struct, frozen=True):
    """Something that ends at `at` ms (None: nobody knows when): a repair, an isolation, the time a node is down for."""

    what: str
    kind: Literal["repair", "isolation", "return"]
    at: int | None


class RepairShop:
    """Who repairs NPUs and machines. `crews` None: as many as needed. Each repair time has a stream of its own.

    Attributes:
        due: when the place of what is broken will be filled again, ms; None: it waits for a crew or a spare.
    """

    def __init__(
        self, clock: Clock, streams: Streams, *, crews: int | None = None, spares: int = 0, swap: Millis = 0
    ) -> None:
        self._clock = clock
        self._streams = streams
        self._free = crews
        self._under_repair = 0
        self._pooled = spares > 0
        self._spares = spares
        self._swap = swap
        self.due: dict[str, Millis | None] = {}
        self._queue: deque[tuple[str, Millis, Callable[[], None]]] = deque()
        self._without_spare: deque[tuple[str, Callable[[], None]]] = deque()

    @property
    def idle(self) -> bool:
        """Whether nothing is being repaired, swapped or waits for it, and no spare is missing on the shelf."""
        return not self.due and not self._under_repair

    def repair(self, name: str, broke: Millis, length: Distribution, done: Callable[[], None]) -> None:
        """Have `name` repaired; `done()` when its place is filled again, by a spare or by itself.

        `broke` is when its fault began: how long the repair takes is the fault's own, whatever was repaired before.
        """
        time = length.sample(self._streams.named(f"repair/{name}/{broke}"))

        def filled() -> None:
            self.due.pop(name, None)
            done()

        back = self._restock if self._pooled else filled
        if self._pooled or time is not None:
            self.due[name] = None
        if self._spares:
            self._spares -= 1
            self._put_in(name, filled)
        elif self._pooled:
            self._without_spare.append((name, filled))
        if time is None:
            return
        self._under_repair += 1
        self._queue.append(("" if self._pooled else name, time, back))
        self._begin()

    def _restock(self) -> None:
        """A repaired one goes on the shelf, or where one is missed longest."""
        if self._without_spare:
            self._put_in(*self._without_spare.popleft())
        else:
            self._spares += 1

    def _put_in(self, name: str, filled: Callable[[], None]) -> None:
        self.due[name] = self._clock.now + self._swap
        self._clock.after(self._swap, filled)

    def _begin(self) -> None:
        while self._queue and (self._free is None or self._free):
            name, time, back = self._queue.popleft()
            if name:
                self.due[name] = self._clock.now + time
            if self._free is not None:
                self._free -= 1
            self._clock.after(time, self._end, back)

    def _end(self, back: Callable[[], None]) -> None:
        self._under_repair -= 1
        if self._free is not None:
            self._free += 1
        back()
        self._begin()
