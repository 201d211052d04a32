"""What a worker does: a chunk of seeds of one variant, one after the other, whatever becomes of a run.

A chunk brings its variant as bytes, so that any executor will do; they are read once per worker, however many chunks
it gets. A worker may have threads: it plays one run at a time all the same.
"""

from __future__ import annotations

import gc
import pickle
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import FrameType

from msgspec import Struct

from kubeinfer_sim._version import __version__
from kubeinfer_sim.errors import UsageError, UserError
from kubeinfer_sim.experiment.replication import Failure, Replication, Variant, play
from kubeinfer_sim.scenario.units import format_duration

#: What came of a seed.
Played = Replication | Failure
#: Why a run failed that was given more time than there was.
TIMEOUT = "timeout"
#: What runs of different versions may differ by.
_PLAYER = f"kubeinfer-sim {__version__}, Python {sys.version_info.major}.{sys.version_info.minor}"
#: Of the threads of a worker one plays; the others would but take turns with it.
_PLAYING = threading.Lock()


class Chunk(Struct, frozen=True):
    """What came of some seeds, in their order, and how long it took in all (s)."""

    played: tuple[Played, ...]
    took: float


class WorkerDied(Exception):
    """Of a chunk the worker died, and so did those that got it next; other workers live."""


class Overdue(BaseException):
    """What is done under a `time_limit` has not ended in time; no handler of ordinary errors may catch it."""


def packed(variant: Variant) -> bytes:
    """A variant for `play_chunk`.

    Raises:
        UsageError: its function cannot be sent to another process.
    """
    try:
        return pickle.dumps((_PLAYER, pickle.dumps(variant, pickle.HIGHEST_PROTOCOL)))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise UsageError(
            f"{variant.name}: cannot be sent to worker processes ({error}); give one worker, or a function of a module"
        ) from None


def settle_in() -> None:
    """What this process has by now stays to its end: the collector need not go through it after every few runs."""
    gc.collect()
    _leave_alone()


def _leave_alone() -> None:
    gc.freeze()
    gc.set_threshold(100_000)


@contextmanager
def settled_in() -> Iterator[None]:
    """`settle_in` of a process that goes on afterwards: the collector is then as it was.

    Garbage of before is left to that time: to look for it now takes longer than a small run.
    """
    thresholds = gc.get_threshold()
    _leave_alone()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


def play_chunk(variant: bytes, seeds: Sequence[int], run_timeout: float | None = None) -> Chunk:
    """Play a packed variant with each of the seeds; the entry point of every executor.

    Raises:
        UsageError: it was packed by another version, or needs a module that is not here.
    """
    with _PLAYING:
        begun = time.perf_counter()
        unpacked = _unpacked(variant)
        played = tuple(play_guarded(unpacked, seed, run_timeout) for seed in seeds)
        return Chunk(played, time.perf_counter() - begun)


@lru_cache(maxsize=64)
def _unpacked(packed: bytes) -> Variant:
    player, inner = pickle.loads(packed)
    if player != _PLAYER:
        raise UsageError(f"a worker has {_PLAYER}, and this is {player}: install the same there")
    try:
        variant: Variant = pickle.loads(inner)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"a worker cannot read what it is to play ({error}): install the same there"
        ) from None
    return variant


def play_guarded(variant: Variant, seed: int, run_timeout: float | None = None) -> Played:
    """Play once; what goes wrong is told, with its seed."""
    try:
        with time_limit(run_timeout):
            return _play(variant, seed)
    except Overdue:
        limit = format_duration(round((run_timeout or 0) * 1000))
        return Failure(seed, TIMEOUT, f"not over after {limit}")
    except UserError as error:
        return Failure(seed, "error", str(error))
    except Exception as error:  # of one run among many: it is named, and the others go on
        return Failure(seed, "fault", f"{type(error).__name__}: {error}")


def _play(variant: Variant, seed: int) -> Replication:
    if variant.rare is None:
        return play(variant, seed)
    from kubeinfer_sim.experiment.rare.forced_run import play_rare  # of no use to others

    return play_rare(variant, seed)


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
