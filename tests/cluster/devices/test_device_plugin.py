"""What follows from each level at which the device plugin reports a fault (section 4 of the semantics page)."""

from __future__ import annotations

from typing import Any

import pytest
from building import NPU, kubeinfer, nodes, pod_template, scenario
from controllers.playing import of, play, pod_of, seconds_of
from msgspec.structs import replace

from kubeinfer_sim.cluster.fault_records import (
    FaultCleared,
    FaultDetected,
    FaultInjected,
    NpuResetTried,
    NpuStateChanged,
)
from kubeinfer_sim.cluster.records import ContainerDied, PodBound, PodReady
from kubeinfer_sim.controllers.kubeinfer.records import InstanceReady, InstanceRestarting
from kubeinfer_sim.manifest.model import Probe
from kubeinfer_sim.scenario.actions.model import Fault, Scale, Target
from kubeinfer_sim.scenario.cluster.model import NpuTopology
from kubeinfer_sim.scenario.faults.model import FaultPlan, NpuHandling
from kubeinfer_sim.scenario.recovery.rules import RecoveryRule
from kubeinfer_sim.scenario.timings.distributions import Constant
from kubeinfer_sim.simulation.assembly import assemble
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import play as play_out

LABEL = {"modelarts-infer-npu-reset-enable": "true"}
NODE = Target(nodes=("node-0",))


def npu_fault(at: float, level: str = "RestartNPU", npus: tuple[int, ...] = (0,), **fields: Any) -> Fault:
    fields = {"symptom": "none", "target": NODE, "kind": "NpuFault", **fields}
    return Fault(round(at * 1000), level=level, npus=npus, **fields)


def run(
    *faults: Fault,
    node_count: int = 2,
    settings: NpuHandling | None = None,
    labelled: bool = True,
    npus: int = 8,
    replicas: int = 1,
    load: float = 60,
    restart: str = "Instance",
    **fields: Any,
) -> Run:
    spec = kubeinfer(replicas, npus=npus, labels=LABEL if labelled else {}, restart=restart, **fields)
    plan = FaultPlan(npus=settings or NpuHandling(attempt=Constant(45_000)))
    return play(scenario(spec, node_count, load, 10, actions=faults, faults=plan, horizon=10 * 86_400_000))


def states(run: Run) -> list[tuple[tuple[int, ...], str]]:
    return [(record.npus, record.state) for record in of(run, NpuStateChanged)]


def test_a_fault_is_detected_three_to_sixteen_seconds_after_it_began() -> None:
    latencies = []
    for seed in range(40):
        spec = kubeinfer(labels=LABEL)
        made = scenario(spec, 2, 60, 10, actions=(npu_fault(100, "RestartBusiness"),), seed=seed)
        latencies += [record.latency for record in of(play(made), FaultDetected)]
    assert len(latencies) == 40
    assert 3_000 <= min(latencies) < 6_000 < 12_000 < max(latencies) <= 16_000


def test_nothing_follows_from_not_handle_fault() -> None:
    played = run(npu_fault(100, "NotHandleFault"))
    assert of(played, FaultDetected)
    assert not of(played, InstanceRestarting)
    assert not states(played)


@pytest.mark.parametrize(("clears", "restarts"), [(59, 0), (60, 0), (61, 1)])
def test_restart_request_that_clears_at_60_s_is_nothing_and_at_61_s_one_restart(
    clears: int, restarts: int
) -> None:
    played = run(npu_fault(100, "RestartRequest", clears_after=clears * 1000))
    assert len(of(played, InstanceRestarting)) == restarts
    assert states(played) == ([((0,), "isolated"), ((0,), "inService")] if restarts else [])
    assert seconds_of(played, InstanceRestarting) == [160] * restarts


def test_an_npu_that_the_platform_has_taken_out_meanwhile_is_offered_as_soon_as_it_says_so() -> None:
    """What the plugin would have called unhealthy in the round after 60 s it does not: that is the platform's by then."""
    played = run(npu_fault(100, "RestartRequest", clears_after=300_000))
    assert [(each.state, each.offered, each.at) for each in of(played, NpuStateChanged)] == [
        ("isolated", 7, 160_000),
        ("inService", 8, 400_000),
    ]


