"""The edge cases of recovery (section 5 of the semantics page), one test or more each.

 1  rollout deletions taken for failures
 2  two pods in one second
 3  a late event of the previous incarnation
 4  liveness kills during load because startupProbe is missing
 5  startup window exhausted
 6  failure while restarting, and while in backoff
 7  no place for the restarted gang (isolated node, no spare)
 8  restart storm from a shared cause
 9  Pod level with a broken peer group
10  role with 0 replicas
11  sidecar or init container restart
12  exit 0 with restartPolicy Always and Never
13  drain evicts one pod and rebuilds the instance
14  fault on an idle NPU: capacity only
15  fault clears before the delay ends: nothing
16  reset waits for the whole ring

Those of rollouts are in test_edge_cases_of_rollouts.py, those of gangs in test_edge_cases_of_gangs.py. What the device
plugin does by level: tests/cluster/devices.
"""

from __future__ import annotations

from typing import Any

import pytest
from building import NPU, kubeinfer, scenario, seconds
from controllers.playing import NpuFault, crash, kubeinfer_of, of, play, pod_of, seconds_of
from msgspec.structs import replace

from kubeinfer_sim.cluster.fault_records import FaultDetected, NpuResetTried, NpuStateChanged
from kubeinfer_sim.cluster.records import (
    ContainerBackOff,
    ContainerDied,
    ContainersRunning,
    GangScheduled,
    NpusIsolated,
    PodBound,
    PodDeleting,
    PodFinished,
    PodGone,
    PodReady,
)
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDeleting,
    InstanceFailed,
    InstanceReady,
    InstanceRestarting,
    PeersLost,
    PodRebuilding,
    RecoveryDecided,
    RecoveryWithdrawn,
    RestartBackOff,
    UpdateCompleted,
)
from kubeinfer_sim.manifest.model import Container, KubeInfer, Probe, RecoveryPolicy, Role
from kubeinfer_sim.scenario.actions.model import Apply, Cordon, Drain, Fault, Scale, StartFault, Target
from kubeinfer_sim.scenario.faults.model import FaultPlan, NpuHandling
from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.scenario.recovery.rules import RecoveryRule
from kubeinfer_sim.scenario.timings.distributions import Constant
from kubeinfer_sim.scenario.timings.model import Link, Transfers
from kubeinfer_sim.simulation.assembly import Simulation
from kubeinfer_sim.simulation.run import Run

LIVENESS = Probe(period_seconds=5, failure_threshold=6)
PD = {"prefill": 2, "decode": 1}


def with_init(spec: KubeInfer) -> KubeInfer:
    """Its pods run an init container first."""
    fetch = (Container("fetch", "fetch:1"),)
    roles = tuple(
        replace(role, template=replace(role.template, init_containers=fetch)) for role in spec.roles
    )
    return replace(spec, roles=roles)


# 1 -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("restart", ["Instance", "Pod"])
def test_deletions_of_the_rollout_are_not_taken_for_failures(restart: str) -> None:
    spec = kubeinfer(2, 1, 1, "old", PD, restart)
    new = Apply(1000, kubeinfer(2, 1, 1, "new", PD, restart))
    # A container of a pod that is going crashes while it is being stopped.
    run = play(
        scenario(spec, 9, 60, 30, actions=(new,)), crash(10, "prefill", 0, 0), crash(10, "prefill", 0, 1)
    )
    assert of(run, UpdateCompleted)
    assert not of(run, InstanceRestarting)
    assert not of(run, PodRebuilding)


# 2 -----------------------------------------------------------------------------------------------------


def test_two_pods_of_one_gang_that_fail_in_one_second_cause_one_restart() -> None:
    run = play(
        scenario(kubeinfer(1, roles=PD), 3, 60, 10), crash(100, "prefill", 0), crash(100.9, "decode", 0)
    )
    assert seconds_of(run, InstanceRestarting) == [100.0]


def test_two_pods_that_fail_at_one_instant_cause_one_restart() -> None:
    run = play(
        scenario(kubeinfer(1, roles=PD), 3, 60, 10), crash(100, "prefill", 0), crash(100, "prefill", 1)
    )
    assert seconds_of(run, InstanceRestarting) == [100.0]


@pytest.mark.parametrize("first", ["router", "engine"])
def test_of_policies_that_apply_at_one_instant_the_widest_wins(first: str) -> None:
    base = kubeinfer(1, roles={"router": 1, "engine": 1})
    roles = (replace(base.roles[0], recovery_policy=RecoveryPolicy("Pod")), base.roles[1])
    order = [crash(100, first), crash(100, "engine" if first == "router" else "router")]
    run = play(scenario(replace(base, roles=roles), 2, 60, 10), *order)
    assert len(of(run, InstanceRestarting)) == 1
    assert not of(run, PodRebuilding), "whichever comes first"


def test_software_and_platform_on_one_event_cause_one_restart() -> None:
    def report(simulation: Simulation) -> None:
        kubeinfer_of(simulation).npu_fault(pod_of(simulation, "decode"), NpuFault("CardDrop"), -1)

    made = scenario(kubeinfer(1, roles=PD), 3, 60, 10)
    for platform in (100.0, 108.0):  # at the same instant, and within the pipeline's delay
        run = play(made, crash(100, "decode"), (platform, report))
        assert seconds_of(run, InstanceRestarting) == [100.0]
    sooner = play(made, (95.0, report), crash(100, "decode"))
    assert seconds_of(sooner, InstanceRestarting) == [95.0]
    assert of(sooner, InstanceRestarting)[0].reason == "CardDrop"


def test_the_platform_that_tells_of_it_when_the_new_pods_are_on_their_way_causes_no_other_restart() -> None:
    def report(simulation: Simulation) -> None:
        pod = pod_of(simulation, "decode")
        assert pod.ref.generation == 1
        struck = (pod.ref._replace(generation=0),)
        kubeinfer_of(simulation).npu_fault(pod, NpuFault("CardDrop", struck=struck), -1)

    run = play(scenario(kubeinfer(1, roles=PD), 3, 60, 10), crash(100, "decode"), (112.0, report))
    assert seconds_of(run, InstanceRestarting) == [100.0]
    assert seconds_of(run, InstanceReady)[-1] > 170, "what got the broken device again goes elsewhere first"


