"""DaemonSets: a pod on each node that takes it (pkg/controller/daemon)."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import NPU, User, asking, bare_pod, daemon_set, deployment

CPU = asking(cpu=1)


def pools(count: int = 3, **more: Any) -> dict[str, Any]:
    return {"pools": [{"name": "a", "count": count, "allocatable": {"cpu": 8, NPU: 8}, **more}]}


def nodes(user: User, at: str) -> list[str]:
    """Where the DaemonSet's pods are, those that are not going."""
    pods = [each for each in user.pods(at=at) if each["kind"] == "DaemonSet"]
    return sorted(each["node"] for each in pods if each["deletedAtMs"] is None)


@pytest.mark.parametrize("initial", ["empty", "running"])
def test_each_node_has_one_and_so_has_one_that_joins(user: User, initial: str) -> None:
    joins = {"at": "1m", "addNodes": {"name": "a"}}
    user.plans(daemon_set(CPU), cluster=pools(2), initial=initial, actions=[joins], horizon="2m")
    assert nodes(user, "59s") == ["a-0", "a-1"]
    assert nodes(user, "61s") == ["a-0", "a-1", "a-2"]
    done, result = user.runs()
    (found,) = result["daemonSets"]
    assert found["timeline"]["desired"] == [[0, 2], [60_000, 3]]
    assert found["outcome"] == "completes"
    assert done.returncode == 0


def test_nodes_that_do_not_match_or_keep_it_off_have_none(user: User) -> None:
    cluster = {
        "pools": [
            *pools(1, labels={"want": "this"})["pools"],
            {"name": "b", "count": 1, "allocatable": {"cpu": 8}},
            {
                "name": "c",
                "count": 1,
                "allocatable": {"cpu": 8},
                "labels": {"want": "this"},
                "taints": [{"key": "k"}],
            },
        ]
    }
    actions = [
        {"at": "1m", "labelNodes": {"nodes": ["b-0"], "labels": {"want": "this"}}},
        {"at": "2m", "untaint": {"nodes": ["c-0"], "key": "k"}},
        {"at": "3m", "labelNodes": {"nodes": ["a-0"], "labels": {"want": None}}},
        {"at": "4m", "taint": {"nodes": ["b-0"], "key": "k"}},
    ]
    pods = daemon_set(CPU, nodeSelector={"want": "this"})
    user.plans(pods, cluster=cluster, initial="empty", actions=actions, horizon="5m")
    assert nodes(user, "59s") == ["a-0"]
    assert nodes(user, "61s") == ["a-0", "b-0"]
    assert nodes(user, "121s") == ["a-0", "b-0", "c-0"]
    assert nodes(user, "181s") == ["b-0", "c-0"]  # where it should not be any more it is deleted
    assert nodes(user, "5m") == ["b-0", "c-0"]  # a taint that only keeps off lets it be


def test_a_drain_leaves_it_and_a_cordon_does_not_keep_it_off(user: User) -> None:
    actions = [
        {"at": "1m", "drain": "a-0"},
        {"at": "2m", "object": "DaemonSet/agent", "deletePod": {"nodes": ["a-0"]}},
    ]
    beside = deployment(CPU, replicas=2)
    user.plans(daemon_set(CPU), beside, cluster=pools(2), actions=actions, horizon="4m")
    assert nodes(user, "90s") == ["a-0", "a-1"]
    (again,) = [each for each in user.pods(at="4m") if each["node"] == "a-0"]
    assert again["createdAtMs"] >= 120_000
    done, _ = user.runs()
    assert "a-0 drained from 1m: empty after" in done.stdout


def test_a_drain_that_is_not_told_to_ignore_it_fails(user: User) -> None:
    drain = {"at": "1m", "drain": {"nodes": ["a-0"], "ignoreDaemonsets": False}}
    user.plans(daemon_set(CPU), cluster=pools(2), actions=[drain], horizon="2m")
    assert "cannot delete DaemonSet-managed Pods" in user.runs()[0].stdout


@pytest.mark.parametrize("force", [False, True])
def test_a_drain_takes_pods_that_nobody_will_make_again_only_with_force(user: User, force: bool) -> None:
    drain = {"at": "1m", "drain": {"nodes": ["a-0"], "force": force}}
    user.plans(bare_pod(CPU), cluster=pools(1), actions=[drain], horizon="2m")
    told = user.runs()[0].stdout
    assert ("cannot delete Pods that declare no controller" in " ".join(told.split())) is not force


def test_it_stays_on_a_node_that_dies_and_goes_on_when_that_is_back(user: User) -> None:
    actions = [{"at": "1m", "nodeDown": {"nodes": ["a-0"], "lasts": "20m"}}]
    user.plans(daemon_set(CPU), cluster=pools(2), actions=actions, horizon="30m")
    assert nodes(user, "20m") == ["a-0", "a-1"]
    (pod,) = [each for each in user.pods(at="30m") if each["node"] == "a-0"]
    assert (pod["deletedAtMs"], pod["restarts"], pod["readyContainers"]) == (None, 1, 1)


