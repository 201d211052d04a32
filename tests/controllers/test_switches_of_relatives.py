"""What recorded relatives do otherwise than is assumed by default, as switches: LeaderWorkerSet (L) and kthena (K)."""

from __future__ import annotations

from typing import Any

import pytest
from building import kubeinfer, scenario
from controllers.playing import crash, of, play, seconds_of
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import PodBound, PodDeleting, PodGone
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceCreated,
    InstanceDeleting,
    InstanceReady,
    InstanceRestarting,
    UpdateCompleted,
)
from kubeinfer_sim.scenario.actions.model import Apply, Cordon, Health, Scale, Target
from kubeinfer_sim.scenario.model import Assumptions, Scenario
from kubeinfer_sim.scenario.recovery.rules import RecoveryRule
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

PD = {"prefill": 2, "decode": 1}


def update(replicas: int, surge: int, unavailable: int, *more: Any, **assumed: Any) -> Scenario:
    """Of instances that load for 60 s and take 10 s to go, at 1000 s, on a cluster with room for all."""
    old, new = (kubeinfer(replicas, surge, unavailable, revision) for revision in ("old", "new"))
    actions = tuple(sorted((Apply(1_000_000, new), *more), key=lambda each: each.at))
    return scenario(old, 12, 60, 10, actions=actions, assumptions=Assumptions(**assumed))


def created(run: Run) -> list[int]:
    return [record.instance.ordinal for record in of(run, InstanceCreated) if record.at > 0]


def deleted(run: Run) -> list[int]:
    return [record.instance.ordinal for record in of(run, InstanceDeleting)]


def when_deleted(run: Run) -> list[tuple[float, int]]:
    """Seconds after the update, and which."""
    return [(each.at / 1000 - 1000, each.instance.ordinal) for each in of(run, InstanceDeleting)]


def completed(run: Run) -> float | None:
    return next((each.at / 1000 - 1000 for each in of(run, UpdateCompleted) if each.generation > 1), None)


# -- ordinals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ordinals", "taken"), [("lowestFree", [2, 1, 0]), ("next", [2, 3, 4])])
def test_a_new_instance_takes_the_lowest_free_ordinal_or_the_one_above_all(
    ordinals: str, taken: list[int]
) -> None:
    run = simulate(update(3, 0, 1, ordinals=ordinals))
    assert created(run) == taken
    assert deleted(run) == [2, 1, 0]
    assert completed(run) == 210


def test_the_next_ordinal_is_the_first_again_when_nothing_is_left() -> None:
    actions = (Scale(2_000_000, 0), Scale(2_100_000, 1))
    assert created(simulate(update(3, 0, 1, *actions, ordinals="next"))) == [2, 3, 4, 0]


def test_surge_instances_go_again_where_ordinals_are_fixed() -> None:
    kept, fixed = (simulate(update(3, 1, 0, ordinals=each)) for each in ("lowestFree", "fixed"))
    assert (created(kept), deleted(kept), completed(kept)) == ([3, 2, 1], [2, 1, 0], 210)
    assert (created(fixed), deleted(fixed)) == ([3, 2, 1, 0], [2, 1, 0, 3])
    assert completed(fixed) == 280, "one load more, and the surge has to be gone"


def test_the_surge_of_fixed_ordinals_goes_once_what_may_be_unavailable_covers_the_rest() -> None:
    run = simulate(update(4, 2, 2, ordinals="fixed"))
    assert created(run) == [4, 5, 2, 3, 0, 1]
    assert when_deleted(run) == [(0, 3), (0, 2), (60, 1), (60, 0), (70, 5), (70, 4)]


def test_no_more_surge_than_replicas_is_made_where_ordinals_are_fixed() -> None:
    run = simulate(update(2, 4, 1, ordinals="fixed"))
    assert created(run) == [2, 1, 0]
    assert when_deleted(run) == [(0, 1), (60, 0), (70, 2)]


def test_without_an_update_nothing_surges_where_ordinals_are_fixed() -> None:
    made = scenario(kubeinfer(2, 1, 0), 4, 60, 10, assumptions=Assumptions(ordinals="fixed"))
    run = play(made, crash(100))
    assert created(run) == []
    assert len(of(run, InstanceRestarting)) == 1


def test_fixed_ordinals_wait_for_the_name_whatever_replacement_says() -> None:
    run = simulate(update(2, 0, 1, ordinals="fixed", replacement="TerminationStarted"))
    assert created(run) == [1, 0]


# -- order and number -------------------------------------------------------------------------------------------


def test_a_middle_revision_that_is_not_ready_goes_at_once_or_is_finished_first() -> None:
    third = Apply(1_100_000, kubeinfer(4, 0, 1, "newest"))
    replaced = simulate(update(4, 0, 1, third))
    assert when_deleted(replaced)[:3] == [(0, 3), (70, 2), (100, 2)]
    finished = simulate(update(4, 0, 1, third, middle_revision="finished"))
    assert when_deleted(finished)[:4] == [(0, 3), (70, 2), (140, 3), (210, 2)], "2 is ready at 140 s"
    assert completed(finished) == 420


def test_a_middle_revision_is_not_finished_when_it_is_its_turn_to_go() -> None:
    back = Apply(1_030_000, kubeinfer(3, 0, 1, "old"))
    run = simulate(update(3, 0, 1, back, middle_revision="finished"))
    assert when_deleted(run) == [(0, 2), (30, 2)]


def sick(ordinal: int, at: int, **lasts: Any) -> Health:
    return Health(at, Target(instances=(ordinal,)), healthy=False, **lasts)


