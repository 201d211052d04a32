"""Fault processes: faults that come again and again, from one stream per object and process.

So the faults of an object depend on nothing but the seed, the process and the object's name: neither on the recovery
under test nor on other objects. One timer waits per process, however many objects it strikes; a heap has the next
fault of each, so that a fault costs O(log n) and a year without one nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush

from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.streams import Stream, Streams
from kubeinfer_sim.scenario.faults.model import FaultProcess, MixPart

#: Strikes an object: its place among the objects, what it is, the object's stream for further draws.
Strike = Callable[[int, FaultProcess, MixPart, Stream], None]


class RunningProcess:
    """One process under way.

    Attributes:
        process: as the scenario has it.
        objects: the names of what it strikes, in their order.
    """

    def __init__(
        self, clock: Clock, streams: Streams, process: FaultProcess, objects: Sequence[str], strike: Strike
    ) -> None:
        self._clock = clock
        self.process = process
        self.objects = tuple(objects)
        self._strike = strike
        self._sources = [streams.named(f"faults/{process.name}/{name}") for name in objects]
        self._total = sum(part.weight for part in process.mix)
        self._heap: list[tuple[int, int]] = []
        for index in range(len(objects)):
            self._plan(index, clock.now, first=True)
        heapify(self._heap)
        self._wait()

    def _plan(self, index: int, since: int, *, first: bool = False) -> None:
        length = self.process.every.sample(self._sources[index])
        if length is None:
            return
        # A fault takes a moment: at most one per millisecond and object.
        entry = (since + max(1, length), index)
        if first:
            self._heap.append(entry)
        else:
            heappush(self._heap, entry)

    def _wait(self) -> None:
        if self._heap:
            self._clock.at(self._heap[0][0], self._fire)

    def _fire(self) -> None:
        now = self._clock.now
        while self._heap and self._heap[0][0] == now:
            _, index = heappop(self._heap)
            source = self._sources[index]
            self._plan(index, now)
            self.strike(index, source)
        self._wait()

    def strike(self, index: int, source: Stream) -> None:
        """One of its faults strikes the object at this place now; the stream says which of the mix, and its draws."""
        self._strike(index, self.process, self._choose(source), source)

    def _choose(self, source: Stream) -> MixPart:
        mix = self.process.mix
        left = source.random() * self._total if len(mix) > 1 else 0.0
        for part in mix:
            left -= part.weight
            if left < 0:
                return part
        return mix[-1]
