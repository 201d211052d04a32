"""When the Deployment controller looks again by itself: delayed and rate-limited entries of its work queue.

Source: client-go util/workqueue (delaying_queue.go, default_rate_limiters.go), golang.org/x/time/rate. An
item waits at most once: an earlier time replaces a later one, a later time changes nothing. Retries come
after 5 ms, 10 ms, 20 ms ... of one item, and after a burst of 100 no more than 10 per second in all.
"""

from __future__ import annotations

from collections.abc import Callable

from kubeinfer_sim.engine.clock import Clock, Phase, Timer

_BASE = 5  # ms
_LONGEST = 1_000_000  # ms
_TOKEN = 100  # ms until a token is back: 10 per second
_BURST = 100 * _TOKEN


class Requeue:
    """The waiting entry of one item. `wake` is called when its time has come."""

    def __init__(self, clock: Clock, wake: Callable[[], None]) -> None:
        self._clock = clock
        self._wake = wake
        self._timer: Timer | None = None
        self._failures = 0
        # The bucket's tokens, counted in the ms each takes to come back.
        self._level = _BURST
        self._filled_at = clock.now

    def after(self, delay: int) -> None:
        """Look again in `delay` ms, or when it was going to anyway if that is sooner.

        What happens by itself at that instant is seen first, as the real queue wakes up some microseconds later.
        """
        when = self._clock.now + delay
        if self._timer is not None and self._timer.pending:
            if self._timer.when <= when:
                return
            self._timer.cancel()
        self._timer = self._clock.at(when, self._wake, phase=Phase.OBSERVER)

    def rate_limited(self) -> None:
        """Look again as soon as the rate limit lets it."""
        now = self._clock.now
        self._level = min(_BURST, self._level + now - self._filled_at) - _TOKEN
        self._filled_at = now
        back_off = min(_BASE << min(self._failures, 20), _LONGEST)
        self._failures += 1
        self.after(max(back_off, -self._level))

    def forget(self) -> None:
        """The item went well: its next retry comes after 5 ms again."""
        self._failures = 0
