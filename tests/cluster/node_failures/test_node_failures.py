"""Nodes that fail, as the whole simulation plays them."""

from __future__ import annotations

from typing import Any

import pytest
from building import kubeinfer, scenario
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kubeinfer_sim.cluster.fault_records import ChangedNothing
from kubeinfer_sim.cluster.pod import PodState
from kubeinfer_sim.cluster.records import (
    ContainersRunning,
    DrainEnded,
    DrainHeld,
    EngineStarted,
    NodeFailed,
    NodeReadyChanged,
    NodeReturned,
    NodeTainted,
    PodDeleting,
    PodGone,
    PodNotReady,
    PodReady,
    PodRemoved,
)
from kubeinfer_sim.controllers.kubeinfer.records import InstanceReady, InstanceRestarting
from kubeinfer_sim.manifest.kubernetes.labels import Requirement
from kubeinfer_sim.manifest.model import IntOrPercent, Toleration
from kubeinfer_sim.scenario.actions.model import (
    Drain,
    ForceDelete,
    Health,
    NodeDown,
    NodeUp,
    OutOfService,
    Target,
)
from kubeinfer_sim.scenario.cluster.model import DisruptionBudget, NodeLifecycle
from kubeinfer_sim.scenario.model import Assumptions, Scenario
from kubeinfer_sim.scenario.timings.distributions import Constant
from kubeinfer_sim.simulation.assembly import assemble
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import play, simulate

MINUTE = 60_000
DIES = 10 * MINUTE


def outage(*actions: Any, count: int = 3, **fields: Any) -> Scenario:
    """Two instances of one pod on nodes 0 and 1, one node to spare."""
    spec = fields.pop("spec", None)
    return scenario(spec or kubeinfer(2), count, 60, 5, actions=actions, **fields)


def times(run: Run, kind: type, **wanted: Any) -> list[int]:
    return [
        record.at
        for record in run.history
        if type(record) is kind and all(getattr(record, name) == value for name, value in wanted.items())
    ]


def test_a_silent_death_is_noticed_after_the_grace_period_and_its_pods_deleted_300_s_later() -> None:
    for seed in range(20):
        run = simulate(outage(NodeDown(DIES, ("node-0",))), seed=seed)
        (unknown,) = times(run, NodeReadyChanged)
        (tainted,) = times(run, NodeTainted)
        (deleted,) = times(run, PodDeleting)
        # A lease is renewed every 10 s, a pass comes every 5 s.
        assert 40_000 < unknown - DIES < 55_100
        assert 0 < tainted - unknown <= 100
        assert deleted - tainted == 300_000


@pytest.mark.parametrize("seed", range(10))
def test_from_the_last_heartbeat_to_a_whole_group_ready_again(seed: int) -> None:
    """Three pods of one instance on three nodes, one to spare; somebody knows after 20 minutes that it is dead."""
    known = 30 * MINUTE
    roles = kubeinfer(1, roles={"prefill": 1, "decode": 2})
    actions = (NodeDown(DIES, ("node-1",)), OutOfService(known, ("node-1",)))
    run = simulate(outage(*actions, spec=roles, count=4), seed=seed)
    (failed,) = [record for record in run.history if isinstance(record, NodeFailed)]
    assert failed.heard is not None
    assert 0 <= failed.at - failed.heard < 10_000
    (unknown,) = times(run, NodeReadyChanged)
    # A pass comes every 5 s; the first one after 50 s of silence finds it.
    assert 50_000 < unknown - failed.heard <= 55_100
    tainted = times(run, NodeTainted)[0]
    assert 0 < tainted - unknown <= 100
    # The pod on the dead node goes 300 s later and with it, by Instance recovery, its whole group.
    assert times(run, PodDeleting) == [tainted + 300_000] * 3
    # Two pods stop within 5 s; the third is Terminating until the garbage collector may remove it.
    *stopped, removed = times(run, PodGone)
    assert stopped == [tainted + 300_000 + 5_000] * 2
    assert known < removed <= known + 20_000
    # Only then is the group placed again, together; it loads for 60 s.
    assert times(run, PodReady)[-3:] == [removed + 60_000] * 3
    assert times(run, InstanceReady)[1:] == [removed + 60_000]


