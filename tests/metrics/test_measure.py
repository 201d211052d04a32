from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from building import NPU, kubeinfer, scenario
from metrics.test_availability import service
from msgspec.structs import replace

from kubeinfer_sim.engine.meter import OnePass
from kubeinfer_sim.metrics import Judged, Judgement, Low, Measures, Outcome, judge, measure
from kubeinfer_sim.metrics.cluster import ClusterMeters
from kubeinfer_sim.metrics.measure import KubeInferMeters
from kubeinfer_sim.metrics.nodes import DrainRun
from kubeinfer_sim.scenario.actions.model import Apply, Drain, Health, Scale, Target
from kubeinfer_sim.scenario.model import Objectives
from kubeinfer_sim.scenario.timings.distributions import Never
from kubeinfer_sim.simulation.simulate import simulate

HOUR = 3_600_000


def play(*actions: Any, node_count: int = 20, spec: Any = None, load: float = 600, **fields: Any) -> Measures:
    run = simulate(scenario(spec or kubeinfer(4, 1, 0), node_count, load, 120, actions=actions, **fields))
    return measure(run.history, ended_at=run.ended_at, end=run.end)


def judged(objectives: Objectives, measures: Measures) -> Judged:
    (found,) = judge(objectives, measures)
    return found


def test_a_rollout_lasts_from_the_template_change_until_the_last_old_instance_is_gone() -> None:
    found = play(Apply(HOUR, kubeinfer(4, 1, 0, "new")))
    assert found.update is not None
    assert found.update.duration == 4 * (600 + 120) * 1000
    assert (found.service.since, found.service.until) == (HOUR, HOUR + 2_880_000)
    assert (found.outcome, found.service.lost, found.peak_npus) == (Outcome.COMPLETES, 0, 5 * 8)
    assert found.service.min_ready == Low(4, HOUR, 2_880_000)
    assert found.service.availability == 1


def test_the_serial_rollout_of_kthenas_guide_loses_4080_instance_seconds() -> None:
    run = simulate(
        scenario(spec := kubeinfer(4, 0, 1), 4, 960, 60, actions=(Apply(0, kubeinfer(4, 0, 1, "new")),))
    )
    found = measure(run.history, ended_at=run.ended_at, end=run.end)
    assert spec.replicas == 4
    assert found.service.lost == 4_080_000
    assert found.service.min_ready == Low(3, 0, 4_080_000)
    assert found.service.availability == Fraction(3, 4)


def test_a_full_cluster_without_budget_never_finishes_and_the_stall_says_what_is_missing() -> None:
    found = play(Apply(0, kubeinfer(4, 1, 0, "new")), node_count=4)
    assert found.outcome is Outcome.NEVER
    assert found.open_stall is not None
    assert (found.open_stall.reason, found.open_stall.at) == ("Unschedulable", 0)
    assert NPU in found.open_stall.detail
    assert found.service.lost == 0


def test_room_that_comes_back_ends_the_stall() -> None:
    found = play(Apply(0, kubeinfer(4, 1, 0, "new")), Scale(HOUR, 3), node_count=4)
    assert found.outcome is Outcome.COMPLETES
    assert [(stall.at, stall.ended) for stall in found.stalls] == [(0, HOUR)]


def test_a_new_revision_that_never_gets_ready_keeps_losing() -> None:
    broken = {"warm_up": Never()}
    spec = kubeinfer(4, 0, 1)
    found = play(Apply(0, kubeinfer(4, 0, 1, "new")), spec=spec, node_count=4, stages=broken)
    assert (found.outcome, found.losing, found.service.min_ready.value) == (Outcome.NEVER, 1, 3)
    assert found.open_stall is not None
    assert found.open_stall.reason == "NewRevisionNotReady"
    lost = judged(Objectives(max_lost_instance_seconds=1e9), found)
    assert (lost.judgement, lost.reason) == (Judgement.MISSED, "and 1 more each second, without end")


def test_nothing_happened_when_the_update_changes_no_template() -> None:
    assert play(Apply(0, kubeinfer(4, 1, 0))).outcome is Outcome.NOTHING
    assert play().outcome is Outcome.NOTHING


def test_nothing_happened_is_no_completed_update() -> None:
    found = judged(Objectives(completes=True), play(Apply(0, kubeinfer(4, 1, 0))))
    assert (found.judgement, found.reason) == (Judgement.OPEN, "nothing was to be completed")


def test_a_creation_owes_readiness_only_once_all_were_ready() -> None:
    found = play(initial="empty")
    assert (found.outcome, found.whole.since, found.whole.lost) == (Outcome.COMPLETES, 600_000, 0)
    assert [change.duration for change in found.changes] == [600_000]


def test_a_creation_that_never_gets_ready_is_an_outage_from_the_start() -> None:
    found = play(initial="empty", node_count=3)
    assert (found.outcome, found.whole.since, found.whole.min_ready.value) == (Outcome.NEVER, 0, 0)