# 3 -----------------------------------------------------------------------------------------------------


def test_a_late_event_of_the_previous_incarnation_is_dropped() -> None:
    pods = []

    def remember(simulation: Simulation) -> None:
        pods.append(pod_of(simulation, "decode"))

    def late(simulation: Simulation) -> None:
        kubeinfer_of(simulation).npu_fault(pods[0], NpuFault("CardDrop"), -1)
        kubeinfer_of(simulation).evict(pods[0], "Drained", -1)
        kubeinfer_of(simulation).container_died(pods[0], "Error", 1)

    made = scenario(kubeinfer(1, roles=PD), 3, 60, 10)
    run = play(made, (90, remember), crash(100, "decode"), (200, late))
    assert seconds_of(run, InstanceRestarting) == [100.0]
    assert [record.at for record in of(run, InstanceReady)] == [0, 170_000]


def test_a_rule_that_waited_does_not_strike_the_next_incarnation() -> None:
    spec = kubeinfer(1, roles=PD, restart="Custom")
    rules = (
        RecoveryRule("RecreateInstance", faults=("Error",), roles=("prefill",), delay=60_000),
        RecoveryRule("RecreateInstance"),
    )
    run = play(scenario(spec, 3, 60, 10, recovery=rules), crash(100, "prefill"), crash(110, "decode"))
    assert seconds_of(run, InstanceRestarting) == [110.0]


# 4, 5 --------------------------------------------------------------------------------------------------


def test_liveness_kills_during_the_load_when_there_is_no_startup_probe() -> None:
    spec = kubeinfer(1, liveness=LIVENESS)
    run = play(scenario(spec, 1, 600, 5, initial="empty", horizon=3_600_000))
    died = of(run, ContainerDied)
    assert died[0].at == 35_000, "six periods of 5 s, and 5 s to exit"
    assert {record.reason for record in died} == {"LivenessProbeFailed"}
    assert not of(run, InstanceReady), "it never gets through its load"


@pytest.mark.parametrize("crash_switch", ["rebuild", "kubelet"])
def test_a_startup_window_that_is_too_short_loops_for_ever(crash_switch: str) -> None:
    startup = Probe(period_seconds=10, failure_threshold=30)
    spec = kubeinfer(1, startup=startup)
    made = scenario(spec, 1, 600, 5, initial="empty", assumptions=Assumptions(startup_crash=crash_switch))  # type: ignore[arg-type]
    run = play(replace(made, horizon=86_400_000))
    assert not of(run, InstanceReady)
    died = of(run, ContainerDied)
    assert died[0].at == 305_000, "30 periods of 10 s, and 5 s to exit"
    assert len(died) > 80
    rebuilt = len(of(run, InstanceRestarting))
    if crash_switch == "rebuild":
        assert rebuilt == len(died)
        waits = [record.until - record.at for record in of(run, RestartBackOff)]
        assert waits[:6] == [30_000, 60_000, 120_000, 240_000, 480_000, 600_000]
        assert set(waits[6:]) == {600_000}
    else:
        assert rebuilt == 0, "left to CrashLoopBackOff, on the same node"
        assert len({record.pod for record in died}) == 1


def test_a_crash_before_the_first_ready_is_a_trigger_unless_the_switch_says_kubelet() -> None:
    made = scenario(kubeinfer(1), 1, 600, 5, initial="empty")
    assert len(of(play(made, crash(100)), InstanceRestarting)) == 1
    kubelet = replace(made, assumptions=Assumptions(startup_crash="kubelet"))
    assert not of(play(kubelet, crash(100)), InstanceRestarting)
    assert len(of(play(kubelet, crash(1000)), InstanceRestarting)) == 1, "it was ready by then"


# 6 -----------------------------------------------------------------------------------------------------


def test_a_failure_while_restarting_and_while_in_back_off_changes_nothing() -> None:
    spec = kubeinfer(1, roles=PD)
    made = scenario(spec, 3, 60, 20)
    first, again = crash(100, "decode"), crash(190, "decode")  # the second restart waits 30 s
    plain = play(made, first, again)
    during = play(made, first, crash(110, "prefill"), again, crash(200, "prefill", 1), crash(209, "prefill"))
    assert seconds_of(plain, InstanceRestarting) == seconds_of(during, InstanceRestarting) == [100.0, 190.0]
    assert [record.until / 1000 for record in of(plain, RestartBackOff)] == [240.0]
    assert seconds_of(plain, InstanceReady) == seconds_of(during, InstanceReady) == [0, 180.0, 300.0]


def test_a_drain_of_a_node_of_a_gang_that_waits_in_back_off_finds_nothing_to_evict() -> None:
    made = scenario(kubeinfer(1, roles=PD), 4, 60, 20, actions=(Drain(220_000, ("node-0",)),))
    run = play(made, crash(100, "decode"), crash(190, "decode"))
    assert seconds_of(run, InstanceRestarting) == [100.0, 190.0]
    assert {node for _, node in of(run, GangScheduled)[-1].nodes} == {"node-1", "node-2", "node-3"}


def test_back_off_is_forgotten_after_twenty_quiet_minutes() -> None:
    made = scenario(kubeinfer(1), 1, 60, 0)
    run = play(made, crash(100), crash(200), crash(200 + 1201), crash(200 + 1300))
    assert [(record.until - record.at) / 1000 for record in of(run, RestartBackOff)] == [30.0, 30.0]


