"""A run that never finishes names the smallest changes with which it does, each of which has been played."""

from __future__ import annotations

from typing import Any

from field.user import User, asking, both, kubeinfer

NPUS = asking(npu=8)
STARTUP = {
    "startupProbe": {
        "tcpSocket": {"port": 1},
        "periodSeconds": 10,
        "timeoutSeconds": 1,
        "failureThreshold": 3,
    }
}


@both
def test_the_least_number_of_nodes_and_budgets_with_which_it_finishes(user: User, workload: Any) -> None:
    """Two at once on top of four on four nodes: one more node is enough, for one comes after the other."""
    user.plans(
        workload(NPUS, replicas=4, surge=2),
        cluster="4x8",
        initial="running",
        update={"newRevision": True},
        timings={"profile": "zero", "create": "10s"},
    )
    done, result = user.runs()
    assert done.returncode == 1
    known = result["waysToFinish"]
    owner = "KubeInfer/chat" if result["instances"] else "Deployment/chat"
    assert [(each["knob"], each["value"], each["owner"]) for each in known["ways"]] == [
        ("spareNodes", "1", ""),
        ("maxUnavailable", "1", owner),
        ("replicas", "3", owner),
    ]
    assert [(each["fewestReady"], each["replicas"]) for each in known["ways"]] == [(4, 4), (3, 4), (3, 3)]
    assert known["runs"] == 3
    assert "with 1 more node (4 of 4 stay ready" in done.stdout
    assert "with maxUnavailable 1 (3 of 4 stay ready" in done.stdout
    # As it is said.
    user.plans(
        workload(NPUS, replicas=4, surge=2),
        cluster="5x8",
        initial="running",
        update={"newRevision": True},
        timings={"profile": "zero", "create": "10s"},
    )
    done, result = user.runs()
    assert done.returncode == 0
    assert "waysToFinish" not in result


@both
def test_a_probe_that_kills_too_early_gets_the_window_that_is_just_long_enough(
    user: User, workload: Any
) -> None:
    user.plans(
        workload({**STARTUP, **NPUS}, replicas=1),
        cluster="2x8",
        initial="empty",
        timings={"profile": "zero", "weights": "95s"},
    )
    done, result = user.runs()
    (way,) = result["waysToFinish"]["ways"]
    # It answers after 95 s, and is asked every 10 s: the tenth time it does.
    assert (way["knob"], way["value"], way["more"]) == ("startupProbe.failureThreshold", "10", 7)
    assert "with startupProbe.failureThreshold 10 (1 of 1 stays ready" in done.stdout


@both
def test_what_was_still_due_is_waited_for(user: User, workload: Any) -> None:
    broken = {"at": "1m", "fault": {"kind": "CardDrop", "node": "node-0", "npu": 3, "repair": "51h"}}
    user.plans(
        workload(NPUS, replicas=1),
        cluster="1x8",
        initial="running",
        actions=[broken, {"at": "2m", "deletePod": {"pods": [0]}}],
        horizon="1d",
    )
    done, result = user.runs()
    assert done.returncode == 1
    waited = [each for each in result["waysToFinish"]["ways"] if each["knob"] == "wait"]
    assert [each["value"] for each in waited] == ["repair of node-0/npu3"]
    assert "after the repair of node-0/npu3 at 2d3h" in done.stdout


def test_where_nothing_helps_it_says_what_was_tried_and_of_a_run_that_finishes_nothing(
    user: User,
) -> None:
    user.plans(
        kubeinfer({**STARTUP, **NPUS}, replicas=1, nodeSelector={"no": "where"}),
        cluster={"pools": [{"name": "a", "count": 1, "allocatable": {"huawei.com/ascend-1980": 8}}]},
        initial="empty",
    )
    done, result = user.runs("--markdown", "-", "-q")
    assert result["waysToFinish"]["ways"] == []
    assert result["waysToFinish"]["tried"] == ["spareNodes 64"]
    assert "with none of what was tried: up to 64 more nodes" in done.stdout
    user.plans(kubeinfer(NPUS, replicas=1), cluster="1x8", initial="empty")
    done, result = user.runs()
    assert done.returncode == 0
    assert "waysToFinish" not in result
    assert "Finishes" not in done.stdout
