"""What `why` says of an instance or a pod that does not get ready in the run: how the run ends, and what is due after it."""

from __future__ import annotations

from typing import Any

from field.user import User, asking, both, kubeinfer

STARTUP = {"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 60}


def why(user: User, at: str) -> str:
    return " ".join(user.types("why", "scenario.yaml", "--at", at).stdout.split())


@both
def test_what_is_due_after_the_run_is_not_never(user: User, workload: Any) -> None:
    fault = {"kind": "HbmFault", "node": "node-1", "npu": 1, "level": "SeparateNPU"}
    user.plans(
        workload({**asking(npu=8), "startupProbe": STARTUP}, replicas=2),
        cluster="2x8",
        initial="running",
        actions=[{"at": "10m", "fault": fault}, {"at": "11m", "deletePod": {"nodes": ["node-1"]}}],
    )
    told = why(user, "50m")
    assert "Not in this run: the run was given up after 1d without progress; still due: the repair of" in told
    assert "Never" not in told
    assert "last event" not in told


def test_an_instance_that_has_its_nodes_lacks_them_in_the_end(user: User) -> None:
    pods = {"instances": [1]}
    user.plans(
        kubeinfer({**asking(npu=8), "startupProbe": {**STARTUP, "failureThreshold": 3600}}, replicas=2),
        cluster="2x8",
        initial="running",
        timings={"profile": "zero", "weights": "10m"},
        actions=[
            {"at": "10m", "crash": pods},
            {"at": "15m", "cordon": "node-0"},
            {"at": "15m", "cordon": "node-1"},
            {"at": "15m", "deletePod": pods},
        ],
    )
    lacks = "2 node(s) were unschedulable"
    early, later = why(user, "12m"), why(user, "20m")
    assert lacks in early.partition("; in the end ")[2]
    assert lacks in later
    assert "in the end" not in later
