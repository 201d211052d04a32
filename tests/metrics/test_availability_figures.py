"""The availability figures of one small history, worked out by hand, from the simulation to the result document.

Three instances of one pod, of which the budget lets one be missing. An engine that crashes is out for 35 s: 5 s until
its pod is gone, 30 s of load. Crashes at 100 s, 120 s (of two instances) and 500 s:

    ready  3 |‾‾‾‾‾‾‾‾‾|              |‾‾‾‾‾‾‾‾‾‾|        |‾‾‾
           2           |___|     |____|          |________|
           1               |_____|
            0         100 120   135  155        500      535   … 1,000 s
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from building import kubeinfer, nodes, scenario
from msgspec.structs import replace

from kubeinfer_sim.experiment.figures import Figures, figures
from kubeinfer_sim.manifest.model import IntOrPercent
from kubeinfer_sim.metrics.availability import Level
from kubeinfer_sim.report.result import build_result
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.actions.model import Apply, Fault, Health, Target
from kubeinfer_sim.scenario.demand.curve import LoadCurve, OfferedLoad
from kubeinfer_sim.scenario.model import AvailabilityObjective, Objectives, ReadyLevel, Scenario
from kubeinfer_sim.simulation.simulate import simulate

SECOND = 1000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
CRASHES = ((100, 0), (120, 1), (500, 2))


def three(**fields: Any) -> Scenario:
    actions = tuple(Fault(at * SECOND, "ProcessCrash", Target(instances=(who,))) for at, who in CRASHES)
    return scenario(
        kubeinfer(3, surge=1, unavailable=1), 4, 30, 5, actions=actions, horizon=1_000 * SECOND, **fields
    )


def found(made: Scenario) -> Figures:
    return figures(simulate(made))


def levels(made: Scenario) -> dict[str, Level]:
    availability = found(made).availability
    assert availability is not None
    return {level.name: level for level in availability.levels}


def test_at_least_one_is_ready_throughout() -> None:
    one = levels(three())["one"]
    assert (one.held, one.outages, one.longest) == (1, 0, 0)


def test_at_least_as_many_as_the_budget_keeps() -> None:
    budget = levels(three())["budget"]
    assert (budget.held, budget.outages, budget.longest) == (1 - Fraction(15, 1000), 1, 15 * SECOND)


def test_all_are_ready_but_for_two_outages() -> None:
    every = levels(three())["all"]
    assert (every.held, every.outages) == (1 - Fraction(90, 1000), 2)
    assert (every.longest, every.total) == (55 * SECOND, 90 * SECOND)


def test_at_least_a_named_number_is_in_the_result_beside_the_others() -> None:
    named = (ReadyLevel("2", IntOrPercent(2)), ReadyLevel("34%", IntOrPercent(34, percent=True)))
    objectives = Objectives(availability=tuple(AvailabilityObjective(each, Fraction(1, 2)) for each in named))
    seen = levels(three(objectives=objectives))
    assert list(seen) == ["one", "budget", "all", "2", "34%"]
    assert seen["2"].total == seen["34%"].total == 15 * SECOND
    part = build_result(assess(simulate(three(objectives=objectives)))).availability
    assert part is not None
    assert [(each.name, each.outages, each.longest_ms) for each in part.levels[3:]] == [
        ("2", 1, 15 * SECOND),
        ("34%", 1, 15 * SECOND),
    ]


def test_capacity_availability_is_the_integral_of_capacity_over_that_of_desired() -> None:
    availability = found(three()).availability
    assert availability is not None
    assert availability.capacity == 1 - Fraction(3 * 35, 3 * 1000)


def test_each_role_has_an_availability_of_its_own() -> None:
    # Two prefill pods and a decode pod; one prefill pod of one of two instances is made anew, 35 s, Pod level.
    spec = kubeinfer(2, roles={"prefill": 2, "decode": 1}, restart="Pod")
    target = Target(instances=(1,), roles=("prefill",), pods=(0,))
    made = scenario(
        spec, 7, 30, 5, actions=(Fault(100 * SECOND, "ProcessCrash", target),), horizon=1_000 * SECOND
    )
    availability = found(made).availability
    assert availability is not None
    assert availability.roles == {"prefill": 1 - Fraction(35, 4 * 1000), "decode": 1}
    # Half of its prefill is half of an instance.
    assert availability.capacity == 1 - Fraction(35, 2) / (2 * 1000)
    assert availability.levels[2].total == 35 * SECOND


def test_mttd_and_mttr_of_each_kind_of_fault_are_in_the_result() -> None:
    """Three crashes, seen at once and repaired in 35 s; a check that fails from 700.25 s on and is asked each second."""
    made = three()
    sick = Health(700_250, Target(instances=(0,)), healthy=False, until=720_250)
    result = build_result(assess(simulate(replace(made, actions=(*made.actions, sick)))))
    kinds = {each.kind: each for each in result.cause_kinds}
    crash, check = kinds["ProcessCrash"], kinds["health check"]
    assert (crash.causes, crash.incidents) == (3, 3)
    assert (crash.mean_detection_ms, crash.mean_repair_ms) == (0, 35 * SECOND)
    assert crash.lost_instance_ms == 3 * 35 * SECOND
    assert (check.causes, check.incidents) == (1, 1)
    assert (check.mean_detection_ms, check.mean_repair_ms) == (750, 20 * SECOND)
    assert set(kinds) == {"ProcessCrash", "health check"}


def test_every_fault_is_in_the_result_with_who_noticed_and_when_it_was_over() -> None:
    result = build_result(assess(simulate(three())))
    assert [(each.kind, each.at_ms, each.detected_by) for each in result.faults] == [
        ("ProcessCrash", at * SECOND, "process exit") for at, _ in CRASHES
    ]
    assert [each.detected_at_ms for each in result.faults] == [each.at_ms for each in result.faults]
    assert [each.ready_again_at_ms for each in result.faults] == [
        each.at_ms + 35 * SECOND for each in result.faults
    ]


def loaded(curve: LoadCurve, serves: int, made: Scenario) -> Scenario:
    return replace(made, load=OfferedLoad(curve, "requests/s", Fraction(serves), line=""))


def test_a_constant_load_is_above_the_capacity_in_both_outages() -> None:
    # Each takes 10 of 25 requests/s: 5 too much with two ready, 15 with one.
    demand = found(loaded(LoadCurve(((0, Fraction(25)),)), 10, three())).demand
    assert demand is not None
    assert demand.offered == 25 * 1000 * SECOND
    assert demand.unserved == (5 * 20 + 15 * 15 + 5 * 20 + 5 * 35) * SECOND
    assert [(each.since, each.until) for each in demand.overloads] == [
        (100 * SECOND, 155 * SECOND),
        (500 * SECOND, 535 * SECOND),
    ]
    assert (demand.overloaded, demand.longest) == (90 * SECOND, 55 * SECOND)
    assert (demand.worst, demand.worst_at) == (15, 120 * SECOND)


def an_hour_at_six(days: int) -> Scenario:
    """One instance that is out from 06:00 to 07:00 on the first day."""
    crash = Fault(6 * HOUR, "ProcessCrash", Target())
    return scenario(kubeinfer(1), 2, 3_595, 5, actions=(crash,), horizon=days * DAY)


def test_a_daily_load_leaves_unserved_what_it_asks_for_in_the_outage() -> None:
    # From 0 at midnight up to 24 at noon and down again: 2t at t o'clock, so 6 to 7 asks for 13, the day for 288.
    daily = LoadCurve(((0, Fraction(0)), (12 * HOUR, Fraction(24))), DAY)
    demand = found(loaded(daily, 24, an_hour_at_six(3))).demand
    assert demand is not None
    assert demand.unserved == 13 * HOUR
    assert demand.offered == 3 * 288 * HOUR
    assert demand.overloaded == HOUR
    assert (demand.worst, demand.worst_at) == (14, 7 * HOUR)


def test_a_cold_start_owes_nothing_until_all_are_ready_for_the_first_time() -> None:
    cold = replace(
        three(), initial="empty", load=OfferedLoad(LoadCurve(((0, Fraction(25)),)), "", Fraction(10))
    )
    first = found(cold)
    assert first.measures.whole.since == 30 * SECOND
    assert first.availability is not None
    assert [level.span for level in first.availability.levels] == [970 * SECOND] * 3
    assert first.availability.levels[2].total == 90 * SECOND
    assert first.demand is not None
    assert first.demand.since == 30 * SECOND
    assert first.demand.offered == 25 * 970 * SECOND


def test_a_cold_start_that_never_ends_is_one_outage_from_the_beginning() -> None:
    # Room for two of three.
    made = replace(three(), initial="empty", actions=(), nodes=nodes(2))
    first = found(made)
    assert first.measures.whole.since == 0
    assert first.availability is not None
    one, budget, every = first.availability.levels
    assert (every.held, every.outages, every.lasts) == (0, 1, True)
    assert one.total == budget.total == 30 * SECOND


def test_an_update_that_replaces_one_at_a_time_is_an_outage_of_all_but_not_of_the_budget() -> None:
    update = Apply(100 * SECOND, kubeinfer(3, surge=0, unavailable=1, revision="new"))
    made = scenario(kubeinfer(3, surge=0, unavailable=1), 3, 30, 5, actions=(update,), horizon=1_000 * SECOND)
    seen = levels(made)
    # The next one goes in the very instant in which the one before it is ready.
    assert (seen["all"].outages, seen["all"].total) == (1, 3 * 35 * SECOND)
    assert seen["budget"].outages == 0


@pytest.mark.parametrize("named", ["one", "budget", "all"])
def test_what_was_held_and_what_was_not_add_up_to_the_whole(named: str) -> None:
    level = levels(three())[named]
    assert level.held + Fraction(level.total, level.span) == 1
    assert level.longest <= level.total <= level.span == 1_000 * SECOND
