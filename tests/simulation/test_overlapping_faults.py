"""Faults that overlap: the end of one heals none of the others, and what is being repaired is repaired once."""

from __future__ import annotations

from typing import Any

import pytest
from building import kubeinfer, scenario
from controllers.playing import of, play, seconds_of

from kubeinfer_sim.cluster.fault_records import FaultCleared, FaultDetected, FaultInjected, NpuStateChanged
from kubeinfer_sim.cluster.records import HealthChanged, NodeCordoned, NodeReturned, PodNotReady, PodReady
from kubeinfer_sim.controllers.kubeinfer.records import InstanceReady, InstanceRestarting
from kubeinfer_sim.scenario.actions.model import Action, Cordon, Fault, Health, Target
from kubeinfer_sim.scenario.timings.distributions import Constant
from kubeinfer_sim.scenario.timings.model import Link, Transfers
from kubeinfer_sim.simulation.run import Run

NODE = Target(nodes=("node-0",))
LABEL = {"modelarts-infer-npu-reset-enable": "true"}
HOUR = 3_600_000


def fault(
    at: float, kind: str, lasts: float | None = None, target: Target | None = None, **fields: Any
) -> Fault:
    clears = None if lasts is None else round(lasts * 1000)
    return Fault(round(at * 1000), kind, target or Target(), clears_after=clears, **fields)


def run(*actions: Action, node_count: int = 2, labelled: bool = False, **fields: Any) -> Run:
    spec = kubeinfer(labels=LABEL if labelled else {})
    return play(scenario(spec, node_count, 60, 10, actions=actions, horizon=20 * 86_400_000, **fields))


def cordons(played: Run) -> list[tuple[float, bool]]:
    """When the node was closed (True) or opened (False)."""
    return [(record.at / 1000, not record.uncordoned) for record in of(played, NodeCordoned)]


@pytest.mark.parametrize(
    ("kinds", "ready"),
    [
        # 60 GB at 1 GB/s; slow (a tenth) from 10 s to 30 s and from 20 s to 50 s: 10 + 4 GB, the rest from 50 s on.
        (("StorageSlow", "StorageSlow"), 50 + 46),
        # Away to 30 s, slow from there to 50 s.
        (("StorageUnavailable", "StorageSlow"), 50 + 48),
        # Slow for 10 s, then away.
        (("StorageSlow", "StorageUnavailable"), 50 + 49),
    ],
)
def test_the_storage_goes_at_the_pace_of_the_worst_that_lasts(kinds: tuple[str, str], ready: float) -> None:
    actions = (fault(10, kinds[0], 20), fault(20, kinds[1], 30))
    links = Transfers(storage=Link(1_000_000_000), default_weights_size=60_000_000_000)
    made = scenario(kubeinfer(), 1, initial="empty", transfers=links, actions=actions)
    assert seconds_of(play(made), InstanceReady) == [ready]


def test_the_registry_is_back_when_the_last_of_its_faults_is_over() -> None:
    actions = (fault(0, "ImagePullFailure", 300), fault(100, "ImagePullFailure", 900))
    played = run(*actions, initial="empty")
    assert of(played, InstanceReady)[0].at >= 1_000_000


@pytest.mark.parametrize("kind", ["HealthCheckFails", "SlowStart", "ReadinessFlap", "ProcessHang"])
def test_the_end_of_one_fault_of_a_pod_does_not_heal_another_of_its_kind(kind: str) -> None:
    played = run(fault(100, kind, 60), fault(130, kind, 300))
    healed = [record.at for record in of(played, HealthChanged) if record.healthy]
    assert healed == [430_000]
    assert [record.at for record in of(played, FaultCleared)] == [160_000, 430_000]
    assert of(played, PodNotReady)


def test_what_remains_when_the_worse_of_two_faults_is_over_is_the_other() -> None:
    # Readiness alone fails now and then from 220 s on, not always.
    played = run(fault(100, "ReadinessFlap", 600), fault(110, "HealthCheckFails", 110))
    assert not [at for at in seconds_of(played, PodNotReady) if 115 < at < 220]
    assert len([at for at in seconds_of(played, PodNotReady) if 220 < at < 700]) > 3


def test_a_second_maintenance_keeps_the_node_closed_until_it_is_over_too() -> None:
    played = run(fault(100, "Maintenance", 600, NODE), fault(400, "Maintenance", 600, NODE))
    assert cordons(played) == [(100, True), (400, True), (1000, False)]


def test_maintenance_does_not_open_a_node_that_somebody_had_cordoned() -> None:
    played = run(Cordon(50_000, ("node-0",)), fault(100, "Maintenance", 600, NODE))
    assert cordons(played) == [(50, True), (100, True)]


def test_a_second_fault_of_a_machine_under_repair_is_mended_with_the_first() -> None:
    again = fault(1000, "NodeHardware", None, NODE, repair=Constant(HOUR))
    played = run(fault(100, "NodeHardware", None, NODE, repair=Constant(HOUR)), again)
    first, second = of(played, FaultDetected)
    assert [record.at for record in of(played, FaultCleared)] == [first.at + HOUR] * 2
    opened = [at for at, closed in cordons(played) if not closed]
    assert opened == [(first.at + HOUR) / 1000], "once, and not before the repair"
    assert second.at < first.at + HOUR
    assert len(of(played, InstanceRestarting)) == 1