@pytest.mark.parametrize("own", [0, 30, 600])
def test_a_pod_that_tolerates_for_another_time_is_deleted_after_that(own: int) -> None:
    tolerates = tuple(
        Toleration(
            key=f"node.kubernetes.io/{key}", operator="Exists", effect="NoExecute", toleration_seconds=own
        )
        for key in ("not-ready", "unreachable")
    )
    run = simulate(outage(NodeDown(DIES, ("node-0",)), spec=kubeinfer(2, tolerations=tolerates)))
    (tainted,) = times(run, NodeTainted)
    assert times(run, PodDeleting) == [tainted + own * 1_000]


def test_up_to_1_31_the_grace_period_is_10_s_shorter() -> None:
    run = simulate(outage(NodeDown(DIES, ("node-0",)), node_lifecycle=NodeLifecycle(40_000)))
    (deleted,) = times(run, PodDeleting)
    assert 330_000 < deleted - DIES < 345_200


def test_a_pod_on_a_dead_node_is_ready_in_the_api_until_the_node_is_unknown() -> None:
    run = simulate(outage(NodeDown(DIES, ("node-0",))))
    assert times(run, PodNotReady) == times(run, NodeReadyChanged)


def test_a_pod_stays_terminating_and_its_instance_waits_until_the_node_is_back() -> None:
    run = simulate(outage(NodeDown(DIES, ("node-0",), until=DIES + 30 * MINUTE)))
    (gone,) = times(run, PodGone)
    assert gone == DIES + 30 * MINUTE
    assert times(run, InstanceReady)[-1] > gone
    assert run.end == "settled"


def test_left_alone_the_instance_never_comes_back() -> None:
    run = simulate(outage(NodeDown(DIES, ("node-0",))))
    assert not times(run, PodGone)
    assert len(times(run, InstanceReady)) == 2
    assert run.end == "settled"


def test_a_forced_deletion_frees_the_instance_at_once() -> None:
    forced = DIES + 20 * MINUTE
    run = simulate(outage(NodeDown(DIES, ("node-0",)), ForceDelete(forced, Target(nodes=("node-0",)))))
    assert times(run, PodRemoved) == times(run, PodGone) == [forced]
    assert times(run, InstanceReady)[-1] > forced


def test_a_forced_deletion_before_anyone_knows_rebuilds_the_instance_on_the_dead_node_again() -> None:
    forced = DIES + 1000
    action = ForceDelete(forced, Target(nodes=("node-0",)), terminating_only=False)
    run = simulate(outage(NodeDown(DIES, ("node-0",)), action))
    first, second = times(run, InstanceRestarting)
    assert first == forced
    assert 340_000 < second - DIES < 356_000


def test_out_of_service_lets_the_garbage_collector_remove_terminating_pods() -> None:
    told = DIES + 10 * MINUTE
    run = simulate(outage(NodeDown(DIES, ("node-0",)), OutOfService(told, ("node-0",))))
    (removed,) = times(run, PodRemoved)
    assert told <= removed <= told + 20_010


def test_out_of_service_evicts_at_once_what_does_not_tolerate_it() -> None:
    told = DIES + 2 * MINUTE
    run = simulate(outage(NodeDown(DIES, ("node-0",)), OutOfService(told, ("node-0",))))
    assert times(run, PodDeleting) == [told]


def test_a_pod_may_tolerate_an_unreachable_node_for_its_own_time() -> None:
    patient = Toleration("node.kubernetes.io/unreachable", "Exists", "", "NoExecute", 30)
    run = simulate(outage(NodeDown(DIES, ("node-0",)), spec=kubeinfer(2, tolerations=(patient,))))
    (tainted,) = times(run, NodeTainted)
    assert times(run, PodDeleting) == [tainted + 30_000]


