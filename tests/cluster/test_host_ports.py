"""Which ports of a node a pod takes, and which two cannot be had on one node (pkg/scheduler/framework, HostPortInfo)."""

from __future__ import annotations

from typing import Any

import pytest

from kubeinfer_sim.cluster.host_ports import host_ports


def ports(**port: Any) -> dict[str, Any]:
    return {"containers": [{"ports": [{"containerPort": 80, **port}]}]}


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ({"hostPort": 80}, {"hostPort": 80}, True),
        ({"hostPort": 80}, {"hostPort": 81}, False),
        ({"hostPort": 80}, {"hostPort": 80, "protocol": "UDP"}, False),
        ({"hostPort": 80}, {"hostPort": 80, "hostIP": "10.0.0.1"}, True),  # it is that of all addresses
        ({"hostPort": 80, "hostIP": "10.0.0.1"}, {"hostPort": 80, "hostIP": "10.0.0.2"}, False),
        ({"hostPort": 80}, {}, False),
    ],
)
def test_a_port_is_taken_by_number_protocol_and_address(
    one: dict[str, Any], other: dict[str, Any], clash: bool
) -> None:
    pairs = [(a, b) for a in host_ports(ports(**one)) for b in host_ports(ports(**other))]
    assert [(a.clashes(b), b.clashes(a)) for a, b in pairs] == ([(clash, clash)] if other else [])


def test_on_the_network_of_the_node_the_ports_of_containers_and_sidecars_are_its_own() -> None:
    once = {"name": "once", "ports": [{"containerPort": 81}]}
    sidecar = {"restartPolicy": "Always", "ports": [{"containerPort": 82}]}
    spec = {**ports(), "hostNetwork": True, "initContainers": [once, sidecar]}
    assert [each.port for each in host_ports(spec)] == [80, 82]
