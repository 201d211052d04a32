"""Devices that are unhealthy, and device plugins that are not there yet: which pods a node takes.

What really happens: recorded whole runs of Kubernetes 1.36.3 (`no-unhealthy`, `no-reboot-npu`), pkg/kubelet/cm/devicemanager.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import NPU, User, asking, bare_pod, both, deployment, kubeinfer

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


def test_one_event_is_one_restart_also_where_the_node_rejects_what_is_made_in_it(user: User) -> None:
    """The engine ends with its GPU; its node is chosen again before its status tells of it, and its kubelet knows."""
    user.plans(
        kubeinfer(asking(**{GPU: 8}), replicas=1),
        cluster=nodes(GPU),
        initial="running",
        timings={"profile": "zero", "weights": "100s", "exit": "2s"},
        actions=[sick(at="50s", symptom="crash")],
        horizon="1h",
    )
    _, result = user.runs()
    (rejection,) = result["rejections"]
    assert (rejection["reason"], rejection["node"]) == ("UnexpectedAdmissionError", "node-0")
    assert result["instances"][0]["restarts"] == 1
    assert [step["fault"] for step in result["recoveries"]] == ["Error"]


# -- kubelets that have been started, device plugins that are not there --------------------------------------------


def reboot(at: str = "10m", takes: str = "3m", **reboot: Any) -> dict[str, Any]:
    """The first node reboots."""
    return {"at": at, "reboot": {"nodes": ["node-0"], "takes": takes, **reboot}}


@both
@resources
def test_a_pod_with_devices_is_rejected_after_a_reboot_and_made_anew(
    user: User, workload: Workload, resource: str
) -> None:
    """Nothing else is there: it waits for the plugin (12 s after the kubelet), and for the status after that."""
    probe = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1}}
    user.plans(
        workload({**asking(**{resource: 8}), **probe}, replicas=1),
        cluster=nodes(resource, 1),
        initial="running",
        actions=[reboot(takes="20s")],
        horizon="1h",
    )
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    (told,) = result["rejections"]
    assert (told["reason"], told["node"], told["atMs"]) == ("UnexpectedAdmissionError", "node-0", 620_000)
    assert told["message"] == (
        f"Allocate failed due to no healthy devices present; cannot allocate unhealthy devices {resource}, "
        "which is unexpected"
    )
    assert "UnexpectedAdmissionError" in done.stdout
    (waits,) = user.pods("10m21s")
    assert (waits["phase"], waits["conditions"]) == ("Running", []), "its conditions are gone within a second"
    shown = {pod["status"] for pod in user.pods("10m31s")}
    assert shown == ({"UnexpectedAdmissionError", "Pending"} if workload is deployment else {"Pending"})
    running = [pod for pod in user.pods("10m45s") if pod["phase"] == "Running"]
    assert [pod["node"] for pod in running] == ["node-0"]
    started = next(each for each in running[0]["conditions"] if each["type"] == "PodScheduled")
    assert started["lastTransitionTimeMs"] == 640_000, "32 s is the plugin's, 40 s the next status"


@both
def test_a_pod_without_devices_is_started_again_in_place(user: User, workload: Workload) -> None:
    container = workload({}, replicas=1)
    if workload is not deployment:
        container["spec"]["template"]["spec"]["roles"][0]["recoveryPolicy"] = {"restart": "Custom"}
    user.plans(
        container,
        cluster=nodes(NPU, 1),
        initial="running",
        actions=[reboot(takes="20s")],
        horizon="1h",
    )
    _, result = user.runs()
    assert "rejections" not in result
    (pod,) = user.pods()
    assert (pod["restarts"], pod["phase"]) == (1, "Running")


@both
def test_with_the_plugin_there_at_once_containers_are_started_again_in_place(
    user: User, workload: Workload
) -> None:
    made = workload(asking(npu=8), replicas=1)
    if workload is not deployment:
        made["spec"]["template"]["spec"]["roles"][0]["recoveryPolicy"] = {"restart": "Custom"}
    user.plans(
        made,
        cluster=nodes(NPU, 1),
        initial="running",
        actions=[reboot(devicePluginAfter="0s")],
        horizon="1h",
    )
    _, result = user.runs()
    assert "rejections" not in result
    assert [(pod["restarts"], pod["phase"]) for pod in user.pods()] == [(1, "Running")]


@both
@resources
def test_a_device_that_is_no_longer_healthy_rejects_the_pod_that_had_it(
    user: User, workload: Workload, resource: str
) -> None:
    user.plans(
        workload(asking(**{resource: 8}), replicas=1),
        cluster=nodes(resource),
        initial="running",
        actions=[sick(at="1m"), reboot(devicePluginAfter="0s")],
        horizon="1h",
    )
    _, result = user.runs()
    (told,) = result["rejections"]
    assert "previously allocated devices are no longer healthy" in told["message"]
    assert [pod["node"] for pod in user.pods() if pod["phase"] == "Running"] == ["node-1"]


@both
@resources
def test_a_restart_of_the_kubelet_rejects_nobody_who_runs(
    user: User, workload: Workload, resource: str
) -> None:
    """But the node offers nothing until the plugin has registered and a status says so."""
    restart = {
        "at": "10m",
        "kubeletRestart": {"nodes": ["node-0"], "takes": "10s", "devicePluginAfter": "15s"},
    }
    user.plans(
        workload(asking(**{resource: 4}), replicas=1),
        cluster=nodes(resource, 1),
        initial="running",
        actions=[restart, {"at": "10m11s", "scale": 2}],
        horizon="1h",
    )
    _, result = user.runs()
    assert "rejections" not in result
    first, second = user.pods("10m29s")
    assert [pod["status"] for pod in (first, second)] == ["Running", "Pending"]
    assert [pod["status"] for pod in user.pods("10m31s")] == ["Running", "Running"]


@both
def test_a_pod_that_is_being_set_up_when_the_kubelet_is_restarted_is_rejected(
    user: User, workload: Workload
) -> None:
    """None of its containers runs, so it needs its devices anew."""
    restart = {"at": "1m", "kubeletRestart": {"nodes": ["node-0"], "takes": "10s"}}
    user.plans(
        workload(asking(npu=8), replicas=1),
        cluster=nodes(NPU, 1),
        initial="empty",
        timings={"profile": "zero", "imageCold": "5m"},
        actions=[restart],
        horizon="1h",
    )
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    assert [(each["reason"], each["pods"]) for each in result["rejections"]] == [
        ("UnexpectedAdmissionError", 1)
    ]


@both
@resources
def test_without_a_device_plugin_no_new_pod_gets_devices(
    user: User, workload: Workload, resource: str
) -> None:
    down = {"at": "10m", "fault": {"kind": "DevicePluginDown", "node": "node-0", "clearsAfter": "10m"}}
    user.plans(
        workload(asking(**{resource: 4}), replicas=1),
        cluster=nodes(resource, 1),
        initial="running",
        actions=[down, {"at": "11m", "scale": 2}],
        horizon="1h",
    )
    done, _ = user.runs()
    assert done.returncode == 0, done.stdout
    assert [pod["status"] for pod in user.pods("19m")] == ["Running", "Pending"], "who runs, runs on"
    assert [pod["status"] for pod in user.pods("21m")] == ["Running", "Running"]


@resources
def test_a_pod_that_names_a_node_without_its_plugin_is_rejected(user: User, resource: str) -> None:
    down = {"at": "0s", "fault": {"kind": "DevicePluginDown", "node": "node-0"}}
    late = {"at": "10s", "create": bare_pod(asking(**{resource: 1}), nodeName="node-0")}
    user.plans(
        bare_pod({}, name="other"),
        cluster=nodes(resource),
        initial="empty",
        actions=[down, late],
        horizon="1h",
    )
    _, result = user.runs()
    assert [each["reason"] for each in result["rejections"]] == ["UnexpectedAdmissionError"]


@resources
def test_a_pod_that_has_failed_holds_nothing(user: User, resource: str) -> None:
    """Rejected after a reboot it stays, Failed; another one gets its devices, and its port."""
    port = {"ports": [{"containerPort": 80, "hostPort": 80}]}
    container = {**asking(**{resource: 8}), **port}
    user.plans(
        bare_pod(container, name="first"),
        bare_pod(container, name="second"),
        cluster=nodes(resource, 1),
        initial="empty",
        actions=[reboot(takes="20s")],
        horizon="1h",
    )
    user.runs()
    shown = {pod["name"]: (pod["phase"], pod["node"]) for pod in user.pods()}
    assert shown == {"first": ("Failed", "node-0"), "second": ("Running", "node-0")}


@both
def test_nodes_that_come_back_from_anything_reject_what_had_devices(user: User, workload: Workload) -> None:
    """By `nodeDown` that ends, or a fault; at 0 s as at any time."""
    for away in (
        {"at": "0s", "nodeDown": {"nodes": ["node-0"], "lasts": "20s"}},
        {"at": "0s", "fault": {"kind": "NodeReboot", "node": "node-0", "clearsAfter": "20s"}},
    ):
        user.plans(
            workload(asking(npu=8), replicas=1),
            cluster=nodes(NPU, 1),
            initial="running",
            actions=[away],
            horizon="1h",
        )
        done, result = user.runs()
        assert done.returncode == 0, done.stdout
        assert [each["reason"] for each in result["rejections"]] == ["UnexpectedAdmissionError"]


def test_what_befalls_a_pod_that_is_lost_already_is_no_more_cause(user: User) -> None:
    """Somebody deletes the pod on a broken card, which comes up again on another node."""
    user.plans(
        deployment({**asking(npu=8), "startupProbe": {"tcpSocket": {"port": 1}, "failureThreshold": 30}}),
        cluster="4x8",
        initial="running",
        actions=[
            {"at": "10m", "fault": {"kind": "CardDrop", "nodes": ["node-0"], "npu": 3, "repair": "3d"}},
            {"at": "11m", "deletePod": {"first": 1, "ready": False}},
        ],
    )
    done, result = user.runs()
    assert done.returncode == 0
    assert "CardDrop of node-0/npu3" in result["verdict"]["sentence"]
    assert "more cause" not in done.stdout