def test_a_node_cut_off_for_less_than_the_grace_period_costs_nothing() -> None:
    run = simulate(outage(NodeDown(DIES, ("node-0",), "cutOff", DIES + 39_000)))
    assert not times(run, PodNotReady)
    assert not times(run, PodDeleting)


def test_a_node_cut_off_for_two_minutes_costs_readiness_but_no_pod() -> None:
    back = DIES + 2 * MINUTE
    run = simulate(outage(NodeDown(DIES, ("node-0",), "cutOff", back)))
    (ready,) = times(run, PodReady)
    assert back <= ready <= back + 10_000  # at the kubelet's next status check
    assert not times(run, PodDeleting)


def test_pods_of_a_node_whose_kubelet_says_it_is_not_ready_stay_ready_until_they_are_evicted() -> None:
    run = simulate(outage(NodeDown(DIES, ("node-0",), "notReady")))
    (tainted,) = times(run, NodeTainted)
    assert 0 <= tainted - DIES <= 5_110  # the next pass, and a round of the taint loop
    assert not times(run, PodNotReady)
    assert times(run, PodDeleting) == [tainted + 300_000]
    assert times(run, PodGone)  # that kubelet is there to stop them


def test_a_quick_reboot_kills_containers_before_anyone_notices_the_node() -> None:
    back = DIES + 20_000
    run = simulate(outage(NodeDown(DIES, ("node-0",), "reboot", back, plugin_after=0)))
    assert not times(run, NodeReadyChanged)
    assert times(run, InstanceRestarting) == [back]


def test_left_to_the_kubelet_a_rebooted_node_starts_its_containers_again_with_cold_weights() -> None:
    back = DIES + 20_000
    stages = {"weights_warm": Constant(1_000), "weights_shared": Constant(100_000)}
    spec = kubeinfer(2, restart="Custom")
    reboot = NodeDown(DIES, ("node-0",), "reboot", back, plugin_after=0)
    run = simulate(outage(reboot, spec=spec, stages=stages))
    assert times(run, ContainersRunning) == [back]
    (engine,) = (record for record in run.history if isinstance(record, EngineStarted))
    assert {str(stage.name): stage.duration for stage in engine.stages}["weights"] == 100_000
    (ready,) = times(run, PodReady)
    # A kubelet that has just started begins its probes at a random moment of their first period.
    assert back + 160_000 <= ready <= back + 162_000


def test_no_gang_is_placed_on_a_node_that_is_tainted() -> None:
    simulation = assemble(
        outage(
            NodeDown(DIES, ("node-2",)), NodeDown(DIES + MINUTE, ("node-0",), "reboot", DIES + 3 * MINUTE)
        ),
        0,
    )
    play(simulation)
    assert {pod.node.name for pod in simulation.workloads.pods() if pod.node} <= {"node-0", "node-1"}


def test_a_node_failing_twice_or_returning_twice_changes_nothing() -> None:
    once = simulate(outage(NodeDown(DIES, ("node-0",)), NodeUp(DIES + MINUTE, ("node-0",))))
    twice = simulate(
        outage(
            NodeDown(DIES, ("node-0",)),
            NodeDown(DIES + 1, ("node-0",)),
            NodeUp(DIES + MINUTE, ("node-0",)),
            NodeUp(DIES + MINUTE + 1, ("node-0",)),
        )
    )
    again = [each for each in twice.history if not isinstance(each, ChangedNothing)]
    assert [(type(each), each.at) for each in again] == [(type(each), each.at) for each in once.history]
    assert [each.why for each in twice.history.of(ChangedNothing)] == ["down already", "back already"]


