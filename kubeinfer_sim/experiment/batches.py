"""How large the batches are in which a Dask scheduler gives out runs, and what a campaign on a cluster takes.

Its scheduler is one thread, which a batch keeps busy for some milliseconds, whatever is in it: the more workers there
are, the longer batches have to be. What comes back is counted in by one process, the command. How it was measured is
told in `docs/costs.md`.
"""

from __future__ import annotations

from math import ceil

from msgspec import Struct

#: Seconds of work in a batch at least: long beside what it costs to send one, short beside what anybody waits for.
LEAST_SECONDS = 0.2
#: Runs in a batch at most: what they come to is some megabytes, and is held until all of it is there.
MOST_RUNS = 10_000
#: Batches in hand for each worker, so that none waits for the next one.
IN_HAND = 2
#: Seconds that a batch keeps Dask's scheduler busy, and the part of its time that it may be.
PER_BATCH, BUSY = 0.003, 0.05
#: Seconds that the command takes for what a run comes to, and to keep it in a store besides.
PER_RUN, PER_STORED_RUN = 0.0002, 0.0003


def seconds_of_batch(workers: int, per_batch: float = 0.0) -> float:
    """How long a batch should take, where each keeps the one who gives them out busy for `per_batch` seconds."""
    return max(LEAST_SECONDS, workers * per_batch / BUSY)


def runs_of_batch(each: float, seconds: float, left: int, workers: int) -> int:
    """How many runs of `each` seconds, when so many are left: not so many that a worker would be without."""
    share = ceil(left / (max(1, workers) * IN_HAND))
    return max(1, min(MOST_RUNS, share, round(seconds / max(each, 1e-6))))


class Campaign(Struct, frozen=True):
    """Many runs on a Dask cluster of so many workers.

    Attributes:
        runs: how many.
        each: seconds of a worker for one.
        workers: how many there are.
    """

    runs: int
    each: float
    workers: int

    @property
    def batch(self) -> int:
        """How many runs are given out together."""
        return runs_of_batch(self.each, seconds_of_batch(self.workers, PER_BATCH), self.runs, self.workers)

    @property
    def batches(self) -> int:
        """How many times runs are given out."""
        return ceil(self.runs / self.batch)

    @property
    def seconds(self) -> float:
        """By the clock, when each worker has a core: of the workers, or of the command where it takes longer."""
        return max(self.runs * self.each / self.workers, self.runs * PER_RUN)

    @property
    def busy(self) -> float:
        """The part of the time in which the scheduler has something to do."""
        return self.batches * PER_BATCH / self.seconds


def for_an_hour(runs: int, each: float) -> Campaign:
    """The fewest workers that play so many runs within an hour."""
    return Campaign(runs, each, max(1, ceil(runs * each / 3600)))


def most_workers(each: float) -> int:
    """More than so many wait for the command, which counts in one run after the other."""
    return max(1, int(each / PER_RUN))
