"""Pods that wait for a place in the end: the verdict says what they need, whatever they were before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from field.user import User, asking, both, deployment, kubeinfer


@both
def test_pods_that_were_evicted_and_find_no_place_say_what_they_need(
    user: User, workload: Callable[..., Any]
) -> None:
    taint = {"at": "1m", "taint": {"pool": "a", "key": "k", "effect": "NoExecute"}}
    pool = {"name": "a", "count": 2, "allocatable": {"huawei.com/ascend-1980": 8}}
    user.plans(workload(asking(npu=8), replicas=2), cluster={"pools": [pool]}, actions=[taint])
    done, result = user.runs()
    assert done.returncode == 1
    assert "needs 1 node × 8 huawei.com/ascend-1980; no such node is free" in result["verdict"]["sentence"]
    assert "untolerated taint" in done.stdout


@both
def test_what_is_said_of_the_first_that_waits_is_not_repeated_for_each(
    user: User, workload: Callable[..., Any]
) -> None:
    user.plans(workload(asking(npu=8), replicas=4), cluster="1x8")
    _, result = user.runs()
    assert result["verdict"]["sentence"].count("no such node is free") == 1


def test_one_that_failed_and_waits_behind_others_now_says_what_all_of_them_wait_for(user: User) -> None:
    probe = {"startupProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10, "failureThreshold": 3}}
    first = deployment(asking(npu=8), replicas=1, priorityClassName="high", schedulerName="volcano")
    first["metadata"]["name"] = "first"
    user.plans(
        kubeinfer({**asking(npu=8), **probe}, replicas=2),
        cluster="1x8",
        initial="empty",
        timings={"profile": "zero", "warmUp": "100s", "exit": "5s", "roles": {"first": {"warmUp": "0s"}}},
        actions=[{"at": "10s", "create": first}],
        priorityClasses={"high": 1000},
    )
    _, result = user.runs()
    assert result["end"]["reason"] == "settled"
    assert "no such node is free (1 more instance like it)" in result["verdict"]["sentence"]
