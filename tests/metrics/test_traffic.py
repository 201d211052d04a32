"""What requests meet, against closed forms."""

from __future__ import annotations

from math import exp
from typing import Any

import pytest
from building import kubeinfer, scenario, seconds
from metering import metered
from msgspec.structs import replace

from kubeinfer_sim.cluster.fault_records import PodSlowed
from kubeinfer_sim.cluster.records import (
    ContainerDied,
    ContainersRunning,
    InstanceRef,
    PodCreated,
    PodReady,
    PodRef,
)
from kubeinfer_sim.manifest.model import NetworkService
from kubeinfer_sim.metrics.lost_requests import Stop
from kubeinfer_sim.metrics.steps import Steps
from kubeinfer_sim.metrics.traffic import TrafficMeasures, TrafficMeter
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.actions.model import Crash, Fault, NodeDown, Scale, Target
from kubeinfer_sim.scenario.model import Traffic
from kubeinfer_sim.scenario.timings.distributions import Constant, Exponential
from kubeinfer_sim.simulation.simulate import simulate

MINUTE = 60_000
AT = 10 * MINUTE


def met(*actions: Any, traffic: Traffic | None = None, replicas: int = 2, **fields: Any) -> TrafficMeasures:
    spec = fields.pop("spec", None) or kubeinfer(replicas, restart=fields.pop("restart", "Instance"))
    traffic = traffic or Traffic(requests_per_second=4, request_duration=Constant(20_000))
    found = assess(simulate(scenario(spec, 4, 60, 5, actions=actions, traffic=traffic, **fields))).traffic
    assert found is not None
    return found


def test_a_dead_engine_loses_what_it_has_in_hand_and_what_still_comes() -> None:
    (stop,) = met(Crash(AT, Target(instances=(0,)))).stops
    assert stop.cut == pytest.approx(4 * 20)
    assert stop.refused == pytest.approx(4 * 0.1)
    assert stop.error == 0


def test_a_stop_cuts_only_requests_longer_than_the_drain() -> None:
    # 5 s until the engine exits, 0.1 s of which requests still come.
    (stop,) = met(Scale(AT, 1)).stops
    assert stop.out == AT + 100
    assert stop.ends == AT + 5_000
    assert stop.cut == pytest.approx(4 * (20 - 4.9))
    assert stop.refused == 0


def test_a_drain_longer_than_any_request_loses_none() -> None:
    found = met(Scale(AT, 1), stages={"exit": seconds(30)})
    assert found.lost == (0, 0)


def test_exponential_requests_follow_their_closed_form_within_the_interval() -> None:
    traffic = Traffic(requests_per_second=4, request_duration=Exponential(20_000))
    (stop,) = met(Scale(AT, 1), traffic=traffic).stops
    expected = 4 * 20 * exp(-4.9 / 20)
    assert abs(stop.cut - expected) < 2 * stop.error  # the interval is 95 %, this bound 4 standard errors
    assert stop.error < 0.1 * expected


def test_changes_within_the_sync_period_are_followed_together() -> None:
    found = met(Crash(AT, Target(instances=(0,))), Crash(AT + 200, Target(instances=(1,))))
    assert [stop.out - AT for stop in found.stops] == [100, 1_100]


def test_with_one_instance_down_and_one_up_something_serves_throughout() -> None:
    assert met(Crash(AT, Target(instances=(0,)))).unserved == 0


def test_with_all_down_nothing_serves_until_the_first_is_back_and_the_proxies_know() -> None:
    found = met(Crash(AT, Target()))
    # Both die at once; recovery stops what is left (5 s) and loads again (60 s).
    assert found.unserved == found.longest_unserved
    assert found.unserved == pytest.approx(65_000, abs=2_000)


def test_a_terminating_instance_serves_as_long_as_nobody_else_does() -> None:
    found = met(Scale(AT, 0), stages={"exit": seconds(30)})
    scaled_to_zero = found.unserved
    run_on = met(Crash(AT, Target()), stages={"exit": seconds(30)})
    assert scaled_to_zero < run_on.unserved


def test_requests_go_to_a_silent_machine_until_the_node_controller_notices() -> None:
    found = met(NodeDown(AT, ("node-0",)))
    (stop,) = found.stops
    assert 40_000 < stop.out - stop.ends < 57_000
    assert stop.refused == pytest.approx(4 * (stop.out - AT) / 1000)