def test_restart_business_isolates_until_the_fault_clears() -> None:
    played = run(npu_fault(100, "RestartBusiness", clears_after=500_000))
    assert states(played) == [((0,), "isolated"), ((0,), "inService")]
    assert of(played, NpuStateChanged)[1].at == 600_000
    assert len(of(played, InstanceRestarting)) == 1
    assert [bound.node for bound in of(played, PodBound)] == ["node-1"]


@pytest.mark.parametrize("level", ["RestartNPU", "FreeRestartNPU"])
def test_an_npu_is_reset_when_its_processes_are_gone(level: str) -> None:
    played = run(npu_fault(100, level))
    (detected,) = of(played, FaultDetected)
    (reset,) = of(played, NpuResetTried)
    # 10 s until the process is gone, then one attempt of 45 s.
    assert reset.at == detected.at + 10_000 + 45_000
    assert reset.success
    assert reset.npus == tuple(range(8))
    assert states(played)[-1] == (tuple(range(8)), "inService")
    assert [each.how for each in of(played, FaultCleared)] == ["reset"]


def test_a_separated_npu_is_out_until_it_is_repaired() -> None:
    played = run(npu_fault(100, "SeparateNPU", repair=Constant(3_600_000)))
    (detected,) = of(played, FaultDetected)
    assert states(played) == [((0,), "out"), ((0,), "inService")]
    assert of(played, NpuStateChanged)[1].at == detected.at + 3_600_000
    assert not of(played, NpuResetTried)


def test_no_spare_means_an_outage_until_the_repair() -> None:
    played = run(npu_fault(100, "SeparateNPU", repair=Constant(3_600_000)), node_count=1)
    (detected,) = of(played, FaultDetected)
    (ready,) = of(played, InstanceReady)[-1:]
    assert ready.at == detected.at + 3_600_000 + 60_000


def test_pre_separate_keeps_the_pod_running_and_places_nothing_new() -> None:
    played = run(npu_fault(100, "PreSeparateNPU", clears_after=300_000), npus=4)
    assert not of(played, InstanceRestarting)
    assert [(record.state, record.offered) for record in of(played, NpuStateChanged)] == [
        ("isolated", 7),
        ("inService", 8),
    ]


def test_sub_health_leaves_the_npu_in_service() -> None:
    played = run(npu_fault(100, "SubHealthFault"))
    assert of(played, FaultDetected)
    assert not states(played)
    assert not of(played, InstanceRestarting)


def test_three_faults_of_one_npu_in_24_h_take_it_out_for_48_h() -> None:
    played = run(*(npu_fault(at, "RestartBusiness", clears_after=60_000) for at in (100, 1000, 2000)))
    levels = [record.level for record in of(played, FaultDetected)]
    assert levels == ["RestartBusiness", "RestartBusiness", "ManuallySeparateNPU"]
    last = of(played, FaultDetected)[-1].at
    out, back = of(played, NpuStateChanged)[-2:]
    assert (out.at, out.state) == (last, "out")
    assert (back.at, back.state) == (last + 48 * 3_600_000, "inService")


def test_three_faults_in_more_than_24_h_do_not_escalate() -> None:
    played = run(*(npu_fault(h * 3600, "RestartBusiness", clears_after=60_000) for h in (1, 10, 26)))
    assert {record.level for record in of(played, FaultDetected)} == {"RestartBusiness"}


def test_after_three_failed_attempts_the_npu_is_out_until_repaired() -> None:
    played = run(npu_fault(100, failed_resets=3, repair=Constant(7_200_000)))
    assert [(each.attempt, each.success) for each in of(played, NpuResetTried)] == [
        (1, False),
        (2, False),
        (3, False),
    ]
    assert states(played)[-3:] == [((1, 2, 3, 4, 5, 6, 7), "inService"), ((0,), "out"), ((0,), "inService")]
    assert of(played, NpuStateChanged)[-1].at == of(played, NpuResetTried)[-1].at + 7_200_000


