"""Containers that end by themselves so long after each start."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from field.user import Raw, User, bare_pod, deployment, kubeinfer

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