def test_after_the_last_restart_allowed_the_instance_is_failed_and_held() -> None:
    limit = Assumptions(max_restarts=2, max_restarts_window=3_600_000)
    made = scenario(kubeinfer(1), 1, 60, 0, assumptions=limit)
    run = play(made, crash(100), crash(300), crash(600))
    (failed,) = of(run, InstanceFailed)
    assert failed.at == 600_000
    assert len(of(run, InstanceRestarting)) == 2
    assert of(run, InstanceReady)[-1].at < 600_000
    spread = play(made, crash(100), crash(300), crash(4000))
    assert not of(spread, InstanceFailed), "not within one window"


@pytest.mark.parametrize("action", ["RecreatePod", "RecreateRole"])
def test_the_last_restart_allowed_of_a_part_counts_as_that_of_an_instance(action: Any) -> None:
    limit = Assumptions(max_restarts=1, max_restarts_window=3_600_000)
    rules = (RecoveryRule(action),)
    made = scenario(kubeinfer(1, restart="Custom"), 1, 60, 0, assumptions=limit, recovery=rules)
    run = play(made, crash(100), crash(300))
    assert not of(run, InstanceRestarting), "the part alone"
    (failed,) = of(run, InstanceFailed)
    assert failed.at == 300_000


def test_an_update_replaces_an_instance_that_has_failed_and_does_not_wait_for_a_back_off() -> None:
    limit = Assumptions(max_restarts=0)
    made = scenario(
        kubeinfer(1), 1, 60, 0, assumptions=limit, actions=(Apply(200_000, kubeinfer(1, revision="new")),)
    )
    run = play(made, crash(100))
    assert of(run, UpdateCompleted)[-1].at == 260_000
    backing = scenario(kubeinfer(1), 1, 60, 0, actions=(Apply(201_000, kubeinfer(1, revision="new")),))
    run = play(backing, crash(100), crash(190))  # backs off until 220 s
    assert of(run, UpdateCompleted)[-1].at == 261_000


# 7 -----------------------------------------------------------------------------------------------------


def test_without_a_place_the_restarted_gang_waits_for_the_repair() -> None:
    spec = kubeinfer(1, roles=PD)
    repair = Cordon(3_600_000, ("node-0",), uncordon=True)
    made = scenario(spec, 3, 60, 10, actions=(Cordon(99_000, ("node-0",)), repair))
    run = play(made, crash(100, "decode"))
    assert seconds_of(run, GangScheduled) == [0.0, 3600.0]
    assert seconds_of(run, InstanceReady) == [0.0, 3660.0]


def test_the_isolated_node_of_a_rule_is_not_taken_again() -> None:
    spec = kubeinfer(1, restart="Custom")
    rules = (RecoveryRule("RecreateInstance", isolate="Node"),)
    run = play(scenario(spec, 2, 60, 10, recovery=rules), crash(100))
    before, after = of(run, GangScheduled)
    assert before.nodes[0][1] != after.nodes[0][1]
    alone = play(scenario(spec, 1, 60, 10, recovery=rules), crash(100))
    assert len(of(alone, GangScheduled)) == 1, "no spare: an outage without end"


def test_the_isolated_npus_of_a_rule_are_not_taken_again_but_the_rest_of_the_node_is() -> None:
    from kubeinfer_sim.scenario.cluster.model import NodeSpec

    spec = kubeinfer(2, restart="Custom")
    rules = (RecoveryRule("RecreateInstance", isolate="Device"),)
    shared = replace(
        scenario(spec, 0, 60, 10, recovery=rules), nodes=(NodeSpec("node-0", "pool", {NPU: 24}),)
    )
    run = play(shared, crash(100))
    assert seconds_of(run, InstanceReady) == [0.0, 0.0, 170.0], "8 of its 24 NPUs are left for it"
    assert [(record.node, record.npus) for record in of(run, NpusIsolated)] == [("node-0", 8)]
    again = play(shared, crash(100), crash(300, ordinal=1))
    assert seconds_of(again, InstanceReady) == [0.0, 0.0, 170.0], "16 are isolated, and 8 are taken"


def test_nothing_is_reserved_while_a_gang_restarts_unless_it_keeps_its_nodes() -> None:
    # Instance 1 is waiting for a place when instance 0 restarts: it takes what instance 0 leaves.
    spec = kubeinfer(2, roles={"decode": 2})
    made = scenario(spec, 2, 60, 10, initial="empty")
    run = play(made, crash(100, "decode"))
    assert [record.instance.ordinal for record in of(run, GangScheduled)] == [0, 1]


# 8 -----------------------------------------------------------------------------------------------------


def test_a_restart_storm_from_a_shared_cause_shares_the_storage() -> None:
    spec = kubeinfer(4)
    link = Transfers(storage=Link(1_000_000_000), default_weights_size=60_000_000_000)
    made = scenario(spec, 4, 0, 0, transfers=link)

    def cold(simulation: Simulation) -> None:
        for node in simulation.env.api.nodes.values():
            node.page_cache.clear()

    storm = play(made, (99, cold), *(crash(100, ordinal=ordinal) for ordinal in range(4)))
    assert len(of(storm, InstanceRestarting)) == 4, "one each"
    assert {record.at for record in of(storm, PodReady)} == {340_000}, "4 × 60 GB at 1 GB/s"
    alone = play(made, (99, cold), crash(100))
    assert {record.at for record in of(alone, PodReady)} == {160_000}


def test_a_switch_fault_restarts_every_instance_behind_it_once_and_nobody_else() -> None:
    behind = Target(nodes=("node-0", "node-1", "node-2"))
    link = Transfers(storage=Link(1_000_000_000), default_weights_size=60_000_000_000)
    made = scenario(kubeinfer(4), 4, 60, 5, transfers=link, actions=(Fault(100_000, "SwitchFault", behind),))
    run = play(made)
    assert [(r.at, r.instance.ordinal) for r in of(run, InstanceRestarting)] == [
        (100_000, 0),
        (100_000, 1),
        (100_000, 2),
    ]
    assert len(of(run, InstanceConcerning)) == 3


# 9 -----------------------------------------------------------------------------------------------------


