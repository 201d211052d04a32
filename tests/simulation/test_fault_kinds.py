"""Each kind of fault by its name: what it does. NPUs' levels are in tests/cluster/devices."""

from __future__ import annotations

from typing import Any

import pytest
from building import kubeinfer, scenario, seconds
from controllers.playing import of, play, seconds_of

from kubeinfer_sim.cluster.fault_records import (
    FaultCleared,
    FaultDetected,
    FaultInjected,
    NpuStateChanged,
    PodSlowed,
)
from kubeinfer_sim.cluster.records import (
    ContainerDied,
    ContainerKilling,
    DrainEnded,
    HealthChanged,
    ImagePullFailed,
    NodeCordoned,
    NodeFailed,
    NodeReadyChanged,
    NodeReturned,
    PodBound,
    PodNotReady,
    PodReady,
)
from kubeinfer_sim.controllers.kubeinfer.records import InstanceConcerning, InstanceReady, InstanceRestarting
from kubeinfer_sim.manifest.model import Probe
from kubeinfer_sim.scenario.actions.model import Fault, Target
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.timings.distributions import Constant
from kubeinfer_sim.scenario.timings.model import Link, Transfers
from kubeinfer_sim.simulation.run import Run

LABEL = {"modelarts-infer-npu-reset-enable": "true"}
NODE = Target(nodes=("node-0",))
POD = Target(instances=(0,))
LIVENESS = Probe(period_seconds=10, timeout_seconds=10, failure_threshold=6)
STORAGE = Transfers(storage=Link(1_000_000_000), default_weights_size=60_000_000_000)


def strike(kind: str, at: float = 100, target: Target = POD, **fields: Any) -> Fault:
    return Fault(round(at * 1000), kind, target, **fields)


def run(*faults: Fault, node_count: int = 2, restart: str = "Instance", **fields: Any) -> Run:
    template = {key: fields.pop(key) for key in ("liveness", "startup", "roles", "labels") if key in fields}
    spec = kubeinfer(restart=restart, **template)
    return play(scenario(spec, node_count, 60, 10, actions=faults, horizon=20 * 86_400_000, **fields))


NPU_CRASHES = ["NpuFault", "HbmFault", "SramFault", "CardDrop"]


@pytest.mark.parametrize("kind", NPU_CRASHES)
def test_the_process_on_a_broken_npu_exits_at_once(kind: str) -> None:
    played = run(strike(kind, target=NODE, npus=(0,)), labels=LABEL)
    assert seconds_of(played, ContainerDied) == [100]
    assert len(of(played, InstanceRestarting)) == 1
    assert of(played, FaultDetected)[0].level == KINDS[kind].level


def test_card_drop_takes_the_npu_out_for_the_days_of_its_replacement() -> None:
    played = run(strike("CardDrop", target=NODE, npus=(3,)), labels=LABEL)
    out, back = of(played, NpuStateChanged)
    assert (out.npus, out.state, back.state) == ((3,), "out", "inService")
    assert back.at - out.at == 2 * 86_400_000


@pytest.mark.parametrize("kind", ["SystemProcessorFault", "WatchdogFault"])
def test_the_process_on_an_npu_that_hangs_runs_on_and_its_checks_hang(kind: str) -> None:
    played = run(strike(kind, target=NODE, npus=(0,)), liveness=LIVENESS, restart="Pod")
    assert not of(played, FaultDetected), "nobody looks at the NPU without the label"
    killed = of(played, ContainerKilling)[0]
    assert killed.reason == "LivenessProbeFailed"
    assert 155 <= killed.at / 1000 <= 176, "six checks of 10 s each, one after the other"


def test_request_fault_that_clears_after_30_s_is_nothing() -> None:
    played = run(strike("RequestFault", target=NODE, npus=(0,)), labels=LABEL)
    assert [record.how for record in of(played, FaultCleared)] == ["itself"]
    assert not of(played, InstanceRestarting)
    assert not of(played, NpuStateChanged)


def test_silent_corruption_shows_nowhere() -> None:
    played = run(strike("SilentCorruption", target=NODE, npus=(0,)), labels=LABEL)
    assert not of(played, PodNotReady)
    assert not of(played, NpuStateChanged)


