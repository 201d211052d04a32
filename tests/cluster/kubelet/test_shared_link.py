"""Processor sharing: closed forms, a slow reference, cancelling, cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeinfer_sim.cluster.kubelet.shared_link import SharedLink
from kubeinfer_sim.engine.clock import Clock


def finish_times(
    jobs: list[tuple[int, int]], bandwidth: float | None, per_client: float | None = None
) -> list[int]:
    """(start ms, bytes) -> end ms, as the link has it."""
    clock = Clock()
    link = SharedLink(clock, bandwidth, per_client)
    ends = [-1] * len(jobs)

    def done(index: int) -> None:
        ends[index] = clock.now

    for index, (at, size) in enumerate(jobs):
        clock.at(at, lambda index=index, size=size: link.start(size, lambda: done(index)))
    clock.run()
    return ends


def slow_reference(
    jobs: list[tuple[int, int]], bandwidth: float | None, per_client: float | None
) -> list[float]:
    """The same by following every job's remaining bytes from event to event."""
    left = {}
    ends = [-1.0] * len(jobs)
    waiting = sorted(range(len(jobs)), key=lambda i: jobs[i][0])
    now = 0.0
    while waiting or left:
        rate = 0.0
        if left:
            share = float("inf") if bandwidth is None else bandwidth / 1000 / len(left)
            rate = min(share, float("inf") if per_client is None else per_client / 1000)
        next_end = now + min(left.values()) / rate if left else float("inf")
        next_start = jobs[waiting[0]][0] if waiting else float("inf")
        to = min(next_end, next_start)
        for index in left:
            left[index] -= rate * (to - now)
        now = to
        for index in [i for i, rest in left.items() if rest <= 1e-6]:
            ends[index] = now
            del left[index]
        while waiting and jobs[waiting[0]][0] <= now:
            index = waiting.pop(0)
            left[index] = jobs[index][1]
    return ends


def test_alone_a_transfer_takes_size_over_bandwidth() -> None:
    assert finish_times([(0, 16_000_000_000)], 55_000_000) == [290_910]


def test_n_transfers_at_once_take_n_times_as_long() -> None:
    assert finish_times([(0, 1_000_000)] * 8, 1_000_000) == [8_000] * 8


def test_a_client_takes_no_more_than_its_own_line() -> None:
    assert finish_times([(0, 1_000_000)] * 4, 1_000_000_000, 100_000) == [10_000] * 4


def test_without_a_common_bandwidth_clients_do_not_disturb_each_other() -> None:
    assert finish_times([(0, 1_000_000), (500, 1_000_000)], None, 1_000_000) == [1_000, 1_500]


def test_a_late_comer_shares_from_its_start() -> None:
    # 1 MB/s; the first has half left when the second comes, both then get half.
    assert finish_times([(0, 1_000_000), (500, 1_000_000)], 1_000_000) == [1_500, 2_000]


def test_a_cancelled_transfer_gives_its_share_to_the_others() -> None:
    clock = Clock()
    link = SharedLink(clock, 1_000_000)
    ends: list[int] = []
    first = link.start(1_000_000, lambda: ends.append(-1))
    link.start(1_000_000, lambda: ends.append(clock.now))
    clock.after(1_000, link.cancel, first)
    clock.run()
    assert ends == [1_500]
    assert link.active == 0


def test_a_storm_costs_events_per_transfer_not_per_pair() -> None:
    clock = Clock()
    link = SharedLink(clock, 1_000_000_000)
    for index in range(1000):
        clock.after(index, lambda: link.start(16_000_000, lambda: None))
    clock.run()
    assert clock.fired <= 3 * 1000


@given(
    st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 5_000_000)), min_size=1, max_size=12),
    st.sampled_from([None, 200_000, 1_000_000]),
    st.sampled_from([None, 100_000, 750_000]),
)
def test_it_agrees_with_the_slow_reference(
    jobs: list[tuple[int, int]], bandwidth: int | None, per_client: int | None
) -> None:
    """Also when all starts are said beforehand, which costs an event for each end and none for a start."""
    if bandwidth is None and per_client is None:
        with pytest.raises(ValueError, match="bandwidth"):
            SharedLink(Clock(), None)
        return
    fast = finish_times(jobs, bandwidth, per_client)
    # Each end is rounded up to a millisecond, which may delay what follows by as much.
    for got, wanted in zip(fast, slow_reference(jobs, bandwidth, per_client), strict=True):
        assert wanted - 1e-3 <= got <= wanted + len(jobs) + 1
    clock = Clock()
    link = SharedLink(clock, bandwidth, per_client)
    ends: dict[int, int] = {}
    for index, (at, size) in enumerate(jobs):
        link.start(size, lambda index=index: ends.setdefault(index, clock.now), at=at)  # type: ignore[misc]
    clock.run()
    assert [ends[index] for index in range(len(jobs))] == fast
    assert clock.fired <= len(jobs)


def test_a_transfer_cancelled_before_it_begins_takes_nothing() -> None:
    clock = Clock()
    link = SharedLink(clock, 1_000_000)
    ends: list[int] = []
    link.start(1_000_000, lambda: ends.append(clock.now))
    later = link.start(1_000_000, lambda: ends.append(-1), at=500)
    assert link.active == 1
    clock.after(100, link.cancel, later)
    clock.run()
    assert ends == [1_000]


def test_a_link_that_stands_still_lets_nothing_end_but_lets_transfers_begin() -> None:
    clock = Clock()
    link = SharedLink(clock, 1_000_000)
    ends: list[int] = []
    link.throttle(0)
    link.start(1_000_000, lambda: ends.append(clock.now), at=500)
    clock.after(2_000, link.throttle, 1)
    clock.run()
    assert ends == [3_000]
