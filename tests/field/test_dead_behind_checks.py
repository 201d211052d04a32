"""An engine that computes nothing behind checks that pass is told by name: no check ever will."""

from __future__ import annotations

from typing import Any

from field.user import User, asking, both, kubeinfer

READY = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1}}


def runs_with(user: User, workload: Any, *more: dict[str, Any], **fault: Any) -> str:
    """The verdict of two pods of which the first is hit at 10m."""
    which = {"instances": [0]} if workload is kubeinfer else {"pods": [0]}
    requests = {"requestsPerSecond": 10, "requestDuration": "20s"}
    traffic = {"traffic": requests} if workload is kubeinfer else {}
    user.plans(
        workload({**asking(npu=8), **READY}, replicas=2),
        cluster="3x8",
        initial="running",
        actions=[{"at": "10m", "fault": {"kind": "ProcessHang", "symptom": "none", **which, **fault}}, *more],
        horizon="1h",
        **traffic,
    )
    done, result = user.runs()
    assert result, done.stderr
    assert "slow" not in result["verdict"]["sentence"]
    text: str = result["verdict"]["sentence"]
    return text


@both
def test_the_verdict_names_it(user: User, workload: Any) -> None:
    name = "chat-0-serve-0" if workload is kubeinfer else "chat-0"
    text = runs_with(user, workload)
    dead = f", but {name} has computed nothing since 10m behind checks that pass, and nobody has restarted it"
    assert dead in text
    if workload is kubeinfer:
        # 10 a second for 50 minutes, and the 200 it had in hand.
        assert text.endswith(": about 30,200 requests lost.")
        assert "; pods that compute nothing lower the capacity to 58.3333 %, but" in text
    why = " ".join(user.types("why", "scenario.yaml", "--at", "30m").stdout.split())
    assert f"Under way 10m the engine of {name} computes nothing, behind checks that pass" in why


@both
def test_of_one_that_has_been_restarted_the_past_is_told(user: User, workload: Any) -> None:
    which = {"instances": [0]} if workload is kubeinfer else {"pods": [0]}
    text = runs_with(user, workload, {"at": "20m", "crash": which})
    name = "chat-0-serve-0" if workload is kubeinfer else "chat-0"
    assert f", but {name} computed nothing from 10m to 20m behind checks that passed" in text
    assert "has computed nothing since" not in text
    if workload is kubeinfer:
        assert text.endswith(": about 6,000 requests lost.")
    why = user.types("why", "scenario.yaml", "--at", "30m").stdout
    assert "computes nothing" not in why


@both
def test_so_it_is_where_the_engine_notices_by_itself(user: User, workload: Any) -> None:
    ends = "40m36s behind checks that passed"
    assert f"computed nothing from 10m to {ends}" in runs_with(
        user, workload, kind="HcclTimeout", symptom="crash"
    )


@both
def test_nor_is_one_that_a_fault_slows(user: User, workload: Any) -> None:
    user.plans(
        workload({**asking(npu=8), **READY}, replicas=2),
        cluster="3x8",
        initial="running",
        actions=[{"at": "10m", "fault": {"kind": "SubHealth", "node": "node-0", "npu": 1, "factor": 0.7}}],
        horizon="1h",
    )
    _, result = user.runs()
    assert "slow" in result["verdict"]["sentence"]
    assert "computed nothing" not in result["verdict"]["sentence"]