@pytest.mark.parametrize("first", ["cutOff", "notReady", "kubeletRestart"])
def test_a_machine_that_fails_otherwise_may_still_die_and_does_not_come_back_by_itself(first: str) -> None:
    dies = DIES + 30_000
    begins = NodeDown(DIES, ("node-0",), first, DIES + 90_000)  # type: ignore[arg-type]
    run = simulate(outage(begins, NodeDown(dies, ("node-0",))))
    assert not times(run, NodeReturned)
    assert times(run, PodDeleting)
    back = simulate(outage(begins, NodeDown(dies, ("node-0",)), NodeUp(dies + MINUTE, ("node-0",))))
    assert times(back, NodeReturned) == [dies + MINUTE]
    assert times(back, InstanceReady)[-1] > dies + MINUTE
    assert not times(back, ContainersRunning) or times(back, ContainersRunning)[-1] >= dies + MINUTE


def test_a_scenario_without_failing_nodes_pays_nothing_for_them() -> None:
    quiet = simulate(outage())
    watched = simulate(outage(NodeDown(DIES, ("node-2",))))
    # One look at all nodes at the start, then the pass, the taint and the timer of the dead one.
    assert watched.fired - quiet.fired < 10


@pytest.mark.parametrize("healthy_days", [1, 365])
def test_healthy_nodes_cost_nothing_per_day(healthy_days: int) -> None:
    day = 86_400_000
    base = outage(NodeDown(day * healthy_days, ("node-0",)), count=50, horizon=day * healthy_days + MINUTE)
    assert simulate(base).fired < 15


BUDGET = DisruptionBudget("b", (Requirement("app", "in", ("infer",)),), min_available=IntOrPercent(2))


def drained(
    budget: DisruptionBudget | None = None, timeout: int | None = None, assumptions: Assumptions | None = None
) -> Run:
    spec = kubeinfer(2, labels={"app": "infer"})
    budgets = () if budget is None else (budget,)
    made = outage(Drain(DIES, ("node-0",), timeout), spec=spec, disruption_budgets=budgets)
    return simulate(made if assumptions is None else replace(made, assumptions=assumptions))


def test_a_drain_without_budgets_empties_the_node() -> None:
    run = drained()
    (ended,) = (record for record in run.history if isinstance(record, DrainEnded))
    assert not ended.errors
    assert times(run, PodGone)[0] <= ended.at <= times(run, PodGone)[0] + 1000


def test_a_drain_held_by_a_budget_says_which_and_costs_no_events() -> None:
    run = drained(BUDGET)
    (held,) = (record for record in run.history if isinstance(record, DrainHeld))
    assert "disruption budget b needs 2 healthy pods and has 2 currently" in held.detail
    assert not times(run, PodDeleting)
    assert run.end == "settled"
    assert run.fired < 15


def test_a_drain_with_a_timeout_fails_when_it_is_over() -> None:
    run = drained(BUDGET, timeout=5 * MINUTE)
    (ended,) = (record for record in run.history if isinstance(record, DrainEnded))
    assert ended.at == DIES + 5 * MINUTE
    assert "disruption budget b" in ended.errors[0]


def test_a_budget_that_allows_one_lets_the_drain_through() -> None:
    assert times(drained(replace(BUDGET, min_available=IntOrPercent(1))), DrainEnded)
    half = replace(BUDGET, min_available=None, max_unavailable=IntOrPercent(50, percent=True))
    assert times(drained(half, assumptions=Assumptions(scale_subresource="instance")), DrainEnded)
    # Nothing tells how many pods an instance has to have.
    (held,) = (record for record in drained(half).history if isinstance(record, DrainHeld))
    assert held.detail.endswith("does not implement the scale subresource")


@st.composite
def disasters(draw: st.DrawFn) -> tuple[Any, ...]:
    actions: list[Any] = []
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, 3_600)) * 1000
        names = (f"node-{draw(st.integers(0, 4))}",)
        modes = ("silent", "cutOff", "notReady", "reboot", "kubeletRestart")
        kind = draw(st.sampled_from((*modes, "up", "force", "drain")))
        if kind == "up":
            actions.append(NodeUp(at, names))
        elif kind == "force":
            actions.append(ForceDelete(at, Target(nodes=names)))
        elif kind == "drain":
            actions.append(Drain(at, names))
        else:
            until = (
                at + draw(st.integers(1, 2_000)) * 1000
                if kind in ("reboot", "kubeletRestart") or draw(st.booleans())
                else None
            )
            actions.append(NodeDown(at, names, kind, until))
    actions.sort(key=lambda action: action.at)
    everything = tuple(f"node-{i}" for i in range(5))
    return (*actions, NodeUp(30_000_000, everything))