def test_the_third_attempt_may_still_heal() -> None:
    played = run(npu_fault(100, failed_resets=2))
    assert [each.success for each in of(played, NpuResetTried)] == [False, False, True]
    assert "out" not in [state for _, state in states(played)]


def test_a_fault_no_reset_heals_takes_the_npu_out_though_its_ring_is_being_reset() -> None:
    # The reset runs from about 120 s (10 s to stop the pod) to 165 s; meanwhile another NPU of the ring is done for.
    slow = NpuHandling(attempt=Constant(45_000), pipeline=Constant(3_000))
    played = run(
        npu_fault(100),
        npu_fault(118, "SeparateNPU", npus=(5,), repair=Constant(3_600_000)),
        settings=slow,
        node_count=1,
    )
    (reset,) = of(played, NpuResetTried)
    told = [each for each in of(played, FaultDetected) if each.level == "SeparateNPU"]
    resetting = next(each for each in of(played, NpuStateChanged) if each.state == "resetting")
    assert resetting.at < told[0].at < reset.at
    after = [(each.npus, each.state) for each in of(played, NpuStateChanged) if each.at >= reset.at]
    assert after == [((0, 1, 2, 3, 4, 6, 7), "inService"), ((5,), "out"), ((5,), "inService")]
    assert of(played, InstanceReady)[-1].at == reset.at + 3_600_000 + 60_000, "no whole node until then"


def test_an_npu_that_breaks_after_it_came_back_into_a_ring_that_is_being_reset_has_the_ring_reset_once_more() -> (
    None
):
    """One reset at a time: the second one begins when the first one is over."""
    slow = NpuHandling(attempt=Constant(300_000), attempt_timeout=300_000, pipeline=Constant(3_000))
    played = run(
        npu_fault(10, "SeparateNPU", npus=(5,), repair=Constant(150_000)),
        npu_fault(100),
        npu_fault(200, npus=(5,)),
        settings=slow,
    )
    first, second = of(played, NpuResetTried)
    assert [each.npus for each in of(played, NpuStateChanged) if each.state == "resetting"] == [
        (0, 1, 2, 3, 4, 6, 7),
        tuple(range(8)),
    ]
    assert second.at == first.at + 300_000
    assert states(played)[-1] == (tuple(range(8)), "inService")
    assert [each.how for each in of(played, FaultCleared)] == ["repaired", "reset", "reset"]


def test_a_neighbour_that_is_only_slower_is_not_taken_out_when_the_resets_fail() -> None:
    played = run(npu_fault(100, failed_resets=3), npu_fault(50, "SubHealthFault", npus=(4,)))
    assert ((0,), "out") in states(played)
    assert not any(4 in npus and state == "out" for npus, state in states(played))


def test_an_attempt_never_lasts_longer_than_its_timeout() -> None:
    played = run(npu_fault(100), settings=NpuHandling(attempt=Constant(500_000)))
    resetting = next(record for record in of(played, NpuStateChanged) if record.state == "resetting")
    assert of(played, NpuResetTried)[0].at == resetting.at + 60_000


def test_the_ring_waits_until_all_eight_are_idle() -> None:
    # Two instances of 4 NPUs on one ring; the neighbour is scaled away later.
    played = run(npu_fault(100), npus=4, replicas=2, node_count=2)
    assert len(of(played, InstanceRestarting)) == 1
    assert not of(played, NpuResetTried)
    assert states(played) == [((0,), "isolated")]


def test_without_a_ring_the_one_npu_is_reset_while_its_neighbours_work() -> None:
    played = run(npu_fault(100), npus=4, replicas=2, settings=NpuHandling(group=1, attempt=Constant(45_000)))
    assert [each.npus for each in of(played, NpuResetTried)] == [(0,)]


def test_both_dies_of_a_card_are_reset() -> None:
    played = run(
        npu_fault(100, npus=(1,)), npus=4, replicas=2, settings=NpuHandling(group=2, attempt=Constant(45_000))
    )
    assert [each.npus for each in of(played, NpuResetTried)] == [(0, 1)]


