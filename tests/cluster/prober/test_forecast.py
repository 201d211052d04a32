"""Forecasts, made once for all starts between the same ticks, agree with probers that follow each start for itself."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeinfer_sim.cluster.prober import ContainerProber, Probes
from kubeinfer_sim.cluster.prober.forecast import Follower, Forecasts, Start
from kubeinfer_sim.manifest.model import Probe
from kubeinfer_sim.manifest.releases import LATEST, RELEASES, Release, release_of
from kubeinfer_sim.testing.reference_prober import ReferenceProber

#: A transition: when, of what kind, and the value; of a kill also how many calls it follows from, over how long.
Row = tuple[Any, ...]
SECOND = 1000
GUIDE = Probes(
    Probe(period_seconds=10, timeout_seconds=10, failure_threshold=720),
    Probe(period_seconds=5, timeout_seconds=10, failure_threshold=6),
    Probe(period_seconds=5, timeout_seconds=10, failure_threshold=3, success_threshold=3),
)


@dataclass
class Opened:
    """Opens probers, and counts them."""

    probes: Probes
    kubernetes: Release = LATEST
    number: int = 0

    def __call__(self, added_at: int) -> ContainerProber:
        self.number += 1
        return ContainerProber(self.probes, added_at=added_at, kubernetes=self.kubernetes)


def a_probe(
    draw: Random, *, delayed: bool, periods: tuple[int, ...], successes: tuple[int, ...] = (1,)
) -> Probe:
    return Probe(
        initial_delay_seconds=draw.choice([0, 1, 7, 20]) if delayed else 0,
        timeout_seconds=draw.choice([1, 2, 5, 10]),
        period_seconds=draw.choice(periods),
        failure_threshold=draw.choice([1, 2, 3, 6, 30]),
        success_threshold=draw.choice(successes),
    )


def some_probes(draw: Random) -> Probes:
    delayed = draw.random() < 0.1
    # Ticks that often lie between the checks of one chain, that share a period, or neither.
    periods = draw.choice([(1, 1, 1, 2), (10,), (1, 2, 3, 5, 5, 7, 10, 10, 15)])
    startup = a_probe(draw, delayed=delayed, periods=periods) if draw.random() < 0.9 else None
    liveness = a_probe(draw, delayed=delayed, periods=periods) if draw.random() < 0.6 else None
    readiness = None
    if draw.random() < 0.8:
        readiness = a_probe(draw, delayed=delayed, periods=periods, successes=(1, 2, 3))
    return Probes(startup, liveness, readiness) if any((startup, liveness, readiness)) else some_probes(draw)


def a_moment(draw: Random, since: int, until: int) -> int:
    """Often one at which there are ticks."""
    at = draw.randrange(since, until)
    return at if draw.random() < 0.6 else at // SECOND * SECOND


def a_start(draw: Random, probes: Probes, added_at: int) -> Start:
    started = a_moment(draw, 0, 70 * SECOND)
    soon = draw.choice([2 * SECOND, 20 * SECOND, 200 * SECOND])
    serving = a_moment(draw, max(0, started - 5 * SECOND), started + soon)
    latencies = [None, 0, 1, 17, 333, 334, 499, 501, 999, 1001, 3000, 3000]
    delayed = any(each is not None and each.initial_delay_seconds for each in probes)
    return Start(
        added_at % SECOND if delayed else 0,
        started,
        None if draw.random() < 0.15 else serving,
        draw.choice([*latencies, draw.randrange(2000)]),
        relist=draw.choice([0, 0, 701, 1013, 12_017]),  # never in the instant in which a call ends
    )


def foreseen(follower: Follower) -> list[Row]:
    rows: list[Row] = []
    while (due := follower.next_at()) is not None:
        for each in follower.advance(due):
            row: Row = (due, each.kind, each.value)
            if each.kind == "kill":
                assert each.first_call_at is not None
                row += (each.calls, each.at - each.first_call_at, each.spacing)
            rows.append(row)
    return rows


def played(prober: Any, start: Start, added_at: int, horizon: int) -> list[Row]:
    """The same of a prober that follows the one container, up to its first kill."""
    begins = added_at + start.started
    prober.container_started(begins, start.health(added_at))
    rows: list[Row] = []

    def take(to: int) -> bool:
        for each in prober.advance(to):
            row: Row = (each.at, each.kind, each.value)
            if each.kind == "kill":
                rows.append((*row, each.calls, each.at - each.first_call_at, each.spacing))
                return True
            rows.append(row)
        return False

    if start.relist:
        if take(begins + start.relist):
            return rows
        prober.sync(begins + start.relist)
    take(horizon)
    return rows


def assert_agreement(draw: Random) -> None:
    probes, kubernetes = some_probes(draw), release_of(draw.choice(RELEASES))
    forecasts = Forecasts(probes, Opened(probes, kubernetes))
    for _ in range(12):
        added_at = a_moment(draw, 0, 20 * SECOND)
        start = a_start(draw, probes, added_at)
        follower = Follower(forecasts, start._replace(serving=None), added_at)
        unseen = follower.next_at()
        since = a_moment(draw, start.started, start.started + 5 * SECOND)
        if start.serving is not None and (
            draw.random() < 0.5
            or since > start.serving
            or (unseen is not None and unseen <= added_at + since)
        ):
            follower = Follower(forecasts, start, added_at)
        elif start.serving is not None:  # it comes in sight later, when nothing has happened yet
            assert not follower.advance(added_at + since)
            follower.serving(added_at + start.serving, start.latency)
        rows = foreseen(follower)
        horizon = added_at + 600 * SECOND
        for kind in (ContainerProber, ReferenceProber):
            expected = played(
                kind(probes, added_at=added_at, kubernetes=kubernetes), start, added_at, horizon
            )
            assert rows == expected, (kind, probes, start, added_at, kubernetes)


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_forecast_is_what_a_prober_of_its_own_finds(draw: Random) -> None:
    assert_agreement(draw)


@pytest.mark.sweep
@pytest.mark.parametrize("block", range(4))
def test_a_forecast_is_what_a_prober_of_its_own_finds_in_many_cases(block: int) -> None:
    for seed in range(400):
        try:
            assert_agreement(Random(f"{block}/{seed}"))
        except BaseException as failure:
            failure.add_note(f"case of seed {block}/{seed}")
            raise


def test_starts_whose_stages_are_drawn_share_a_handful_of_forecasts() -> None:
    draw, opened = Random(0), Opened(GUIDE)
    forecasts = Forecasts(GUIDE, opened)
    for _ in range(1000):
        started = draw.randrange(200_000, 400_000)
        serving = started + draw.randrange(300_000, 3_600_000)
        forecasts.of(Start(0, started, serving, draw.randrange(1, 1200), relist=1000))
    assert opened.number <= 8
