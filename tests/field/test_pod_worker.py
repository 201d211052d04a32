"""What a kubelet's pod worker does, and in which order (pkg/kubelet/pod_workers.go)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import Raw, User, asking, both, deployment, kubeinfer

LIVENESS = {"livenessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10, "failureThreshold": 3}}


def in_place(pods: dict[str, Any]) -> dict[str, Any]:
    """Containers that end are the kubelet's: recovery of a KubeInfer does nothing."""
    if pods["kind"] == "KubeInfer":
        for role in pods["spec"]["template"]["spec"]["roles"]:
            role["recoveryPolicy"] = {"restart": "Custom"}
    return pods


def test_a_container_that_ends_in_the_instant_of_its_verdict_is_not_killed_as_well(user: User) -> None:
    # The engines load for longer than their liveness probes wait, and exit when a peer is lost for a minute.
    probe = {"livenessProbe": {"exec": {"command": ["sh"]}}}
    pods = in_place(kubeinfer({**asking(npu=1), **probe}, replicas=1, terminationGracePeriodSeconds=10))
    pods["spec"]["template"]["spec"]["roles"][0]["replicas"] = 2
    user.plans(
        pods,
        cluster="1x4",
        timings={},
        assumptions={"peerLossTimeout": "1m"},
        horizon="3h",
    )
    assert user.runs()[0].returncode in (0, 1)


HOOKED = {"lifecycle": {"preStop": {"exec": {"command": ["sleep", "100"]}}}}


@both
def test_a_pod_deleted_in_its_back_off_has_nothing_to_stop(user: User, workload: Callable[..., Any]) -> None:
    # Started again at once after its first exit; its second one is backed off from for 10 s at least.
    crashes = [{"at": at, "crash": {}} for at in ("50s", "55s")]
    user.plans(
        in_place(workload({**asking(npu=8), **HOOKED}, replicas=1, terminationGracePeriodSeconds=120)),
        cluster="1x8",
        timings={"profile": "zero", "exit": "20s"},
        actions=[*crashes, {"at": "58s", "scale": 0}],
        horizon="10m",
    )
    assert [each["name"] for each in user.pods(at="57s")]
    assert not user.pods(at="59s")


@both
def test_a_pod_deleted_during_its_first_pull_is_started_when_that_ends_and_stopped(
    user: User, workload: Callable[..., Any]
) -> None:
    user.plans(
        workload(asking(npu=8), replicas=1),
        cluster="1x8",
        initial="empty",
        timings={"profile": "zero", "imageCold": "30m", "exit": "20s"},
        actions=[{"at": "10m", "scale": 0}, {"at": "11m", "scale": 1}],
        horizon="2h",
    )
    shown = {at: user.pods(at=at)[0]["status"] for at in ("9m", "29m", "1819s", "1821s")}
    assert shown == {
        "9m": "ContainerCreating",
        "29m": "Terminating",
        "1819s": "Terminating",
        "1821s": "Running",
    }


@both
def test_a_pod_deleted_while_an_init_container_runs_gives_that_its_grace_period(
    user: User, workload: Callable[..., Any]
) -> None:
    fetch = {"name": "fetch", "image": "repo/fetch:v1"}
    user.plans(
        workload(asking(npu=8), replicas=1, initContainers=[fetch], terminationGracePeriodSeconds=30),
        cluster="1x8",
        initial="empty",
        timings={"profile": "zero", "init": "10m", "sidecarExit": "1m"},
        actions=[{"at": "1m", "scale": 0}],
        horizon="1h",
    )
    assert [each["status"] for each in user.pods(at="89s")] == ["Terminating"]
    assert not user.pods(at="91s")


@both
def test_a_pod_deleted_while_its_container_is_killed_gives_the_next_one_its_whole_grace_period(
    user: User, workload: Callable[..., Any]
) -> None:
    # As in the recorded run `po-live-del`: killed from 30 to 60 s, started again, and stopped for 30 s more.
    sick = {"at": "0s", "health": {"probes": ["liveness"], "newPods": True}}
    user.plans(
        in_place(workload({**asking(npu=8), **LIVENESS}, replicas=1, terminationGracePeriodSeconds=30)),
        cluster="1x8",
        initial="empty",
        timings={"profile": "zero", "exit": "1h"},
        actions=[sick, {"at": "40s", "scale": 0}],
        horizon="1h",
    )
    (pod,) = user.pods(at="89s")
    assert (pod["status"], pod["restarts"]) == ("Terminating", 1)
    assert not user.pods(at="91s")


@both
def test_places_and_devices_are_free_when_the_containers_are_dead(
    user: User, workload: Callable[..., Any]
) -> None:
    # The status round and the clean-up that follow make nobody wait: the pod's phase is Failed meanwhile.
    other = deployment(asking(npu=8), replicas=1)
    other["metadata"]["name"] = "other"
    pods = workload(asking(npu=8), replicas=1)
    user.plans(
        pods,
        other,
        cluster="1x8",
        initial="empty",
        timings={"profile": "zero", "exit": "20s", "cleanup": "10s"},
        actions=[{"at": "1m", "object": f"{pods['kind']}/chat", "scale": 0}],
        horizon="1h",
    )
    assert [each["status"] for each in user.pods(at="79s")] == ["Terminating", "Pending"]
    assert [each["status"] for each in user.pods(at="81s")] == ["Error", "Running"]
    assert [each["status"] for each in user.pods(at="91s")] == ["Running"]


