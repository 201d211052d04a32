"""The edge cases of InstanceRollingUpdate (section 5 of the semantics page), one test or more each.

 1  one instance with 20 %/20 %: surge first, needs a second full gang
 2  full cluster, U = 0: stalls for ever, service intact
 3  full cluster, U = 1: goes on
 4  all old ones broken: replaced at once
 5  one old one not ready: never a double outage
 6  a 3 s flap costs no instance
 7  the unready window runs out with no other event
 8  new revision: crash loop, image error, unschedulable are three stall reasons
 9  second template, rollback, unchanged template
10  only strategy or labels changed: no rollout
11  replicas and template changed together
12  scale to 0 and back while terminating
13  a name is not reused while its old pod exists
14  batches drift apart, no lockstep
15  grace longer than load
16  a pod stuck Terminating on a dead node holds a place until force deletion

Those of recovery are in test_edge_cases_of_recovery.py, those of gangs in test_edge_cases_of_gangs.py.
"""

from __future__ import annotations

import pytest
from building import budget, kubeinfer, scenario, stage_timings
from controllers.playing import of, seconds_of
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import PodCreated, PodGone
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDeleting,
    InstanceGone,
    InstanceReady,
    ProgressDeadlineExceeded,
    SpecApplied,
    Stalled,
    UpdateCompleted,
)
from kubeinfer_sim.manifest.model import Probe, RollingUpdate
from kubeinfer_sim.scenario.actions.model import Apply, ForceDelete, Health, NodeDown, Scale, Target
from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.scenario.timings.distributions import Never, Uniform
from kubeinfer_sim.scenario.timings.model import Timings
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate


def updated(
    replicas: int, surge: int | str, unavailable: int | str, at: int = 1000, **fields: object
) -> Apply:
    return Apply(at, kubeinfer(replicas, surge, unavailable, "new", **fields))  # type: ignore[arg-type]


def ready_levels(run: Run) -> list[int]:
    """How many instances are ready after each instant from the first action on."""
    ready: set[int] = set()
    levels = []
    records = list(run.history)
    for index, record in enumerate(records):
        if isinstance(record, InstanceReady):
            ready.add(record.instance.uid)
        elif isinstance(record, InstanceConcerning | InstanceDeleting):
            ready.discard(record.instance.uid)
        if record.at > 0 and (index + 1 == len(records) or records[index + 1].at > record.at):
            levels.append(len(ready))
    return levels


def completed(run: Run) -> bool:
    last = of(run, SpecApplied)[-1].generation
    return any(record.generation == last for record in run.history.of(UpdateCompleted))


def test_one_instance_with_20_percent_surges_first_and_needs_a_second_full_gang() -> None:
    roles = {"prefill": 1, "decode": 1}
    old, new = kubeinfer(1, "20%", "20%", "old", roles), updated(1, "20%", "20%", roles=roles)
    run = simulate(scenario(old, 4, 60, 10, actions=(new,)))
    assert completed(run)
    assert min(ready_levels(run)) == 1
    created, deleting = of(run, InstanceCreated)[1], of(run, InstanceDeleting)[0]
    assert created.at < deleting.at, "the spare one first"
    stalled = simulate(scenario(old, 3, 60, 10, actions=(new,)))
    assert not completed(stalled), "one node too few for a second gang"
    assert [record.reason for record in of(stalled, Stalled)] == ["Unschedulable"]


def test_a_full_cluster_with_nothing_unavailable_stalls_for_ever_and_serves_on() -> None:
    run = simulate(scenario(kubeinfer(4, 1, 0), 4, 60, 10, actions=(updated(4, 1, 0),)))
    assert run.end == "settled"
    assert not completed(run)
    assert [record.reason for record in of(run, Stalled)] == ["Unschedulable"]
    assert min(ready_levels(run)) == 4
    assert not of(run, InstanceDeleting)


def test_a_full_cluster_with_one_unavailable_goes_on() -> None:
    run = simulate(scenario(kubeinfer(4, 1, 1), 4, 60, 10, actions=(updated(4, 1, 1),)))
    assert completed(run)
    assert min(ready_levels(run)) == 3


def test_old_instances_that_are_all_broken_are_replaced_at_once() -> None:
    broken = Health(0, Target(), healthy=False)
    run = simulate(scenario(kubeinfer(4, 1, 0), 5, 60, 10, actions=(broken, updated(4, 1, 0, 100_000))))
    deleting = of(run, InstanceDeleting)
    assert {(record.at, record.reason) for record in deleting} == {(100_000, "NotReady")}
    assert len(deleting) == 4
    assert completed(run)


def test_with_one_old_instance_not_ready_there_is_never_a_double_outage() -> None:
    sick = Health(0, Target(instances=(2,)), healthy=False)
    run = simulate(scenario(kubeinfer(4, 0, 1), 4, 60, 10, actions=(sick, updated(4, 0, 1, 100_000))))
    assert min(ready_levels(run)) == 3, "the budget is spent on the one that is out anyway"
    assert of(run, InstanceDeleting)[0].instance.ordinal == 2
    assert completed(run)


