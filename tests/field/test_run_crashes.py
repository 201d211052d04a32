"""Containers that end by themselves so long after each start."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from field.test_pod_worker import in_place
from field.user import Raw, User, asking, bare_pod, deployment, kubeinfer

CLUSTER = {"pools": [{"name": "a", "count": 2, "allocatable": {"cpu": "8"}}]}
FOREVER = {"horizon": "10m", "initial": "empty"}


def about(pods: Raw) -> str:
    return f"{pods['kind']}/{pods['metadata']['name']}"


@pytest.mark.parametrize("workload", [deployment, kubeinfer, bare_pod])
def test_so_many_runs_end_and_the_next_goes_on(user: User, workload: Callable[..., Raw]) -> None:
    pods = workload({})
    if pods["kind"] == "KubeInfer":
        pods["spec"]["template"]["spec"]["roles"][0]["recoveryPolicy"] = {"restart": "Custom"}
    action = {"at": "0s", "object": about(pods), "crash": {"after": "2s", "times": 2}}
    user.plans(pods, cluster=CLUSTER, actions=[action], **FOREVER)
    found = user.pods(at="5m")
    assert found
    assert {(each["status"], each["restarts"]) for each in found} == {("Running", 2)}
    assert {each["readyContainers"] for each in user.pods(at="1s")} == {1}
    assert {each["readyContainers"] for each in user.pods(at="2s")} <= {0, 1}


def test_a_run_that_is_under_way_goes_on(user: User) -> None:
    action = {"at": "10s", "object": "Pod/p", "crash": {"after": "2s"}}
    user.plans(bare_pod({}), cluster=CLUSTER, actions=[action], **FOREVER)
    assert [each["restarts"] for each in user.pods(at="5m")] == [0]


def test_a_pod_that_ends_after_its_start_has_succeeded(user: User) -> None:
    action = {"at": "0s", "object": "Pod/p", "crash": {"after": "7s", "reason": "Completed"}}
    user.plans(bare_pod({}, restartPolicy="Never"), cluster=CLUSTER, actions=[action], initial="empty")
    done, result = user.runs()
    assert done.returncode == 0
    assert [(each["outcome"], each["finishedAtMs"]) for each in result["pods"]] == [("succeeded", 7_000)]


@pytest.mark.parametrize(
    ("crash", "says"),
    [
        ({"times": 2}, "give after, too"),
        ({"after": "2s", "times": 2, "lasts": "1m"}, "expected one of times, until and lasts"),
    ],
)
def test_what_is_wrong_is_refused(user: User, crash: Raw, says: str) -> None:
    user.plans(bare_pod({}), cluster=CLUSTER, actions=[{"at": "0s", "object": "Pod/p", "crash": crash}])
    done = user.runs()[0]
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())


def test_a_container_beside_the_engine_that_runs_again_waits_for_no_gang(user: User) -> None:
    late = {"tcpSocket": {"port": 1}, "initialDelaySeconds": 60}
    logger = {"name": "logger", "image": "log:v1", "readinessProbe": late}
    fetch = {"name": "fetch", "image": "f:1"}
    engine = {**asking(npu=8), "readinessProbe": {"tcpSocket": {"port": 1}}}
    pods = in_place(kubeinfer(engine, replicas=1, initContainers=[fetch]))
    (role,) = pods["spec"]["template"]["spec"]["roles"]
    role["replicas"] = 2
    role["template"]["spec"]["containers"].append(logger)
    crash = {"container": "logger", "reason": "Completed", "pods": [0]}
    held_up = {"at": "0s", "initFault": {"pods": [1], "lasts": "10m"}}
    user.plans(
        pods,
        cluster="2x8",
        initial="empty",
        actions=[held_up, {"at": "5m", "crash": crash}, {"at": "30m", "crash": crash}],
    )
    moment = json.loads(user.types("why", "scenario.yaml", "--at", "6m", "--json", "-").stdout)
    stages = {each["name"]: each["stage"] for each in moment["instances"][0]["pods"]}
    assert stages["chat-0-serve-0"] == "barrier"
    assert "waiting for the rest" not in user.types("why", "scenario.yaml", "--at", "30m30s").stdout
    done, _ = user.runs("--details")
    lost = done.stdout.partition("ended (Completed) at 30m")[2]
    assert "probes" in lost
    assert "gang" not in lost
