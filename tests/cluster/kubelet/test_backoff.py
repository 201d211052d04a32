"""What a crash loop and a failing pull look like from outside."""

from __future__ import annotations

import pytest

from kubeinfer_sim.cluster.kubelet.backoff import (
    Backoff,
    BackoffLimits,
    Constant,
    ContainerBackoff,
    ImageBackoff,
    PodWorkerRetry,
)
from kubeinfer_sim.manifest.releases import release_of


def waits(limits: BackoffLimits, crashes: int) -> list[int]:
    """The waits of a container that exits at once each time it starts, in seconds."""
    backoff, now, result = ContainerBackoff(Backoff(limits), None), 0, []
    for _ in range(crashes):
        start = backoff.next_start(now, now)
        backoff.record_start(now, start)
        result.append((start - now) // 1000)
        now = start
    return result


def test_the_first_restart_is_immediate_and_the_waits_double_up_to_five_minutes() -> None:
    assert waits(BackoffLimits(), 8) == [0, 10, 20, 40, 80, 160, 300, 300]


def test_the_node_may_set_a_lower_maximum() -> None:
    assert waits(BackoffLimits.of_kubelet(maximum=30_000), 5) == [0, 10, 20, 30, 30]


def test_a_maximum_below_the_first_wait_is_the_first_wait() -> None:
    assert waits(BackoffLimits.of_kubelet(maximum=2_000), 3) == [0, 2, 2]


def test_the_reduced_decay_goes_from_one_second_to_sixty() -> None:
    assert waits(BackoffLimits.of_kubelet(reduced=True), 9) == [0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_the_expiry_followed_the_maximum_up_to_1_31() -> None:
    assert BackoffLimits.of_kubelet(kubernetes=release_of("1.31"), maximum=60_000).expiry == 120_000
    assert BackoffLimits.of_kubelet(kubernetes=release_of("1.32"), maximum=60_000).expiry == 600_000


def test_a_first_start_touches_nothing() -> None:
    backoff = ContainerBackoff()
    assert backoff.next_start(None, 5) == 5
    backoff.record_start(None, 5)
    assert backoff.entry.delay == 0


def test_housekeeping_ends_a_wait_that_outlasts_the_entry() -> None:
    backoff = ContainerBackoff(Backoff(delay=300_000, updated=0), housekeeping_phase=1_500)
    assert backoff.next_start(500_000, 500_000) == 601_500
    backoff.record_start(500_000, 601_500)
    assert backoff.entry.delay == 10_000


def test_repeated_liveness_kills_back_off_only_when_the_wait_exceeds_a_life() -> None:
    # Killed after 60 s of life each time: the sync that kills knows of the exit before only.
    backoff, now, previous, starts = ContainerBackoff(), 0, None, []
    for _ in range(6):
        now += 60_000
        killed, start = now, backoff.next_start(previous, now)
        if start > now:  # later syncs know of this kill
            start = backoff.next_start(killed, now)
        backoff.record_start(previous if start == killed else killed, start)
        starts.append(start - killed)
        previous, now = killed, start
    assert starts == [0, 0, 0, 0, 0, 80_000]


def test_up_to_1_34_a_held_pod_is_tried_every_ten_to_fifteen_seconds() -> None:
    backoff = ContainerBackoff(Backoff(delay=40_000, updated=0))
    assert (
        list(backoff.tries(1_000, 1_000, PodWorkerRetry(release_of("1.34"), ticker_phase=None)))[-1] == 41_000
    )
    assert (
        list(backoff.tries(1_000, 1_000, PodWorkerRetry(release_of("1.34"), Constant(0.5), None)))[-1]
        == 51_000
    )
    assert (
        list(backoff.tries(1_000, 1_000, PodWorkerRetry(release_of("1.34"), Constant(0.5), 300)))[-1]
        == 53_300
    )


def test_from_1_35_a_held_pod_is_tried_when_its_wait_ends_or_after_a_minute() -> None:
    backoff = ContainerBackoff(Backoff(delay=160_000, updated=0))
    assert list(backoff.tries(0, 0, PodWorkerRetry(release_of("1.35"), Constant(0.0), None)))[-1] == 160_000
    # 60 s and 60 s stretched to 75 s each, then the remaining 10 s stretched to 12.5 s
    assert list(backoff.tries(0, 0, PodWorkerRetry(release_of("1.35"), Constant(0.5), None)))[-1] == 162_500


def test_an_image_waits_from_the_end_of_the_failing_pull() -> None:
    backoff = ImageBackoff()
    assert backoff.next_pull(0) == 0
    backoff.record_failure(30_000)
    assert backoff.next_pull(30_000) == 40_000
    backoff.record_failure(70_000)
    assert backoff.next_pull(71_000) == 90_000


@pytest.mark.parametrize(("gap", "delay"), [(600_000, 20_000), (600_001, 10_000)])
def test_an_image_entry_is_forgotten_after_more_than_ten_minutes(gap: int, delay: int) -> None:
    backoff = ImageBackoff()
    backoff.record_failure(0)
    backoff.record_failure(gap)
    assert backoff.entry.delay == delay