def test_newer_releases_want_the_group_idle_for_60_s() -> None:
    played = run(npu_fault(100), settings=NpuHandling(idle_before=60_000, attempt=Constant(45_000)))
    (detected,) = of(played, FaultDetected)
    assert of(played, NpuResetTried)[0].at == detected.at + 10_000 + 60_000 + 45_000


def test_without_hot_reset_no_npu_heals_itself() -> None:
    played = run(npu_fault(100), settings=NpuHandling(hot_reset=False))
    assert states(played) == [((0,), "out"), ((0,), "inService")]
    assert not of(played, NpuResetTried)


def test_a_fault_on_an_idle_npu_costs_capacity_only() -> None:
    played = run(npu_fault(100, "SeparateNPU", target=Target(nodes=("node-1",))))
    assert not of(played, InstanceRestarting)
    assert [(record.state, record.offered) for record in of(played, NpuStateChanged)] == [
        ("out", 7),
        ("inService", 8),
    ]


def test_an_npu_isolated_for_two_faults_is_offered_again_when_the_last_has_cleared() -> None:
    faults = [
        npu_fault(at, "RestartBusiness", clears_after=lasts * 1000) for at, lasts in ((100, 300), (150, 600))
    ]
    played = run(*faults)
    assert states(played) == [((0,), "isolated"), ((0,), "inService")]
    assert of(played, NpuStateChanged)[1].at == 750_000


def test_faults_before_a_repair_do_not_count_as_repeated() -> None:
    hour, business = 3600, "RestartBusiness"
    played = run(
        npu_fault(100, business, clears_after=60_000),
        npu_fault(1000, business, clears_after=60_000),
        npu_fault(2000, "SeparateNPU", repair=Constant(hour * 1000)),
        npu_fault(3 * hour, business, clears_after=60_000),
        npu_fault(4 * hour, business, clears_after=60_000),
    )
    assert [each.level for each in of(played, FaultDetected)] == [
        business,
        business,
        "SeparateNPU",
        business,
        business,
    ]


def test_attempts_to_reset_count_for_each_fault_anew() -> None:
    played = run(
        npu_fault(100, failed_resets=1), npu_fault(40_000, failed_resets=1), settings=NpuHandling(attempts=2)
    )
    assert [(each.attempt, each.success) for each in of(played, NpuResetTried)] == [(1, False), (2, True)] * 2
    assert "out" not in [state for _, state in states(played)]


@pytest.mark.parametrize(("hours", "left"), [(1, 1), (7, 2)])
def test_newer_releases_count_attempts_within_six_hours(hours: int, left: int) -> None:
    """Two of three are needed each time: an hour later one is left, after six all are."""
    faults = npu_fault(100, failed_resets=1), npu_fault(100 + hours * 3600, failed_resets=1)
    played = run(*faults, settings=NpuHandling(attempts=3, attempts_window=6 * 3_600_000))
    assert [each.attempt for each in of(played, NpuResetTried)] == [1, 2, *range(1, left + 1)]
    assert ("out" in [state for _, state in states(played)]) is (left == 1)


def test_a_fault_the_platform_resets_for_does_not_end_by_itself_before() -> None:
    # The neighbour keeps the ring from being reset.
    played = run(npu_fault(100, clears_after=60_000), npus=4, replicas=2, node_count=2)
    assert states(played) == [((0,), "isolated")]
    assert not of(played, FaultCleared)


def test_a_fault_that_ends_before_it_is_reported_is_never_seen() -> None:
    played = run(npu_fault(100, clears_after=2_000))
    assert of(played, FaultInjected)
    assert not of(played, FaultDetected)
    assert not of(played, InstanceRestarting)


@pytest.mark.parametrize(("lasts", "seen"), [(19, 0), (120, 1)])
def test_a_link_counts_as_down_after_20_s_and_is_trusted_again_after_60_s(lasts: int, seen: int) -> None:
    played = run(npu_fault(100, "", kind="LinkDown", clears_after=lasts * 1000))
    assert len(of(played, FaultDetected)) == seen
    assert all(record.latency >= 20_000 for record in of(played, FaultDetected))
    assert [record.state for record in of(played, NpuStateChanged)] == ["isolated", "inService"] * seen
    if seen:
        assert of(played, NpuStateChanged)[1].at == (100 + lasts + 60) * 1000