def test_an_old_instance_that_is_not_ready_goes_after_its_grace_or_in_its_turn() -> None:
    free = simulate(update(3, 0, 1, sick(0, 900_000)))
    assert when_deleted(free)[0] == (0, 0)
    assert completed(free) is not None
    blocked = simulate(update(3, 0, 1, sick(0, 900_000), unready_old="inOrder"))
    assert deleted(blocked) == [], "it uses up the budget, and is not next"


def test_the_highest_that_is_not_ready_goes_at_once_where_all_go_in_order() -> None:
    free, in_order = (
        simulate(update(3, 1, 0, sick(2, 995_000), unready_old=each)) for each in ("outsideBudget", "inOrder")
    )
    at, ordinal = when_deleted(free)[0]
    assert ordinal == 2
    assert at == pytest.approx(5, abs=1), "10 s after it was ready last"
    assert when_deleted(in_order)[0] == (0, 2)


@pytest.mark.parametrize(("surge", "first"), [(0, 0.0), (2, 60.0)])
def test_one_at_a_time_whatever_may_be_unavailable(surge: int, first: float) -> None:
    run = simulate(update(4, surge, 2, replaced_at_once="one"))
    assert when_deleted(run)[0] == (first, 3), "when the surge is ready"
    times = [at for at, _ in when_deleted(run)]
    assert len(set(times)) == len(times) == 4
    assert len({at for at, _ in when_deleted(simulate(update(4, surge, 2)))}) < 4


def test_one_at_a_time_is_also_one_of_those_that_are_not_ready() -> None:
    unwell = [sick(each, 995_000) for each in (1, 2)]
    assumed = {"replaced_at_once": "one", "unready_old": "inOrder"}
    assert when_deleted(simulate(update(3, 0, 3, *unwell, **assumed))) == [(0, 2), (70, 1), (140, 0)]


@pytest.mark.parametrize(("scale_in", "victims"), [("oldFirst", [1, 0]), ("highestOrdinal", [3, 1])])
def test_scaling_in_during_an_update_takes_old_ones_first_or_the_highest_ordinals(
    scale_in: str, victims: list[int]
) -> None:
    run = simulate(update(4, 0, 1, Scale(1_075_000, 2), scale_in=scale_in))
    # 2 is going; of 3 (new), 1 and 0 one is too many, and the update goes on with another.
    assert [ordinal for at, ordinal in when_deleted(run) if at == 75] == victims


def test_one_at_a_time_is_one_of_those_in_their_grace_too() -> None:
    unwell = [sick(each, 995_000) for each in (1, 2)]
    at_once, one = (simulate(update(3, 0, 3, *unwell, replaced_at_once=each)) for each in ("budget", "one"))
    assert sorted(ordinal for at, ordinal in when_deleted(at_once) if at == 0) == [0, 1, 2]
    assert [ordinal for at, ordinal in when_deleted(one) if at == 0] == [2]


# -- termination ------------------------------------------------------------------------------------------------


def terminated(termination: str, **fields: Any) -> Run:
    assumed = Assumptions(group_termination=termination, **fields.pop("assumed", {}))  # type: ignore[arg-type]
    restart = "Custom" if "recovery" in fields else "Instance"
    made = scenario(kubeinfer(1, roles=PD, restart=restart), 6, 60, 10, assumptions=assumed, **fields)
    return play(made, crash(100, "prefill", 0))


def test_the_pods_of_an_instance_go_together_or_after_the_failed_one() -> None:
    assert seconds_of(terminated("together"), PodDeleting) == [100.0, 100.0, 100.0]
    run = terminated("failedFirst")
    assert seconds_of(run, PodDeleting) == [100.0, 110.0, 110.0]
    assert seconds_of(run, PodGone) == [110.0, 120.0, 120.0]
    assert seconds_of(run, InstanceRestarting) == [100.0]
    assert [record.at for record in of(run, InstanceReady)] == [0, 180_000]


def test_so_do_the_pods_of_a_role() -> None:
    rules = (RecoveryRule("RecreateRole"),)
    assert seconds_of(terminated("together", recovery=rules), PodDeleting) == [100.0, 100.0]
    run = terminated("failedFirst", recovery=rules)
    assert seconds_of(run, PodDeleting) == [100.0, 110.0]
    assert [record.at for record in of(run, InstanceReady)] == [0, 180_000]


def test_a_failed_pod_that_went_first_keeps_its_node_where_nodes_are_kept() -> None:
    first = ("node-0", "node-1", "node-2")
    actions = (Cordon(0, first), Cordon(50_000, first, uncordon=True))
    run = terminated("failedFirst", assumed={"keep_nodes": True}, initial="empty", actions=actions)
    nodes: dict[tuple[str, int], list[str]] = {}
    for record in of(run, PodBound):
        nodes.setdefault((record.pod.role, record.pod.replica), []).append(record.node)
    assert [len(set(each)) for each in nodes.values()] == [1, 1, 1]
    assert [len(each) for each in nodes.values()] == [2, 2, 2]


def test_an_instance_that_the_update_deletes_meanwhile_goes_altogether() -> None:
    new = Apply(102_000, kubeinfer(1, 0, 1, "new", PD))
    made = replace(
        scenario(kubeinfer(1, 0, 1, "old", PD), 6, 60, 10, actions=(new,)),
        assumptions=Assumptions(group_termination="failedFirst", unready_grace=0),
    )
    run = play(made, crash(100, "prefill", 0))
    assert seconds_of(run, PodDeleting)[:3] == [100.0, 102.0, 102.0]
    assert of(run, UpdateCompleted)[-1].generation == 2
