"""Nodes that join the cluster, and whose objects somebody deletes, while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.test_node_changes import AT_ONCE, places, pools
from field.test_taints import tolerating
from field.user import NPU, User, asking, both, deployment, kubeinfer

JOINS = {"at": "1m", "addNodes": {"name": "b", "allocatable": {NPU: 8}}}


@both
def test_what_waits_goes_to_a_node_as_soon_as_it_joins(user: User, workload: Callable[..., Any]) -> None:
    user.plans(
        workload(asking(npu=8), replicas=2),
        cluster=pools(a=1),
        initial="empty",
        actions=[JOINS],
        horizon="2m",
    )
    assert places(user, "59s") == ["", "a-0"]
    assert places(user, "61s") == ["a-0", "b-0"]
    done, result = user.runs()
    assert result["nodeChanges"] == [{"node": "b-0", "atMs": 60_000, "joined": True, "nodes": 2, "npus": 16}]
    assert "peak 16 of 8 to 16 in use" in done.stdout
    assert "b-0 joined at 1m: 2 nodes" in done.stdout


@both
def test_the_next_nodes_of_a_pool_are_like_its_last(user: User, workload: Callable[..., Any]) -> None:
    cluster = pools(a=2)
    cluster["pools"][0] |= {"labels": {"want": "this"}}
    more = {"at": "1m", "addNodes": {"name": "a", "count": 2}}
    pods = workload(asking(npu=8), replicas=4, nodeSelector={"want": "this", "kubernetes.io/arch": "arm64"})
    user.plans(pods, cluster=cluster, initial="empty", actions=[more], horizon="2m")
    assert places(user, "2m") == ["a-0", "a-1", "a-2", "a-3"]


@both
def test_a_no_execute_taint_of_a_node_that_joins_acts_at_once(
    user: User, workload: Callable[..., Any]
) -> None:
    joins = {"at": "1m", "addNodes": {**JOINS["addNodes"], "taints": [{"key": "k", "effect": "NoExecute"}]}}
    pods = workload(asking(npu=8), replicas=2, tolerations=tolerating(k=30))
    user.plans(pods, cluster=pools(a=1), initial="empty", actions=[joins], horizon="2m", assumptions=AT_ONCE)
    assert {"a-0", "b-0"} == set(places(user, "80s"))
    deleted = [each["createdAtMs"] for each in user.pods(at="91s") if each["node"] == "b-0"]
    assert deleted == [90_000]  # evicted after 30 s, made again, and there again


@both
@pytest.mark.parametrize("dies", [True, False])
def test_the_pods_of_a_deleted_node_are_collected_after_a_quarantine(
    user: User, workload: Callable[..., Any], dies: bool
) -> None:
    """Two passes of the collector, 20 s apart, and 40 s between them (pkg/controller/podgc)."""
    actions: list[dict[str, Any]] = [{"at": "1m", "removeNodes": ["a-0"]}]
    if dies:
        actions.insert(0, {"at": "55s", "nodeDown": ["a-0"]})
    pods = workload(asking(npu=8), replicas=2)
    user.plans(pods, cluster=pools(a=3), actions=actions, horizon="4m", assumptions=AT_ONCE)
    before, after = user.pods(at="99s"), user.pods(at="121s")
    assert {each["node"] for each in before} == {"a-0", "a-1"}
    # Nobody has written anything of the pods: their kubelet, where it runs, goes on running them.
    assert [each["readyContainers"] for each in before] == [1, 1]
    assert {each["node"] for each in after} == {"a-1", "a-2"}
    done, result = user.runs()
    (change,) = result["nodeChanges"]
    assert (change["node"], change["joined"], change["nodes"], change["npus"]) == ("a-0", False, 2, 16)
    assert "a-0 removed at 1m: 2 nodes" in done.stdout


@both
def test_what_a_deleted_node_offered_is_no_part_of_the_cluster(
    user: User, workload: Callable[..., Any]
) -> None:
    actions = [{"at": "1m", "removeNodes": ["a-1"]}, {"at": "2m", "scale": 2}]
    user.plans(workload(asking(npu=8), replicas=1), cluster=pools(a=2), actions=actions, horizon="3m")
    assert places(user, "3m") == ["", "a-0"]


@both
@pytest.mark.parametrize("back", ["kubeletRestart", "reboot"])
def test_a_kubelet_registers_its_node_again_only_when_it_is_started_anew(
    user: User, workload: Callable[..., Any], back: str
) -> None:
    actions = [
        {"at": "1m", "labelNodes": {"nodes": ["a-1"], "labels": {"by": "hand"}}},
        {"at": "1m", "removeNodes": ["a-1"]},
        {"at": "2m", "scale": 2},
        {"at": "10m", back: {"nodes": ["a-1"], "takes": "10s", "devicePluginAfter": "0s"}},
    ]
    user.plans(workload(asking(npu=8), replicas=1), cluster=pools(a=2), actions=actions, horizon="15m")
    assert places(user, "9m59s") == ["", "a-0"]
    assert places(user, "10m11s") == ["a-0", "a-1"]
    # A label that somebody gave the old object is gone with it.
    selected = {"at": "11m", "cordon": {"nodeSelector": {"by": "hand"}}}
    user.plans(
        workload(asking(npu=8), replicas=1), cluster=pools(a=2), actions=[*actions, selected], horizon="15m"
    )
    done, _ = user.runs()
    assert done.returncode == 2
    assert "no node has the labels by=hand" in " ".join(done.stderr.split())


@both
def test_pods_of_a_node_that_is_registered_again_in_time_stay(
    user: User, workload: Callable[..., Any]
) -> None:
    actions = [
        {"at": "1m", "removeNodes": ["a-0"]},
        {"at": "70s", "kubeletRestart": {"nodes": ["a-0"], "takes": "5s"}},
        {"at": "3m", "scale": 2},
    ]
    user.plans(workload(asking(npu=8), replicas=1), cluster=pools(a=1), actions=actions, horizon="5m")
    assert places(user, "5m") == ["", "a-0"]  # and what they hold is not free
    _, again = user.runs()[1]["nodeChanges"]
    assert (again["node"], again["joined"], again["atMs"]) == ("a-0", True, 75_000)


@both
def test_a_deleted_node_that_is_drained_or_tainted_is_an_error(
    user: User, workload: Callable[..., Any]
) -> None:
    actions = [{"at": "1m", "removeNodes": ["a-0"]}, {"at": "2m", "drain": "a-0"}]
    user.plans(workload(asking(npu=8), replicas=1), cluster=pools(a=2), actions=actions)
    done, _ = user.runs()
    assert done.returncode == 2
    assert "node a-0 is deleted at 1m" in done.told


def test_a_pool_that_there_is_not_needs_what_its_nodes_offer(user: User) -> None:
    joins = {"at": "1m", "addNodes": {"name": "b"}}
    user.plans(deployment(asking(npu=8)), cluster=pools(a=1), actions=[joins])
    done, _ = user.runs()
    assert done.returncode == 2
    assert "there is no pool 'b' to be like (a): say what its nodes offer" in " ".join(done.stderr.split())


@both
@pytest.mark.parametrize("at", ["0s", "10m"])
def test_a_death_at_the_start_is_noticed_as_any_other(
    user: User, workload: Callable[..., Any], at: str
) -> None:
    """The node controller has run for long: its grace counts from the last heartbeat it saw."""
    user.plans(
        workload(asking(npu=8), replicas=2),
        cluster=pools(a=3),
        actions=[{"at": at, "nodeDown": ["a-0"]}],
        horizon="20m",
    )
    outage = user.runs()[1]["nodeOutages"][0]
    since = outage["notReadyAtMs"] - outage["lastHeartbeatAtMs"]
    assert 50_000 < since <= 60_000
    assert outage["notReadyAtMs"] - outage["atMs"] < 55_000


def test_several_nodes_join_at_once_and_a_gang_takes_them(user: User) -> None:
    pods = kubeinfer(asking(npu=8), replicas=1)
    pods["spec"]["template"]["spec"]["roles"][0]["replicas"] = 3
    joins = {"at": "1m", "addNodes": {"name": "a", "count": 2}}
    user.plans(pods, cluster=pools(a=1), initial="empty", actions=[joins], horizon="2m")
    assert places(user, "59s") == ["", "", ""]
    assert places(user, "61s") == ["a-0", "a-1", "a-2"]
