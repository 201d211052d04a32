"""Pods that wait for a place in the end: the verdict says what they need, whatever they were before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from field.user import User, asking, both


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
