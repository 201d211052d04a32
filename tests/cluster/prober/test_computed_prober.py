"""The computed prober agrees with the one that fires every tick, whatever the probes and the health."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from cluster.prober.cases import play, prober_of
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeinfer_sim.cluster.prober import PROBE_KINDS, ContainerProber, Health, Outcome, Probes, Segment
from kubeinfer_sim.manifest.model import Probe
from kubeinfer_sim.manifest.releases import RELEASES, release_of
from kubeinfer_sim.testing.reference_prober import ReferenceProber


def a_probe(draw: Random, kind: str) -> dict[str, int]:
    return {
        "initialDelaySeconds": draw.choice([0, 0, 0, 0, 1, 3, 5, 7, 13, 40, 120]),
        "periodSeconds": draw.choice([1, 1, 2, 3, 5, 5, 10, 10, 15, 30, 60, 61, 300]),
        "timeoutSeconds": draw.choice([1, 1, 2, 3, 5, 8, 12, 23, 90]),
        "successThreshold": draw.choice([1, 1, 2, 3, 5]) if kind == "readiness" else 1,
        "failureThreshold": draw.choice([1, 1, 2, 3, 3, 6, 10, 30, 720]),
    }


def a_moment(draw: Random, until: int) -> int:
    """Often one at which something else happens as well."""
    return draw.randrange(until) if draw.random() < 0.6 else draw.randrange(until // 1000 + 1) * 1000


def a_script(draw: Random, flaps: bool) -> list[list[Any]]:
    def answer(from_ms: int) -> list[Any]:
        outcome = draw.choice(["success", "success", "success", "fail", "fail", "hang", "error"])
        latency = draw.choice([0, 1, 17, 400, 1000, 3000, draw.randrange(1, 8000)])
        p = draw.choice([0.0, 0.0, 0.02, 0.3, 0.5, 0.9, 1.0]) if flaps else 0.0
        other = draw.choice(["fail", "fail", "success", "hang", "error"])
        return [from_ms, outcome, latency, p, other, draw.choice([0, 0, 250, 1000, 6000])]

    return [answer(at) for at in sorted({0, *(a_moment(draw, 150_000) for _ in range(draw.randrange(4)))})]


def a_case(draw: Random) -> dict[str, Any]:
    """A case of the form of the golden ones, with more that can happen."""
    flaps = draw.random() < 0.4
    kinds = [kind for kind in PROBE_KINDS if draw.random() < 0.7] or [draw.choice(PROBE_KINDS)]
    probes = {kind: a_probe(draw, kind) for kind in kinds}
    top = max(probe["periodSeconds"] for probe in probes.values())
    case: dict[str, Any] = {
        "probes": probes,
        "scripts": {kind: [a_script(draw, flaps) for _ in range(draw.randrange(1, 4))] for kind in kinds},
        "container_start_ms": a_moment(draw, 30_000),
        "horizon_ms": draw.choice([60_000, 200_000, 400_000, 40_000 * top]),
        "kill_ms": draw.choice([0, 1, 999, 1500, 7000, 30_000, 61_013]),
        "restart_delay_ms": draw.choice([0, 0, 0, 1, 4000, 15_500, 300_000]),
        "addpod_wall_ms": draw.choice([0, 1, 500, 999]),
        "trigger_sees": draw.choice(["new", "new", "old"]),
        "extra_sync_ms": [a_moment(draw, 200_000) for _ in range(draw.choice([0, 0, 1, 4]))],
        "health_ms": [a_moment(draw, 200_000) for _ in range(draw.choice([0, 0, 1, 2]))],
    }
    if draw.random() < 0.3:
        exits = range(draw.randrange(1, 5))
        case["exit_ms"] = [
            draw.choice([-1, a_moment(draw, 90_000) + 1, a_moment(draw, 3000) + 1]) for _ in exits
        ]
        if case["exit_ms"][-1] >= 0:  # so it goes on to the end: a thousand times are enough
            lives = [abs(each) + case["restart_delay_ms"] for each in case["exit_ms"]]
            enough = case["container_start_ms"] + sum(lives) + 1000 * lives[-1]
            case["horizon_ms"] = min(case["horizon_ms"], enough)
    if draw.random() < 0.2:
        case["adopted"] = {
            "age_ms": draw.choice([0, 9_000, 10_000, 10_001, a_moment(draw, 12_000), 3_600_000]),
            "started": draw.random() < 0.8,
            "pod_ready": draw.random() < 0.8,
        }
    if draw.random() < 0.2:
        case["terminate_ms"] = [a_moment(draw, 200_000)]
    if draw.random() < 0.1 and len(probes) == 1:
        case["first_wake_ms"] = a_moment(draw, draw.choice([15_000, 300_000]))
    return case


def assert_agreement(draw: Random) -> None:
    case = a_case(draw)
    seed = draw.randrange(1_000_000)
    options: dict[str, Any] = {
        "tie": draw.choice(["trigger", "tick"]),
        "kubernetes": release_of(draw.choice(RELEASES)),
        "kubelet_age_ms": draw.choice([3_600_000, 3_600_000, 70_000, 4000, 0]),
    }

    def prober(kind: type) -> Any:
        return prober_of(kind, case, source=lambda name: Random(f"{seed}/{name}"), **options)

    expected = play(case, prober(ReferenceProber))
    assert play(case, prober(ContainerProber)) == expected
    assert (
        play(case, prober(ContainerProber), look_every=case["horizon_ms"] // draw.choice([7, 83])) == expected
    )


@settings(max_examples=100, deadline=None)
@given(st.randoms(use_true_random=False))
def test_every_transition_is_that_of_a_prober_that_fires_every_tick(draw):
    assert_agreement(draw)


@pytest.mark.sweep
@pytest.mark.parametrize("block", range(4))
def test_every_transition_is_that_of_a_prober_that_fires_every_tick_in_many_cases(block):
    for seed in range(500):
        try:
            assert_agreement(Random(f"{block}/{seed}"))
        except BaseException as failure:
            failure.add_note(f"case of seed {block}/{seed}")
            raise


def test_looking_often_at_a_container_that_flaps_without_consequence_draws_nothing_twice():
    """A hundred failures in a row are never met, and nobody knows beforehand."""
    drawn = 0

    class Counting(Random):
        def random(self) -> float:
            nonlocal drawn
            drawn += 1
            return super().random()

    probe = Probe(period_seconds=1, failure_threshold=100)
    prober = ContainerProber(Probes(liveness=probe), added_at=0, source=lambda name: Counting(name))
    prober.container_started(0, Health([], [Segment(0, Outcome.SUCCESS, 0, 0.3)], []))
    for at in range(0, 100_000, 10):
        prober.next_at()
        prober.advance(at)
    assert drawn < 2000
    steps = 0
    while prober.next_at() < 86_400_000:
        prober.advance(prober.next_at())
        steps += 1
    assert steps < 100


def calls_until_killed(seed: int, p: float, threshold: int) -> int:
    """How many calls it takes until a container that fails each call with probability p is killed."""
    probes = {"liveness": a_probe(Random(0), "liveness") | {"failureThreshold": threshold}}
    probes["liveness"] |= {"periodSeconds": 1, "timeoutSeconds": 1, "initialDelaySeconds": 0}
    case = {
        "probes": probes,
        "scripts": {"liveness": [[[0, "success", 0, p]]]},
        "container_start_ms": 0,
        "horizon_ms": 10**12,
        "kill_ms": 10**12,
        "addpod_wall_ms": 0,
        "trigger_sees": "new",
    }
    trace = play(case, prober_of(ContainerProber, case, source=lambda kind: Random(seed)))
    return trace.container[1][0] // 1000


@pytest.mark.parametrize(("p", "threshold"), [(0.5, 3), (0.1, 2), (0.9, 6), (1.0, 4), (0.3, 1)])
def test_flapping_kills_after_as_many_calls_as_independent_failures_do(p, threshold):
    """The first run of r failures among independent calls comes after (p^-r - 1) / (1 - p) calls on average."""
    count = 1000
    samples = [calls_until_killed(seed, p, threshold) for seed in range(count)]
    mean = sum(samples) / count
    if p == 1.0:
        assert set(samples) == {threshold}
        return
    expected = (p**-threshold - 1) / (1 - p)
    deviation = (sum((n - mean) ** 2 for n in samples) / count / count) ** 0.5
    assert abs(mean - expected) < 4 * deviation
    # The shortest way: the first r calls all fail.
    shortest = sum(n == threshold for n in samples) / count
    assert abs(shortest - p**threshold) < 4 * (p**threshold * (1 - p**threshold) / count) ** 0.5