def test_a_second_template_supersedes_the_first() -> None:
    found = play(Apply(0, kubeinfer(4, 1, 0, "b")), Apply(700_000, kubeinfer(4, 1, 0, "c")))
    created, first, second = found.changes
    assert (created.completed, created.superseded) == (0, None)
    assert (first.completed, first.superseded) == (None, 700_000)
    assert second.completed is not None
    within = judged(Objectives(completes_within=found.ended_at), found)
    assert (within.judgement, within.measured) == (Judgement.HELD, second.completed - second.at)
    assert found.service.since == 0
    assert found.update is not None
    assert found.service.until == found.update.completed


def test_a_scale_during_an_update_completes_with_it() -> None:
    found = play(Apply(0, kubeinfer(4, 1, 0, "b")), Scale(700_000, 5))
    done = {change.completed for change in found.changes[1:]}
    assert len(done) == 1
    assert None not in done
    assert found.desired.points == [(0, 4), (700_000, 5)]


def test_a_drain_without_any_update_is_measured_over_the_whole_run() -> None:
    found = play(Drain(HOUR, ("node-0",)))
    assert found.outcome is Outcome.COMPLETES
    assert (found.service.min_ready.value, found.service.lost) == (3, 720_000)


def test_what_was_lost_before_the_update_counts_for_the_run_but_not_for_the_update() -> None:
    ill = Health(1000, Target(instances=(0,)), False, until=61_000)
    found = play(ill, Apply(HOUR, kubeinfer(4, 1, 0, "new")))
    assert found.service.lost == 0
    assert 55_000 <= found.whole.lost <= 65_000


def test_the_horizon_may_cut_an_update_short() -> None:
    found = play(Apply(0, kubeinfer(4, 1, 0, "new")), horizon=1_000_000)
    assert found.outcome is Outcome.UNFINISHED
    held_so_far = judged(Objectives(min_ready_instances=4), found)
    assert held_so_far.judgement is Judgement.OPEN
    late = judged(Objectives(completes_within=900_000), found)
    assert (late.judgement, late.measured) == (Judgement.MISSED, 1_000_000)
    assert judged(Objectives(completes_within=HOUR), found).judgement is Judgement.OPEN


def test_a_stall_at_the_horizon_is_a_stall_for_ever() -> None:
    found = play(Apply(0, kubeinfer(4, 1, 0, "new")), node_count=4, horizon=HOUR)
    assert found.outcome is Outcome.NEVER
    assert judged(Objectives(completes=True), found).judgement is Judgement.MISSED
    assert judged(Objectives(no_stall=True), found) == Judged("noStall", Judgement.MISSED, 0, 1, "stalls")


@pytest.mark.parametrize(
    ("objectives", "judgement", "measured"),
    [
        (Objectives(min_ready_instances=3), Judgement.HELD, 3),
        (Objectives(min_ready_instances=4), Judgement.MISSED, 3),
        (Objectives(completes=True), Judgement.HELD, True),
        (Objectives(completes_within=2_880_000), Judgement.HELD, 2_880_000),
        (Objectives(completes_within=2_879_999), Judgement.MISSED, 2_880_000),
        (Objectives(max_lost_instance_seconds=2880), Judgement.HELD, 2880),
        (Objectives(max_lost_instance_seconds=2879.9), Judgement.MISSED, 2880),
        (Objectives(no_stall=True), Judgement.HELD, 0),
    ],
)
def test_objectives_are_held_or_missed_with_the_measured_number(
    objectives: Objectives, judgement: Judgement, measured: Any
) -> None:
    found = judged(objectives, play(Apply(0, kubeinfer(4, 0, 1, "new")), spec=kubeinfer(4, 0, 1)))
    assert (found.judgement, found.measured) == (judgement, measured)


def test_an_objective_not_asked_for_is_not_judged() -> None:
    assert judge(Objectives(), play()) == ()


def test_what_ran_at_the_start_was_in_place_even_if_the_update_comes_at_time_0() -> None:
    found = play(Apply(0, kubeinfer(4, 0, 1, "new")), spec=kubeinfer(4, 0, 1))
    assert (found.changes[0].completed, found.changes[0].superseded) == (0, None)


@pytest.mark.parametrize(
    ("drains", "outcome"),
    [
        ([DrainRun("n0", 10, 20, errors=("timed out",)), DrainRun("n1", 10, 20)], Outcome.NEVER),
        ([DrainRun("n0", 10)], Outcome.UNFINISHED),
    ],
)
def test_at_the_horizon_a_drain_that_has_failed_never_ends_and_one_that_waits_may_yet(
    drains: list[DrainRun], outcome: Outcome
) -> None:
    """Of a KubeInfer beside other workloads, all of which is in place."""
    cluster, meters = ClusterMeters(), KubeInferMeters()
    OnePass((*cluster.observers, *meters.observers)).feed(service({0: [(10, 20)]}, 1))
    shared = replace(cluster.finish(HOUR, "horizon"), drains=tuple(drains))
    instances = shared.instances_of("KubeInfer")
    assert meters.finish(HOUR, "horizon", shared, instances, alone=False).outcome is outcome
