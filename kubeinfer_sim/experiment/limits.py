"""Limits on the time and the memory of what is done: what never ends, or grows for ever, is told of."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType


class Overdue(BaseException):
    """What is done under a `time_limit` has not ended in time; no handler of ordinary errors may catch it."""


class TooLarge(BaseException):
    """What is done under a `memory_limit` needs more than there is; no handler of ordinary errors may catch it."""


@contextmanager
def limited(seconds: float | None, memory: int | None) -> Iterator[None]:
    """Both limits; None: no such limit."""
    with memory_limit(memory), time_limit(seconds):
        yield


@contextmanager
def memory_limit(size: int | None) -> Iterator[None]:
    """Raise `TooLarge` where what is done meanwhile needs more than so many bytes beside what the process has by now.

    The limit is on the address space of the whole process (RLIMIT_AS), which only Linux keeps; elsewhere there is none.
    """
    if size is None or sys.platform != "linux":
        yield
        return
    import resource

    before, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _address_space() + size
    # No more than is allowed anyhow.
    allowed = min([wanted, *(each for each in (before, most) if each != resource.RLIM_INFINITY)])
    too_large = False
    resource.setrlimit(resource.RLIMIT_AS, (allowed, most))
    try:
        yield
    except MemoryError:
        too_large = True
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, most))
    if too_large:  # here, where what was made is not held by the error any more
        raise TooLarge


def _address_space() -> int:
    """How much address space this process has, in bytes (Linux)."""
    import resource

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise `Overdue` in what is done meanwhile: by an interval timer, or of a thread beside it."""
    if seconds is None:
        yield
        return
    begun = time.monotonic()
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGALRM, _overdue)
        # And again: what is raised while a finalizer or a callback of the collector runs, Python drops.
        signal.setitimer(signal.ITIMER_REAL, seconds, 1)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    else:
        alarm = _Alarm()
        timer = threading.Timer(seconds, alarm.ring)
        timer.start()
        told = False
        try:
            yield
        except Overdue:
            told = True
            raise
        finally:
            timer.cancel()
            rung = alarm.stop()
            for _ in range(100 if rung and not told else 0):
                time.sleep(0)  # it comes at one of the next steps: here, and not in what is done after
    if time.monotonic() - begun >= seconds:  # the timer had no turn, or what it raised was dropped
        raise Overdue


def _overdue(number: int, frame: FrameType | None) -> None:
    raise Overdue


class _Alarm:
    """Raises `Overdue` in the thread that made it, which may be any: of signals only the main one is told.

    Between two steps of Python code, that is: who waits for the system is not woken.
    """

    def __init__(self) -> None:
        import ctypes

        self._raise = ctypes.pythonapi.PyThreadState_SetAsyncExc
        self._thread, self._overdue = ctypes.c_ulong(threading.get_ident()), ctypes.py_object(Overdue)
        self._lock, self._over, self._rung = threading.Lock(), False, False

    def ring(self) -> None:
        """Raise it, unless the run is over by now."""
        with self._lock:
            if not self._over:
                self._rung = True
                self._raise(self._thread, self._overdue)

    def stop(self) -> bool:
        """It does not ring any more; whether it has.

        What is about to be raised is not taken back: the interpreter (CPython 3.11) would go on looking for it, and
        never leave the first call under a profiler.
        """
        with self._lock:
            self._over = True
            return self._rung