def test_pod_recovery_hides_a_broken_group_until_its_peers_time_out() -> None:
    spec = kubeinfer(1, roles={"decode": 3}, restart="Pod")
    made = scenario(spec, 3, 60, 10, assumptions=Assumptions(peer_loss_timeout=1_800_000))
    run = play(made, crash(100, "decode", 0))
    (lost,) = of(run, PeersLost)
    assert [ref.replica for ref in lost.survivors] == [1, 2]
    died = [(record.at / 1000, record.pod.replica, record.reason) for record in of(run, ContainerDied)]
    assert died == [(100.0, 0, "Error"), (1900.0, 1, "PeerLost"), (1900.0, 2, "PeerLost")]
    assert len(of(run, PodRebuilding)) == 3
    assert seconds_of(run, InstanceReady) == [0.0, 1970.0], "the new group starts together"
    assert len(of(run, PeersLost)) == 1, "its successors lose nobody"
    quick = play(replace(made, assumptions=Assumptions()), crash(100, "decode", 0))
    assert seconds_of(quick, InstanceReady) == [0.0, 170.0], "without the switch nobody notices"


def test_a_peer_that_is_rebuilt_before_the_time_out_does_not_exit() -> None:
    spec = kubeinfer(1, roles={"decode": 3}, restart="Pod")
    made = scenario(spec, 3, 60, 10, assumptions=Assumptions(peer_loss_timeout=600_000))
    run = play(made, crash(100, "decode", 0), crash(200, "decode", 1))
    died = [(record.at / 1000, record.pod.replica, record.reason) for record in of(run, ContainerDied)]
    assert died == [(100.0, 0, "Error"), (200.0, 1, "Error"), (700.0, 2, "PeerLost")]
    assert seconds_of(run, InstanceReady) == [0.0, 770.0]


# 10 ----------------------------------------------------------------------------------------------------


def test_a_role_without_pods_is_always_ready_and_never_fails() -> None:
    spec = kubeinfer(1, roles={"prefill": 0, "decode": 1})
    run = play(scenario(spec, 2, 60, 10), crash(100, "decode"))
    assert seconds_of(run, InstanceReady) == [0.0, 170.0]
    assert len(of(run, PodGone)) == 1


# 11, 12 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("restart", ["Instance", "Pod", "Custom"])
def test_a_sidecar_that_dies_is_a_trigger_like_any_container(restart: str) -> None:
    base = kubeinfer(1, roles=PD, restart=restart)
    sidecar = Container("proxy", "proxy:1", readiness_probe=Probe(period_seconds=1))
    roles = tuple(
        replace(role, template=replace(role.template, containers=(*role.template.containers, sidecar)))
        for role in base.roles
    )
    made = scenario(replace(base, roles=roles), 3, 60, 10, stages={"create": seconds(2)})
    run = play(made, crash(100, "decode", container="proxy"))
    assert len(of(run, PodGone)) == {"Instance": 3, "Pod": 1, "Custom": 0}[restart]
    assert of(run, InstanceReady)[-1].at == (102_000 if restart == "Custom" else 174_000)


def test_a_sidecar_written_as_an_init_container_is_a_trigger_too() -> None:
    base = kubeinfer(1, roles=PD)
    sidecar = Container("log", "log:1", restart_policy="Always")
    roles = tuple(
        replace(role, template=replace(role.template, init_containers=(sidecar,))) for role in base.roles
    )
    run = play(scenario(replace(base, roles=roles), 3, 60, 10), crash(100, "decode", container="log"))
    assert [record.container for record in of(run, ContainerDied)] == ["log"]
    assert seconds_of(run, InstanceRestarting) == [100.0]


@pytest.mark.parametrize(("restart", "gone"), [("Instance", 3), ("Pod", 1), ("Custom", 0)])
def test_an_init_container_that_fails_is_a_trigger_like_any_container(restart: str, gone: int) -> None:
    spec = with_init(kubeinfer(1, roles=PD, restart=restart))
    fails = StartFault(0, Target(roles=("decode",)), times=1)
    made = scenario(spec, 3, 60, 10, initial="empty", stages={"init": seconds(7)}, actions=(fails,))
    run = play(made)
    died = [(record.at, record.container, record.reason, record.init) for record in of(run, ContainerDied)]
    assert died == [(7_000, "fetch", "Error", True)]
    assert len(of(run, PodGone)) == gone
    # In place or rebuilt, it runs 7 s more, and all of the gang wait for it before they load. To rebuild all, the
    # two pods whose containers run have to be stopped first, which takes 10 s.
    assert seconds_of(run, InstanceReady) == [84.0 if restart == "Instance" else 74.0]


def test_an_init_container_that_fails_for_ever_restarts_its_instance_with_its_back_off() -> None:
    spec = with_init(kubeinfer(1, roles=PD))
    made = scenario(spec, 3, 60, 10, initial="empty", actions=(StartFault(0, Target(roles=("decode",))),))
    run = play(replace(made, horizon=300_000))
    assert seconds_of(run, InstanceRestarting) == [0.0, 10.0, 50.0, 120.0, 250.0], (
        "10 s to stop, 0, 30, 60 and 120 s"
    )
    assert {record.reason for record in of(run, InstanceRestarting)} == {"Init:Error"}


def test_an_init_container_that_fails_during_the_start_may_be_left_to_its_kubelet() -> None:
    spec = with_init(kubeinfer(1, roles=PD))
    made = scenario(
        spec,
        3,
        60,
        10,
        initial="empty",
        actions=(StartFault(0, Target(roles=("decode",)), times=2),),
        assumptions=Assumptions(startup_crash="kubelet"),
        kubernetes_version="1.35",
    )
    run = play(made)
    assert not of(run, PodGone)
    (waits,) = of(run, ContainerBackOff)
    assert 10_000 <= waits.until <= 16_000, "at once, then after 10 s, up to half longer"
    assert seconds_of(run, InstanceReady) == [waits.until / 1000 + 60]


