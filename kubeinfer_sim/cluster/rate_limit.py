"""The token bucket Kubernetes components limit themselves with, exact to the nanosecond.

client-go's flowcontrol.NewTokenBucketRateLimiter (util/flowcontrol/throttle.go) takes the rate as a 32-bit
float and hands it to golang.org/x/time/rate. Both show: 0.01/s is a hair less than that in 32 bits, so that
a loop of 100 ms steps gets a token every 100.1 s, while 0.1/s gives exactly 10 s.
"""

from __future__ import annotations

import math
import struct


class TokenBucket:
    """Takes one token per accepted request; starts full. Times are milliseconds.

    Attributes:
        qps: the rate as asked for, tokens per second.
        burst: how many tokens the bucket holds.
    """

    __slots__ = ("_last", "_limit", "_tokens", "burst", "qps")

    def __init__(self, qps: float, burst: int, now: int = 0) -> None:
        self.qps = qps
        self.burst = burst
        self._limit: float = struct.unpack("f", struct.pack("f", qps))[0]
        self._tokens = float(burst)
        self._last = now

    def _after_taking(self, now: int) -> float:
        """Tokens left (negative: missing) if one were taken now."""
        return min(self._tokens + (now - self._last) / 1000 * self._limit, self.burst) - 1

    def would_accept(self, now: int) -> bool:
        """Whether there is a token at `now`; less than a nanosecond short counts as one."""
        left = self._after_taking(now)
        return self.burst >= 1 and (left >= 0 or int(-left / self._limit * 1e9) <= 0)

    def try_accept(self, now: int) -> bool:
        """Take a token if there is one."""
        if not self.would_accept(now):
            return False
        self._tokens, self._last = self._after_taking(now), now
        return True

    def next_accept(self, now: int, step: int, phase: int = 0) -> int:
        """The first of the times `phase` + k x `step`, not before `now`, at which there is a token.

        Only for buckets that ever hold one (`burst` at least 1).
        """
        missing = -self._after_taking(now)
        earliest = now if missing <= 0 else now + math.floor(missing / self._limit * 1000)
        when = earliest + (phase - earliest) % step
        while not self.would_accept(when):
            when += step
        return when
