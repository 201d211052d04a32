"""The edge cases of gangs (section 5 of the semantics page), one test or more each.

1  half a gang never holds NPUs
2  two instances each waiting for the other's cards
3  a big gang starved by small ones
4  the old gang still there when the new one is created

Those of rollouts are in test_edge_cases_of_rollouts.py, those of recovery in test_edge_cases_of_recovery.py.
"""

from __future__ import annotations

import pytest
from building import NPU, kubeinfer, scenario
from controllers.playing import Event, crash, held, of, play, seconds_of
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import GangScheduled, PodBound, PodGone
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceReady,
    InstanceRestarting,
    Stalled,
    UpdateCompleted,
)
from kubeinfer_sim.scenario.actions.model import Apply, Cordon, Scale
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.model import Assumptions, Scenario
from kubeinfer_sim.simulation.run import Run

PD = {"prefill": 2, "decode": 1}


def updated(run: Run) -> bool:
    """Whether the second spec was reached."""
    return any(record.generation == 2 for record in of(run, UpdateCompleted))


# 1 -----------------------------------------------------------------------------------------------------


def test_half_a_gang_never_holds_npus_during_an_update() -> None:
    new = Apply(1000, kubeinfer(2, 1, 1, "new", PD))
    run = play(scenario(kubeinfer(2, 1, 1, "old", PD), 8, 60, 10, actions=(new,)))
    assert updated(run)
    assert all(len(record.nodes) == 3 for record in of(run, GangScheduled))
    assert all(npus in (0, 24) for each in held(run) for npus in each.values())


def test_half_a_gang_never_holds_npus_when_two_of_three_nodes_are_free() -> None:
    # The second instance waits for an hour beside two free nodes, and takes neither.
    made = scenario(
        kubeinfer(2, roles=PD), 5, 60, 10, initial="empty", actions=(Scale(3_600_000, 1),), horizon=7_200_000
    )
    run = play(made)
    assert {sum(each.values()) for each in held(run) if each} == {24}, "40 NPUs, of which 16 stay idle"
    assert len({bound.node for bound in of(run, PodBound)}) == 3


def test_half_a_rebuilt_gang_never_holds_npus() -> None:
    # One of its three nodes takes no pods when it restarts: the two that are free stay free for an hour.
    actions = (Cordon(99_000, ("node-0",)), Cordon(3_600_000, ("node-0",), uncordon=True))
    run = play(scenario(kubeinfer(1, roles=PD), 3, 60, 10, actions=actions), crash(100, "decode"))
    assert seconds_of(run, GangScheduled) == [0.0, 3600.0]
    assert all(npus in (0, 24) for each in held(run) for npus in each.values())


# 2 -----------------------------------------------------------------------------------------------------


def test_two_instances_never_wait_for_each_others_cards() -> None:
    # Two gangs of 4 on 6 nodes: taking pod by pod, each would get 3 and wait for ever.
    spec = kubeinfer(2, roles={"decode": 4})
    run = play(scenario(spec, 6, 60, 10, initial="empty"))
    (first,) = of(run, GangScheduled)
    assert len(first.nodes) == 4
    assert len(of(run, InstanceReady)) == 1
    later = play(scenario(spec, 6, 60, 10, initial="empty", actions=(Scale(100_000, 1),)))
    assert updated(later), "the one with a place is ready, the other one goes"


def test_two_instances_that_restart_at_once_on_too_few_nodes_do_not_share_them() -> None:
    # Both fail in one second, and a node is lost meanwhile: one gets all it needs, the other one nothing.
    spec = kubeinfer(2, roles={"decode": 3})
    actions = (Cordon(99_000, ("node-0",)), Cordon(1_000_000, ("node-0",), uncordon=True))
    run = play(
        scenario(spec, 6, 60, 10, actions=actions), crash(100, "decode"), crash(100, "decode", ordinal=1)
    )
    assert seconds_of(run, InstanceRestarting) == [100.0, 100.0]
    assert [record.at / 1000 for record in of(run, GangScheduled)][2:] == [110.0, 1000.0]
    assert all(npus in (0, 24) for each in held(run) for npus in each.values())
    assert seconds_of(run, InstanceReady)[2:] == [170.0, 1060.0]