def test_link_down_keeps_the_pod_and_is_trusted_again_a_minute_after_it_is_up() -> None:
    played = run(strike("LinkDown", target=NODE, npus=(0,)), labels=LABEL)
    assert not of(played, InstanceRestarting)
    assert [record.state for record in of(played, NpuStateChanged)] == ["isolated", "inService"]
    assert of(played, NpuStateChanged)[1].at == 760_000, "10 min down, 60 s of distrust"


@pytest.mark.parametrize(
    ("kind", "reason", "code"), [("ProcessCrash", "Error", 1), ("OutOfMemory", "OOMKilled", 137)]
)
def test_an_engine_that_exits_tells_why(kind: str, reason: str, code: int) -> None:
    played = run(strike(kind))
    assert [(each.reason, each.exit_code) for each in of(played, ContainerDied)] == [(reason, code)]
    assert len(of(played, InstanceRestarting)) == 1


def test_process_hang_is_over_when_the_process_is_restarted() -> None:
    # Custom without rules: the kubelet restarts the container where it is.
    played = run(strike("ProcessHang"), restart="Custom", liveness=LIVENESS)
    assert [record.reason for record in of(played, ContainerKilling)] == ["LivenessProbeFailed"]
    assert [record.how for record in of(played, FaultCleared)] == ["restarted"]
    assert len(of(played, PodReady)) == 1
    assert not of(played, InstanceRestarting)


def test_process_hang_of_a_worker_without_probes_is_not_seen_before_its_peers_time_out() -> None:
    played = run(strike("ProcessHang"))
    assert of(played, HealthChanged)
    assert not of(played, ContainerKilling)


@pytest.mark.parametrize("timeout", [None, 120])
def test_a_collective_operation_that_hangs_costs_capacity_alone_until_its_group_exits(
    timeout: int | None,
) -> None:
    clears = None if timeout is None else timeout * 1000
    target = Target(roles=("decode",), pods=(1,))
    fault = strike("HcclTimeout", target=target, clears_after=clears)
    played = run(fault, roles={"prefill": 1, "decode": 3}, node_count=4)
    until = 100 + (1836 if timeout is None else timeout)
    slowed = [(each.at / 1000, each.pod.role, each.factor) for each in of(played, PodSlowed)]
    assert slowed == [(100, "decode", 0.0)] * 3 + [(until, "decode", 1.0)] * 3
    assert seconds_of(played, PodNotReady)[0] == until, "their checks are answered until then"
    died = [(each.at / 1000, each.pod.role, each.exit_code) for each in of(played, ContainerDied)]
    assert died[0] == (until, "decode", 1)
    assert len(of(played, InstanceRestarting)) == 1


def test_a_group_whose_engines_were_started_again_does_not_exit_for_a_collective_operation_of_before() -> (
    None
):
    hang, crash = strike("HcclTimeout"), strike("ProcessCrash", 200)
    played = run(hang, crash, restart="Custom")
    assert seconds_of(played, ContainerDied) == [200]
    assert [(each.at, each.factor) for each in of(played, PodSlowed)] == [(100_000, 0.0), (200_000, 1.0)]


def test_an_engine_that_does_not_run_takes_part_in_no_collective_operation() -> None:
    crash, hang = strike("ProcessCrash"), strike("HcclTimeout", 101, clears_after=600_000)
    played = run(crash, hang, restart="Custom", stages={"warm_up": seconds(60), "create": seconds(5)})
    assert seconds_of(played, ContainerDied) == [100]
    assert not of(played, PodSlowed)


def test_health_check_fails_until_liveness_has_failed_six_times() -> None:
    played = run(strike("HealthCheckFails"), liveness=LIVENESS)
    assert of(played, PodNotReady)[0].reason == "ReadinessProbeFailed"
    killed = of(played, ContainerKilling)[0]
    assert 150 <= killed.at / 1000 <= 160, "it answers at once, so six periods are enough"
    assert len(of(played, InstanceRestarting)) == 1


def test_slow_start_costs_readiness_and_no_restart() -> None:
    played = run(strike("SlowStart", clears_after=120_000))
    assert seconds_of(played, PodNotReady)[0] == pytest.approx(101, abs=1)
    assert seconds_of(played, PodReady)[-1] == pytest.approx(221, abs=2)
    assert not of(played, InstanceRestarting)


