"""What a reboot does to containers, what it is charged with, and what it costs when there are many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import Raw, User, asking, both, deployment, kubeinfer


def once(takes: str = "20s") -> Raw:
    return {"at": "1h", "reboot": {"nodes": ["node-0"], "takes": takes}}


@pytest.mark.parametrize("takes", ["20s", "10m"])
def test_what_it_takes_is_charged_to_the_machine(user: User, takes: str) -> None:
    user.plans(
        kubeinfer(asking(cpu=1), replicas=1), cluster="1x8", actions=[once(takes)], timings={"weights": "2m"}
    )
    _, result = user.runs()
    assert [each["kind"] for each in result["causeKinds"]] == ["node rebooted"]


@both
def test_a_container_that_waits_in_a_crash_loop_is_started_once_by_the_new_kubelet(
    user: User, workload: Callable[..., Any]
) -> None:
    """It dies 1 s after each start: at 1h it has waited for some time in its back-off."""
    loop = {"at": "0s", "crash": {"after": "1s"}}
    pods = workload(asking(cpu=1), replicas=1)
    if workload is kubeinfer:
        pods["spec"]["template"]["spec"]["roles"][0]["recoveryPolicy"] = {"restart": "Custom"}
    user.plans(pods, cluster="1x8", initial="empty", actions=[loop, once("40s")], horizon="61m")
    user.runs()
    (before,), (after,) = user.pods("59m59s"), user.pods("1h42s")
    assert before["status"] == "CrashLoopBackOff"
    assert after["restarts"] == before["restarts"] + 1


def test_the_creation_of_another_workload_is_named_where_it_takes_the_place(user: User) -> None:
    classes = {"high": 1000}
    other = deployment(asking(npu=8), replicas=1, priorityClassName="high")
    other["metadata"]["name"] = "web"
    create = {"at": "1h", "create": other}
    user.plans(
        kubeinfer(asking(npu=8), replicas=1, priorityClassName="low"),
        cluster="1x8",
        actions=[create],
        priorityClasses=classes | {"low": 1},
    )
    _, result = user.runs()
    assert [each["kind"] for each in result["causeKinds"]] == ["creation of a Deployment"]
