"""What a worker does: a chunk of seeds of one variant, one after the other, whatever becomes of a run.

A chunk brings its variant as bytes, so that any executor will do; they are read once per worker, however many chunks
it gets.
"""

from __future__ import annotations

import pickle
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import FrameType

from msgspec import Struct

from kubeinfer_sim.errors import UsageError, UserError
from kubeinfer_sim.experiment.replication import Failure, Replication, Variant, play
from kubeinfer_sim.scenario.units import format_duration

#: What came of a seed.
Played = Replication | Failure


class Chunk(Struct, frozen=True):
    """What came of some seeds, in their order, and how long it took in all (s)."""

    played: tuple[Played, ...]
    took: float


class _Overdue(BaseException):
    """A run has not ended in time; no handler of ordinary errors may catch it."""


def packed(variant: Variant) -> bytes:
    """A variant for `play_chunk`.

    Raises:
        UsageError: its function cannot be sent to another process.
    """
    try:
        return pickle.dumps(variant, pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise UsageError(
            f"{variant.name}: cannot be sent to worker processes ({error}); give one worker, or a function of a module"
        ) from None


def play_chunk(variant: bytes, seeds: Sequence[int], run_timeout: float | None = None) -> Chunk:
    """Play a packed variant with each of the seeds; the entry point of every executor."""
    begun = time.perf_counter()
    unpacked = _unpacked(variant)
    played = tuple(play_guarded(unpacked, seed, run_timeout) for seed in seeds)
    return Chunk(played, time.perf_counter() - begun)


@lru_cache(maxsize=64)
def _unpacked(variant: bytes) -> Variant:
    found: Variant = pickle.loads(variant)
    return found


def play_guarded(variant: Variant, seed: int, run_timeout: float | None = None) -> Played:
    """Play once; what goes wrong is told, with its seed."""
    try:
        with _time_limit(run_timeout):
            return play(variant, seed)
    except _Overdue:
        limit = format_duration(round((run_timeout or 0) * 1000))
        return Failure(seed, "timeout", f"not over after {limit}")
    except UserError as error:
        return Failure(seed, "error", str(error))
    except Exception as error:  # of one run among many: it is named, and the others go on
        return Failure(seed, "fault", f"{type(error).__name__}: {error}")


def can_time_out() -> bool:
    """Whether a run can be interrupted here: by an interval timer, in the main thread."""
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


@contextmanager
def _time_limit(seconds: float | None) -> Iterator[None]:
    if seconds is None:
        yield
        return
    if not can_time_out():
        raise UsageError("a run can be given a time limit only where the system has interval timers")
    before = signal.signal(signal.SIGALRM, _overdue)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _overdue(number: int, frame: FrameType | None) -> None:
    raise _Overdue
