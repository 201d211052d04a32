"""Devices that are unhealthy, and device plugins that are not there yet: which pods a node takes.

What really happens: recorded whole runs of Kubernetes 1.36.3 (`no-unhealthy`, `no-reboot-npu`), pkg/kubelet/cm/devicemanager.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import NPU, User, asking, both, deployment

GPU = "nvidia.com/gpu"
Workload = Callable[..., Any]
resources = pytest.mark.parametrize("resource", [NPU, GPU])


def nodes(resource: str, count: int = 2, devices: int = 8) -> dict[str, Any]:
    """A pool of nodes with devices of one kind."""
    return {"pools": [{"name": "node", "count": count, "allocatable": {resource: devices}}]}


def sick(npu: int = 3, *, at: str = "10m", **fault: Any) -> dict[str, Any]:
    """A device of the first node breaks, which does not show."""
    return {
        "at": at,
        "fault": {
            "kind": "NpuFault",
            "node": "node-0",
            "npu": npu,
            "symptom": "none",
            "repair": "2d",
            **fault,
        },
    }


UPDATE = {"at": "20m", "apply": {"newRevision": True}}


@both
@resources
def test_a_new_pod_goes_where_all_devices_are_well(user: User, workload: Workload, resource: str) -> None:
    """No label ties any of them to the platform."""
    user.plans(
        workload(asking(**{resource: 8}), replicas=1),
        cluster=nodes(resource),
        initial="running",
        actions=[sick(), UPDATE],
        horizon="1h",
    )
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    assert [pod["node"] for pod in user.pods("15m")] == ["node-0"], "the pod that holds it runs on"
    assert [pod["node"] for pod in user.pods("30m")] == ["node-1"]
    part = result["deployments"][0] if workload is deployment else result
    assert part["changes"][-1]["durationMs"] < 600_000


@both
@resources
@pytest.mark.parametrize(("broken", "placed"), [(4, True), (5, False)])
def test_a_node_gives_what_is_left_of_its_devices(
    user: User, workload: Workload, resource: str, broken: int, placed: bool
) -> None:
    """A pod that takes 4 of 8 is made anew while so many are unhealthy."""
    user.plans(
        workload(asking(**{resource: 4}), replicas=1),
        cluster=nodes(resource, 1),
        initial="running",
        actions=[*(sick(npu) for npu in range(broken)), UPDATE],
        horizon="1h",
    )
    user.runs()
    assert [bool(pod["node"]) for pod in user.pods()] == [placed]


@both
@resources
def test_a_device_is_offered_again_with_the_next_status_after_its_fault(
    user: User, workload: Workload, resource: str
) -> None:
    """Statuses are posted every 10 s, plugins of Ascend look every 5 s."""
    user.plans(
        workload(asking(**{resource: 8}), replicas=1),
        cluster=nodes(resource, 1),
        initial="running",
        actions=[sick(clearsAfter="20m"), UPDATE],
        horizon="1h",
    )
    user.runs()
    (waits,) = user.pods("30m")
    assert (waits["phase"], waits["node"]) == ("Pending", "")
    (runs,) = user.pods("30m15s")
    assert runs["node"] == "node-0"