def test_a_rule_names_what_an_init_container_died_of_as_of_any_container() -> None:
    spec = with_init(kubeinfer(1, roles=PD, restart="Custom"))
    rules = (RecoveryRule("RecreatePod", faults=("OOMKilled",), exit_codes=(137,)),)
    for reason, code, gone in (("OOMKilled", 137, 1), ("Error", 1, 0)):
        fails = StartFault(0, Target(roles=("decode",)), "fetch", reason, code, times=1)
        run = play(scenario(spec, 3, 60, 10, initial="empty", recovery=rules, actions=(fails,)))
        assert len(of(run, PodGone)) == gone
        assert of(run, InstanceReady)


@pytest.mark.parametrize("policy", ["Always", "Never"])
@pytest.mark.parametrize(("restart", "rebuilt"), [("Instance", 3), ("Pod", 1), ("Custom", 0)])
def test_exit_0_is_an_exit_whatever_the_restart_policy(policy: str, restart: str, rebuilt: int) -> None:
    spec = kubeinfer(1, roles=PD, restart=restart)
    roles = tuple(
        replace(role, template=replace(role.template, restart_policy=policy)) for role in spec.roles
    )
    run = play(
        scenario(replace(spec, roles=roles), 3, 60, 10), crash(100, "decode", reason="Completed", code=0)
    )
    assert len(of(run, PodGone)) == rebuilt
    restarted = [record for record in of(run, ContainersRunning) if record.restarts]
    assert len(restarted) == (policy == "Always"), (
        "at once, before recovery hears of it; with Never not at all"
    )
    assert len(of(run, InstanceReady)) == (1 if restart == "Custom" and policy == "Never" else 2)
    ended = [each for each in of(run, PodFinished) if each.phase == "Succeeded"]
    assert [(each.at, each.npus) for each in ended] == ([(100_000, 8)] if policy == "Never" else [])


# 13 ----------------------------------------------------------------------------------------------------


def test_a_drain_evicts_one_pod_and_rebuilds_the_instance() -> None:
    made = scenario(kubeinfer(1, roles=PD), 4, 60, 10, actions=(Drain(100_000, ("node-1",)),))
    run = play(made)
    assert seconds_of(run, InstanceRestarting) == [100.0]
    assert len(of(run, PodGone)) == 3
    assert seconds_of(run, InstanceReady) == [0.0, 170.0]


@pytest.mark.parametrize("restart", ["Pod", "Custom"])
def test_a_drained_pod_is_made_again_alone_where_the_policy_is_narrower(restart: str) -> None:
    made = scenario(
        kubeinfer(1, roles=PD, restart=restart), 4, 60, 10, actions=(Drain(100_000, ("node-1",)),)
    )
    run = play(made)
    assert not of(run, InstanceRestarting)
    assert len(of(run, PodGone)) == 1
    assert seconds_of(run, InstanceReady) == [0.0, 170.0]


def test_a_drain_during_start_up_rebuilds_also_where_crashes_are_left_to_the_kubelet() -> None:
    made = scenario(
        kubeinfer(1, roles=PD),
        4,
        60,
        10,
        initial="empty",
        actions=(Drain(30_000, ("node-1",)),),
        assumptions=Assumptions(startup_crash="kubelet"),
    )
    assert seconds_of(play(made), InstanceRestarting) == [30.0]


# 14 ----------------------------------------------------------------------------------------------------

LABEL = {"modelarts-infer-npu-reset-enable": "true"}
RESET_45_S = FaultPlan(npus=NpuHandling(attempt=Constant(45_000), repair=Constant(3_600_000)))


def npu_fault(at: float, level: str, node: str = "node-0", **fields: Any) -> Fault:
    """A fault of NPU 0 of a node that shows in nothing but the device plugin's report."""
    return Fault(round(at * 1000), "NpuFault", Target(nodes=(node,)), (0,), level, "none", **fields)


def labelled(
    replicas: int, node_count: int, npus: int, *actions: Fault | Scale | Apply, **fields: Any
) -> Run:
    spec = kubeinfer(replicas, npus=npus, labels=LABEL, **fields)
    return play(scenario(spec, node_count, 60, 10, actions=actions, faults=RESET_45_S, horizon=86_400_000))


def test_a_fault_of_an_idle_npu_costs_capacity_and_nothing_else() -> None:
    run = labelled(1, 2, 8, npu_fault(100, "SeparateNPU", "node-1"))
    assert [(r.node, r.state, r.offered) for r in of(run, NpuStateChanged)] == [
        ("node-1", "out", 7),
        ("node-1", "inService", 8),
    ]
    assert seconds_of(run, InstanceReady) == [0.0]
    assert not of(run, InstanceConcerning)
    assert not of(run, InstanceRestarting)
    assert not of(run, PodDeleting)


def test_the_capacity_a_fault_of_an_idle_npu_costs_is_missed_by_the_next_gang() -> None:
    run = labelled(1, 2, 8, npu_fault(100, "SeparateNPU", "node-1"), Scale(1_000_000, 2))
    (detected,) = of(run, FaultDetected)
    repaired = detected.at + 3_600_000
    assert of(run, GangScheduled)[1].at == repaired, "seven NPUs are no node for it"
    assert of(run, InstanceReady)[1].at == repaired + 60_000


# 15 ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lasts", "restarts"), [(60, []), (61, [160.0])])
def test_a_fault_that_clears_within_the_60_s_of_restart_request_is_nothing(
    lasts: int, restarts: list[float]
) -> None:
    run = labelled(1, 2, 8, npu_fault(100, "RestartRequest", clears_after=lasts * 1000))
    assert len(of(run, FaultDetected)) == 1, "it is seen"
    assert seconds_of(run, InstanceRestarting) == restarts
    assert len(of(run, NpuStateChanged)) == (2 if restarts else 0)


