"""Whether anything happened to a workload: it did where a pod of it went, also where none is missing in the end."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import (
    Raw,
    User,
    asking,
    bare_pod,
    both,
    daemon_set,
    deployment,
    replica_set,
    stateful_set,
)

ELSEWHERE = {"nodes": ["node-1"]}
TAINT = {"taint": {**ELSEWHERE, "key": "a", "value": "b", "effect": "NoExecute"}}


@pytest.mark.parametrize(
    ("pod", "lost"),
    [
        ({}, TAINT),
        ({}, {"removeNodes": ["node-1"]}),
        ({"nodeSelector": {"want": "this"}}, {"labelNodes": {**ELSEWHERE, "labels": {"want": None}}}),
    ],
)
def test_a_daemon_set_that_wants_fewer_pods_has_lost_one(user: User, pod: Raw, lost: Raw) -> None:
    pool = {"name": "node", "count": 2, "allocatable": {"cpu": "8"}, "labels": {"want": "this"}}
    user.plans(
        daemon_set({}, **pod), cluster={"pools": [pool]}, initial="running", actions=[{"at": "1h", **lost}]
    )
    done, result = user.runs()
    assert "Nothing happened" not in done.stdout
    assert "DaemonSet agent is complete in the end; at least 1" in " ".join(done.stdout.split())
    assert (done.returncode, result["verdict"]["outcome"]) == (0, "completes")


@pytest.mark.parametrize("workload", [deployment, replica_set, stateful_set])
def test_a_pod_that_is_deleted_and_replaced_is_something(user: User, workload: Any) -> None:
    delete = {"at": "1h", "deletePod": {"first": 1, "gracePeriod": "0s"}}
    user.plans(
        workload({}),
        bare_pod({}),
        cluster="2x8",
        actions=[{**delete, "object": f"{workload({})['kind']}/chat"}],
    )
    done, _ = user.runs()
    assert "Nothing happened" not in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize("workload", [deployment, daemon_set])
def test_what_loses_nothing_is_not_touched(user: User, workload: Any) -> None:
    user.plans(workload({}), cluster="2x8", initial="running", actions=[{"at": "1h", "cordon": ["node-1"]}])
    done, result = user.runs()
    # A node was touched, as it is where there is a KubeInfer: that is not nothing, and nobody lost anything.
    assert "Nothing happened" not in done.stdout
    assert "is not touched" in result["verdict"]["sentence"]
    assert (done.returncode, result["verdict"]["outcome"]) == (0, "completes")


@pytest.mark.parametrize(
    "fault", [{"kind": "LinkDown"}, {"kind": "NpuFault", "symptom": "none"}, {"kind": "SubHealth"}]
)
@both
def test_a_fault_that_takes_nothing_from_anybody_is_not_nothing(
    user: User, workload: Any, fault: Raw
) -> None:
    struck = {"at": "1h", "fault": {**fault, "node": "node-0", "npu": 3}}
    user.plans(workload(asking(npu=8), replicas=1), cluster="1x8", actions=[struck])
    done, result = user.runs()
    assert (done.returncode, result["verdict"]["outcome"]) == (0, "completes")
    assert [each["kind"] for each in result["faults"]] == [fault["kind"]]