# 3 -----------------------------------------------------------------------------------------------------


def small_to_big(*events: Event, **fields: object) -> Run:
    """A new revision takes the whole of the one node, of which each of two old instances holds a half."""
    small, big = kubeinfer(2, 1, 0, "old", npus=8), kubeinfer(2, 1, 0, "new", npus=16)
    assumed = Assumptions(old_instance_failure="rebuildOld", unready_grace=3_600_000)
    made: Scenario = scenario(small, 0, 60, 10, actions=(Apply(1000, big),), assumptions=assumed, **fields)
    return play(replace(made, nodes=(NodeSpec("node-0", "pool", {NPU: 16}),)), *events)


def test_a_big_gang_is_starved_by_small_ones_that_fit_where_it_does_not() -> None:
    # It has waited since 1 s; the small ones fail in turns, and each half that is free is taken again at once.
    crashes = [crash(100 + 1300 * turn, ordinal=turn % 2) for turn in range(10)]
    run = small_to_big(*crashes)
    assert len(of(run, InstanceRestarting)) == 10
    assert {record.npus for record in of(run, GangScheduled)} == {8}, "the big one never finds 16 at once"
    assert {record.reason for record in of(run, Stalled)} == {"Unschedulable"}
    assert not updated(run)


def test_a_big_gang_that_has_waited_longest_goes_first_where_both_would_fit() -> None:
    run = small_to_big(crash(100, ordinal=0), crash(100, ordinal=1))
    placed = [(record.at, record.npus) for record in of(run, GangScheduled) if record.at]
    assert placed[0] == (110_000, 16), "both halves are free at one instant, and it is the oldest"


def test_a_big_gang_is_placed_once_an_update_leaves_it_a_whole_node() -> None:
    small = kubeinfer(4, 0, 2, "old", npus=8)
    big = kubeinfer(2, 1, 1, "new", npus=16)
    made = scenario(small, 0, 60, 10, actions=(Apply(200_000, big),))
    run = play(replace(made, nodes=tuple(NodeSpec(f"node-{i}", "pool", {NPU: 16}) for i in range(2))))
    assert updated(run)
    placed = [record for record in of(run, GangScheduled) if record.npus == 16]
    assert len(placed) == 2
    assert placed[0].at / 1000 >= sorted(seconds_of(run, PodGone))[1], "one freed half is not enough"


# 4 -----------------------------------------------------------------------------------------------------


def test_the_new_gang_waits_while_the_old_one_is_still_there() -> None:
    new = Apply(1000, kubeinfer(1, 0, 1, "new"))
    run = play(scenario(kubeinfer(1, 0, 1), 1, 60, 30, actions=(new,)))
    placed, gone = of(run, GangScheduled), of(run, PodGone)
    assert placed[1].at == gone[0].at == 31_000
    assert placed[0].nodes[0][1] == placed[1].nodes[0][1]


def test_a_new_gang_that_is_created_while_the_old_one_is_still_there_gets_its_npus_when_it_is_gone() -> None:
    # With this switch the successor exists at once; it still cannot have NPUs that are held.
    new = Apply(1000, kubeinfer(1, 0, 1, "new", PD))
    assumed = Assumptions(replacement="TerminationStarted")
    run = play(scenario(kubeinfer(1, 0, 1, "old", PD), 4, 60, 30, actions=(new,), assumptions=assumed))
    assert [record.at / 1000 for record in of(run, GangScheduled)] == [0.0, 31.0]
    assert all(npus in (0, 24) for each in held(run) for npus in each.values())


@pytest.mark.parametrize(("term", "placed"), [(0, 100.0), (30, 130.0), (600, 700.0)])
def test_a_rebuilt_gang_waits_until_its_own_old_one_is_gone(term: int, placed: float) -> None:
    run = play(scenario(kubeinfer(1, roles=PD), 12, 60, term), crash(100, "decode"))
    assert seconds_of(run, GangScheduled) == [0.0, placed], "though nine nodes are free"
