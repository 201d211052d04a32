"""What `why` says of an instance or a pod that does not get ready in the run: how the run ends, and what is due after it."""

from __future__ import annotations

from typing import Any

from field.user import User, asking, both, kubeinfer, stateful_set

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


def test_no_line_is_there_twice(user: User) -> None:
    """A scheduler that looks again at once says the same of a pod; of one pod alone it is not `pods`."""
    user.plans(
        stateful_set({**asking(npu=8), "startupProbe": STARTUP}, replicas=2),
        cluster="1x8",
        initial="empty",
        timings={"profile": "zero", "weights": "10s"},
    )
    lines = user.types("why", "scenario.yaml", "--at", "1m").stdout.splitlines()
    assert any(line.startswith("  StatefulSet chat, pod 0: since ") for line in lines)
    told = [line for line in lines if line.startswith("    ")]
    assert len(told) == len(set(told)) > 2


@both
def test_each_step_says_something(user: User, workload: Any) -> None:
    """A pull begins after the volumes, and fails at once."""
    user.plans(
        workload({**asking(npu=8), "image": "repo/bad:1"}, replicas=1),
        cluster="1x8",
        initial="empty",
        timings={"profile": "typical"},
        actions=[{"at": "0s", "imageFault": {"lasts": "20m"}}],
    )
    told = why(user, "10m")
    assert "cannot have repo/bad:1" in told
    assert "goes on" not in told.partition("Why")[2].partition("Ready at")[0]
