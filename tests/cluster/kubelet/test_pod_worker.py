"""What of a stop is not over yet."""

from __future__ import annotations

import pytest

from kubeinfer_sim.cluster.kubelet.pod_worker import Stopping
from kubeinfer_sim.cluster.stages import CLEANUP, EXIT, PRE_STOP, Stage

STAGES = (Stage(PRE_STOP, 10), Stage(EXIT, 20), Stage(CLEANUP, 5))


@pytest.mark.parametrize(
    ("now", "since", "left"),
    [(100, 100, 3), (109, 100, 3), (110, 110, 2), (129, 110, 2), (130, 130, 1), (200, 130, 1)],
)
def test_of_a_stop_is_left_what_is_not_over_by_now_and_the_last_stage_at_least(
    now: int, since: int, left: int
) -> None:
    assert Stopping(100, STAGES, None).left(now) == Stopping(since, STAGES[-left:], None)


def test_what_has_no_end_is_left() -> None:
    endless = (Stage(EXIT, None), Stage(CLEANUP, 5))
    assert Stopping(100, endless, None).left(10_000) == Stopping(100, endless, None)