def test_a_flap_of_three_seconds_costs_no_instance() -> None:
    flap = Health(10_000, Target(instances=(0,)), healthy=False, until=13_000)
    run = simulate(scenario(kubeinfer(2, 1, 0), 2, 60, 10, actions=(updated(2, 1, 0), flap)))
    assert len(of(run, InstanceConcerning)) == 1
    assert not of(run, InstanceDeleting), "the surge has no place, and the flap is shorter than the window"


def test_the_unready_window_runs_out_with_no_other_event() -> None:
    sick = Health(10_000, Target(instances=(0,)), healthy=False)
    run = simulate(scenario(kubeinfer(2, 1, 0), 2, 60, 10, actions=(updated(2, 1, 0), sick)))
    (concerning,) = [record for record in of(run, InstanceConcerning) if record.instance.uid == 0]
    deleting = of(run, InstanceDeleting)[0]
    assert (deleting.instance.ordinal, deleting.reason) == (0, "NotReady")
    assert deleting.at == concerning.at + 10_000


def test_a_crash_loop_an_image_error_and_no_place_are_three_reasons_of_a_stall() -> None:
    startup = Probe(period_seconds=10, failure_threshold=3)
    liveness = Probe(period_seconds=5, failure_threshold=6)
    probes = {"startup": startup, "liveness": liveness}

    def reason(node_count: int, load: int = 10, broken: str = "") -> tuple[str, str]:
        new = updated(1, 1, 0, image=broken or "engine:1", **probes)
        made = scenario(kubeinfer(1, 1, 0, **probes), node_count, load, 5, actions=(new,), horizon=600_000)
        record = of(simulate(replace(made, broken_images=frozenset({broken} - {""}))), Stalled)[0]
        return record.reason, record.pod_reason

    assert reason(2, load=60) == ("NewRevisionNotReady", "StartupProbeFailed")
    assert reason(2, broken="gone:1") == ("NewRevisionNotReady", "ImagePullBackOff")
    assert reason(1) == ("Unschedulable", "Unschedulable")


def test_a_second_template_wins_and_unready_instances_of_the_first_go_at_once() -> None:
    second = Apply(20_000, kubeinfer(2, 1, 0, "newest"))
    run = simulate(scenario(kubeinfer(2, 1, 0), 3, 60, 10, actions=(updated(2, 1, 0), second)))
    assert completed(run)
    first_out = of(run, InstanceDeleting)[0]
    assert (first_out.at, first_out.reason) == (20_000, "NotReady")
    assert min(ready_levels(run)) == 2


def test_a_rollback_makes_the_old_instances_current_again() -> None:
    back = Apply(20_000, kubeinfer(3, 1, 0, "old"))
    run = simulate(scenario(kubeinfer(3, 1, 0), 4, 60, 10, actions=(updated(3, 1, 0), back)))
    assert completed(run)
    assert {record.instance.uid for record in of(run, InstanceDeleting)} == {3}, "the new one alone"


def test_an_unchanged_template_touches_nothing() -> None:
    run = simulate(scenario(kubeinfer(3), 4, 60, 10, actions=(Apply(1000, kubeinfer(3)),)))
    assert not of(run, InstanceDeleting)
    assert len(of(run, InstanceCreated)) == 3


@pytest.mark.parametrize(
    "change", [{"rolling_update": RollingUpdate(budget(2), budget(2))}, {"labels": {"team": "a"}}], ids=str
)
def test_a_changed_strategy_or_label_is_no_rollout(change: dict[str, object]) -> None:
    base = kubeinfer(3)
    run = simulate(scenario(base, 6, 60, 10, actions=(Apply(1000, replace(base, **change)),)))  # type: ignore[arg-type]
    assert not of(run, InstanceDeleting)
    assert len(of(run, InstanceCreated)) == 3


def test_replicas_and_template_changed_together_go_by_the_new_budgets() -> None:
    run = simulate(scenario(kubeinfer(2, "50%", 0), 12, 60, 10, actions=(updated(6, "50%", 0),)))
    assert of(run, SpecApplied)[-1].changed == ("template", "replicas")
    assert of(run, SpecApplied)[-1].surge == 3
    assert completed(run)
    new = [record for record in of(run, InstanceCreated) if record.at == 1000]
    assert len(new) == 6, "the ceiling is 6 + 3, two old ones live: at most six of the new six"
    assert min(ready_levels(run)) == 2


def test_scaled_to_zero_and_back_while_terminating_waits_for_the_room() -> None:
    actions = (Scale(1000, 0), Scale(2000, 2))
    run = simulate(scenario(kubeinfer(2), 2, 60, 10, actions=actions))
    assert completed(run)
    created = [record for record in of(run, InstanceCreated) if record.at > 0]
    assert [record.at for record in created] == [11_000, 11_000], "when the old pods are gone"
    assert [record.instance.ordinal for record in created] == [0, 1]


