"""Faults that checks do not see: what shows of them, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from field.user import User, asking, both, kubeinfer


@both
def test_a_collective_operation_that_hangs_is_seen_when_its_engine_exits(
    user: User, workload: Callable[..., Any]
) -> None:
    probe = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1}}
    fault = {"at": "10m", "fault": {"kind": "HcclTimeout", "pods": [0], "clearsAfter": "2m"}}
    user.plans(workload({**asking(npu=8), **probe}, replicas=1), cluster="4x8", actions=[fault], horizon="1h")
    _, result = user.runs()
    (struck,) = result["faults"]
    assert (struck["detectedBy"], struck["detectedAtMs"] - struck["atMs"]) == ("process exit", 120_000)


def test_an_instance_that_hangs_is_ready_and_takes_nothing(user: User) -> None:
    fault = {"at": "10m", "fault": {"kind": "HcclTimeout", "instances": [0], "clearsAfter": "20m"}}
    user.plans(kubeinfer(asking(npu=8), replicas=2), cluster="4x8", actions=[fault], horizon="50m")
    _, result = user.runs()
    assert result["availability"]["capacity"] == 0.8, "half of it for 20 of 50 minutes"
    all_ready = next(each for each in result["availability"]["levels"] if each["name"] == "all")
    assert all_ready["fraction"] > 0.99