def test_per_pod_traffic_loses_only_the_pod_that_stops() -> None:
    spec = kubeinfer(1, restart="Pod", roles={"serve": 2})
    found = met(Crash(AT, Target(pods=(0,))), spec=spec)
    assert [stop.unit for stop in found.stops] == ["infer-0-serve-0"]
    assert found.unserved == 0


def test_published_unready_addresses_send_requests_to_pods_that_load() -> None:
    spec = replace(
        kubeinfer(2), network_services=(NetworkService("svc", {"publishNotReadyAddresses": True}),)
    )
    found = met(Crash(AT, Target(instances=(0,))), spec=spec)
    # Loading takes 60 s; before that the container that has been started again at once is stopped, which takes 5 s.
    assert found.misdirected == pytest.approx(65_000, abs=1_000)
    assert met(Crash(AT, Target(instances=(0,)))).misdirected == 0


@pytest.mark.parametrize("roles", [(), ("b",)], ids=["all pods", "one of its pods"])
def test_one_that_hangs_to_the_end_loses_what_it_has_in_hand_and_what_still_comes(roles: Any) -> None:
    hangs = Fault(AT, "ProcessHang", Target(roles=roles, instances=(0,), pods=(0,)), symptom="none")
    found = met(hangs, spec=kubeinfer(2, roles={"a": 1, "b": 1}), horizon=AT + MINUTE)
    assert (found.stops, found.hung) == ((), MINUTE)
    assert found.unanswered == pytest.approx(4 * (60 + 20))
    assert found.serving.at(AT + MINUTE - 1) == 1


def test_without_a_rate_nothing_is_claimed_of_requests() -> None:
    found = met(Crash(AT, Target()), traffic=Traffic())
    assert found.lost == (0, 0)
    assert found.unserved > 0


def test_what_is_lost_is_the_sum_over_all_stops_and_the_error_that_of_independent_ones() -> None:
    stops = tuple(
        Stop("u", 0, 0, 0, "ScaleIn", cut, refused, error) for cut, refused, error in [(5, 2, 3), (1, 4, 4)]
    )
    assert TrafficMeasures(Steps([]), 0, 0, 0, stops, unanswered=0.5).lost == (12.5, 5.0)


def test_a_container_that_is_dead_is_sent_nothing_until_it_runs_again() -> None:
    """Where addresses that are not ready are published; it hung before, and of that it is free."""
    ref = PodRef(InstanceRef(7, "infer", 0), "a", 0, 0)
    meter = TrafficMeter(Traffic(), whole=False, publish_not_ready=True, seed=0)
    told = [
        PodCreated(0, 0, ref),
        ContainersRunning(0, 0, ref, 0),
        PodReady(10, 0, ref),
        PodSlowed(90, 0, ref, 0.0),
        ContainerDied(100, 0, ref, "engine", "Error", 1),
        ContainersRunning(200, 0, ref, 1),
        PodReady(260, 0, ref),
    ]
    found = metered(meter, told, ended_at=300, end="horizon")
    assert (found.misdirected, found.hung) == (10 + 60, 10)
    assert [(stop.at, stop.ends, stop.reason) for stop in found.stops] == [(100, 100, "Error")]


def test_a_pod_whose_containers_do_not_run_yet_is_sent_nothing() -> None:
    """Its address is published once it has one."""
    ref = PodRef(InstanceRef(7, "infer", 0), "a", 0, 0)
    meter = TrafficMeter(Traffic(), whole=False, publish_not_ready=True, seed=0)
    told = [PodCreated(0, 0, ref), ContainersRunning(200, 0, ref, 1), PodReady(260, 0, ref)]
    assert metered(meter, told, ended_at=300, end="horizon").misdirected == 60


def test_one_that_dies_while_it_hangs_answers_nothing_until_the_proxies_know_and_so_each_time() -> None:
    ref = PodRef(InstanceRef(7, "infer", 0), "a", 0, 0)
    meter = TrafficMeter(Traffic(propagation=5), whole=False, seed=0)
    told = [PodCreated(0, 0, ref), ContainersRunning(0, 0, ref, 0), PodReady(0, 0, ref)]
    for began in (10_000, 20_000):
        told += [
            PodSlowed(began, 0, ref, 0.0),
            ContainerDied(began + 1000, 0, ref, "engine", "Error", 1),
            ContainersRunning(began + 2000, 0, ref, 1),
            PodReady(began + 3000, 0, ref),
        ]
    found = metered(meter, told, ended_at=30_000, end="horizon")
    assert (found.hung, found.unserved) == (2000, 2 * (3000 + 5))
