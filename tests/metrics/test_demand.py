"""Offered load against capacity, against closed forms and a sum over every millisecond."""

from __future__ import annotations

from fractions import Fraction

from building import kubeinfer, scenario
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kubeinfer_sim.metrics import Judgement
from kubeinfer_sim.metrics.demand import Demand, measure_demand
from kubeinfer_sim.metrics.steps import Steps
from kubeinfer_sim.report.terminal import render
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.actions.model import Crash, Target
from kubeinfer_sim.scenario.demand.curve import LoadCurve, OfferedLoad
from kubeinfer_sim.scenario.model import Objectives
from kubeinfer_sim.simulation.simulate import simulate

ONE = Fraction(1)


def curve(*points: tuple[int, int], period: int | None = None) -> LoadCurve:
    return LoadCurve(tuple((at, Fraction(load)) for at, load in points), period)


def against(load: LoadCurve, *capacity: tuple[int, int], until: int = 1_000) -> Demand:
    return measure_demand(load, Steps(capacity), ONE, 0, until)


def test_a_constant_load_is_not_served_where_it_is_above_the_capacity() -> None:
    found = against(curve((0, 3)), (0, 4), (200, 2), (300, 4))
    assert (found.offered, found.unserved) == (3_000, 100)
    assert [(each.since, each.until) for each in found.overloads] == [(200, 300)]
    assert (found.worst, found.worst_at) == (1, 200)


def test_a_line_that_crosses_the_capacity_leaves_a_triangle() -> None:
    # From 0 to 10 over 1,000 ms; above 7 for the last 300 ms: 300 * 3 / 2.
    found = against(curve((0, 0), (1_000, 10)), (0, 7))
    assert found.unserved == 450
    assert found.overloaded == found.longest == 300
    assert (found.worst, found.worst_at) == (3, 1_000)


def test_what_is_above_the_capacity_by_less_than_one_is_above_it() -> None:
    # From 3 to 0 over 1,000 ms; at 900 ms, when there is room again, 0.3 are left.
    assert against(curve((0, 3), (1_000, 0)), (0, 0), (900, 9)).unserved == Fraction(33, 20) * 900


def test_the_crossing_is_exact_between_two_milliseconds() -> None:
    found = against(curve((0, 0), (3, 1), (6, 0)), (0, 0), until=6)
    assert found.unserved == 3
    assert against(curve((0, 2), (3, 0)), (0, 1), until=3).overloaded == Fraction(3, 2)


def test_a_line_that_begins_later_is_followed_from_where_it_begins() -> None:
    found = against(curve((100, 0), (300, 200)), (0, 1_000), (150, 0), (250, 1_000))
    assert found.unserved == (50 + 150) / 2 * 100


def test_overloads_that_touch_are_one() -> None:
    found = against(curve((0, 5)), (0, 4), (100, 3), (200, 9), (300, 1))
    assert [(each.since, each.until) for each in found.overloads] == [(0, 200), (300, 1_000)]
    later = against(curve((0, 5)), (0, 9), (50, 4), (100, 9), (300, 1), (400, 2))
    assert [(each.since, each.until) for each in later.overloads] == [(50, 100), (300, 1_000)]


def test_a_load_just_at_the_capacity_is_served() -> None:
    found = against(curve((0, 4)), (0, 4))
    assert (found.unserved, found.overloads) == (0, ())


def test_a_day_is_joined_to_the_next() -> None:
    # 0 at 250, 100 at 750, so 50 at midnight; every 1,000 ms anew.
    day = curve((250, 0), (750, 100), period=1_000)
    assert [day.at(at) for at in (0, 250, 500, 750, 1_000, 3_750)] == [50, 0, 50, 100, 50, 100]
    assert against(day, (0, 0), until=5_000).offered == 50 * 5_000


def test_outside_its_points_a_load_is_that_of_the_nearest() -> None:
    once = curve((100, 2), (200, 6))
    assert [once.at(at) for at in (0, 100, 150, 200, 900)] == [2, 2, 4, 6, 6]


points = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 9)), min_size=1, max_size=6, unique_by=lambda p: p[0]
)


@settings(max_examples=100, deadline=None)
@given(points.map(sorted), points.map(sorted), st.booleans())
def test_the_areas_are_those_of_a_sum_over_small_steps(
    load: list[tuple[int, int]], capacity: list[tuple[int, int]], again: bool
) -> None:
    shape = curve(*load, period=61 if again else None)
    have = Steps([(0, 0), *(each for each in capacity if each[0])])
    found = measure_demand(shape, have, ONE, 0, 150)
    # Trapezoids of pieces so small that no crossing lies within one: 1/2520 divides all that can come up here.
    offered = sum((shape.at(at) + shape.at(at + 1)) / 2 for at in range(150))
    assert found.offered == offered
    parts = 100
    rough = 0.0
    for at in range(150):
        first, last, most = float(shape.at(at)), float(shape.at(at + 1)), have.at(at)
        values = [first + (last - first) * (i + 0.5) / parts for i in range(parts)]
        rough += sum(max(0.0, value - most) for value in values) / parts
    assert abs(float(found.unserved) - rough) < 0.01 * (1 + rough)
    assert sum((each.length for each in found.overloads), Fraction(0)) == found.overloaded <= 150


def test_what_an_outage_costs_of_the_load() -> None:
    # One of two instances is out for 30 s of load and 5 s of exit: 10 of 50 requests/s have no place meanwhile.
    load = OfferedLoad(curve((0, 50)), "requests/s", Fraction(40), line="50 requests/s")
    made = scenario(
        kubeinfer(2),
        2,
        30,
        5,
        actions=(Crash(100_000, Target(instances=(0,))),),
        horizon=200_000,
        objectives=Objectives(max_unserved=Fraction(1, 100), max_overload=35_000),
    )
    made = replace(made, load=load)
    assessed = assess(simulate(made))
    demand = assessed.demand
    assert demand is not None
    assert demand.overloaded == assessed.measures.whole.lost
    assert demand.unserved == 10 * demand.overloaded
    unserved, overload = assessed.judged
    assert unserved.judgement is Judgement.MISSED
    assert (overload.measured, overload.judgement) == (demand.overloaded, Judgement.HELD)
    text = render(assessed)
    assert "not served: 3.5 % of it (350 requests)" in text
    assert "overloaded for 35s" in text