def test_what_is_well_again_before_the_delay_ends_is_left_alone() -> None:
    spec = kubeinfer(1, roles=PD, restart="Custom")
    rules = (RecoveryRule("RecreateInstance", delay=120_000),)
    made = scenario(spec, 3, 60, 10, recovery=rules)
    run = play(made, crash(100, "decode"))  # the kubelet has it serving again after 60 s
    assert seconds_of(run, InstanceReady) == [0.0, 160.0]
    assert seconds_of(run, RecoveryWithdrawn) == [220.0]
    assert not of(run, InstanceRestarting)
    slow = play(replace(made, recovery=(replace(rules[0], delay=30_000),)), crash(100, "decode"))
    assert seconds_of(slow, InstanceRestarting) == [130.0]


@pytest.mark.parametrize("cleared", [True, False])
def test_a_platform_fault_that_clears_before_the_delay_ends_is_left_alone(cleared: bool) -> None:
    spec = kubeinfer(1, roles=PD, restart="Custom")
    made = scenario(spec, 3, 60, 10, recovery=(RecoveryRule("RecreateInstance", delay=60_000),))

    def report(simulation: Simulation) -> None:
        kubeinfer_of(simulation).npu_fault(
            pod_of(simulation, "decode"), NpuFault("RestartRequest", cleared), -1
        )

    run = play(made, (100, report))
    assert seconds_of(run, InstanceRestarting) == ([] if cleared else [160.0])


# 16 ----------------------------------------------------------------------------------------------------


def test_the_reset_waits_until_the_whole_ring_is_idle() -> None:
    # Two instances of 4 NPUs share the ring of node-0; the neighbour ends at 1000 s and its NPUs are free at 1010 s.
    run = labelled(2, 2, 4, npu_fault(100, "RestartNPU"), Scale(1_000_000, 1))
    (restarted,) = of(run, InstanceRestarting)
    assert restarted.instance.ordinal == 0
    (bound,) = [bound for bound in of(run, PodBound) if bound.at]
    assert bound.node == "node-1", "not on the ring that waits"
    assert [(r.at / 1000, r.npus, r.state) for r in of(run, NpuStateChanged)][1:] == [
        (1010.0, tuple(range(8)), "resetting"),
        (1055.0, tuple(range(8)), "inService"),
    ]
    assert [each.npus for each in of(run, NpuResetTried)] == [tuple(range(8))]


def test_the_reset_waits_for_ever_behind_a_neighbour_that_stays() -> None:
    run = labelled(2, 2, 4, npu_fault(100, "RestartNPU"))
    assert not of(run, NpuResetTried)
    assert [record.state for record in of(run, NpuStateChanged)] == ["isolated"]
    assert of(run, InstanceReady)[-1].at == of(run, InstanceRestarting)[0].at + 70_000, "the service goes on"


# -- recovery during an update (rule 11) --------------------------------------------------------------------


def test_a_failed_old_instance_is_not_rebuilt_on_its_revision_during_an_update() -> None:
    actions = (Apply(1000, kubeinfer(2, 1, 0, "new", PD)), Drain(20_000, ("node-0",)))
    run = play(scenario(kubeinfer(2, 1, 0, "old", PD), 10, 60, 10, actions=actions))
    assert not of(run, InstanceRestarting)
    deleting = of(run, InstanceDeleting)[0]
    assert (deleting.at, deleting.reason) == (30_000, "NotReady"), "after the 10 s of rule 4"
    assert of(run, UpdateCompleted)[-1].generation == 2


def test_a_failed_old_instance_is_rebuilt_first_where_the_switch_says_so() -> None:
    actions = (Apply(1000, kubeinfer(2, 1, 0, "new", PD)),)
    made = scenario(kubeinfer(2, 1, 0, "old", PD), 9, 60, 10, actions=actions)
    rebuild = replace(
        made, assumptions=Assumptions(old_instance_failure="rebuildOld", unready_grace=3_600_000)
    )
    run = play(rebuild, crash(20, "decode"))
    assert seconds_of(run, InstanceRestarting) == [20.0]
    assert [record.instance.ordinal for record in of(run, InstanceReady)][2:4] == [2, 0]


def test_a_new_instance_that_fails_during_an_update_recovers_as_usual() -> None:
    actions = (Apply(1000, kubeinfer(2, 1, 0, "new", PD)),)
    run = play(
        scenario(kubeinfer(2, 1, 0, "old", PD), 9, 60, 10, actions=actions), crash(70, "decode", ordinal=2)
    )
    assert [(r.at, r.instance.ordinal) for r in of(run, InstanceRestarting)] == [(70_000, 2)]
    assert of(run, UpdateCompleted)[-1].generation == 2


def test_what_was_withheld_from_an_old_instance_is_made_when_its_revision_is_wanted_again() -> None:
    patient = Assumptions(unready_grace=3_600_000)
    back = Apply(60_000, kubeinfer(2, 1, 0, "old", PD))
    actions = (Apply(1000, kubeinfer(2, 1, 0, "new", PD)), Drain(20_000, ("node-0",)), back)
    made = scenario(kubeinfer(2, 1, 0, "old", PD), 7, 600, 10, actions=actions, assumptions=patient)
    run = play(made)
    assert seconds_of(run, InstanceRestarting) == [60.0]
    assert of(run, InstanceReady)[-1].at > 600_000
    assert of(run, UpdateCompleted)[-1].generation == 3


def test_an_instance_that_was_restarting_when_the_template_changed_goes_by_rule_4() -> None:
    actions = (Apply(105_000, kubeinfer(2, 1, 0, "new", PD)),)
    run = play(scenario(kubeinfer(2, 1, 0, "old", PD), 9, 60, 4, actions=actions), crash(100, "decode"))
    (out, *_) = of(run, InstanceDeleting)
    assert (out.at, out.instance.ordinal, out.reason) == (110_000, 0, "NotReady")
    old_gangs = [r for r in of(run, GangScheduled) if r.instance.uid == 0]
    assert len(old_gangs) == 2, "made again at 104 s, before anybody wanted another template"


