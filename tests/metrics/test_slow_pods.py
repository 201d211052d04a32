"""A pod with a slow NPU: what its instance can take is less, though all of it is ready."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from building import kubeinfer, scenario
from controllers.playing import of, play
from metering import metered
from msgspec.structs import replace

from kubeinfer_sim.cluster.fault_records import FaultDetected, PodSlowed
from kubeinfer_sim.controllers.kubeinfer.records import InstanceRestarting
from kubeinfer_sim.metrics.capacity import CapacityMeter
from kubeinfer_sim.scenario.actions.model import Fault, Target
from kubeinfer_sim.scenario.faults.model import FaultPlan, NpuHandling
from kubeinfer_sim.simulation.run import Run

LABEL = {"modelarts-infer-npu-reset-enable": "true"}
HOUR = 3_600_000


def slow(at: int, pods: tuple[int, ...] = (0,), kind: str = "OverTemperature", **fields: Any) -> Fault:
    return Fault(at * 1000, kind, Target(instances=(0,), roles=("decode",), pods=pods), npus=(0,), **fields)


def run(*faults: Fault, replicas: int = 1, handling: NpuHandling | None = None) -> Run:
    spec = kubeinfer(replicas, roles={"prefill": 1, "decode": 2}, labels=LABEL)
    made = scenario(spec, 3 * replicas, 60, 10, actions=faults, horizon=4 * HOUR)
    return play(made if handling is None else replace(made, faults=FaultPlan(npus=handling)))


def shares(played: Run, **options: Any) -> list[tuple[int, Fraction]]:
    """(seconds, capacity in whole instances) at each change."""
    meter = CapacityMeter(whole=True, **options)
    amount = metered(meter, played.history, ended_at=played.ended_at, end=played.end).share
    return [(at // 1000, count * amount.unit) for at, count in amount.steps.points]


HALF = Fraction(1, 2)


def test_over_temperature_halves_the_instance_for_an_hour_and_restarts_nothing() -> None:
    played = run(slow(100))
    assert shares(played) == [(0, 1), (100, HALF), (3700, 1)]
    assert not of(played, InstanceRestarting)
    assert {record.level for record in of(played, FaultDetected)} == {"SubHealthFault"}


def test_sub_health_lasts() -> None:
    assert shares(run(slow(100, kind="SubHealth"))) == [(0, 1), (100, HALF)]


def test_a_fault_may_say_what_is_left() -> None:
    assert shares(run(slow(100, factor=0.8)))[1] == (100, Fraction(4, 5))


def test_the_setting_says_what_is_left_otherwise() -> None:
    assert shares(run(slow(100), handling=NpuHandling(slow_factor=0.9)))[1] == (100, Fraction(9, 10))


def test_a_role_is_as_slow_as_its_slowest_pod() -> None:
    both = run(slow(100, pods=(0, 1)))
    assert shares(both) == [(0, 1), (100, HALF), (3700, 1)]
    for factors in ((0.5, 0.75), (0.75, 0.5)):
        unlike = (slow(100, (pod,), factor=factor) for pod, factor in enumerate(factors))
        assert shares(run(*unlike)) == [(0, 1), (100, HALF), (3700, 1)]


def test_of_faults_that_overlap_the_slowest_counts_until_it_is_over() -> None:
    played = run(slow(100, factor=0.25, clears_after=100_000), slow(150, factor=0.75, clears_after=100_000))
    assert shares(played) == [(0, 1), (100, Fraction(1, 4)), (200, Fraction(3, 4)), (250, 1)]


def test_a_role_with_room_to_spare_hides_what_is_lost() -> None:
    # 2 decode pods of 6 against one prefill pod of 6: at half its speed decode still takes all of it.
    serves = {"prefill": Fraction(6), "decode": Fraction(6)}
    assert shares(run(slow(100)), pod_serves=serves) == [(0, 1)]
    assert shares(run(slow(100)), pod_serves={**serves, "decode": Fraction(4)})[1] == (100, Fraction(2, 3))


def test_only_the_instance_of_the_slow_pod_loses() -> None:
    assert shares(run(slow(100), replicas=2)) == [(0, 2), (100, 1 + HALF), (3700, 2)]


@pytest.mark.parametrize("labelled", [True, False])
def test_a_new_pod_on_the_npu_is_slow_as_well(labelled: bool) -> None:
    spec = kubeinfer(1, roles={"decode": 1}, labels=LABEL if labelled else {})
    crash = Fault(200_000, "ProcessCrash", Target(instances=(0,)))
    made = scenario(spec, 1, 60, 10, actions=(slow(100), crash), horizon=4 * HOUR)
    played = play(made)
    assert [record.pod.generation for record in of(played, PodSlowed)] == [0, 1, 1]
    assert shares(played) == [(0, 1), (100, HALF), (200, 0), (270, HALF), (3700, 1)]
