"""The clock: order, cancelling, running up to a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeinfer_sim.engine.clock import Clock, Phase
from kubeinfer_sim.errors import SimulatorFault


def test_timers_of_one_instant_fire_by_phase_then_in_the_order_set() -> None:
    clock, fired = Clock(), []
    for name, phase in [
        ("observer", Phase.OBSERVER),
        ("scheduler", Phase.SCHEDULER),
        ("controller", Phase.CONTROLLER),
        ("action", Phase.ACTION),
        ("first", Phase.WORLD),
        ("second", Phase.WORLD),
    ]:
        clock.at(5, fired.append, name, phase=phase)
    clock.run()
    assert fired == ["first", "second", "action", "controller", "scheduler", "observer"]


def test_a_timer_set_for_now_with_an_earlier_phase_fires_next() -> None:
    clock, fired = Clock(), []
    clock.at(1, lambda: clock.after(0, fired.append, "world"), phase=Phase.CONTROLLER)
    clock.at(1, fired.append, "scheduler", phase=Phase.SCHEDULER)
    clock.run()
    assert fired == ["world", "scheduler"]


def test_run_until_includes_what_is_due_then_and_stops_there() -> None:
    clock, fired = Clock(), []
    clock.at(10, fired.append, 10)
    clock.at(11, fired.append, 11)
    clock.run(10)
    assert (fired, clock.now) == ([10], 10)
    clock.run(20)
    assert (fired, clock.now) == ([10, 11], 20)


def test_a_cancelled_timer_neither_fires_nor_stays_queued_nor_moves_the_clock() -> None:
    clock, fired = Clock(), []
    timers = [clock.after(1000 + i, fired.append, i) for i in range(1000)]
    for timer in timers:
        timer.cancel()
        timer.cancel()
    assert clock.waiting == 0
    assert clock.next_at() is None
    clock.run()
    assert (fired, clock.now, clock.fired) == ([], 0, 0)


def test_a_timer_that_is_set_again_and_again_leaves_a_bounded_queue() -> None:
    clock = Clock()
    timer = clock.after(10_000, print)
    for _ in range(10_000):
        timer.cancel()
        timer = clock.after(10_000, print)
    assert clock.waiting == 1
    assert len(clock.env._queue) < 200


def test_a_timer_in_the_past_is_a_fault() -> None:
    clock = Clock(start=10)
    with pytest.raises(SimulatorFault, match="9 ms at 10 ms"):
        clock.at(9, print)


def test_an_error_in_a_callback_comes_out_as_it_is() -> None:
    clock = Clock()

    def fail() -> None:
        raise SimulatorFault("told so")

    clock.after(1, fail)
    with pytest.raises(SimulatorFault, match="told so"):
        clock.run()


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from(list(Phase)), st.booleans()), max_size=60))
def test_what_is_not_cancelled_fires_once_in_order(timers: list[tuple[int, Phase, bool]]) -> None:
    clock, fired = Clock(), []
    made = []
    for number, (when, phase, _) in enumerate(timers):
        made.append(clock.at(when, fired.append, (when, int(phase), number), phase=phase))
    for timer, (_, _, cancel) in zip(made, timers, strict=True):
        if cancel:
            timer.cancel()
    clock.run()
    expected = [(w, int(p), n) for n, (w, p, cancel) in enumerate(timers) if not cancel]
    assert fired == sorted(expected)
    assert clock.fired == len(expected)