PARTS = [
    ("Instance", (), 3),
    ("Pod", (), 1),
    ("Custom", (RecoveryRule("RecreatePod"),), 1),
    ("Custom", (RecoveryRule("RecreateRole"),), 2),
    ("Custom", (RecoveryRule("RecreateInstance", delay=5_000),), 3),
    ("Custom", (), 0),
]


def mid_update(restart: str, rules: tuple[RecoveryRule, ...], ordinal: int, **assumed: Any) -> Run:
    """A prefill pod of an instance crashes 20 s into the 60 s its first successor loads, or 10 s after that."""
    old, new = (kubeinfer(2, 1, 0, revision, PD, restart) for revision in ("old", "new"))
    made = scenario(
        old, 9, 60, 10, actions=(Apply(1000, new),), recovery=rules, assumptions=Assumptions(**assumed)
    )
    return play(made, crash(20 if ordinal < 2 else 70, "prefill", ordinal=ordinal))


@pytest.mark.parametrize(("restart", "rules", "pods"), PARTS)
def test_each_level_rebuilds_its_part_of_a_new_instance_during_an_update(
    restart: str, rules: tuple[RecoveryRule, ...], pods: int
) -> None:
    run = mid_update(restart, rules, ordinal=2)
    assert of(run, UpdateCompleted)[-1].generation == 2
    rebuilt = [record.pod for record in of(run, PodGone) if record.pod.instance.uid == 2]
    assert len(rebuilt) == pods
    assert {record.instance.uid for record in of(run, InstanceDeleting)} == {0, 1}, "only old ones go"


@pytest.mark.parametrize(("restart", "rules", "pods"), PARTS)
def test_no_level_rebuilds_an_old_instance_during_an_update(
    restart: str, rules: tuple[RecoveryRule, ...], pods: int
) -> None:
    run = mid_update(restart, rules, ordinal=1)
    assert of(run, UpdateCompleted)[-1].generation == 2
    assert not of(run, InstanceRestarting)
    assert not of(run, PodRebuilding)
    out = of(run, InstanceDeleting)[0]
    assert (out.at, out.instance.uid, out.reason) == (30_000, 1, "NotReady"), "free of budget, after 10 s"
    assert len([record for record in of(run, GangScheduled) if record.instance.uid == 1]) == 1


@pytest.mark.parametrize(("restart", "rules", "pods"), PARTS)
def test_with_rebuild_old_each_level_rebuilds_its_part_of_an_old_instance_during_an_update(
    restart: str, rules: tuple[RecoveryRule, ...], pods: int
) -> None:
    run = mid_update(restart, rules, 1, old_instance_failure="rebuildOld", unready_grace=3_600_000)
    assert of(run, UpdateCompleted)[-1].generation == 2
    again = {record.pod for record in of(run, PodGone) if record.pod.instance.uid == 1 and record.at < 61_000}
    assert len(again) == pods
    revisions = {record.instance.uid: record.revision for record in of(run, InstanceCreated)}
    assert len({revisions[0], revisions[1]}) == 1


def test_an_npu_fault_during_an_update_restarts_the_new_instance_and_not_the_old_one() -> None:
    for uid, restarts in ((2, 1), (0, 0)):
        old, new = (kubeinfer(2, 1, 0, revision, labels=LABEL) for revision in ("old", "new"))
        fault = Fault(70_000, "NpuFault", Target(instances=(uid,)), (0,), "RestartNPU", "none")
        run = play(scenario(old, 4, 60, 10, actions=(Apply(1000, new), fault), faults=RESET_45_S))
        assert [record.instance.uid for record in of(run, InstanceRestarting)] == [uid] * restarts
        assert of(run, UpdateCompleted)[-1].generation == 2
        assert of(run, NpuStateChanged)[-1].state == "inService", "reset all the same"


# -- rules ------------------------------------------------------------------------------------------------


def custom(*rules: RecoveryRule, roles: dict[str, int] | None = None, node_count: int = 4):  # type: ignore[no-untyped-def]
    spec = kubeinfer(1, roles=roles or PD, restart="Custom")
    return scenario(spec, node_count, 60, 10, recovery=rules)


def test_the_first_rule_that_matches_decides() -> None:
    rules = (
        RecoveryRule("Ignore", exit_codes=(3,)),
        RecoveryRule("RecreatePod", roles=("decode",)),
        RecoveryRule("RecreateRole", phase="serving"),
        RecoveryRule("Fail"),
    )
    made = custom(*rules)
    assert [r.by for r in of(play(made, crash(100, "decode", code=3)), RecoveryDecided)] == ["rule 1"]
    assert len(of(play(made, crash(100, "decode")), PodGone)) == 1
    assert len(of(play(made, crash(100, "prefill")), PodGone)) == 2
    starting = replace(made, initial="empty")
    assert len(of(play(starting, crash(30, "prefill")), InstanceFailed)) == 1


def test_where_no_rule_matches_the_kubelet_restarts_the_container() -> None:
    run = play(custom(RecoveryRule("Fail", exit_codes=(9,))), crash(100, "decode"))
    assert not of(run, PodDeleting)
    assert seconds_of(run, InstanceReady) == [0.0, 160.0]


def test_a_limit_that_is_used_up_does_the_other_thing_until_the_window_has_passed() -> None:
    from kubeinfer_sim.scenario.recovery.rules import Limit

    rule = RecoveryRule("RestartContainer", limit=Limit(2, 600_000, "RecreateInstance"))
    made = custom(rule)
    run = play(made, *(crash(at, "decode") for at in (100, 300, 500, 1500)))
    assert [record.action for record in of(run, RecoveryDecided)] == [
        "RestartContainer",
        "RestartContainer",
        "RecreateInstance",
        "RestartContainer",
    ]
    assert seconds_of(run, InstanceRestarting) == [500.0]


def test_recreating_a_role_waits_for_all_its_pods_and_places_them_together() -> None:
    run = play(custom(RecoveryRule("RecreateRole")), crash(100, "prefill", 1), crash(104, "prefill", 0))
    assert len(of(run, PodGone)) == 2
    placed = of(run, GangScheduled)[1]
    assert (placed.at, len(placed.nodes)) == (110_000, 2)
    assert seconds_of(run, InstanceReady) == [0.0, 170.0]


