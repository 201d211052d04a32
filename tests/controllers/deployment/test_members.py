"""StatefulSets and DaemonSets as their controllers play them: when each pod comes and goes, and what is told of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from field.user import NPU, Raw, User, asking, daemon_set, replica_set, stateful_set

from kubeinfer_sim.cluster.records import GangPending
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.simulation.simulate import simulate

CPU = asking(cpu=1)
READY = {"readinessProbe": {"exec": {"command": ["true"]}, "initialDelaySeconds": 10, "periodSeconds": 1}}
SLOW = {**CPU, **READY}
Life = tuple[str, str, float | None, float | None, float | None]


def pools(count: int = 3, cpu: int = 2, **more: Any) -> Raw:
    return {"pools": [{"name": "a", "count": count, "allocatable": {"cpu": cpu, NPU: 8}, **more}]}


def quota(pods: int) -> Raw:
    metadata = {"name": "q", "namespace": "prod"}
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": metadata,
        "spec": {"hard": {"pods": pods}},
    }


def raised(at: str, pods: int) -> Raw:
    return {"at": at, "object": "ResourceQuota/q", "patchObject": {"spec": {"hard": {"pods": pods}}}}


def measured(user: User) -> Raw:
    """What the result says of the StatefulSet, DaemonSet or ReplicaSet there is."""
    _, result = user.runs()
    (found,) = [
        each for kind in ("statefulSets", "daemonSets", "replicaSets") for each in result.get(kind, ())
    ]
    assert isinstance(found, dict)
    return found


def lives(user: User) -> list[Life]:
    """Each pod in the order of creation: name, node, and when it was created, deleted and gone, in s; None: not at all."""
    return [
        (
            each["name"],
            each["node"],
            *(_seconds(each[key]) for key in ("createdAtMs", "deletedAtMs", "goneAtMs")),
        )
        for each in measured(user)["pods"]
    ]


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def updates(budget: Raw) -> Raw:
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": budget}}


NEW = {"at": "1m", "apply": {"newRevision": True}}
RAN = (None, None)  # to the end of the run


@pytest.mark.parametrize(("count", "waits"), [(3, []), (2, [("chat-2", "", 0, *RAN)])])
def test_what_runs_at_the_start_are_all_pods_up_to_the_first_without_a_place(
    user: User, count: int, waits: list[Life]
) -> None:
    slow = {**asking(cpu=2), **READY}
    user.plans(stateful_set(slow, replicas=4), cluster=pools(count), initial="running", horizon="1m")
    ran = [(f"chat-{each}", f"a-{each}", 0, *RAN) for each in range(count)]
    assert lives(user) == [*ran, *(waits or [("chat-3", "", 0, *RAN)])]
    assert measured(user)["timeline"]["ready"] == [[0, count]]


@pytest.mark.parametrize(("scheduler", "at"), [("default-scheduler", "0s   "), ("volcano", "620ms")])
def test_a_pod_that_finds_no_place_is_explained_when_it_was_looked_at_first(
    user: User, scheduler: str, at: str
) -> None:
    """Volcano's cycle comes half a second after it."""
    pods = stateful_set(asking(cpu=4), schedulerName=scheduler)
    user.plans(pods, cluster=pools(), initial="empty", horizon="1m")
    told = user.types("why", "scenario.yaml", "--at", "30s").stdout
    assert f"{at}    chat-0 needs 1 node × 4 cpu; no such node is free" in told


