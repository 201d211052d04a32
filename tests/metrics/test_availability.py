"""Availability and capacity against closed forms of hand-built histories."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from building import kubeinfer, scenario, seconds
from metering import metered

from kubeinfer_sim.cluster.records import InstanceRef, PodCreated, PodNotReady, PodReady, PodRef
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceReady,
    SpecApplied,
)
from kubeinfer_sim.engine.history import NO_CAUSE, History, Record
from kubeinfer_sim.manifest.model import IntOrPercent
from kubeinfer_sim.metrics import Judgement, Measures, judge, measure
from kubeinfer_sim.metrics.availability import Availability, measure_availability, measure_level
from kubeinfer_sim.metrics.capacity import Capacity, CapacityMeter
from kubeinfer_sim.metrics.steps import Steps
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.actions.model import Crash, Drain, Health, Scale, Target
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import ALL, BUDGET, ONE, AvailabilityObjective, Objectives, ReadyLevel
from kubeinfer_sim.simulation.simulate import simulate

DAY = 86_400_000
SCENARIOS = Path(__file__).parents[2] / "scenarios"


def instance(number: int) -> InstanceRef:
    return InstanceRef(number, "infer", number)


def service(
    outages: dict[int, list[tuple[int, int]]],
    replicas: int,
    unavailable: int = 0,
    pods: dict[str, int] | None = None,
) -> History:
    """Instances that run from the start; `outages` maps an instance to its (from, to) with pod 0 of role a down."""
    records: list[tuple[int, Record]] = [
        (0, SpecApplied(0, NO_CAUSE, "infer", 1, "r", replicas, 1, unavailable, ("created",), "running", ()))
    ]
    for number in range(replicas):
        records.append((0, InstanceCreated(0, 0, instance(number), "r", 1, True)))
        for role, count in (pods or {"a": 1}).items():
            records += [(0, PodCreated(0, 0, PodRef(instance(number), role, i, 0))) for i in range(count)]
        records.append((0, InstanceReady(0, 0, instance(number))))
    for number, times in outages.items():
        pod = PodRef(instance(number), "a", 0, 0)
        for since, until in times:
            records += [
                (since, PodNotReady(since, 0, pod, "x")),
                (since, InstanceConcerning(since, 0, instance(number), "x")),
                (until, PodReady(until, 0, pod)),
                (until, InstanceReady(until, 0, instance(number))),
            ]
    history = History()
    for _, record in sorted(records, key=lambda each: each[0]):
        history.append(record)
    return history


def measured(records: Iterable[Record], until: int = DAY) -> Measures:
    return measure(records, ended_at=until, end="horizon")


def capacity_of(records: Iterable[Record], **serves: Any) -> Capacity:
    return metered(CapacityMeter(**{"whole": False, **serves}), records, ended_at=DAY, end="horizon")


def found(history: History, *, whole: bool = False) -> Availability:
    return measure_availability(measured(history), capacity_of(history, whole=whole))


def test_k_of_n_is_the_part_of_the_time_with_at_least_k_ready() -> None:
    # Of three, one is out for 10 min, and in the middle 4 min of that a second one.
    minute = 60_000
    history = service({0: [(0, 10 * minute)], 1: [(3 * minute, 7 * minute)]}, 3, unavailable=1)
    one, budget, every = found(history).levels
    assert (one.held, one.outages) == (1, 0)
    assert (budget.held, budget.outages, budget.longest) == (1 - Fraction(4, 1440), 1, 4 * minute)
    assert (every.held, every.outages, every.longest) == (1 - Fraction(10, 1440), 1, 10 * minute)


def test_outages_that_touch_are_one() -> None:
    history = service({0: [(100, 200)], 1: [(200, 300)], 2: [(400, 500)]}, 3)
    level = measure_level(ALL, measured(history))
    assert (level.outages, level.longest, level.total) == (2, 200, 300)


def test_fewer_desired_is_no_outage_of_a_fixed_number() -> None:
    run = simulate(scenario(kubeinfer(3), 4, 30, 5, actions=(Scale(1_000, 1),)))
    measures = measure(run.history, ended_at=run.ended_at, end=run.end)
    assert measure_level(ReadyLevel("3", IntOrPercent(3)), measures).outages == 0
    assert measure_level(ONE, measures).outages == 0


def test_the_budget_is_that_of_the_spec_in_force() -> None:
    history = service({0: [(5_000, 6_000)]}, 2, unavailable=0)
    history.append(SpecApplied(7_000, NO_CAUSE, "infer", 2, "r", 2, 1, 1, ("strategy",), "", ()))
    assert measure_level(BUDGET, measured(history)).total == 1_000


def test_the_capacity_of_an_instance_is_that_of_its_weakest_role() -> None:
    # A quarter of role a is out for a tenth of the day.
    history = service({0: [(0, DAY // 10)]}, 1, pods={"a": 4, "b": 2})
    availability = found(history)
    assert availability.capacity == 1 - Fraction(1, 4) * Fraction(1, 10)
    assert availability.roles == {"a": 1 - Fraction(1, 40), "b": 1}


def test_an_instance_that_serves_as_a_whole_has_no_capacity_without_all_pods() -> None:
    history = service({0: [(0, DAY // 10)]}, 1, pods={"a": 4, "b": 2})
    assert found(history, whole=True).capacity == Fraction(9, 10)


def test_a_role_with_room_to_spare_does_not_limit() -> None:
    # Pods of a take 30 each, of b 50: 100 together is what b takes, and three of four a take 90.
    history = service({0: [(0, 1_000)]}, 1, pods={"a": 4, "b": 2})
    serves = {"a": Fraction(30), "b": Fraction(50)}
    capacity = capacity_of(history, pod_serves=serves)
    assert steps(capacity) == [(0, 90), (1_000, 100)]
    assert capacity.share.steps.at(0) * capacity.share.unit == Fraction(9, 10)
    # With 60 each even two would do.
    serves = {"a": Fraction(60), "b": Fraction(50)}
    assert steps(capacity_of(history, pod_serves=serves)) == [(0, 100)]


def steps(capacity: Capacity) -> list[tuple[int, Fraction]]:
    return [(at, value * capacity.serves.unit) for at, value in capacity.serves.steps.points]


def test_pods_that_were_given_up_are_missing_capacity() -> None:
    assessed = assess(simulate(load_scenario(str(SCENARIOS / "no-spare-degrade.yaml"))))
    assert assessed.availability is not None
    assert 0.5 < assessed.availability.roles["prefill"] < 0.51
    assert assessed.availability.capacity is not None
    assert 0.49 < assessed.availability.capacity < 0.51


def test_capacity_of_random_runs_is_recounted_from_the_pods() -> None:
    actions = (
        Crash(100_000, Target(instances=(0,), roles=("b",))),
        Drain(400_000, ("node-1",)),
        Health(700_000, Target(instances=(1,)), healthy=False, until=720_000),
    )
    spec = kubeinfer(2, roles={"a": 2, "b": 1}, restart="Pod")
    run = simulate(
        scenario(spec, 8, 30, 5, actions=actions, stages={"cleanup": seconds(2)}, horizon=1_000_000)
    )
    capacity = capacity_of(run.history)
    for role in ("a", "b"):
        assert capacity.roles[role].steps.last * capacity.roles[role].unit == 2
    assert min(v for _, v in capacity.share.steps.points[1:]) * capacity.share.unit < 2
    assert capacity.share.steps.last * capacity.share.unit == 2


def judged(objectives: Objectives, history: History) -> list[tuple[str, Judgement, Any, str]]:
    return [
        (each.name, each.judgement, each.measured, each.level)
        for each in judge(objectives, measured(history), capacity_of(history))
    ]


def test_availability_objectives_are_held_to_the_exact_fraction() -> None:
    history = service({0: [(0, 86_400)]}, 2, unavailable=1)
    at_least = (Fraction("0.999"), Fraction("0.9990001"))
    objectives = Objectives(
        availability=tuple(AvailabilityObjective(ALL, each) for each in at_least),
        min_capacity=Fraction("0.9995"),
    )
    assert judged(objectives, history) == [
        ("availability", Judgement.HELD, 99.9, "all"),
        ("availability", Judgement.MISSED, 99.9, "all"),
        ("minCapacity", Judgement.HELD, 99.95, ""),
    ]


def test_the_longest_outage_is_judged_by_its_level() -> None:
    history = service({0: [(0, 86_400)]}, 2, unavailable=1)
    objectives = Objectives(
        availability=(
            AvailabilityObjective(ALL, longest_outage=86_399),
            AvailabilityObjective(ReadyLevel("50%", IntOrPercent(50, percent=True)), longest_outage=0),
        )
    )
    assert judged(objectives, history) == [
        ("longestOutage", Judgement.MISSED, 86_400, "all"),
        ("longestOutage", Judgement.HELD, 0, "50%"),
    ]


def test_an_outage_that_never_ends_misses_its_objective() -> None:
    objectives = Objectives(availability=(AvailabilityObjective(ALL, longest_outage=DAY),))
    made = scenario(kubeinfer(1), 1, 30, 5, actions=(Drain(1_000, ("node-0",)),), objectives=objectives)
    (only,) = assess(simulate(made)).judged
    assert only.judgement is Judgement.MISSED
    assert only.reason == "and the last one never ends"


@pytest.mark.parametrize("ready", [0, 1, 3])
def test_a_level_never_asks_for_more_than_is_desired(ready: int) -> None:
    assert ReadyLevel("2", IntOrPercent(2)).of(ready) == min(2, ready)
    assert ReadyLevel("80%", IntOrPercent(80, percent=True)).of(ready) == -(-ready * 4 // 5)
    assert Steps([(0, ready)]).last == ready
