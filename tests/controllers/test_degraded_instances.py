"""Instances that have given up pods for others of theirs (`Degrade`): which ones, and how they get them back."""

from __future__ import annotations

from typing import Any

from building import NPU, kubeinfer, scenario
from controllers.playing import Event, crash, of, play, seconds_of
from msgspec.structs import replace

from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceDegraded,
    InstanceReady,
    InstanceRestarting,
    InstanceRestored,
    PodRebuilding,
)
from kubeinfer_sim.manifest.model import RecoveryPolicy, Role
from kubeinfer_sim.scenario.actions.model import Cordon, Health, Target
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.scenario.recovery.rules import GiveUp, RecoveryRule
from kubeinfer_sim.simulation.run import Run

RULES = (
    RecoveryRule("RecreateInstance", roles=("decode",), exit_codes=(3,)),
    RecoveryRule("Degrade", roles=("decode",), isolate="Node", give_up=(GiveUp("prefill", 1),)),
    RecoveryRule("RecreateRole", exit_codes=(2,)),
    RecoveryRule("RecreatePod"),
)
#: A prefill pod fails its checks for 10 s, long after all is well.
FLAP = Health(8_000_000, Target(roles=("prefill",), pods=(0,)), False, 8_010_000, ("readiness",))


def degraded(*events: Event, term: float = 10, actions: tuple[Any, ...] = (), **fields: Any) -> Run:
    """4P1D on three nodes of 16 NPUs: decode takes the node of two prefill pods until its own is back at 7200 s."""
    base = kubeinfer(1, restart="Custom")
    whole = kubeinfer(1, npus=16).roles[0].template
    policy = RecoveryPolicy("Custom")
    roles = (Role("prefill", base.roles[0].template, 4, policy), Role("decode", whole, 1, policy))
    back = tuple(Cordon(7_200_000, (f"node-{each}",), uncordon=True) for each in range(3))
    made = scenario(
        replace(base, roles=roles), 0, 60, term, recovery=RULES, actions=(*back, *actions), **fields
    )
    nodes = tuple(NodeSpec(f"node-{each}", "pool", {NPU: 16}) for each in range(3))
    return play(replace(made, nodes=nodes), crash(100, "decode"), *events)


def ready_after(run: Run, seconds: float) -> list[float]:
    return [at for at in seconds_of(run, InstanceReady) if at > seconds]


def test_an_instance_that_has_all_its_pods_back_is_ready_again_when_all_of_them_are() -> None:
    run = degraded(actions=(FLAP,))
    assert seconds_of(run, InstanceRestored) == [7260.0]
    (lost, again) = seconds_of(run, InstanceConcerning)[-1], ready_after(run, 7260)
    assert 8000 <= lost <= 8001
    assert len(again) == 1
    assert 8010 <= again[0] <= 8011


def test_a_pod_that_fails_on_its_way_back_is_waited_for_and_so_is_one_that_does_with_its_role() -> None:
    alone = degraded(crash(7230, "prefill", 3), actions=(FLAP,))
    assert seconds_of(alone, InstanceRestored) == [7240.0 + 60]
    assert len(ready_after(alone, 7300)) == 1
    # The single pod is still going when its role is recreated.
    together = degraded(crash(7230, "prefill", 3), crash(7235, "prefill", 0, code=2), actions=(FLAP,))
    assert seconds_of(together, InstanceRestored) == [7245.0 + 60]
    assert len(ready_after(together, 7306)) == 1


def test_a_restart_ends_the_way_back_also_where_pods_run_on_until_the_failed_one_is_gone() -> None:
    """Those on their way back are ready at 7260 s, while the failed one stops."""
    assumed = Assumptions(group_termination="failedFirst")
    run = degraded(crash(7230, "decode", code=3), term=100, assumptions=assumed)
    assert seconds_of(run, InstanceRestarting) == [7230.0]
    assert not of(run, InstanceRestored)
    assert ready_after(run, 7230) == [7230.0 + 100 + 100 + 60]


def test_pods_that_have_no_node_themselves_are_none_that_could_be_given_up() -> None:
    """One of two is to be kept, and only one is there."""
    spec = kubeinfer(1, roles={"prefill": 2, "decode": 1}, restart="Custom")
    made = scenario(spec, 3, 60, 10, recovery=RULES, actions=(Cordon(50_000, ("node-0",)),), horizon=600_000)
    run = play(made, crash(60, "prefill", 0), crash(100, "decode"))
    assert len(of(run, PodRebuilding)) == 1
    assert not of(run, InstanceDegraded)