@pytest.mark.parametrize(("unready", "at"), [([3], 90), ([2, 3], 120)])
def test_of_condemned_pods_that_are_not_available_the_lowest_alone_is_not_waited_for(
    user: User, unready: list[int], at: int
) -> None:
    """processCondemned: an ordinal above the first unhealthy one waits for that."""
    fails = {"readinessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 1, "failureThreshold": 1}}
    pods = stateful_set({**CPU, **fails}, replicas=4)
    actions = [{"at": "1m", "health": {"pods": unready, "until": "2m"}}, {"at": "90s", "scale": 1}]
    user.plans(pods, cluster=pools(), actions=actions, horizon="3m")
    _, *deleted = [each[3] or 0 for each in lives(user)]
    assert deleted == sorted(deleted, reverse=True) == [pytest.approx(at, abs=1)] * 3


@pytest.mark.parametrize("workload", [stateful_set, daemon_set])
def test_what_is_deleted_loses_its_pods_at_once(user: User, workload: Any) -> None:
    made = workload(CPU)
    delete = {"at": "1m", "deleteObject": f"{made['kind']}/{made['metadata']['name']}"}
    user.plans(made, cluster=pools(), actions=[delete], horizon="2m")
    assert [each[2:] for each in lives(user)] == [(0, 60, 60)] * 3


@pytest.mark.parametrize("workload", [stateful_set, daemon_set])
def test_with_on_delete_pods_are_replaced_that_somebody_deletes(user: User, workload: Any) -> None:
    pods = workload(CPU, spec={"updateStrategy": {"type": "OnDelete"}})
    name = f"{pods['kind']}/{pods['metadata']['name']}"
    delete = {"at": "2m", "object": name, "deletePod": {"pods": [1]}}
    user.plans(pods, cluster=pools(), actions=[{**NEW, "object": name}, delete], horizon="3m")
    assert [
        (made, deleted) for _, _, made, deleted, _ in sorted(lives(user), key=lambda each: each[2] or 0)
    ] == [
        (0, None),
        (0, 120),
        (0, None),
        (120, None),
    ]
    assert measured(user)["timeline"]["updated"][-2:] == [[60_000, 0], [120_000, 1]]


def test_each_change_is_a_generation_and_says_what_it_changes(user: User) -> None:
    label = {"patch": {"metadata": {"labels": {"team": "a"}}}}
    actions = [{"at": f"{at}m", **change} for at, change in enumerate([label, label, {"scale": 2}], 1)]
    for made in (stateful_set(CPU), replica_set(CPU)):
        user.plans(made, cluster=pools(), actions=actions, horizon="5m")
        told = [(each["generation"], each["changed"]) for each in measured(user)["changes"]]
        assert told == [(1, ["created"]), (2, ["metadata"]), (3, ["nothing"]), (4, ["replicas"])]


def test_a_node_that_only_keeps_the_pods_it_has_gets_none_at_the_start(user: User) -> None:
    tainted = {"pools": [*pools(1)["pools"], *pools(1, taints=[{"key": "k"}])["pools"]]}
    tainted["pools"][1]["name"] = "b"
    user.plans(daemon_set(CPU), cluster=tainted, initial="running", horizon="1m")
    assert lives(user) == [("agent-0", "a-0", 0, *RAN)]


def test_a_node_whose_pod_is_refused_uses_up_the_budget_of_an_update(user: User) -> None:
    """updatedDesiredNodeCounts: a node that wants a pod and has none is one without an available pod."""
    pods = daemon_set(SLOW, spec=updates({"maxUnavailable": 1}))
    user.plans(pods, quota(2), cluster=pools(), initial="running", actions=[NEW], horizon="2m")
    assert lives(user) == [("agent-0", "a-0", 0, *RAN), ("agent-1", "a-1", 0, *RAN)]
    assert "exceeded quota" in measured(user)["refused"]


@pytest.mark.parametrize(("surge", "nodes"), [("30%", 2), (1, 1), ("100%", 4)])
def test_a_surge_in_percent_is_rounded_up_to_whole_nodes(user: User, surge: int | str, nodes: int) -> None:
    pods = daemon_set(SLOW, spec=updates({"maxSurge": surge, "maxUnavailable": 0}))
    user.plans(pods, cluster=pools(4, cpu=4), actions=[NEW], horizon="3m")
    (change,) = measured(user)["changes"][1:]
    assert change["surge"] == nodes
    assert [each[2] for each in lives(user)[4:]] == [60 + 10 * (each // nodes) for each in range(4)]


def test_the_refusals_of_one_sync_are_told_once(user: User) -> None:
    user.plans(daemon_set(CPU), quota(1), cluster=pools(), initial="running", horizon="1s")
    told = json.loads(user.types("events", "scenario.yaml", "-o", "json").stdout)["items"]
    assert [(each["reason"], each.get("count")) for each in told] == [("FailedCreate", 1)]


def test_what_is_refused_is_asked_for_again_after_twice_as_long_each_time_it_was_looked_at(
    user: User,
) -> None:
    """5 ms, 10 ms … lead to 10.235 s; the sync of a pod that is ready at 10 s is one more; then 20.48 s go by."""
    pods = daemon_set(SLOW)
    user.plans(pods, quota(1), cluster=pools(2), initial="empty", actions=[raised("20s", 2)], horizon="1m")
    assert [each[2] for each in lives(user)] == [0, 10.235 + 20.48]


def test_what_is_refused_once_more_is_asked_for_again_as_soon_as_at_first(user: User) -> None:
    """5 ms, 10 ms … lead to 1.275 s; at first the sync of the pod that is ready at once is one more, and saves 10 ms."""
    delete = {"at": "2m", "object": "DaemonSet/agent", "deletePod": {"pods": [1]}}
    actions = [raised("1s", 2), raised("2m", 1), delete, raised("121s", 2)]
    user.plans(daemon_set(CPU), quota(1), cluster=pools(2), initial="empty", actions=actions, horizon="3m")
    assert [each[2] for each in lives(user)] == [0, 1.265, 120 + 1.275]


def test_a_pod_that_waits_is_explained_anew_once_it_was_gone(user: User) -> None:
    """And at the end of the run."""
    actions = [{"at": "1m", "scale": 1}, {"at": "2m", "scale": 2}]
    user.plans(stateful_set(asking(npu=8), replicas=2), cluster="1x8", actions=actions, horizon="3m")
    run = simulate(load_scenario(str(user.folder / "scenario.yaml")))
    assert [(each.instance.name, each.at) for each in run.history.of(GangPending)] == [
        ("chat-1", 0),
        ("chat-1", 120_000),
        ("chat-1", 180_000),
    ]


def test_what_runs_on_a_node_that_leaves_is_the_garbage_collector_s_and_what_waits_is_not(user: User) -> None:
    pods = daemon_set(asking(cpu=2))
    small = [
        {"name": name, "count": 1, "allocatable": {"cpu": cpu, NPU: 8}} for name, cpu in (("a", 2), ("b", 1))
    ]
    leave = {"at": "1m", "removeNodes": ["a-0", "b-0"]}
    user.plans(pods, cluster={"pools": small}, initial="empty", actions=[leave], horizon="10m")
    (ran, _, _, collected, _), (waited, _, _, deleted, _) = lives(user)
    assert deleted == 60
    assert collected is not None
    assert collected > 100, f"{ran} is deleted as {waited} is"