def test_symptom_and_report_of_one_fault_cause_one_restart() -> None:
    played = run(npu_fault(100, symptom="crash"))
    assert seconds_of(played, ContainerDied)[0] == 100
    assert len(of(played, InstanceRestarting)) == 1


STARTUP = Probe(period_seconds=10, failure_threshold=12)


def test_without_the_label_the_pod_restarts_on_the_same_broken_npu_which_is_not_repaired_while_it_is_held() -> (
    None
):
    played = run(
        npu_fault(100, symptom="crash", repair=Constant(1_000_000)),
        labelled=False,
        restart="Custom",
        startup=STARTUP,
    )
    assert not of(played, FaultDetected)
    assert not states(played)
    died = [record.reason for record in of(played, ContainerDied)]
    assert died[0] == "Error"
    assert died.count("StartupProbeFailed") >= 3
    assert not of(played, FaultCleared)
    assert all(record.at < 100_000 for record in of(played, PodReady))


def test_with_the_label_the_same_fault_is_over_in_minutes() -> None:
    played = run(npu_fault(100, symptom="crash", repair=Constant(1_000_000)), startup=STARTUP)
    assert of(played, InstanceReady)[-1].at < 400_000


def test_npus_come_from_the_rings_the_scheduler_counts_and_leave_them() -> None:
    topology = NpuTopology(NPU, 4)
    spec = kubeinfer(1, npus=4, labels=LABEL)
    faults = (npu_fault(100, "SeparateNPU", repair=Constant(3_600_000)),)
    made = scenario(spec, 1, 60, 10, actions=faults, nodes=nodes(1, npu_topology=topology))
    simulation = assemble(made, 0)
    simulation.env.clock.at(
        400_000,
        lambda: held.extend(npu.number for npu in simulation.faults.devices.of(pod_of(simulation))),  # type: ignore[union-attr]
    )
    held: list[int] = []
    played = play_out(simulation)
    # One of the first ring is out: four whole NPUs are left only in the second.
    assert held == [4, 5, 6, 7]
    assert [record.offered for record in of(played, NpuStateChanged)] == [7, 8]


def test_the_scheduler_counts_an_npu_out_of_its_own_ring() -> None:
    """Of two rings of four the second has lost one: three NPUs fill that, and four have the first."""
    spec = kubeinfer(0, roles={"three": 1, "four": 1}, labels=LABEL)
    roles = tuple(
        replace(role, template=pod_template(npus=npus, labels=LABEL))
        for role, npus in zip(spec.roles, (3, 4), strict=True)
    )
    faults = npu_fault(10, "SeparateNPU", npus=(5,), repair=Constant(3_600_000)), Scale(100_000, 1)
    made = scenario(
        replace(spec, roles=roles),
        1,
        60,
        10,
        actions=faults,
        nodes=nodes(1, npu_topology=NpuTopology(NPU, 4)),
        horizon=600_000,
    )
    simulation = assemble(made, 0)
    held: dict[str, list[int]] = {}

    def look() -> None:
        assert simulation.faults is not None
        for name in ("three", "four"):
            held[name] = [npu.number for npu in simulation.faults.devices.of(pod_of(simulation, name))]

    simulation.env.clock.at(400_000, look)
    play_out(simulation)
    assert held == {"three": [4, 6, 7], "four": [0, 1, 2, 3]}


def test_a_rule_that_isolates_devices_takes_out_the_broken_one_of_a_pod_alone() -> None:
    rules = (RecoveryRule("RecreateInstance", isolate="Device"),)
    fault = npu_fault(100, "SubHealthFault", (3,), symptom="crash")
    made = scenario(kubeinfer(restart="Custom"), 2, 60, 10, actions=(fault,), recovery=rules, horizon=600_000)
    assert [npus for npus, state in states(play(made)) if state == "out"] == [(3,)]
