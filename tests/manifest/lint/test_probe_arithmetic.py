"""Windows and detection times, against published numbers and recorded traces of the real prober."""

from __future__ import annotations

import pytest

from kubeinfer_sim.manifest.lint.probe_arithmetic import detection, earliest_ready, verdict, window
from kubeinfer_sim.manifest.model import Probe

GUIDE_STARTUP = Probe(period_seconds=10, timeout_seconds=10, failure_threshold=720)
GUIDE_LIVENESS = Probe(period_seconds=5, timeout_seconds=10, failure_threshold=6)
GUIDE_READINESS = Probe(period_seconds=5, timeout_seconds=10, failure_threshold=3, success_threshold=3)


def test_the_guides_startup_window_is_two_hours() -> None:
    assert window(GUIDE_STARTUP).high == 7200


@pytest.mark.parametrize(("threshold", "load", "survives"), [(150, 4600, False), (240, 4600, True)])
def test_a_window_known_from_practice(threshold: int, load: int, survives: bool) -> None:
    assert (window(Probe(period_seconds=30, failure_threshold=threshold)).low >= load) == survives


def test_liveness_sees_a_failing_engine_in_half_the_time_of_a_hanging_one() -> None:
    assert detection(GUIDE_LIVENESS) == (25, 30)
    assert detection(GUIDE_LIVENESS, hangs=True) == (60, 65)


@pytest.mark.parametrize(
    ("threshold", "period", "timeout"), [(1, 10, 1), (3, 10, 1), (6, 5, 10), (2, 5, 5), (4, 7, 20)]
)
def test_a_hanging_check_takes_threshold_minus_one_times_the_longer_plus_the_timeout(
    threshold: int, period: int, timeout: int
) -> None:
    probe = Probe(failure_threshold=threshold, period_seconds=period, timeout_seconds=timeout)
    assert verdict(probe, hangs=True) == (threshold - 1) * max(period, timeout) + timeout


def test_readiness_after_the_startup_probe_needs_its_further_successes() -> None:
    assert earliest_ready(GUIDE_STARTUP, GUIDE_READINESS, 0) == (10, 20)
    assert earliest_ready(GUIDE_STARTUP, GUIDE_READINESS, 1249) == (1259, 1269)


def test_without_startup_probe_the_first_check_counts_twice() -> None:
    # n-ready-succ-3 of the recorded prober traces: container at 1.337 s, Ready at 6.378 s.
    assert earliest_ready(None, Probe(period_seconds=5, success_threshold=3), 0).low == 5
    assert earliest_ready(None, Probe(period_seconds=5), 0) == (0, 0)
    assert earliest_ready(None, None, 0) == (0, 0)


def test_the_initial_delay_counts_from_the_start_of_the_container() -> None:
    readiness = Probe(period_seconds=5, initial_delay_seconds=60, success_threshold=2)
    assert earliest_ready(GUIDE_STARTUP, readiness, 10).low == 65
    assert window(Probe(initial_delay_seconds=30, period_seconds=10, failure_threshold=3)).high == 60