def test_it_takes_its_room_before_others_and_waits_where_there_is_none(user: User) -> None:
    beside = deployment(asking(cpu=8), replicas=1)
    user.plans(daemon_set(CPU), beside, cluster=pools(1), initial="running", horizon="1m")
    assert nodes(user, "1m") == ["a-0"]
    done, _ = user.runs()
    assert done.returncode == 1
    assert "chat-0 needs 1 node × 8 cpu; no such node is free" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("budget", "fewest", "most"),
    [
        ({"maxUnavailable": 1}, 3, 4),
        ({"maxUnavailable": 2}, 2, 4),
        ({"maxSurge": "30%", "maxUnavailable": 0}, 4, 6),  # of four, rounded up
    ],
)
def test_an_update_goes_node_by_node_within_its_budget(
    user: User, budget: dict[str, Any], fewest: int, most: int
) -> None:
    slow = {**CPU, "readinessProbe": {"exec": {"command": ["true"]}, "initialDelaySeconds": 10}}
    pods = daemon_set(slow, spec={"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": budget}})
    update = {"at": "1m", "object": "DaemonSet/agent", "apply": {"newRevision": True}}
    user.plans(
        pods,
        cluster=pools(4),
        actions=[update],
        horizon="5m",
    )
    _, result = user.runs()
    (found,) = result["daemonSets"]
    assert found["changes"][-1]["completedAtMs"] is not None
    assert found["minAvailablePods"] == fewest
    counts = [len(nodes(user, f"{60 + at}s")) for at in range(0, 60, 5)]
    assert max(counts) == most
    assert nodes(user, "5m") == ["a-0", "a-1", "a-2", "a-3"]


def test_on_delete_replaces_only_what_somebody_deletes(user: User) -> None:
    pods = daemon_set(CPU, spec={"updateStrategy": {"type": "OnDelete"}})
    actions = [
        {"at": "1m", "object": "DaemonSet/agent", "apply": {"newRevision": True}},
        {"at": "2m", "object": "DaemonSet/agent", "deletePod": {"nodes": ["a-1"]}},
    ]
    user.plans(pods, cluster=pools(2), actions=actions, horizon="3m")
    created = {each["node"]: each["createdAtMs"] for each in user.pods(at="3m")}
    assert created["a-0"] is None  # it ran before the simulation began
    assert created["a-1"] >= 120_000


def test_a_pod_that_fails_again_and_again_is_made_again_with_a_back_off(user: User) -> None:
    """FailedDaemonPod: 1 s, doubled each time."""
    ports = {**CPU, "ports": [{"containerPort": 1, "hostPort": 8080}]}
    taken = bare_pod(ports, name="taken", nodeName="a-0")
    pods = daemon_set(CPU, nodeName="a-0")
    pods["spec"]["template"]["spec"]["containers"][0]["ports"] = ports["ports"]
    user.plans(taken, pods, cluster=pools(1), initial="empty", horizon="20s")
    created = [each["createdAtMs"] for each in user.runs()[1]["daemonSets"][0]["pods"]]
    rejected = created[1]  # as soon as the kubelet has said so
    assert [each - rejected for each in created[1:]] == [0, 1_000, 3_000, 7_000, 15_000]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"updateStrategy": {"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}}}, "must be 0 when"),
        ({"updateStrategy": {"rollingUpdate": {"maxUnavailable": 0}}}, "must not be 0 when maxSurge is 0"),
        ({"updateStrategy": {"type": "Recreate"}}, "Recreate"),
        ({"selector": {"matchLabels": {"app": "other"}}}, "must be matched by the DaemonSet's selector"),
    ],
)
def test_what_the_api_server_refuses(user: User, spec: dict[str, Any], message: str) -> None:
    user.plans(daemon_set(CPU, spec=spec), cluster=pools(1))
    done, _ = user.runs()
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())


def test_it_has_no_scale(user: User) -> None:
    user.plans(
        daemon_set(CPU), cluster=pools(1), actions=[{"at": "1m", "object": "DaemonSet/agent", "scale": 2}]
    )
    assert "scale is nothing a DaemonSet knows" in " ".join(user.runs()[0].stderr.split())


def test_rollout_and_diff_know_it(user: User) -> None:
    old = daemon_set(CPU)
    new = daemon_set({**CPU, "image": "repo/vllm:v2"})
    user.has("old.yaml", old)
    user.has("new.yaml", new)
    told = user.types("diff", "old.yaml", "new.yaml").stdout
    assert "DaemonSet prod/agent: rollout" in told
    assert "up to 1 unavailable" in " ".join(told.split())
    done = user.types("rollout", "old.yaml", "new.yaml", "--nodes", "3x8")
    assert "The update of DaemonSet agent completes" in done.stdout
    assert done.returncode == 0
