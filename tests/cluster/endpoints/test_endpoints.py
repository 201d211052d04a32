"""From readiness to traffic."""

from __future__ import annotations

from typing import Any

import pytest

from kubeinfer_sim.cluster.endpoints import EndpointConditions, ProxyDelay, conditions


@pytest.mark.vectors("k8s_endpoint_conditions")
def test_the_conditions_of_an_endpoint(case: dict[str, Any]) -> None:
    assert conditions(
        pod_ready=case["pod_ready"],
        pod_terminating=case["pod_terminating"],
        publish_not_ready_addresses=case["publish_not_ready_addresses"],
    ) == EndpointConditions(case["expected_ready"], case["expected_serving"], case["expected_terminating"])


def test_publish_not_ready_addresses_makes_every_endpoint_ready() -> None:
    found = conditions(pod_ready=False, pod_terminating=True, publish_not_ready_addresses=True)
    assert found == EndpointConditions(ready=True, serving=False, terminating=True)


def test_a_proxy_follows_a_burst_of_changes_at_most_once_a_second() -> None:
    assert ProxyDelay(100, 1_000).effective([0, 0, 50, 200, 1_500, 9_000]) == [
        *(100, 100),
        *(1_100, 1_100, 2_100, 9_100),
    ]


def test_ipvs_follows_each_change_at_once() -> None:
    assert ProxyDelay(100, 0).effective([0, 50, 50]) == [100, 150, 150]
