"""Limits on processor time and memory of what runs in this process: what never ends is a finding, not a hang."""

from __future__ import annotations

import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType


class RunsTooLong(AssertionError):
    """It took more processor time than it may."""


@contextmanager
def limits(seconds: float, megabytes: int) -> Iterator[None]:
    """So much processor time, and so much memory beyond what the process has, for what runs within; main thread only.

    Raises:
        RunsTooLong: more time.
        MemoryError: more memory (on Linux, where the limit on the address space holds).
    """

    def too_long(number: int, frame: FrameType | None) -> None:
        raise RunsTooLong(f"it goes on after {seconds:g} s of processor time")

    before = signal.signal(signal.SIGVTALRM, too_long)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    try:
        if sys.platform == "linux":
            resource.setrlimit(resource.RLIMIT_AS, (_address_space() + (megabytes << 20), hard))
        # Raised once more each second: what catches the first one is ended by a later one.
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 1)
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _address_space() -> int:
    """How much address space this process has, in bytes (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()
