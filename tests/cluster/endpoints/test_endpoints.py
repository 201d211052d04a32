"""From readiness to traffic."""

from __future__ import annotations

from typing import Any

import pytest

from kubeinfer_sim.cluster.endpoints import (
    EndpointConditions,
    ProxyDelay,
    choose,
    conditions,
    in_legacy_endpoints,
    in_slice,
)


@pytest.mark.vectors("k8s_endpoint_conditions")
def test_the_conditions_of_an_endpoint(case: dict[str, Any]) -> None:
    assert conditions(
        pod_ready=case["pod_ready"],
        pod_terminating=case["pod_terminating"],
        publish_not_ready_addresses=case["publish_not_ready_addresses"],
    ) == EndpointConditions(case["expected_ready"], case["expected_serving"], case["expected_terminating"])


READY = conditions(pod_ready=True, pod_terminating=False)
LOADING = conditions(pod_ready=False, pod_terminating=False)
DRAINING = conditions(pod_ready=True, pod_terminating=True)
STOPPED = conditions(pod_ready=False, pod_terminating=True)


def test_traffic_goes_to_ready_endpoints_only() -> None:
    assert choose({"a": READY, "b": LOADING, "c": DRAINING}) == ("a",)


def test_without_a_ready_endpoint_those_that_still_serve_while_terminating_get_it() -> None:
    assert choose({"a": LOADING, "b": DRAINING, "c": STOPPED}) == ("b",)
    assert choose({"a": LOADING, "c": STOPPED}) == ()


def test_publish_not_ready_addresses_makes_every_endpoint_ready() -> None:
    found = conditions(pod_ready=False, pod_terminating=True, publish_not_ready_addresses=True)
    assert found == EndpointConditions(ready=True, serving=False, terminating=True)
    assert in_legacy_endpoints(found, publish_not_ready_addresses=True)


def test_the_old_endpoints_object_leaves_terminating_pods_out() -> None:
    assert in_legacy_endpoints(READY)
    assert not in_legacy_endpoints(DRAINING)


@pytest.mark.parametrize(
    ("phase", "address", "expected"),
    [("Running", True, True), ("Pending", True, True), ("Running", False, False), ("Failed", True, False)],
)
def test_a_finished_pod_or_one_without_address_has_no_endpoint(
    phase: str, address: bool, expected: bool
) -> None:
    assert in_slice(phase, has_address=address) == expected


def test_a_proxy_follows_a_burst_of_changes_at_most_once_a_second() -> None:
    assert ProxyDelay(100, 1_000).effective([0, 50, 200, 1_500, 9_000]) == [100, 1_100, 1_100, 2_100, 9_100]


def test_ipvs_follows_each_change_at_once() -> None:
    assert ProxyDelay(100, 0).effective([0, 50, 50]) == [100, 150, 150]
