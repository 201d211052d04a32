"""Many runs on as many cores as there are; what comes out depends on neither their number nor their order.

The one seam is `concurrent.futures.Executor`: chunks of seeds go out as they fit, results come back in any order and
are handed on in the order in which they were asked for. A worker process that dies takes with it what is in hand
(`BrokenExecutor`) or its own chunk (`WorkerDied`); those seeds are played again one by one, and the one with which a
worker dies again is named.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.errors import UsageError, expect
from kubeinfer_sim.experiment.batches import IN_HAND, LEAST_SECONDS, runs_of_batch, seconds_of_batch
from kubeinfer_sim.experiment.replication import Failure, Variant
from kubeinfer_sim.experiment.store import Store
from kubeinfer_sim.experiment.worker import (
    Chunk,
    Played,
    WorkerDied,
    packed,
    play_chunk,
    play_guarded,
    settle_in,
)

T = TypeVar("T")

#: A worker that is not asked for is worth its start when so many seconds of work are left.
WORTH_WORKERS = 1.5


#: So many processes at most.
MOST_WORKERS = 1024


class Workers(Struct, frozen=True):
    """Where runs are played.

    Attributes:
        number: of processes; None: as many as there are cores, where they are worth their start.
        run_timeout: seconds after which a run is given up; None: never.
        run_memory: bytes beside what a process has, above which a run is given up; None: none are too many.
        executor: makes the executor, of so many workers; a pool of processes where there is none.
        present: how many workers there are now, where they come and go.
        per_batch: seconds for which each chunk keeps busy who gives them all out.

    Raises:
        UsageError: `number` is no whole number from 1 to 1024.
    """

    number: int | None = None
    run_timeout: float | None = None
    run_memory: int | None = None
    executor: Callable[[int], Executor] | None = None
    present: Callable[[], int] | None = None
    per_batch: float = 0.0

    def __post_init__(self) -> None:
        given = self.number
        if given is not None and (type(given) is not int or not 1 <= given <= MOST_WORKERS):
            raise UsageError(f"workers: expected a whole number from 1 to {MOST_WORKERS:,}, got {given!r}")


#: Runs in the first chunk, which tells how long one takes; the next are four times as large, as long as that fits.
_FIRST, _GROWTH = 1, 4
#: In this process, one run after the other.
HERE = Workers(1)


class Job(Struct, frozen=True):
    """One run: which of the variants, and the seed."""

    variant: int
    seed: int


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def remembered(
    store: Store | None,
    variants: Sequence[Variant],
    jobs: Iterable[Job],
    total: int,
    workers: Workers,
) -> Iterator[tuple[Job, Played]]:
    """As `played_in_order`, but for what a store knows already; what is new is kept in it.

    Raises:
        UsageError: a variant cannot be sent to another process, or something is wrong with the store.
        OutputError: the store cannot be written.
    """
    expect(workers, (Workers,), "workers", "Workers(2)")
    if store is None:
        yield from played_in_order(variants, jobs, total, workers)
        return
    order: deque[tuple[Job, Played | None]] = deque()

    def missing() -> Iterator[Job]:
        for job in jobs:
            known = store.get(job.variant, job.seed)
            order.append((job, known))
            if known is None:
                yield job

    def known() -> Iterator[tuple[Job, Played]]:
        while order and order[0][1] is not None:
            job, played = order.popleft()
            assert played is not None
            yield job, played

    for job, played in played_in_order(variants, missing(), total, workers):
        yield from known()
        store.put(job.variant, played)
        order.popleft()
        yield job, played
    yield from known()


def played_in_order(
    variants: Sequence[Variant], jobs: Iterable[Job], total: int, workers: Workers
) -> Generator[tuple[Job, Played], None, None]:
    """Play every job, `total` in all; results come in their order, and closing the iterator ends all work.

    Raises:
        UsageError: a variant cannot be sent to another process.
    """
    waiting = iter(jobs)
    number = workers.number or cores()
    if workers.executor is None and number == 1:
        yield from ((job, _here(variants, job, workers)) for job in waiting)
        return
    if workers.executor is None and workers.number is None:
        # Cheap ones are over before a process has started.
        begun = time.perf_counter()
        for done, job in enumerate(waiting, 1):
            yield job, _here(variants, job, workers)
            spent, left = time.perf_counter() - begun, total - done
            if left > 1 and spent / done * left > WORTH_WORKERS and spent > LEAST_SECONDS:
                number, total = min(number, left), left
                break
        else:
            return
    yield from _Dispatcher(variants, waiting, total, number, workers).results()


def _here(variants: Sequence[Variant], job: Job, workers: Workers) -> Played:
    return play_guarded(variants[job.variant], job.seed, workers.run_timeout, workers.run_memory)


def process_pool(workers: int) -> Executor:
    """Processes that start clean, whatever threads this one has, leave Ctrl-C to it, and end with it."""
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload([play_chunk.__module__])
    return ProcessPoolExecutor(workers, context, _begin)


def _begin() -> None:
    """A worker leaves Ctrl-C to its parent, and ends when that does, however it does: nobody else would end it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settle_in()
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Ctrl-C comes afterwards: a process that is being started when it comes is one of which nobody knows."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Dispatcher:
    """Keeps the workers busy, and puts what they bring in order."""

    def __init__(
        self, variants: Sequence[Variant], jobs: Iterator[Job], total: int, number: int, workers: Workers
    ) -> None:
        # One after the other, and not all kept: there may be as many variants as runs.
        self._packed = lru_cache(maxsize=64)(lambda number: packed(variants[number]))
        self._jobs, self._number = jobs, number
        self._limits = workers.run_timeout, workers.run_memory
        self._present = workers.present or (lambda: number)
        self._left, self._per_batch = total, workers.per_batch
        self._make = workers.executor or process_pool
        self._executor = self._make(number)
        self._order: deque[Job] = deque()
        self._done: dict[Job, Played] = {}
        self._in_hand: dict[Future[Chunk], list[Job]] = {}
        # Jobs whose worker died: one at a time, so that it is known which one it was.
        self._suspects: deque[Job] = deque()
        self._chunk = _FIRST

    def results(self) -> Iterator[tuple[Job, Played]]:
        """All results, in the order of the jobs."""
        try:
            while self._fill() or self._in_hand or self._order:
                self._collect()
                while self._order and self._order[0] in self._done:
                    job = self._order.popleft()
                    yield job, self._done.pop(job)
        finally:
            self._stop()

    def _fill(self) -> bool:
        """Give out work; whether any is out."""
        if self._suspects:
            if not self._in_hand:
                self._submit([self._suspects[0]])
            return True
        while len(self._in_hand) < max(1, self._present()) * IN_HAND:
            chunk = self._next_chunk()
            if not chunk:
                break
            self._submit(chunk)
        return bool(self._in_hand)

    def _next_chunk(self) -> list[Job]:
        """The next jobs of one variant."""
        jobs = list(islice(self._jobs, self._chunk))
        self._order.extend(jobs)
        self._left -= len(jobs)
        return jobs

    def _submit(self, jobs: list[Job]) -> None:
        seeds: dict[int, list[Job]] = {}
        for job in jobs:
            seeds.setdefault(job.variant, []).append(job)
        for variant, own in seeds.items():
            wanted = [job.seed for job in own]
            try:
                with _interrupts_wait():
                    future = self._executor.submit(play_chunk, self._packed(variant), wanted, *self._limits)
            except (BrokenExecutor, EOFError, ConnectionError) as error:
                # Since the last look, or what starts the processes (multiprocessing's fork server) has died itself.
                future = Future()
                future.set_exception(BrokenExecutor(str(error)))
            self._in_hand[future] = own

    def _collect(self) -> None:
        """Wait for the first chunk that comes back."""
        if not self._in_hand:
            return
        done, _ = wait(self._in_hand, return_when=FIRST_COMPLETED)
        broken = False
        for future in done:
            try:
                chunk = future.result()
            except BrokenExecutor:
                broken = True
                continue
            except WorkerDied as error:
                self._suspect(self._in_hand.pop(future), str(error))
                continue
            jobs = self._in_hand.pop(future)
            self._done.update(zip(jobs, chunk.played, strict=True))
            if self._suspects and jobs == [self._suspects[0]]:
                self._suspects.popleft()
            present = self._present()
            seconds = seconds_of_batch(present, self._per_batch)
            fitting = runs_of_batch(chunk.took / len(jobs), seconds, self._left, present)
            self._chunk = min(fitting, self._chunk * _GROWTH)
        if broken:
            self._after_death()

    def _after_death(self) -> None:
        """Start other workers; what was in hand is suspect, and a job that was alone is guilty."""
        lost = [job for jobs in self._in_hand.values() for job in jobs]
        self._in_hand.clear()
        self._suspect(lost, "its worker process died twice")
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = self._make(self._number)

    def _suspect(self, lost: Sequence[Job], message: str) -> None:
        """What a worker had when it died is to be played alone; what was alone is what it died of."""
        if self._suspects and lost == [self._suspects[0]]:
            job = self._suspects.popleft()
            self._done[job] = Failure(job.seed, "died", message)
        else:
            self._suspects.extend(lost)

    def _stop(self) -> None:
        """Leave nothing behind, also in the middle of a run.

        Processes are not asked to end: one that died may have held the lock of the queue in which the others would
        be told, and they would wait for it for ever.
        """
        for future in self._in_hand:
            future.cancel()
        _end(self._executor, idle=not self._in_hand)


def _end(executor: Executor, *, idle: bool) -> None:
    processes = list((getattr(executor, "_processes", None) or {}).values())
    results = getattr(executor, "_result_queue", None)
    executor.shutdown(wait=idle and not processes, cancel_futures=True)
    for process in processes:
        process.kill()
    for process in processes:
        process.join()
    if processes and results is not None:
        # The thread of the pool that reads half a result of one that was killed would wait for the rest for ever, and
        # this process for the thread, as long as somebody could still write it.
        results._writer.close()


class _Lent(Executor):
    """A pool of processes that somebody else ends."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Have the pool do it."""
        return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the pool as it is."""


@contextmanager
def kept(workers: Workers) -> Iterator[Workers]:
    """The same workers, for one batch of jobs after the other: processes are started once, and end with the block."""
    expect(workers, (Workers,), "workers", "Workers(2)")
    if workers.executor is not None or (workers.number or cores()) == 1:
        yield workers
        return
    pools: list[Executor] = []

    def make(number: int) -> Executor:
        if not pools or getattr(pools[-1], "_broken", False):
            pools.append(process_pool(number))
        return _Lent(pools[-1])

    try:
        yield replace(workers, executor=make)
    finally:
        for pool in pools:
            _end(pool, idle=False)
