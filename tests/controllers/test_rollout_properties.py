"""Invariants of InstanceRollingUpdate over random clusters, budgets, timings and update times.

I1  live instances never exceed R + S (R when no old one exists).
I2  ready instances never fall below R - U while nothing fails.
I3  a gang holds nodes whole or not at all.
I4  NPUs are conserved: what is in use is what placed pods hold, never above the cluster's.
I5  the update completes if and only if there is room for it.
I6  no instance mixes revisions; no ordinal has two holders.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest
from building import kubeinfer, scenario, seconds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sweeps import blocks

from kubeinfer_sim.cluster.records import GangScheduled, PodGone
from kubeinfer_sim.controllers.kubeinfer.budget import resolve
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDeleting,
    InstanceGone,
    InstanceReady,
    SpecApplied,
    Stalled,
    UpdateCompleted,
)
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.model import Assumptions, Scenario
from kubeinfer_sim.scenario.timings.distributions import Uniform
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate


@dataclass(frozen=True)
class Case:
    replicas: int
    surge: int | str
    unavailable: int | str
    roles: dict[str, int]
    spare: int
    low: int
    high: int
    term: int
    at: tuple[int, ...]
    seed: int


def budgets() -> st.SearchStrategy[int | str]:
    return st.integers(0, 4) | st.integers(0, 100).map(lambda percent: f"{percent}%")


@st.composite
def cases(draw: st.DrawFn) -> Case:
    surge, unavailable = draw(budgets()), draw(budgets())
    if surge == 0 and unavailable == 0:
        unavailable = 1
    low = draw(st.integers(1, 300))
    return Case(
        replicas=draw(st.integers(1, 7)),
        surge=surge,
        unavailable=unavailable,
        roles=draw(st.sampled_from([{"mixed": 1}, {"prefill": 1, "decode": 1}, {"prefill": 2, "decode": 1}])),
        spare=draw(st.integers(0, 8)),
        low=low,
        high=low + draw(st.integers(0, 900)),
        term=draw(st.integers(0, 400)),
        at=tuple(sorted(draw(st.lists(st.integers(0, 3000), min_size=1, max_size=3)))),
        seed=draw(st.integers(0, 5)),
    )


def build(case: Case) -> Scenario:
    old = kubeinfer(case.replicas, case.surge, case.unavailable, "old", case.roles)
    revisions = [replace_revision(case, f"new{i}") for i in range(len(case.at))]
    return scenario(
        old,
        case.replicas * sum(case.roles.values()) + case.spare,
        0,
        case.term,
        stages={"warm_up": Uniform(case.low * 1000, case.high * 1000), "bind": seconds(1)},
        actions=tuple(Apply(at * 1000, spec) for at, spec in zip(case.at, revisions, strict=True)),
        seed=case.seed,
    )


def replace_revision(case: Case, revision: str):  # type: ignore[no-untyped-def]
    return kubeinfer(case.replicas, case.surge, case.unavailable, revision, case.roles)


def check_invariants(run: Run, capacity: int, gang_size: int, *, surge_stays: bool = False) -> None:
    live: dict[int, str] = {}
    uid_revision: dict[int, str] = {}
    ready: set[int] = set()
    in_use = 0
    holding: Counter[int] = Counter()
    spec: SpecApplied | None = None
    records = list(run.history)
    for index, record in enumerate(records):
        match record:
            case SpecApplied():
                spec = record
            case InstanceCreated():
                ordinal = record.instance.ordinal
                assert ordinal not in live, "I6: an ordinal has one holder"
                live[ordinal] = record.revision
                uid_revision[record.instance.uid] = record.revision
            case InstanceGone():
                del live[record.instance.ordinal]
            case InstanceReady():
                ready.add(record.instance.uid)
            case InstanceConcerning() | InstanceDeleting():
                ready.discard(record.instance.uid)
            case GangScheduled():
                assert len(record.nodes) == gang_size, "I3: the whole gang at once"
                in_use += record.npus
                holding[record.instance.uid] += record.npus
                assert record.in_use == in_use <= capacity, "I4"
            case PodGone():
                in_use -= record.npus
                holding[record.pod.instance.uid] -= record.npus
                assert record.in_use == in_use >= 0, "I4"
                assert holding[record.pod.instance.uid] >= 0, "I4"
        if spec is None or (index + 1 < len(records) and records[index + 1].at == record.at):
            continue
        old_exists = any(revision != spec.revision for revision in live.values())
        assert len(live) <= spec.replicas + (spec.surge if old_exists or surge_stays else 0), "I1"
        if record.at > 0:
            assert len(ready) >= spec.replicas - spec.unavailable, "I2"


def has_room(case: Case, free_gangs: int, *, one_at_a_time: bool = False, fixed: bool = False) -> bool:
    """An update can go on if it may take a ready instance away, or can place one more gang.

    One that waits until every new instance is ready has to place all of the surge, which with fixed ordinals is what
    maxUnavailable does not cover of no more than that many.
    """
    budget = resolve(kubeinfer(case.replicas, case.surge, case.unavailable).rolling_update, case.replicas)
    if one_at_a_time:
        surge = min(budget.surge, budget.replicas)
        if fixed and budget.replicas <= surge:
            surge = budget.replicas - budget.unavailable
        return surge <= free_gangs
    return budget.unavailable > 0 or (budget.surge > 0 and free_gangs > 0)


def check(case: Case, assumptions: Assumptions = Assumptions()) -> None:  # noqa: B008 - immutable
    gang = sum(case.roles.values())
    made = replace(build(case), assumptions=assumptions)
    run = simulate(made)
    fixed = assumptions.ordinals == "fixed"
    check_invariants(run, 8 * len(made.nodes), gang, surge_stays=fixed)
    last = max(record.generation for record in run.history.of(SpecApplied))
    completed = any(record.generation == last for record in run.history.of(UpdateCompleted))
    one = assumptions.replaced_at_once == "one"
    if one and len(case.at) > 1:
        # What a surge of the revision in between holds or waits for goes now and then in the instant in which the next
        # begins, before any of that is there; where it is finished, each may wait for the other's room.
        return
    assert completed == has_room(case, case.spare // gang, one_at_a_time=one, fixed=fixed), "I5"
    assert run.end == "settled"
    if not completed:
        assert [r.reason for r in run.history.of(Stalled)][-1] == "Unschedulable"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_a_rolling_update_keeps_its_invariants(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("block", blocks(5, of_ci=1))
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_a_rolling_update_keeps_its_invariants_over_a_long_sweep(block: int, case: Case) -> None:
    check(case)


#: What recorded relatives do otherwise.
SWITCHES = st.builds(
    Assumptions,
    ordinals=st.sampled_from(["lowestFree", "next", "fixed"]),
    replaced_at_once=st.sampled_from(["budget", "one"]),
    unready_old=st.sampled_from(["outsideBudget", "inOrder"]),
    middle_revision=st.sampled_from(["replaced", "finished"]),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases(), SWITCHES)
def test_so_it_does_under_the_switches_of_relatives(case: Case, assumptions: Assumptions) -> None:
    check(case, assumptions)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_with_termination_started_ready_instances_are_kept_as_well(case: Case) -> None:
    made = replace(build(case), assumptions=Assumptions(replacement="TerminationStarted"))
    run = simulate(made)
    ready: set[int] = set()
    records = list(run.history)
    spec = next(run.history.of(SpecApplied))
    for index, record in enumerate(records):
        match record:
            case InstanceReady():
                ready.add(record.instance.uid)
            case InstanceDeleting():
                ready.discard(record.instance.uid)
        if record.at > 0 and (index + 1 == len(records) or records[index + 1].at > record.at):
            assert len(ready) >= spec.replicas - spec.unavailable


@settings(max_examples=30, deadline=None)
@given(cases())
def test_the_same_seed_gives_the_same_history(case: Case) -> None:
    made = build(case)
    assert list(simulate(made).history) == list(simulate(made).history)