def test_slow_start_may_use_up_the_startup_window() -> None:
    window = Probe(period_seconds=10, failure_threshold=12)
    played = run(strike("SlowStart", 30), initial="empty", startup=window)
    assert "StartupProbeFailed" in [record.reason for record in of(played, ContainerKilling)]
    assert of(played, InstanceReady)


def test_readiness_flap_makes_the_instance_concerning_and_restarts_nothing() -> None:
    played = run(strike("ReadinessFlap"))
    assert len(of(played, PodNotReady)) > 3
    assert of(played, InstanceConcerning)
    assert not of(played, InstanceRestarting)
    assert seconds_of(played, PodNotReady)[-1] < 702, "it lasts 10 min"


def test_node_death_is_seen_by_the_node_controller_alone() -> None:
    played = run(strike("NodeDeath", target=NODE, repair=Constant(7_200_000)))
    assert [record.mode for record in of(played, NodeFailed)] == ["silent"]
    unknown = of(played, NodeReadyChanged)[0]
    assert unknown.ready == "Unknown"
    assert 40 <= unknown.at / 1000 - 100 <= 60
    assert seconds_of(played, NodeReturned) == [7300]


def test_node_hardware_is_known_after_5_to_75_s_and_recovery_acts() -> None:
    played = run(strike("NodeHardware", target=NODE, repair=Constant(3_600_000)))
    (detected,) = of(played, FaultDetected)
    assert detected.by == "NodeD"
    assert 5_000 <= detected.latency <= 75_000
    assert len(of(played, InstanceRestarting)) == 1
    assert [bound.node for bound in of(played, PodBound)] == ["node-1"]
    assert [(each.uncordoned, each.at - detected.at) for each in of(played, NodeCordoned)] == [
        (False, 0),
        (True, 3_600_000),
    ]


def test_node_reboot_comes_back_after_5_minutes() -> None:
    played = run(strike("NodeReboot", target=NODE))
    assert [record.rebooted for record in of(played, NodeReturned)] == [True]
    assert seconds_of(played, NodeReturned) == [400]


def test_maintenance_drains_the_node_and_gives_it_back_after_2_hours() -> None:
    played = run(strike("Maintenance", target=NODE))
    assert [record.node for record in of(played, DrainEnded)] == ["node-0"]
    assert [bound.node for bound in of(played, PodBound)] == ["node-1"]
    assert [(each.at, each.uncordoned) for each in of(played, NodeCordoned)] == [
        (100_000, False),
        (7_300_000, True),
    ]


def test_switch_fault_stops_the_engines_behind_it_at_once() -> None:
    played = run(strike("SwitchFault", target=Target(nodes=("node-0", "node-1"))), roles={"decode": 2})
    assert seconds_of(played, ContainerDied) == [100, 100]
    assert len(of(played, InstanceRestarting)) == 1


def test_image_pull_failure_holds_pods_on_new_nodes_until_the_registry_is_back() -> None:
    played = run(strike("ImagePullFailure", 0, Target()), initial="empty")
    assert of(played, ImagePullFailed)
    assert of(played, InstanceReady)[0].at >= 600_000


@pytest.mark.parametrize(
    ("kind", "ready"),
    # 60 GB at 1 GB/s from 0 s on; the storage is slow or away from 20 s to 40 s.
    [("StorageSlow", 60 + 18), ("StorageUnavailable", 60 + 20)],
)
def test_the_shared_storage_is_slow_or_away_for_a_while(kind: str, ready: float) -> None:
    stages = {"warm_up": seconds(0)}
    spec = kubeinfer()
    fault = strike(kind, 20, Target(), clears_after=20_000)
    made = scenario(spec, 1, initial="empty", transfers=STORAGE, stages=stages, actions=(fault,))
    assert seconds_of(play(made), InstanceReady) == [ready]


def test_every_kind_of_fault_can_be_injected() -> None:
    for name, kind in KINDS.items():
        target = Target() if kind.strikes == "cluster" else NODE
        fault = Fault(100_000, name, target, npus=(0,) if kind.strikes == "npu" else ())
        played = run(fault, labels=LABEL, transfers=STORAGE)
        assert [record.kind for record in of(played, FaultInjected)] == [name]
