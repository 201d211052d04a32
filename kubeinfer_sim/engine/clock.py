"""Simulated time: integer milliseconds, cancellable timers, one documented order of ties.

A thin layer over SimPy's event queue. It hides what is easy to get wrong there: a SimPy timeout cannot be
cancelled, `run(until=t)` leaves out what is due at t, and float times make ties depend on how they were
summed. Here a time is an `int`, a cancelled timer leaves the queue (at once when it is on top, otherwise
when cancelled ones outnumber the live ones), and `run(until=t)` includes t.

Ties. Timers due at one instant fire by `phase`, then in the order in which they were set:

1. `Phase.WORLD`: what the machines do (containers start and stop, probes answer, nodes die);
2. `Phase.ACTION`: what a person or a script does (apply, scale, drain);
3. `Phase.CONTROLLER`: what controllers decide on the state as it then is;
4. `Phase.SCHEDULER`: what the scheduler places;
5. `Phase.OBSERVER`: what is concluded from the instant as a whole (is it stalled?).

A timer set for the current instant with an earlier phase than the one running fires next, so a controller
never acts on half of what happened at an instant.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import IntEnum
from heapq import heapify, heappop, heappush
from typing import Any

import simpy
from msgspec import Struct
from simpy.events import Event

from kubeinfer_sim.errors import SimulatorFault


class Phase(IntEnum):
    """Who acts first within one instant; SimPy itself uses 0 and 1."""

    WORLD = 1
    ACTION = 2
    CONTROLLER = 3
    SCHEDULER = 4
    OBSERVER = 5


class Timer(Struct, eq=False):
    """A callback waiting for its time. `cancel` it, or set another one; it fires at most once.

    No event of SimPy's, though it stands in the same queue: timers are made by the hundred thousand, and `Clock.run`
    alone fires them.

    Attributes:
        when: its time, in ms.
        pending: whether it is still going to fire.
    """

    _clock: Clock
    when: int
    _callback: Callable[..., object]
    _args: tuple[Any, ...]
    pending: bool = True

    def again(self, when: int) -> Timer:
        """Another timer like this one, at this time."""
        return self._clock.at(when, self._callback, *self._args)

    def cancel(self) -> None:
        """Take it back; nothing happens if it has fired or was cancelled before."""
        if self.pending:
            self.pending = False
            self._clock._forget_one()


class Clock:
    """The simulated clock.

    Attributes:
        env: the SimPy environment, for processes that read better as one (`env.process`).
        now: the current time in milliseconds.
        fired: how many timers have fired: the measure of what a simulation costs.
    """

    def __init__(self, start: int = 0) -> None:
        self.env = simpy.Environment(initial_time=start)
        self.now = start
        self._queue: list[tuple[int, int, int, Timer | Event]] = self.env._queue  # type: ignore[assignment]
        self._cancelled = 0
        self._interrupted = False
        self.fired = 0

    @property
    def waiting(self) -> int:
        """How many timers are still going to fire."""
        return len(self._queue) - self._cancelled

    def at(self, when: int, callback: Callable[..., object], *args: Any, phase: int = Phase.WORLD) -> Timer:
        """Call `callback(*args)` at `when` (milliseconds, not before now).

        Raises:
            SimulatorFault: `when` lies in the past.
        """
        if when < self.now:
            raise SimulatorFault(f"a timer was set for {when} ms at {self.now} ms")
        timer = Timer(self, when, callback, args)
        heappush(self._queue, (when, phase, next(self.env._eid), timer))
        return timer

    def after(
        self, delay: int, callback: Callable[..., object], *args: Any, phase: int = Phase.WORLD
    ) -> Timer:
        """Call `callback(*args)` in `delay` milliseconds."""
        if delay < 0:
            raise SimulatorFault(f"a timer was set for {self.now + delay} ms at {self.now} ms")
        # What `at` does, without the call.
        when = self.now + delay
        timer = Timer(self, when, callback, args)
        heappush(self._queue, (when, phase, next(self.env._eid), timer))
        return timer

    def run(
        self,
        until: int | None = None,
        *,
        pause: int | None = None,
        within: int = 0,
        most: int = sys.maxsize,
    ) -> bool:
        """Fire what is due, in order; up to and including `until`, where the clock then stands.

        With `pause`, it stops after so many timers of one instant, or `within` so many ms, for somebody to see whether
        time stands still; it also does when it is interrupted, and once `most` timers have fired in all.

        Returns:
            Whether it came to the end; False when it pauses.
        """
        queue, env, step = self._queue, self.env, self.env.step
        instant, last = self.now, sys.maxsize if pause is None else self.fired + pause
        while queue:
            when, _, _, event = queue[0]
            if type(event) is Timer and not event.pending:
                heappop(queue)
                self._cancelled -= 1
                continue
            if until is not None and when > until:
                break
            if when > instant + within:
                instant, last = when, last if pause is None else self.fired + pause
            elif self.fired >= last:
                return False
            if self.fired >= most:
                return False
            self.now = when
            if type(event) is Timer:
                heappop(queue)
                env._now = when
                event.pending = False
                self.fired += 1
                event._callback(*event._args)
            else:
                step()
            if self._interrupted:
                self._interrupted = False
                return False
        if until is not None and self.now < until:
            self.now = self.env._now = until
        return True

    def interrupt(self) -> None:
        """Have `run` pause once the timer that fires now is done, for somebody to see whether to go on."""
        self._interrupted = True

    def next_at(self) -> int | None:
        """When the next timer is due; None when nothing is waiting."""
        queue = self._queue
        while queue and type(event := queue[0][3]) is Timer and not event.pending:
            heappop(queue)
            self._cancelled -= 1
        return queue[0][0] if queue else None

    def _forget_one(self) -> None:
        """Count a cancelled timer; clear them out once they outnumber the live ones."""
        self._cancelled += 1
        if self._cancelled > 64 and self._cancelled * 2 > len(self._queue):
            self._queue[:] = [
                entry for entry in self._queue if type(entry[3]) is not Timer or entry[3].pending
            ]
            heapify(self._queue)
            self._cancelled = 0
