"""MindCluster's own table of how long it takes to bind pods that come at once."""

from __future__ import annotations

import pytest
from building import kubeinfer, scenario
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import PodBound
from kubeinfer_sim.cluster.scheduler.scheduling_rate import SchedulingRate
from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.simulation.simulate import simulate


@pytest.mark.parametrize(
    ("pods", "seconds"),
    [(100, 14), (500, 57), (1000, 114), (5000, 400), (50, 7), (750, 85.5), (10_000, 757.5)],
)
def test_pods_that_come_at_once_take_what_the_table_says(pods: int, seconds: float) -> None:
    assert SchedulingRate().bind(pods, 0) == seconds * 1000


def test_pods_that_come_later_wait_behind_those_being_bound() -> None:
    rate = SchedulingRate()
    assert rate.bind(100, 0) == 14_000
    assert rate.bind(400, 1_000) == 57_000
    assert rate.bind(100, 57_001) == 57_001 + 14_000


@given(st.lists(st.integers(1, 400), min_size=1, max_size=30))
def test_in_what_portions_they_come_makes_no_difference_and_more_take_longer(portions: list[int]) -> None:
    rate = SchedulingRate()
    times = [rate.bind(portion, 0) for portion in portions]
    assert times[-1] == SchedulingRate().bind(sum(portions), 0)
    assert times == sorted(times)


def test_a_hundred_pods_of_a_scenario_are_bound_after_14_s() -> None:
    made = scenario(kubeinfer(50, roles={"decode": 2}), 100, initial="empty")
    made = replace(made, assumptions=Assumptions(scheduling_rate="mindcluster"))
    bound = [each.at for each in simulate(made).history if isinstance(each, PodBound)]
    assert (min(bound), max(bound), len(bound)) == (280, 14_000, 100)
