"""Pods that wait for a place in the end: the verdict says what they need, whatever they were before."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
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
    needs = "needs 1 node × 8 huawei.com/ascend-1980; no node takes such a pod: 2 node(s) had untolerated taint(s)"
    assert needs in result["verdict"]["sentence"]
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
    assert (
        "no such node is free; fewer pods there or more nodes would let it go on (1 more instance like it)"
        in result["verdict"]["sentence"]
    )


TAINT = {"key": "k", "effect": "NoExecute"}
CLOSED = {
    "cordoned": (
        [{"at": "1m", "cordon": {"nodes": ["a-0", "a-1"]}}],
        "no node takes such a pod: 2 node(s) were unschedulable",
    ),
    "labels": (
        [{"at": "1m", "labelNodes": {"nodes": ["a-0", "a-1"], "labels": {"want": None}}}],
        "no node takes such a pod: 2 node(s) didn't match Pod's node affinity/selector",
    ),
    "removed": ([{"at": "1m", "removeNodes": ["a-0", "a-1"]}], "there are no nodes"),
    # Of these one has room, were it not tainted, and the other is taken.
    "one full": ([{"at": "1m", "taint": {**TAINT, "nodes": ["a-1"]}}], "no such node is free"),
    "tainted": (
        [{"at": "1m", "taint": {**TAINT, "pool": "a"}}],
        "no node takes such a pod: 2 node(s) had untolerated taint(s)",
    ),
}


@both
@pytest.mark.parametrize("case", CLOSED)
def test_what_no_node_takes_is_not_said_to_lack_a_free_one(
    user: User, workload: Callable[..., Any], case: str
) -> None:
    actions, why = CLOSED[case]
    pool = {"name": "a", "count": 2, "allocatable": {"huawei.com/ascend-1980": 8}, "labels": {"want": "x"}}
    made = workload(asking(npu=8), replicas=1, nodeSelector={"want": "x"})
    user.plans(
        made,
        cluster={"pools": [pool]},
        actions=[*actions, {"at": "2m", "object": f"{made['kind']}/chat", "scale": 2}],
    )
    done, _ = user.runs()
    assert done.returncode == 1
    assert f"huawei.com/ascend-1980 with want=x; {why}" in " ".join(done.stdout.split())


def test_a_deployments_pod_of_which_a_container_beside_the_engine_runs_again_loads_on(user: User) -> None:
    """It has no gang to wait for, and its engine has gone on meanwhile."""
    pods = deployment(
        {**asking(npu=8), "startupProbe": {"tcpSocket": {"port": 1}, "failureThreshold": 999}}, replicas=1
    )
    pods["spec"]["template"]["spec"]["containers"].append({"name": "logger", "image": "log:v1"})
    plan = {"cluster": "1x8", "initial": "empty", "timings": {}}
    user.plans(pods, **plan)
    at = ("20m", "31m", "40m")
    undisturbed = [user.types("why", "scenario.yaml", "--at", each).stdout for each in at]
    user.plans(pods, **plan, actions=[{"at": "12m", "crash": {"container": "logger"}}])
    for each, before in zip(at, undisturbed, strict=True):
        said = user.types("why", "scenario.yaml", "--at", each).stdout
        stages = [re.findall(r"chat-0 on node-0: (.+) since", text) for text in (before, said)]
        assert len(stages[0]) == 1
        assert stages[0] == stages[1]
        assert "gang" not in said
