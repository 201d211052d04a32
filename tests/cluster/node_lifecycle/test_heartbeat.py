"""When a kubelet is heard of: leases every ten seconds, its status every five minutes where nothing changes."""

from __future__ import annotations

import pytest

from kubeinfer_sim.cluster.heartbeat import Heartbeat


@pytest.mark.parametrize(
    ("now", "renewed", "reported"),
    [
        (10_999, 1_000, 0),
        (11_000, 11_000, 0),
        (301_999, 301_000, 0),
        (302_000, 301_000, 302_000),  # the first check after five minutes
        (601_999, 601_000, 302_000),
        (602_000, 601_000, 602_000),
    ],
)
def test_the_newest_signs_of_life(now: int, renewed: int, reported: int) -> None:
    beat = Heartbeat(lease_phase=1_000, status_phase=2_000)
    assert (beat.renewed(now), beat.reported(now), beat.heard(now)) == (
        renewed,
        reported,
        max(renewed, reported),
    )


def test_who_is_silent_is_heard_of_no_more_and_who_comes_back_at_its_next_tick() -> None:
    beat = Heartbeat(lease_phase=1_000, status_phase=2_000)
    beat.fall_silent(20_000)
    assert (beat.renewed(700_000), beat.reported(700_000)) == (11_000, 0)
    beat.come_back(700_000, restarted=False)
    assert (beat.renewed(700_999), beat.renewed(701_000)) == (11_000, 701_000)
    assert (beat.reported(701_999), beat.reported(702_000)) == (0, 702_000)
