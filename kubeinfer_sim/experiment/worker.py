"""What a worker does: a chunk of seeds of one variant, one after the other, whatever becomes of a run.

A chunk brings its variant as bytes, so that any executor will do; they are read once per worker, however many chunks
it gets. A worker may have threads: it plays one run at a time all the same.
"""

from __future__ import annotations

import gc
import pickle
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from msgspec import Struct

from kubeinfer_sim._version import __version__
from kubeinfer_sim.errors import UsageError, UserError
from kubeinfer_sim.experiment.limits import Overdue, TooLarge, limited
from kubeinfer_sim.experiment.replication import Failure, Replication, Variant, play
from kubeinfer_sim.scenario.units import format_duration, format_size

#: What came of a seed.
Played = Replication | Failure
#: Why a run failed that would have taken more time than it may, or more memory.
TIMEOUT, MEMORY = "timeout", "memory"
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


def play_chunk(
    variant: bytes, seeds: Sequence[int], run_timeout: float | None = None, run_memory: int | None = None
) -> Chunk:
    """Play a packed variant with each of the seeds; the entry point of every executor.

    Raises:
        UsageError: it was packed by another version, or needs a module that is not here.
    """
    with _PLAYING:
        begun = time.perf_counter()
        unpacked = _unpacked(variant)
        played = tuple(play_guarded(unpacked, seed, run_timeout, run_memory) for seed in seeds)
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


def play_guarded(
    variant: Variant, seed: int, run_timeout: float | None = None, run_memory: int | None = None
) -> Played:
    """Play once, within so many seconds and bytes; what goes wrong is told, with its seed."""
    try:
        with limited(run_timeout, run_memory):
            return _play(variant, seed)
    except Overdue:
        limit = format_duration(round((run_timeout or 0) * 1000))
        return Failure(seed, TIMEOUT, f"not over after {limit}")
    except TooLarge:
        return Failure(seed, MEMORY, f"more memory than {format_size(run_memory or 0)}")
    except UserError as error:
        return Failure(seed, "error", str(error))
    except Exception as error:  # of one run among many: it is named, and the others go on
        return Failure(seed, "fault", f"{type(error).__name__}: {error}")


def _play(variant: Variant, seed: int) -> Replication:
    if variant.watched:
        from kubeinfer_sim.experiment.rollout_run import play_watched  # of no use to others

        return play_watched(variant, seed)
    if variant.rare is None:
        return play(variant, seed)
    from kubeinfer_sim.experiment.rare.forced_run import play_rare  # of no use to others

    return play_rare(variant, seed)
