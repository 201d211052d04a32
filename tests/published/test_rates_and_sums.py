"""Published failure rates, roll-outs, start-ups and probe periods come out of whole simulations."""

from __future__ import annotations

from statistics import fmean

import pytest
from published.arithmetic import KAITO, VLLM, liveness, serial_rollout, start_up, startup_window
from published.comparing import MOST, z_of_count
from published.rates import LLAMA3, LLAMA3_SEEDS, SCALING, expected, interruptions

pytestmark = pytest.mark.any_version


@pytest.mark.parametrize(
    ("nodes", "days", "hours"), [SCALING[0], pytest.param(*SCALING[1], marks=pytest.mark.sweep)]
)
def test_mean_time_to_failure_scales_with_the_number_of_nodes(nodes: int, days: int, hours: float) -> None:
    assert days * 24 / expected("meta-rsc1", nodes, days) == pytest.approx(hours, rel=0.005)
    assert (
        abs(z_of_count([interruptions("meta-rsc1", nodes, days)], expected("meta-rsc1", nodes, days))) < MOST
    )


@pytest.mark.parametrize("seeds", [1, pytest.param(LLAMA3_SEEDS, marks=pytest.mark.sweep)])
def test_llama_3_is_interrupted_419_times_in_54_days(seeds: int) -> None:
    counts = [interruptions("llama3", *LLAMA3, seed=seed) for seed in range(seeds)]
    assert abs(fmean(counts) - 419) < 20
    assert abs(z_of_count(counts, expected("llama3", *LLAMA3))) < MOST


def test_a_serial_rollout_of_four_groups_takes_and_costs_4080_s() -> None:
    rollout = serial_rollout()
    assert (rollout.seconds, rollout.lost, rollout.least_ready) == (4080, 4080, 3)


@pytest.mark.parametrize(("phases", "total"), [(KAITO, 966), (VLLM, 215)])
def test_the_stages_of_a_start_add_up(phases: tuple[tuple[int, str], ...], total: int) -> None:
    assert start_up(phases) == total


def test_a_startup_window_holds_to_the_second() -> None:
    assert startup_window(720, 10, 7200) == (7200, None, 0)
    started, killed, restarts = startup_window(720, 10, 7201)
    assert (started, killed) == (None, 7200)
    assert restarts > 10
    started, killed, restarts = startup_window(150, 30, 5000)
    assert (started, killed) == (None, 4500)
    assert restarts > 10
    assert startup_window(240, 30, 5000)[1:] == (None, 0)


@pytest.mark.parametrize(("hangs", "soonest", "latest"), [(False, 25, 30), (True, 60, 65)])
def test_a_sick_engine_is_killed_in_the_published_time(hangs: bool, soonest: int, latest: int) -> None:
    found = liveness(hangs=hangs)
    assert soonest <= min(found) < soonest + 1
    assert latest - 1 < max(found) <= latest
