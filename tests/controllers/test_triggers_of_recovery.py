"""What calls for recovery and what does not: pods that go meanwhile, platforms that tell late, delays that are over."""

from __future__ import annotations

from typing import Any

import pytest
from building import kubeinfer, scenario
from controllers.playing import NpuFault, crash, kubeinfer_of, of, play, pod_of, seconds_of
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import GangScheduled, PodDeleting, PodFinished, PodGone
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceReady,
    InstanceRestarting,
    PodRebuilding,
    RecoveryDecided,
    RestartContinued,
    SilentFaultSuspected,
)
from kubeinfer_sim.scenario.actions.model import Cordon, Crash, ForceDelete, Scale, Target
from kubeinfer_sim.scenario.model import Assumptions, Scenario
from kubeinfer_sim.scenario.recovery.rules import RecoveryRule
from kubeinfer_sim.simulation.assembly import Simulation

PD = {"prefill": 2, "decode": 1}
HOUR = 3_600


def custom(*rules: RecoveryRule, term: float = 10, node_count: int = 4, **fields: Any) -> Scenario:
    template = fields.pop("template", {})
    spec = kubeinfer(1, roles=PD, restart="Custom", **template)
    return scenario(spec, node_count, 60, term, recovery=rules, **fields)


def test_a_rule_that_waited_for_a_pod_that_somebody_has_deleted_meanwhile_does_nothing() -> None:
    """The deletion has been seen to; though the pod is not gone yet, and is not ready."""

    def delete(simulation: Simulation) -> None:
        kubeinfer_of(simulation).evict(pod_of(simulation, "decode"), "Deleted", -1)

    rules = (RecoveryRule("RecreateInstance", exit_codes=(3,), delay=60_000), RecoveryRule("RecreatePod"))
    run = play(custom(*rules, term=100), crash(100, "decode", code=3), (110, delete))
    assert seconds_of(run, PodRebuilding) == [110.0]
    assert not of(run, InstanceRestarting)


def test_what_the_platform_tells_late_of_a_pod_that_was_rebuilt_alone_deletes_that_pod_alone() -> None:
    def report(simulation: Simulation) -> None:
        pod = pod_of(simulation, "decode")
        assert pod.ref.generation == 1
        struck = (pod.ref._replace(generation=0),)
        kubeinfer_of(simulation).npu_fault(pod, NpuFault("CardDrop", struck=struck), -1)

    made = scenario(kubeinfer(1, roles=PD, restart="Pod"), 4, 60, 10)
    run = play(made, crash(100, "decode"), (112, report))
    assert [(each.at, each.what) for each in of(run, RestartContinued)] == [(112_000, "infer-0-decode-0")]
    assert [(each.pod.role, each.pod.generation) for each in of(run, PodDeleting)] == [
        ("decode", 0),
        ("decode", 1),
    ]


def test_a_pod_whose_phase_is_final_is_made_again_at_once_whatever_delay_a_rule_asks_for() -> None:
    rule = RecoveryRule("RecreatePod", delay=30_000)
    made = custom(rule, template={"active_deadline_seconds": 100}, initial="empty", horizon=150_000)
    run = play(made)
    finished = [record.at for record in of(run, PodFinished)]
    assert len(finished) == 3
    assert [record.at for record in of(run, PodRebuilding)] == finished


def test_a_pod_that_fails_while_its_instance_is_being_deleted_asks_no_rule() -> None:
    """Its containers outlast the deadline for a second, and the failed pod goes first, which takes longer."""
    made = custom(
        RecoveryRule("RecreateInstance", faults=("Error",)),
        RecoveryRule("RecreatePod", isolate="Node"),
        term=100,
        template={"active_deadline_seconds": 200},
        initial="empty",
        horizon=290_000,
        assumptions=Assumptions(group_termination="failedFirst"),
    )
    (spec,) = made.workloads
    quick = replace(spec.roles[0].template, termination_grace_period_seconds=1)
    spec = replace(spec, roles=(replace(spec.roles[0], template=quick), spec.roles[1]))
    run = play(replace(made, workloads=(spec,)), crash(195, "decode"))
    assert [(each.pod.role, each.reason) for each in of(run, PodFinished)] == [
        ("prefill", "DeadlineExceeded")
    ] * 2
    assert [(each.at, each.fault) for each in of(run, RecoveryDecided)] == [(195_000, "Error")]


def test_a_pod_that_is_gone_in_the_instant_in_which_it_fails_has_failed_of_that() -> None:
    decode = Target(roles=("decode",))
    actions = (Crash(100_000, decode), ForceDelete(100_000, decode, terminating_only=False))
    told = ("Error", "ForceDeleted")
    rules = (RecoveryRule("RecreatePod", faults=told), RecoveryRule("RecreateInstance"))
    run = play(custom(*rules, actions=actions))
    assert tuple(each.fault for each in of(run, RecoveryDecided)) == told
    assert seconds_of(run, PodRebuilding) == [100.0]
    assert not of(run, InstanceRestarting)


def test_a_pod_that_waits_for_a_place_while_its_role_is_recreated_is_placed_with_the_others_of_it() -> None:
    rules = (RecoveryRule("RecreatePod", exit_codes=(1,)), RecoveryRule("RecreateRole"))
    cordons = [Cordon(50_000, (f"node-{each}",)) for each in range(3)]
    back = [Cordon(300_000, (f"node-{each}",), uncordon=True) for each in range(3)]
    made = custom(*rules, node_count=3, actions=(*cordons, *back))
    for first, second in [(0, 1), (1, 0)]:
        run = play(made, crash(100, "prefill", first), crash(200, "prefill", second, code=2))
        assert [(each.at, len(each.nodes)) for each in of(run, GangScheduled)] == [(0, 3), (300_000, 2)]
        assert seconds_of(run, InstanceReady) == [0.0, 360.0]


def test_a_peer_that_is_being_deleted_when_its_group_gives_up_ends_as_it_would_have() -> None:
    spec = kubeinfer(1, roles={"decode": 3}, restart="Pod")
    assumed = Assumptions(peer_loss_timeout=300_000)
    made = scenario(spec, 3, 60, 60, actions=(Scale(380_000, 0),), assumptions=assumed)
    run = play(made, crash(100, "decode", 0))
    assert seconds_of(run, PodGone) == [160.0, 440.0, 440.0, 440.0]


@pytest.mark.parametrize(
    ("hours", "npus", "on", "suspected"),
    [
        (3, 8, True, 1),
        (3 + 1 / HOUR, 8, True, 0),
        (2.5, 8, True, 1),
        (2.5, 4, True, 0),  # instances of 12 NPUs, and not on whole nodes
        (2.5, 8, False, 0),
    ],
)
def test_a_node_on_which_a_pod_alone_fails_three_times_in_three_hours_is_suspected(
    hours: float, npus: int, on: bool, suspected: int
) -> None:
    spec = kubeinfer(1, roles={"a": 3}, npus=npus, restart="Pod")
    assumed = Assumptions(silent_faults=on, keep_nodes=True)
    times = [100, 100 + hours * HOUR / 2, 100 + hours * HOUR]
    run = play(scenario(spec, 4, 60, 10, assumptions=assumed), *(crash(at, "a", 0) for at in times))
    assert [each.failures for each in of(run, SilentFaultSuspected)] == [3] * suspected
    assert seconds_of(run, SilentFaultSuspected) == [times[-1] + 30] * suspected