def test_a_name_is_not_used_again_while_its_old_pod_exists() -> None:
    run = simulate(scenario(kubeinfer(3, 0, 1), 3, 60, 30, actions=(updated(3, 0, 1),)))
    alive: set[str] = set()
    for record in run.history:
        if isinstance(record, PodCreated):
            assert record.pod.name not in alive
            alive.add(record.pod.name)
        elif isinstance(record, PodGone):
            alive.discard(record.pod.name)
    assert completed(run)


def test_batches_drift_apart_and_nobody_waits_for_the_slowest_of_a_batch() -> None:
    stages = {"warm_up": Uniform(60_000, 600_000)}
    run = simulate(scenario(kubeinfer(8, 0, 2), 8, 0, 10, stages=stages, actions=(updated(8, 0, 2),)))
    starts = [record.at for record in of(run, InstanceDeleting)]
    assert len(set(starts)) > 4, "not four batches of two"
    ready = [record.at for record in of(run, InstanceReady) if record.at > 0]
    assert set(starts[2:]) <= set(ready), "each goes the moment another is ready"


def test_a_grace_period_longer_than_the_load_holds_the_place_until_the_pod_is_gone() -> None:
    run = simulate(scenario(kubeinfer(1, 0, 1), 1, 60, 600, actions=(updated(1, 0, 1),)))
    assert seconds_of(run, InstanceGone) == [601.0]
    assert [record.at for record in of(run, InstanceReady)] == [0, 661_000]
    two = simulate(scenario(kubeinfer(2, 1, 0), 3, 60, 600, actions=(updated(2, 1, 0),)))
    assert [record.at for record in of(two, InstanceCreated)][2:] == [1000, 661_000], (
        "the terminating one counts: its NPUs are not free"
    )


def test_a_pod_stuck_terminating_on_a_dead_node_holds_its_place_until_it_is_deleted_by_force() -> None:
    dead, forced = ("node-1",), 3_600_000
    actions = (NodeDown(100_000, dead), updated(2, 0, 1, 1_000_000))
    made = scenario(kubeinfer(2, 0, 1), 3, 60, 10, actions=actions)
    stuck = simulate(made)
    assert not completed(stuck)
    (out,) = of(stuck, InstanceDeleting)
    assert (out.instance.ordinal, out.reason) == (1, "NotReady"), "rule 4: it is out of traffic anyway"
    assert not of(stuck, PodGone), "its kubelet never says so"
    assert len(of(stuck, InstanceCreated)) == 2, "a free node, but its place among R + S is taken"
    freed = simulate(replace(made, actions=(*actions, ForceDelete(forced, Target(nodes=dead)))))
    assert completed(freed)
    created = of(freed, InstanceCreated)[2]
    assert (created.at, created.instance.ordinal) == (forced, 1), "the moment its object is removed"
    assert min(ready_levels(freed)) == 1


def test_of_two_that_may_be_missing_one_that_is_already_costs_no_budget() -> None:
    # Rule 5 counts ready instances: one that is not ready takes nothing from R - U, and goes with the first pass.
    sick = Health(995_000, Target(instances=(0,)), healthy=False)
    run = simulate(scenario(kubeinfer(4, 0, 2), 4, 60, 10, actions=(sick, updated(4, 0, 2, 1_000_000))))
    first_pass = [(r.at, r.instance.ordinal) for r in of(run, InstanceDeleting)][:2]
    assert first_pass == [(1_000_000, 0), (1_000_000, 3)], "the one not ready first, then the highest ordinal"
    assert min(ready_levels(run)) == 2
    assert completed(run)


def test_those_not_ready_wait_for_the_window_when_no_ready_one_may_go() -> None:
    sick = Health(995_000, Target(instances=(0, 1)), healthy=False)
    run = simulate(scenario(kubeinfer(4, 0, 2), 4, 60, 10, actions=(sick, updated(4, 0, 2, 1_000_000))))
    unready = [record.at for record in of(run, InstanceConcerning)]
    deleting = of(run, InstanceDeleting)[:2]
    assert [record.at for record in deleting] == [at + 10_000 for at in unready]
    assert {record.instance.ordinal for record in deleting} == {0, 1}
    assert min(ready_levels(run)) == 2


def test_a_pod_that_never_goes_holds_its_place() -> None:
    stuck = stage_timings(60, 10, cleanup=Never())
    made = scenario(kubeinfer(2, 0, 1), 2, actions=(updated(2, 0, 1),))
    run = simulate(replace(made, timings=Timings(stuck)))
    assert not completed(run)
    assert len(of(run, InstanceDeleting)) == 1, "one is out; a second would be a double outage"
    assert len(of(run, InstanceCreated)) == 2, "its ordinal, its NPUs and its place are not free"


def test_a_progress_deadline_tells_of_an_update_without_progress_and_stops_nothing() -> None:
    made = scenario(kubeinfer(1, 0, 1), 1, 60, 10, actions=(updated(1, 0, 1),))
    assert not of(simulate(made), ProgressDeadlineExceeded)
    run = simulate(replace(made, assumptions=Assumptions(progress_deadline=40_000)))
    assert seconds_of(run, ProgressDeadlineExceeded) == [51.0], (
        "40 s after the last progress, the new instance"
    )
    assert completed(run)
