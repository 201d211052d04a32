"""What a wait is for, who holds it up, and when it is due: in `why` and in the verdict."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import User, asking, both, deployment, kubeinfer

LABEL = {"modelarts-infer-npu-reset-enable": "true"}


def why(user: User, at: str) -> str:
    return " ".join(user.types("why", "scenario.yaml", "--at", at).stdout.split())


def named(workload: Any, name: str) -> Any:
    """The workload under another name, with pods of its own."""
    label = {"app": name}
    workload["metadata"]["name"] = name
    workload["spec"]["selector"]["matchLabels"] = workload["spec"]["template"]["metadata"]["labels"] = label
    return workload


def broken(kind: str, npu: int = 3, **more: Any) -> dict[str, Any]:
    return {"at": "50s", "fault": {"kind": kind, "node": "node-0", "npu": npu, **more}}


@pytest.mark.parametrize(("npus", "together", "holders"), [(8, "ring", "1-7"), (16, "card", "1")])
def test_who_holds_up_the_reset_of_an_npu_is_named(
    user: User, npus: int, together: str, holders: str
) -> None:
    user.plans(
        kubeinfer(asking(npu=1), replicas=1, labels=LABEL),
        named(deployment(asking(npu=npus - 1), replicas=1), "batch"),
        cluster=f"1x{npus}",
        initial="running",
        actions=[broken("NpuFault", 0)],
        horizon="2h",
    )
    done, result = user.runs()
    held = f"npu0 of node-0 waits for its {together}: batch-0 still runs on npu {holders}"
    assert held in why(user, "1h")
    assert done.returncode == 1
    assert held in result["verdict"]["sentence"]
    assert "draining node-0 would let it go on" in result["verdict"]["sentence"]


def test_of_a_reset_that_was_held_up_nothing_is_said_once_it_is_done(user: User) -> None:
    user.plans(
        kubeinfer(asking(npu=4), replicas=2, labels=LABEL),
        cluster="2x8",
        initial="running",
        actions=[broken("NpuFault", 0), {"at": "1h", "drain": "node-0"}],
        horizon="4h",
    )
    done, result = user.runs()
    assert done.returncode == 0
    assert "npu0 of node-0 waits for its ring: chat-1-serve-0 still runs on npu 4-7, until 1h" in why(
        user, "30m"
    )
    assert "waits for its ring" not in why(user, "3h")
    assert "waits for its ring" not in result["verdict"]["sentence"]


def test_when_a_repair_is_due_is_told_where_it_ends_in_the_run_and_where_it_does_not(user: User) -> None:
    for horizon, end in (({"horizon": "3d"}, True), ({"horizon": "1d"}, False), ({}, False)):
        user.plans(
            kubeinfer(asking(npu=8), replicas=1, labels=LABEL),
            cluster="1x8",
            initial="running",
            actions=[broken("CardDrop", repair="51h")],
            **horizon,
        )
        done, result = user.runs()
        assert "NPU 3 of node-0 is out until repaired; 7 left to give; repair due at 2d3h" in why(user, "70s")
        assert (done.returncode == 0) is end, done.stdout
        assert ("still due: the repair of node-0/npu3 at 2d3h" in result["verdict"]["sentence"]) is not end
        assert ([each["what"] for each in result["end"]["due"]] == ["node-0/npu3"]) is not end


def test_when_the_repair_that_pods_of_a_deployment_wait_for_is_due_is_told(user: User) -> None:
    for horizon, end in (("3d", True), ("1d", False)):
        user.plans(
            deployment(asking(npu=8), replicas=1),
            cluster="1x8",
            initial="running",
            actions=[broken("CardDrop", repair="51h"), {"at": "2m", "deletePod": {"pods": [0]}}],
            horizon=horizon,
        )
        done, result = user.runs()
        assert "(CardDrop" in why(user, "5m")
        due = "2d3h" if end else "repair due at 2d3h"
        assert due in why(user, "5m")
        assert ("still due: the repair of node-0/npu3 at 2d3h" in result["verdict"]["sentence"]) is not end
        assert (done.returncode == 0) is end


@both
def test_what_lasts_says_until_when(user: User, workload: Any) -> None:
    user.plans(
        workload(asking(npu=8), replicas=1),
        cluster="2x8",
        initial="running",
        actions=[{"at": "1m", "cordon": "node-1"}, {"at": "20m", "uncordon": "node-1"}],
        horizon="1h",
    )
    assert "1m node-1 takes no new pods (cordon), until 20m" in why(user, "5m")
    assert "cordon" not in why(user, "30m")


BUDGET = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "metadata": {"name": "keep", "namespace": "prod"},
    "spec": {"selector": {"matchLabels": {"app": "chat"}}, "minAvailable": 2},
}


@both
@pytest.mark.parametrize(
    ("horizon", "how"),
    [({}, "never ends"), ({"horizon": "2h"}, "is not done at the horizon")],
)
@pytest.mark.parametrize("update", [False, True])
def test_a_drain_that_a_budget_holds_is_in_the_verdict_with_the_budget_and_the_way_out(
    user: User, workload: Any, horizon: dict[str, Any], how: str, update: bool
) -> None:
    actions: list[dict[str, Any]] = [{"at": "10m", "drain": "node-0"}]
    if update:
        actions.append({"at": "5m", "apply": {"newRevision": True}})
    user.plans(
        workload(asking(npu=8), replicas=2),
        BUDGET,
        cluster="3x8",
        initial="running",
        actions=actions,
        **horizon,
    )
    done, result = user.runs()
    sentence = result["verdict"]["sentence"]
    assert done.returncode == 1
    assert result["verdict"]["outcome"] == ("unfinished" if horizon else "neverFinishes")
    assert sentence.lower().count("the drain of node-0") == 1
    assert f"he drain of node-0 {how}: cannot evict chat-" in sentence
    assert "disruption budget keep" in sentence
    assert "needs 2 healthy pods and has 2 currently; more healthy pods, a looser budget" in sentence
    assert "Nothing happened" not in sentence


@both
def test_a_drain_that_ended_is_not_held_in_the_verdict(user: User, workload: Any) -> None:
    user.plans(
        workload(asking(npu=8), replicas=3),
        BUDGET,
        cluster="4x8",
        initial="running",
        actions=[{"at": "10m", "drain": "node-0"}],
        horizon="2h",
    )
    done, result = user.runs()
    assert done.returncode == 0
    assert "cannot evict" not in result["verdict"]["sentence"]


def dying(*nodes: str) -> dict[str, Any]:
    return {"at": "10m", "nodeDown": {"nodes": list(nodes), "mode": "silent"}}


@both
@pytest.mark.parametrize("horizon", [{}, {"horizon": "2h"}])
@pytest.mark.parametrize(
    ("nodes", "dead", "state"),
    [
        (1, ["node-0"], "no node is ready (FullDisruption)"),
        (4, ["node-0", "node-1", "node-2"], "1 of 4 nodes is ready (PartialDisruption)"),
    ],
)
def test_a_dead_node_whose_pods_nobody_evicts_is_named_with_the_reason_and_the_way_out(
    user: User, workload: Any, horizon: dict[str, Any], nodes: int, dead: list[str], state: str
) -> None:
    user.plans(
        workload(asking(npu=8), replicas=nodes),
        cluster=f"{nodes}x8",
        initial="running",
        actions=[dying(*dead)],
        **horizon,
    )
    done, result = user.runs()
    assert done.returncode == 1
    told = (
        f"on node-0, which is down since 10m; nobody evicts it, since {state}: until it returns, the pod is"
    )
    assert told in result["verdict"]["sentence"]
    assert "in serving" not in result["verdict"]["sentence"]
    text = why(user, "11m" if horizon else f"{result['end']['atMs']}ms")
    assert f"{state}: failed nodes do not get the taint for which pods are evicted" in text
    assert told in text


@both
def test_pods_of_a_dead_node_that_are_evicted_are_not_said_to_stay(user: User, workload: Any) -> None:
    user.plans(
        workload(asking(npu=8), replicas=2),
        cluster="2x8",
        initial="running",
        actions=[dying("node-0")],
        horizon="2h",
    )
    done, result = user.runs()
    assert done.returncode == 1
    assert "nobody evicts" not in result["verdict"]["sentence"]
    assert "Terminating since 15m51s on node-0, which is down: until it" in result["verdict"]["sentence"]
    assert "Disruption" not in why(user, "20m")


@both
def test_a_zone_that_is_well_again_is_told(user: User, workload: Any) -> None:
    user.plans(
        workload(asking(npu=8), replicas=1),
        cluster="1x8",
        initial="running",
        actions=[{"at": "10m", "nodeDown": {"nodes": ["node-0"], "mode": "cutOff", "until": "30m"}}],
        horizon="2h",
    )
    done, result = user.runs()
    assert done.returncode == 0
    assert "no node is ready (FullDisruption): failed nodes do not get the taint" in why(user, "20m")
    assert "Disruption" not in why(user, "1h")
    assert "Disruption" not in result["verdict"]["sentence"]


SLOW_TO_STOP = {"lifecycle": {"preStop": {"sleep": {"seconds": 60}}}}


@both
def test_a_drain_that_is_held_says_what_holds_it_at_that_time(user: User, workload: Any) -> None:
    """Its two pods may go one after the other; meanwhile the third is not ready for ten minutes."""
    user.plans(
        workload(
            {**asking(cpu=2), **SLOW_TO_STOP, "readinessProbe": {"tcpSocket": {"port": 1}}},
            terminationGracePeriodSeconds=90,
        ),
        {**BUDGET, "spec": {**BUDGET["spec"], "minAvailable": 3}},
        cluster={"pools": [{"name": "web", "count": 4, "allocatable": {"cpu": 4}}]},
        initial="running",
        actions=[
            {"at": "5m", "drain": "web-0"},
            {"at": "10m", "health": {"nodes": ["web-1"], "lasts": "10m"}},
            {"at": "30m", "scale": 4},
            {"at": "40m", "scale": 6},
        ],
        horizon="1h",
    )
    first, second = ("chat-0-serve-0", "chat-1-serve-0") if workload is kubeinfer else ("chat-0", "chat-1")
    third = first.replace("0", "2", 1)

    def held(at: str) -> str:
        lines = user.types("why", "scenario.yaml", "--at", at, COLUMNS="400").stdout.splitlines()
        under_way = lines[lines.index("Under way") + 1 : lines.index("", lines.index("Under way"))]
        return "".join(line for line in under_way if "held" in line)

    for at, healthy in (("6m", 3), ("12m", 2), ("25m", 3)):
        assert held(at).startswith("  5m ")
        assert f"cannot evict {first}, {second}: The disruption budget keep" in held(at)
        assert f"needs 3 healthy pods and has {healthy} currently" in held(at)
        assert (f"not healthy: {third}" in held(at)) is (healthy == 2)
    assert f": cannot evict {second}: " in held("30m7s")
    assert held("31m20s") == ""  # the last one stops, and nothing refuses it


@both
@pytest.mark.parametrize("mode", ["silent", "cutOff"])
def test_a_node_that_is_down_for_longer_than_a_run_waits_is_awaited(
    user: User, workload: Any, mode: str
) -> None:
    """Somebody has said when it is back: the run is not given up before that, and a horizon before it tells of it."""
    down = {"at": "10m", "nodeDown": {"nodes": ["node-0"], "mode": mode, "lasts": "3d"}}
    pods = workload(asking(npu=8), replicas=1)
    user.plans(pods, cluster="1x8", initial="running", actions=[down])
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    assert result["end"]["atMs"] >= 3 * 86_400_000
    user.plans(pods, cluster="1x8", initial="running", actions=[down], horizon="5h")
    done, result = user.runs()
    assert done.returncode == 1
    assert result["end"]["due"] == [{"what": "node-0", "kind": "return", "atMs": 3 * 86_400_000 + 600_000}]
    if mode == "silent":
        assert "at the horizon" in result["verdict"]["sentence"].lower()
        assert "still due: the return of node-0 at 3d10m" in result["verdict"]["sentence"]


@both
def test_a_fault_that_clears_late_is_awaited(user: User, workload: Any) -> None:
    fault = {"at": "10m", "fault": {"kind": "WatchdogFault", "node": "node-0", "clearsAfter": "3d"}}
    user.plans(workload(asking(npu=8), replicas=1), cluster="1x8", initial="running", actions=[fault])
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    assert "for good" not in result["verdict"]["sentence"]
