"""When an item that failed is looked at again: 5 ms later, twice as long each time, until it goes well."""

from __future__ import annotations

from itertools import pairwise

from kubeinfer_sim.controllers.deployment.requeue import Requeue
from kubeinfer_sim.engine.clock import Clock


def test_each_failure_in_a_row_waits_twice_as_long_and_what_went_well_begins_anew() -> None:
    clock, woken = Clock(), list[int]()
    requeue = Requeue(clock, lambda: woken.append(clock.now))
    for _ in range(3):
        requeue.rate_limited()
        clock.run()
    assert woken == [5, 5 + 10, 5 + 10 + 20]
    requeue.forget()
    requeue.rate_limited()
    clock.run()
    assert woken[-1] == 35 + 5


def test_of_two_times_the_sooner_counts() -> None:
    clock, woken = Clock(), list[int]()
    requeue = Requeue(clock, lambda: woken.append(clock.now))
    for delay in (20, 30, 10):
        requeue.after(delay)
    clock.run()
    assert woken == [10]


def test_after_many_failures_it_waits_for_1000_seconds_each_time() -> None:
    """client-go, DefaultTypedControllerRateLimiter: its longest delay."""
    clock, woken = Clock(), list[int]()
    requeue = Requeue(clock, lambda: woken.append(clock.now))
    for _ in range(21):
        requeue.rate_limited()
        clock.run()
    waits = [after - before for before, after in pairwise(woken)]
    assert waits[-4:] == [655_360, 1_000_000, 1_000_000, 1_000_000]
