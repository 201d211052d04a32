"""StatefulSets: a pod for each ordinal, in their order (pkg/controller/statefulset)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import NPU, Raw, User, asking, bare_pod, daemon_set, stateful_set

CPU = asking(cpu=1)
READY = {"readinessProbe": {"exec": {"command": ["true"]}, "initialDelaySeconds": 10, "periodSeconds": 1}}


def pools(count: int = 4) -> dict[str, Any]:
    return {"pools": [{"name": "a", "count": count, "allocatable": {"cpu": 2, NPU: 8}}]}


def runs(user: User) -> Raw:
    (found,) = user.runs()[1]["statefulSets"]
    assert isinstance(found, dict)
    return found


def lives(user: User) -> dict[str, list[tuple[int, int | None, int | None]]]:
    """When the pods of each name were created, ready, gone."""
    found: dict[str, list[tuple[int, int | None, int | None]]] = {}
    for each in runs(user)["pods"]:
        times = each["createdAtMs"], each["readyAtMs"], each["goneAtMs"]
        found.setdefault(each["name"], []).append(times)
    return found


@pytest.mark.parametrize("parallel", [False, True])
def test_pods_are_created_in_order_each_when_those_before_are_ready(user: User, parallel: bool) -> None:
    spec = {"podManagementPolicy": "Parallel"} if parallel else {}
    user.plans(
        stateful_set({**CPU, **READY}, spec=spec),
        cluster=pools(),
        initial="empty",
        horizon="2m",
    )
    found = lives(user)
    assert list(found) == ["chat-0", "chat-1", "chat-2"]
    for name, before in (("chat-1", "chat-0"), ("chat-2", "chat-1")):
        assert found[name][0][0] == (0 if parallel else found[before][0][1])
    assert runs(user)["outcome"] == "completes"


def test_a_pod_that_does_not_become_ready_keeps_the_next_ones_from_being_made(user: User) -> None:
    pods = stateful_set(asking(cpu=2), nodeSelector={"want": "this"})
    user.plans(pods, cluster=pools(), initial="empty", horizon="1m")
    done, _ = user.runs()
    assert [each["name"] for each in user.pods(at="1m")] == ["chat-0"]
    assert done.returncode == 1
    assert "chat-0" in done.stdout


def test_ordinals_may_begin_elsewhere(user: User) -> None:
    user.plans(
        stateful_set(CPU, replicas=2, spec={"ordinals": {"start": 5}}),
        cluster=pools(),
        initial="empty",
        horizon="1m",
    )
    assert [each["name"] for each in user.pods(at="1m")] == ["chat-5", "chat-6"]


def test_no_other_pod_is_made_before_the_object_is_gone(user: User) -> None:
    """Its machine is dead: the pod stays Terminating, and nobody takes its place until somebody removes it."""
    actions = [
        {"at": "1m", "nodeDown": ["a-0"]},
        {"at": "20m", "object": "StatefulSet/chat", "forceDelete": {}},
    ]
    user.plans(stateful_set(asking(cpu=2), replicas=2), cluster=pools(3), actions=actions, horizon="30m")
    (first,) = [each for each in user.pods(at="19m") if each["name"] == "chat-0"]
    assert first["status"] == "Terminating"
    (again,) = [each for each in user.pods(at="21m") if each["name"] == "chat-0"]
    assert (again["createdAtMs"], again["node"]) == (1_200_000, "a-2")


def test_a_deleted_pod_comes_back_under_its_name_when_it_is_gone(user: User) -> None:
    delete = {"at": "1m", "object": "StatefulSet/chat", "deletePod": {"pods": [1]}}
    timings = {"profile": "zero", "exit": "5s"}
    user.plans(stateful_set(CPU), cluster=pools(), actions=[delete], timings=timings, horizon="2m")
    before, after = lives(user)["chat-1"]
    assert before[2] is not None
    assert after[0] == before[2] >= 65_000


def test_scaling_down_takes_the_highest_first_one_after_the_other(user: User) -> None:
    timings = {"profile": "zero", "exit": "5s"}
    scale = {"at": "1m", "scale": 1}
    user.plans(stateful_set(CPU), cluster=pools(), actions=[scale], timings=timings, horizon="2m")
    found = lives(user)
    assert found["chat-2"][0][2] is not None
    assert found["chat-1"][0][2] is not None
    assert found["chat-2"][0][2] + 5_000 <= found["chat-1"][0][2]
    assert found["chat-0"][0][2] is None


@pytest.mark.parametrize(
    ("strategy", "version", "replaced"),
    [
        ({}, "1.36", [["chat-2"], ["chat-1"], ["chat-0"]]),
        ({"rollingUpdate": {"partition": 2}}, "1.36", [["chat-2"]]),
        ({"rollingUpdate": {"maxUnavailable": 2}}, "1.36", [["chat-1", "chat-2"], ["chat-0"]]),
        ({"rollingUpdate": {"maxUnavailable": 2}}, "1.34", [["chat-2"], ["chat-1"], ["chat-0"]]),
        ({"type": "OnDelete"}, "1.36", []),
    ],
)
def test_an_update_goes_from_the_highest_ordinal_down_to_the_partition(
    user: User, strategy: Raw, version: str, replaced: list[list[str]]
) -> None:
    pods = stateful_set(
        {**CPU, **READY}, spec={"updateStrategy": strategy, "podManagementPolicy": "Parallel"}
    )
    update = {"at": "1m", "apply": {"newRevision": True}}
    user.plans(pods, cluster=pools(), actions=[update], horizon="5m", kubernetesVersion=version)
    made: dict[int, list[str]] = {}
    for name, times in lives(user).items():
        for created, *_ in times[1:]:
            made.setdefault(created, []).append(name)
    assert [sorted(made[at]) for at in sorted(made)] == replaced
    assert (runs(user)["changes"][-1]["completedAtMs"] is not None) is not False


def test_below_the_partition_a_pod_keeps_the_template_it_had(user: User) -> None:
    pods = stateful_set(CPU, spec={"updateStrategy": {"rollingUpdate": {"partition": 2}}})
    actions = [
        {"at": "1m", "patch": {"spec": {"template": {"metadata": {"labels": {"version": "2"}}}}}},
        {"at": "2m", "object": "StatefulSet/chat", "deletePod": {"pods": [0]}},
        {"at": "3m", "object": "StatefulSet/chat", "deletePod": {"pods": [2]}},
    ]
    user.plans(pods, cluster=pools(), actions=actions, horizon="5m")
    found = runs(user)
    assert found["timeline"]["updated"][-1][1] == 1
    assert found["outcome"] == "completes"


def test_an_update_waits_for_a_pod_that_is_not_ready(user: User) -> None:
    """OrderedReady: all have to be available before another one is taken down."""
    actions = [
        {"at": "50s", "health": {"pods": [0], "probes": ["readiness"]}},
        {"at": "1m", "apply": {"newRevision": True}},
    ]
    user.plans(stateful_set({**CPU, **READY}), cluster=pools(), actions=actions, horizon="5m")
    assert [len(each) for each in lives(user).values()] == [1, 1, 1]


def test_a_budget_counts_its_replicas(user: User) -> None:
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "b", "namespace": "prod"},
        "spec": {"maxUnavailable": "34%", "selector": {"matchLabels": {"app": "chat"}}},
    }
    drain = {"at": "1m", "drain": {"pool": "a"}}
    pods = stateful_set({**asking(cpu=2), **READY})
    user.plans(pods, budget, cluster=pools(3), actions=[drain], horizon="3m")
    # 34 % of 3 round up to 2: two may go, the third may not.
    assert sum(each["node"] != "" for each in user.pods(at="3m")) == 1


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"podManagementPolicy": "Sometimes"}, "Sometimes"),
        ({"updateStrategy": {"rollingUpdate": {"partition": -1}}}, "partition"),
        ({"updateStrategy": {"type": "OnDelete", "rollingUpdate": {"partition": 1}}}, "must not be given"),
        ({"ordinals": {"start": -1}}, "start"),
    ],
)
def test_what_the_api_server_refuses(user: User, spec: Raw, message: str) -> None:
    user.plans(stateful_set(CPU, spec=spec), cluster=pools(1))
    done, _ = user.runs()
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())


def test_claims_of_its_pods_are_warned_of(user: User) -> None:
    claims = [
        {
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }
    ]
    user.plans(stateful_set(CPU, spec={"volumeClaimTemplates": claims}), cluster=pools(1))
    assert "each pod has claims of its own" in " ".join(user.runs()[0].stdout.split())


@pytest.mark.parametrize("kind", [stateful_set, daemon_set])
def test_pods_beyond_a_quota_are_refused_until_it_is_raised(user: User, kind: Callable[..., Raw]) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": "prod"},
        "spec": {"hard": {"pods": "2"}},
    }
    raised = {"at": "1m", "object": "ResourceQuota/q", "patchObject": {"spec": {"hard": {"pods": "5"}}}}
    user.plans(kind(CPU), quota, cluster=pools(3), initial="empty", actions=[raised], horizon="5m")
    assert len(user.pods(at="59s")) == 2
    assert len(user.pods(at="5m")) == 3
    assert user.runs()[0].returncode == 0
    told = user.types("why", "scenario.yaml", "--at", "30s").stdout
    assert told.count("exceeded quota") <= 1


def test_rollout_and_diff_know_it(user: User) -> None:
    user.has("old.yaml", stateful_set(CPU))
    user.has("new.yaml", stateful_set({**CPU, "image": "repo/vllm:v2"}, replicas=4))
    told = " ".join(user.types("diff", "old.yaml", "new.yaml").stdout.split())
    assert "StatefulSet prod/chat: rollout" in told
    assert "3 pods replaced, from the highest ordinal down, 1 at a time" in told
    done = user.types("rollout", "old.yaml", "new.yaml", "--nodes", "4x8")
    assert "The update of StatefulSet chat completes" in done.stdout
    user.has("other.yaml", bare_pod(CPU))
    done = user.types("rollout", "other.yaml", "--nodes", "4x8")
    assert done.returncode == 2
    assert "holds no KubeInfer, Deployment, StatefulSet or DaemonSet" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    "label", [{"statefulset.kubernetes.io/pod-name": "chat-1"}, {"apps.kubernetes.io/pod-index": "1"}]
)
def test_a_budget_of_one_pod_knows_it_by_the_label_of_its_controller(user: User, label: Raw) -> None:
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "b", "namespace": "prod"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": label}},
    }
    drain = {"at": "1m", "drain": {"pool": "a"}}
    user.plans(stateful_set(CPU), budget, cluster=pools(3), actions=[drain], horizon="3m")
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 1
    assert "cannot evict chat-1: The disruption budget b" in " ".join(done.stdout.split())