def test_a_fault_that_ends_by_itself_does_not_open_a_machine_under_repair() -> None:
    short = fault(200, "NodeHardware", 300, NODE)
    played = run(fault(100, "NodeHardware", None, NODE, repair=Constant(HOUR)), short)
    first = of(played, FaultDetected)[0]
    assert [at for at, closed in cordons(played) if not closed] == [(first.at + HOUR) / 1000]


def test_a_repair_during_maintenance_leaves_the_node_closed() -> None:
    hardware = fault(100, "NodeHardware", None, NODE, repair=Constant(600_000))
    played = run(hardware, fault(200, "Maintenance", 7200, NODE))
    assert [at for at, closed in cordons(played) if not closed] == [7400]


def test_a_machine_that_dies_under_repair_returns_with_the_one_repair() -> None:
    hardware = fault(100, "NodeHardware", None, NODE, repair=Constant(HOUR))
    played = run(hardware, fault(600, "NodeDeath", None, NODE, repair=Constant(HOUR)))
    repaired = of(played, FaultDetected)[0].at + HOUR
    assert [record.at for record in of(played, NodeReturned)] == [repaired]
    assert [at for at, closed in cordons(played) if not closed] == [repaired / 1000]


def test_what_is_down_does_not_go_down_again() -> None:
    played = run(fault(100, "NodeReboot", 600, NODE), fault(200, "NodeDeath", None, NODE))
    assert [record.kind for record in of(played, FaultInjected)] == ["NodeReboot"]


def test_two_faults_of_one_npu_are_one_repair() -> None:
    # Nobody watches: whoever comes to repair it mends both at once.
    idle = Target(nodes=("node-1",))
    actions = [fault(at, "NpuFault", None, idle, npus=(0,), repair=Constant(HOUR)) for at in (100, 1900)]
    played = run(*actions)
    assert seconds_of(played, FaultCleared) == [3700, 3700]


def test_what_strikes_an_npu_that_is_out_has_happened_and_is_mended_with_it() -> None:
    actions = [fault(at, "CardDrop", None, NODE, npus=(0,), repair=Constant(HOUR)) for at in (100, 1900)]
    played = run(*actions, labelled=True)
    assert len(of(played, FaultInjected)) == 2
    cleared = of(played, FaultCleared)
    assert [each.how for each in cleared] == ["repaired"] * 2
    assert cleared[0].at == cleared[1].at
    assert [record.state for record in of(played, NpuStateChanged)] == ["out", "inService"]


def test_a_health_action_that_ends_does_not_heal_a_fault() -> None:
    bad = Health(120_000, Target(), healthy=False, until=150_000, probes=("readiness",))
    played = run(fault(100, "HealthCheckFails", 300), bad)
    assert [record.at for record in of(played, HealthChanged) if record.healthy] == [400_000]


def test_a_fault_that_is_over_leaves_what_a_health_action_made() -> None:
    bad = Health(50_000, Target(), healthy=False, until=900_000, probes=("readiness",))
    played = run(fault(100, "HealthCheckFails", 300), bad)
    healed = [(record.at, record.probes) for record in of(played, HealthChanged) if record.healthy]
    assert healed == [(400_000, ("liveness",)), (900_000, ("readiness",))]


def test_checks_made_to_answer_again_answer_what_the_fault_lets_them() -> None:
    bad = Health(50_000, Target(), healthy=False, probes=("readiness",))
    good = Health(60_000, Target(), healthy=True, probes=("readiness",))
    played = run(bad, good, fault(55, "HealthCheckFails", 300))
    assert [record.at for record in of(played, HealthChanged) if record.healthy] == [355_000]


def test_what_is_made_of_one_container_outlasts_a_fault_of_all() -> None:
    bad = Health(50_000, Target(), healthy=False, until=900_000, probes=("readiness",), container="engine")
    played = run(fault(100, "HealthCheckFails", 300), bad)
    (lost,) = [at for at in seconds_of(played, PodNotReady) if at < 1000]
    (back,) = [at for at in seconds_of(played, PodReady) if at > lost]
    assert 50 <= lost <= 51
    assert 900 <= back <= 901


@pytest.mark.parametrize(
    ("answer", "worse"), [({"flapping": 0.5}, True), ({"hang": True}, False)], ids=["flaps", "hangs"]
)
def test_a_check_gets_the_worse_of_what_a_fault_and_a_health_action_make_of_it(
    answer: dict[str, Any], worse: bool
) -> None:
    made = Health(50_000, Target(), healthy=False, until=900_000, probes=("readiness",), **answer)
    played = run(fault(100, "HealthCheckFails", 300), made)
    changed = [(each.at, each.probes) for each in of(played, HealthChanged)]
    assert ((100_000, ("liveness", "readiness")) in changed) is worse, (
        "failing is worse than flapping, not than hanging"
    )
    assert ((400_000, ("readiness",)) in changed) is worse


def test_of_nodes_named_together_those_first_in_the_cluster_are_struck_first() -> None:
    both = Target(nodes=("node-1", "node-0"))
    assert [each.where for each in of(run(fault(100, "NodeReboot", None, both)), FaultInjected)] == [
        "node-0",
        "node-1",
    ]
