"""Batches of runs: long enough for the scheduler that gives them out, short enough that no worker waits for work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any, ClassVar

import pytest
from building import kubeinfer, scenario

from kubeinfer_sim.experiment.batches import (
    BUSY,
    IN_HAND,
    MOST_RUNS,
    PER_BATCH,
    PER_RUN,
    Campaign,
    for_an_hour,
    most_workers,
    runs_of_batch,
    seconds_of_batch,
)
from kubeinfer_sim.experiment.dispatch import Workers
from kubeinfer_sim.experiment.replication import Failure
from kubeinfer_sim.experiment.replications import replicate
from kubeinfer_sim.experiment.worker import Chunk

MILLION = 1_000_000


@pytest.mark.parametrize("each", [0.005, 0.09, 2.0, 60.0])
@pytest.mark.parametrize("workers", [1, 2, 4, 16, 100, 1000])
def test_the_scheduler_of_a_million_runs_is_busy_for_a_twentieth_of_the_time_at_most(
    each: float, workers: int
) -> None:
    planned = Campaign(MILLION, each, workers)
    assert planned.busy <= BUSY * 1.1  # a batch is a whole number of runs
    assert planned.batches * planned.batch >= MILLION


def test_with_more_workers_batches_take_longer() -> None:
    assert [seconds_of_batch(each, PER_BATCH) for each in (1, 3, 10, 100)] == pytest.approx(
        [0.2, 0.2, 0.6, 6]
    )
    assert seconds_of_batch(1000) == 0.2


@pytest.mark.parametrize(
    ("each", "seconds", "left", "workers", "runs"),
    [
        pytest.param(0.005, 0.2, MILLION, 2, 40, id="as many as fit"),
        pytest.param(0.5, 0.2, MILLION, 2, 1, id="one that takes longer"),
        pytest.param(0.0, 0.2, MILLION, 2, MOST_RUNS, id="which take no time"),
        pytest.param(0.005, 0.2, 100, 10, 100 // (10 * IN_HAND), id="the last ones are shared"),
        pytest.param(0.005, 0.2, 0, 10, 1, id="none left"),
        pytest.param(0.005, 0.2, 100, 0, 40, id="no worker yet"),
    ],
)
def test_how_many_runs_are_in_a_batch(
    each: float, seconds: float, left: int, workers: int, runs: int
) -> None:
    assert runs_of_batch(each, seconds, left, workers) == runs


def test_as_many_workers_are_planned_as_end_within_an_hour() -> None:
    assert [for_an_hour(MILLION, each).workers for each in (0.001, 0.005, 0.36)] == [1, 2, 100]
    assert for_an_hour(MILLION, 0.005).seconds == 2500
    assert for_an_hour(100, 0.005).workers == 1


def test_what_comes_back_is_the_bottleneck_of_many_workers() -> None:
    most = most_workers(0.005)
    assert most == 25
    assert Campaign(MILLION, 0.005, 10 * most).seconds == MILLION * PER_RUN


class Timed(Executor):
    """Runs here take ten milliseconds, and come to nothing."""

    sizes: ClassVar[list[int]] = []

    def __init__(self, workers: int) -> None:
        pass

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        seeds: Sequence[int] = args[1]
        self.sizes.append(len(seeds))
        future: Future[Any] = Future()
        future.set_result(Chunk(tuple(Failure(seed, "error", "") for seed in seeds), 0.01 * len(seeds)))
        return future


@pytest.mark.parametrize(
    ("workers", "per_batch", "largest"),
    [(2, 0.0, 20), (2, PER_BATCH, 20), (20, 0.0, 20), (20, PER_BATCH, 120)],
)
def test_batches_grow_to_that_size_by_themselves_and_shrink_at_the_end(
    workers: int, per_batch: float, largest: int
) -> None:
    Timed.sizes = []
    made = scenario(kubeinfer(1), 1)
    places = Workers(executor=Timed, present=lambda: workers, per_batch=per_batch)
    assert replicate(made, 12_000, workers=places).total == 12_000
    assert Timed.sizes[0] == 1
    assert max(Timed.sizes) == largest
    assert Timed.sizes[-1] < largest