@both
def test_no_container_is_ready_while_all_are_started_again(user: User, workload: Callable[..., Any]) -> None:
    everything = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [3]}}
    pods = in_place(workload({**asking(npu=8), "restartPolicy": "Never", "restartPolicyRules": [everything]}))
    spec = pods["spec"]["template"]["spec"]
    spec = spec["roles"][0]["template"]["spec"] if "roles" in spec else spec
    spec["containers"].append({"name": "proxy", "image": "repo/proxy:v1"})
    pods["spec"]["replicas"] = 1
    user.plans(
        pods,
        cluster="1x8",
        initial="empty",
        timings={"profile": "zero", "create": "5s"},
        actions=[{"at": "40s", "crash": {"reason": "Error", "exitCode": 3}}],
        horizon="10m",
    )
    shown = {at: user.pods(at=at)[0]["readyContainers"] for at in ("39s", "41s", "44s", "46s")}
    assert shown == {"39s": 2, "41s": 0, "44s": 0, "46s": 2}


@both
def test_a_kubelet_that_is_restarted_ends_the_startup_phase(user: User, workload: Callable[..., Any]) -> None:
    # As in the recorded run `kr-startup-live`: liveness begins, and kills the container that loads for 40 s.
    tick = {"tcpSocket": {"port": 1}, "periodSeconds": 1}
    probes = {
        "startupProbe": {**tick, "failureThreshold": 100},
        "livenessProbe": {**tick, "failureThreshold": 3},
    }
    user.plans(
        in_place(workload({**asking(npu=8), **probes}, replicas=1)),
        cluster="1x8",
        initial="empty",
        timings={"profile": "zero", "frameworkImport": "40s"},
        actions=[{"at": "20s", "kubeletRestart": {"nodes": ["node-0"], "takes": "1s"}}],
        horizon="5m",
    )
    (pod,) = user.pods()
    assert (pod["status"], pod["restarts"]) == ("Running", 1)


@both
def test_a_pod_deleted_during_its_init_containers_pull_over_a_shared_registry_goes_after_it(
    user: User, workload: Callable[..., Any]
) -> None:
    """The sync that pulls ends with the start of the init container, which is stopped then."""
    user.plans(
        workload(asking(npu=8), replicas=1, initContainers=[{"name": "fetch", "image": "repo/fetch:v1"}]),
        cluster="1x8",
        initial="empty",
        timings={"profile": "zero", "init": "1h", "exit": "5s", "sidecarExit": "5s"},
        transfers={"registry": {"perClient": "1MB/s"}, "imageSizes": {"repo/fetch:v1": "60MB"}},
        actions=[{"at": "30s", "scale": 0}],
        horizon="30m",
    )
    assert [each["status"] for each in user.pods(at="59s")] == ["Terminating"]
    assert user.pods(at="1m10s") == []


@both
@pytest.mark.parametrize(
    ("engine", "beside", "gone"),
    [
        ({}, [], "10s"),
        ({"lifecycle": {"preStop": {"exec": {"command": ["sleep", "20"]}}}}, [], "10s"),  # ends with it
        ({"lifecycle": {"preStop": {"sleep": {"seconds": 20}}}}, [], "20s"),  # the kubelet's own
        ({}, [{"name": "proxy", "image": "repo/proxy:v1"}], "30s"),  # the other one takes as long as before
    ],
)
def test_a_container_that_ends_by_itself_while_its_pod_is_stopped_ends_the_wait(
    user: User, workload: Callable[..., Any], engine: Raw, beside: list[Raw], gone: str
) -> None:
    pods = workload({**asking(npu=8), **engine}, replicas=1, terminationGracePeriodSeconds=120)
    spec = pods["spec"]["template"]["spec"]
    spec = spec["roles"][0]["template"]["spec"] if "roles" in spec else spec
    spec["containers"] += beside
    user.plans(
        pods,
        cluster="1x8",
        initial="running",
        timings={"profile": "zero", "exit": "30s"},
        actions=[{"at": "1h", "scale": 0}, {"at": "1h10s", "crash": {"container": "engine"}}],
    )
    done, result = user.runs()
    assert not any("strikes nothing" in text for text in result["warnings"])
    assert user.pods(at="1h9s")
    until = 3600 + int(gone[:-1])
    assert user.pods(at=f"{until - 1}s")
    assert not user.pods(at=f"{until + 1}s")
    assert done.returncode in (0, 1)


@both
def test_so_many_crashes_happen_as_are_asked_for(user: User, workload: Callable[..., Any]) -> None:
    """Also where a pod that has started is deleted before its time: that one was none."""
    actions = [
        {"at": "1h", "crash": {"after": "30s", "times": 3}},
        {"at": "1h", "deletePod": {}},
        {"at": "1h10s", "deletePod": {}},
    ]
    pods = in_place(workload(asking(npu=8), replicas=1, terminationGracePeriodSeconds=1))
    user.plans(pods, cluster="1x8", initial="running", actions=actions, timings={"profile": "zero"})
    user.runs()
    (pod,) = user.pods()
    assert pod["restarts"] == 3