def test_a_role_is_recreated_with_the_pod_that_was_being_recreated_alone() -> None:
    rules = (RecoveryRule("RecreatePod", exit_codes=(1,)), RecoveryRule("RecreateRole"))
    run = play(custom(*rules), crash(100, "prefill", 1), crash(104, "prefill", 0, code=2))
    placed = of(run, GangScheduled)
    assert [(record.at, len(record.nodes)) for record in placed[1:]] == [(114_000, 2)]


def test_restart_container_on_the_platforms_word_stops_the_engine_and_is_no_failure() -> None:
    def report(simulation: Simulation) -> None:
        kubeinfer_of(simulation).npu_fault(pod_of(simulation, "decode"), NpuFault("RestartBusiness"), 0)

    run = play(custom(RecoveryRule("RestartContainer")), (100, report))
    assert [record.reason for record in of(run, ContainerDied)] == ["RestartBusiness"]
    assert len(of(run, RecoveryDecided)) == 1
    assert seconds_of(run, InstanceReady) == [0.0, 160.0]


def test_losing_readiness_alone_asks_no_rule() -> None:
    from kubeinfer_sim.scenario.actions.model import Health

    made = replace(
        custom(RecoveryRule("Fail")), actions=(Health(100_000, Target(), healthy=False, until=130_000),)
    )
    run = play(made)
    assert of(run, InstanceConcerning)
    assert not of(run, RecoveryDecided)


# -- Degrade ----------------------------------------------------------------------------------------------


def degrading(spare: int = 0, keep: int = 1):  # type: ignore[no-untyped-def]
    """4P1D on nodes of 16 NPUs: two prefill pods to a node, decode takes one."""
    from kubeinfer_sim.scenario.cluster.model import NodeSpec
    from kubeinfer_sim.scenario.recovery.rules import GiveUp

    base = kubeinfer(1, restart="Custom")
    whole = kubeinfer(1, npus=16).roles[0].template
    custom_policy = RecoveryPolicy("Custom")
    roles = (
        Role("prefill", base.roles[0].template, 4, custom_policy),
        Role("decode", whole, 1, custom_policy),
    )
    rule = RecoveryRule("Degrade", roles=("decode",), isolate="Node", give_up=(GiveUp("prefill", keep),))
    made = scenario(replace(base, roles=roles), 0, 60, 10, recovery=(rule,))
    return replace(made, nodes=tuple(NodeSpec(f"node-{i}", "pool", {NPU: 16}) for i in range(3 + spare)))


def test_decode_is_saved_by_as_many_prefill_pods_as_its_node_takes_and_they_come_back_after_the_repair() -> (
    None
):
    from kubeinfer_sim.controllers.kubeinfer.records import InstanceDegraded, InstanceRestored

    made = degrading()
    repair = tuple(Cordon(7_200_000, (node.name,), uncordon=True) for node in made.nodes)
    run = play(replace(made, actions=repair), crash(100, "decode"))
    (degraded,) = of(run, InstanceDegraded)
    assert degraded.given_up == (("prefill", 2),), "4P1D becomes 2P1D"
    assert degraded.at == 110_000
    assert seconds_of(run, InstanceReady) == [0.0, 180.0], "10 s to stop decode, 10 s prefill, 60 s to load"
    assert seconds_of(run, InstanceRestored) == [7260.0]
    assert len(of(run, InstanceConcerning)) == 1


def test_with_a_spare_node_nothing_is_given_up() -> None:
    from kubeinfer_sim.controllers.kubeinfer.records import InstanceDegraded

    run = play(degrading(spare=1), crash(100, "decode"))
    assert not of(run, InstanceDegraded)
    assert seconds_of(run, InstanceReady) == [0.0, 170.0]


def test_nothing_is_given_up_when_that_would_not_do() -> None:
    from kubeinfer_sim.controllers.kubeinfer.records import InstanceDegraded

    run = play(degrading(keep=3), crash(100, "decode"))
    assert not of(run, InstanceDegraded)
    assert seconds_of(run, InstanceReady) == [0.0], "an outage until the repair"


def test_a_degraded_instance_that_fails_again_degrades_no_further_than_it_may() -> None:
    from kubeinfer_sim.controllers.kubeinfer.records import InstanceDegraded

    run = play(degrading(), crash(100, "decode"), crash(500, "decode"))
    assert len(of(run, InstanceDegraded)) == 1, "two prefill pods are left, of which one must stay"
    assert of(run, InstanceReady)[-1].at == 180_000


# -- a function in place of the rules -------------------------------------------------------------------------


def test_a_function_may_stand_in_for_the_rules() -> None:
    seen = []

    def decide(failure):  # type: ignore[no-untyped-def]
        seen.append((failure.role, failure.fault, failure.phase, failure.exit_code))
        return "RecreatePod" if failure.role == "decode" else None

    made = custom(RecoveryRule("Fail"))
    run = play(made, crash(100, "decode"), crash(300, "prefill", code=7), recovery=decide)
    assert seen == [("decode", "Error", "serving", 1), ("prefill", "Error", "serving", 7)]
    assert [(record.by, record.action) for record in of(run, RecoveryDecided)] == [("decide", "RecreatePod")]
    assert len(of(run, PodGone)) == 1


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda failure: "Restart", "returned 'Restart': expected a Decision"),
        (lambda failure: 1 / 0, "ZeroDivisionError"),
        (lambda failure: "Degrade", "without roles that give up pods"),
    ],
)
def test_a_function_that_fails_or_answers_nonsense_is_the_users_error(function, message) -> None:  # type: ignore[no-untyped-def]
    from kubeinfer_sim.errors import UsageError

    with pytest.raises(UsageError, match=message):
        play(custom(), crash(100, "decode"), recovery=function)