@settings(max_examples=60, deadline=None)
@given(disasters(), st.sampled_from(("Instance", "Pod", "Custom")), st.integers(0, 3))
def test_whatever_nodes_do_the_books_balance_and_everything_is_ready_once_they_are_back(
    actions: tuple[Any, ...], restart: str, seed: int
) -> None:
    spec = kubeinfer(2, roles={"prefill": 1, "decode": 1}, restart=restart, npus=8)
    simulation = assemble(scenario(spec, 5, 60, 5, actions=actions), seed)
    run = play(simulation)
    held = sum(pod.npus for pod in simulation.workloads.pods() if pod.node is not None)
    assert simulation.env.api.npus_in_use == held
    assert run.end == "settled"
    drains = {name for action in actions if isinstance(action, Drain) for name in action.nodes}
    if len(drains) <= 1:
        pods = list(simulation.workloads.pods())
        assert len(pods) == 4
        assert all(pod.ready and pod.state is PodState.RUNNING for pod in pods)


@pytest.mark.parametrize("mode", ["notReady", "kubeletRestart", "cutOff"])
def test_a_node_of_which_nothing_is_heard_fails_no_further_unless_it_dies(mode: Any) -> None:
    actions = NodeDown(DIES, ("node-0",), "cutOff"), NodeDown(DIES + MINUTE, ("node-0",), mode)
    assert times(simulate(outage(*actions, horizon=DIES + 2 * MINUTE)), NodeFailed) == [DIES]
    dead = NodeDown(DIES + MINUTE, ("node-0",))
    run = simulate(outage(actions[0], dead, horizon=DIES + 2 * MINUTE))
    assert times(run, NodeFailed) == [DIES, DIES + MINUTE]


@pytest.mark.parametrize(
    ("mode", "rebooted"),
    [("notReady", False), ("cutOff", False), ("kubeletRestart", False), ("silent", True), ("reboot", True)],
)
def test_a_node_that_is_back_has_been_rebooted_only_if_it_was_dead(mode: Any, rebooted: bool) -> None:
    run = simulate(outage(NodeDown(DIES, ("node-0",), mode, DIES + MINUTE), horizon=DIES + 2 * MINUTE))
    assert times(run, NodeReturned) == [DIES + MINUTE]
    assert times(run, NodeReturned, rebooted=rebooted) == [DIES + MINUTE]


def test_what_probes_have_found_while_a_node_was_cut_off_is_heard_of_when_it_is_back() -> None:
    """It is back before anybody misses it."""
    cut = NodeDown(DIES, ("node-0",), "cutOff", DIES + 20_000)
    sick = Health(DIES + 5_000, Target(nodes=("node-0",)), False)
    run = simulate(outage(cut, sick, horizon=DIES + MINUTE))
    assert times(run, PodNotReady, reason="ReadinessProbeFailed") == [DIES + 20_000]
    assert not times(run, NodeReadyChanged)


def test_a_pod_that_is_rebooted_twice_is_probed_once() -> None:
    """Each time by a new kubelet, which finds its check sick."""
    reboots = [NodeDown(at, ("node-0",), "reboot", at + 10_000, plugin_after=0) for at in (DIES, 2 * DIES)]
    sick = Health(3 * DIES, Target(nodes=("node-0",)), False)
    spec = kubeinfer(2, restart="Custom")
    simulation = assemble(outage(*reboots, sick, spec=spec, horizon=3 * DIES + MINUTE), 0)
    run = play(simulation)
    assert len(times(run, PodNotReady, reason="ReadinessProbeFailed")) == 1
