"""Autoscalers that come, change and go while it runs: their bounds hold from then on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from field.user import Raw, User, asking, deployment, kubeinfer, replica_set, stateful_set

ONE_NODE = {"pools": [{"name": "a", "count": 1, "allocatable": {"cpu": "64", "pods": 200}}]}


def autoscaler(least: int = 5, most: int = 9, kind: str = "Deployment") -> Raw:
    target = {"apiVersion": "apps/v1", "kind": kind, "name": "chat"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h", "namespace": "prod"},
        "spec": {"minReplicas": least, "maxReplicas": most, "scaleTargetRef": target},
    }


def keda() -> Raw:
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "h", "namespace": "prod"},
        "spec": {"minReplicaCount": 5, "scaleTargetRef": {"name": "chat"}, "triggers": []},
    }


def act(at: str, **action: Any) -> Raw:
    return {"at": at, **action}


def count(user: User, at: str) -> int:
    return len(user.pods(at=at))


def plan(user: User, manifest: list[Raw], *actions: Raw) -> None:
    user.plans(*manifest, cluster=ONE_NODE, actions=list(actions), initial="running")


@pytest.mark.parametrize("made", [autoscaler(), keda()], ids=["HorizontalPodAutoscaler", "ScaledObject"])
def test_one_that_is_created_brings_the_replicas_into_its_bounds(user: User, made: Raw) -> None:
    plan(user, [deployment({}, replicas=2)], act("1m", create=made))
    assert [count(user, at) for at in ("59s", "2m")] == [2, 5]
    done, result = user.runs()
    assert done.returncode == 0
    (told,) = [each for each in result["warnings"] if "autoscaler owns" in each]
    assert told.startswith("scenario.yaml:")
    assert "spec.actions[0].create" in told


def test_a_scaled_object_that_is_paused_keeps_the_replicas_it_is_paused_at(user: User) -> None:
    made = keda()
    made["metadata"]["annotations"] = {"autoscaling.keda.sh/paused-replicas": "3"}
    plan(user, [deployment({}, replicas=2), made])
    assert count(user, "1m") == 3


@pytest.mark.parametrize("workload", [replica_set, stateful_set])
def test_so_are_those_of_other_kinds(user: User, workload: Callable[..., Raw]) -> None:
    made = workload({}, replicas=2)
    plan(user, [made], act("1m", create=autoscaler(kind=made["kind"])))
    assert [count(user, at) for at in ("59s", "10m")] == [2, 5]


def test_its_warning_is_true_of_whatever_it_scales(user: User) -> None:
    plan(user, [stateful_set({}, replicas=2), autoscaler(kind="StatefulSet")])
    told = " ".join(user.types("run", "scenario.yaml").stdout.split())
    assert (
        "here that of what it scales is kept within its minimum and maximum but that of a KubeInfer" in told
    )


def test_one_that_is_patched_has_its_new_bounds(user: User) -> None:
    more, fewer = ({"spec": {"minReplicas": least, "maxReplicas": most}} for least, most in ((7, 9), (1, 3)))
    patches = [
        act(at, object="HorizontalPodAutoscaler/h", patchObject=patch)
        for at, patch in (("1m", more), ("10m", fewer))
    ]
    plan(user, [deployment({}, replicas=2), autoscaler()], *patches)
    assert [count(user, at) for at in ("59s", "2m", "20m")] == [5, 7, 3]


def test_one_that_is_deleted_leaves_the_replicas_as_they_are_and_free(user: User) -> None:
    plan(
        user,
        [deployment({}, replicas=2), autoscaler()],
        act("1m", object="Deployment/chat", scale=1),
        act("10m", deleteObject="HorizontalPodAutoscaler/h"),
        act("20m", object="Deployment/chat", apply={"newRevision": True}),
        act("30m", object="Deployment/chat", scale=1),
    )
    assert [count(user, at) for at in ("2m", "19m", "29m", "40m")] == [5, 5, 5, 1]


def test_one_there_first_holds_a_workload_that_is_created_later(user: User) -> None:
    other = deployment({}, replicas=1)
    other["metadata"]["name"] = "other"
    labels = {"app": "other"}
    other["spec"] |= {"selector": {"matchLabels": labels}}
    other["spec"]["template"]["metadata"] = {"labels": labels}
    plan(
        user,
        [other],
        act("1m", create=autoscaler()),
        act("2m", create=deployment({}, replicas=2)),
    )
    assert [count(user, at) for at in ("1m30s", "3m")] == [1, 6]


def test_what_one_does_to_a_kubeinfer_is_a_warning_alone(user: User) -> None:
    plan(user, [kubeinfer({}, replicas=2)], act("1m", create=autoscaler(kind="KubeInfer")))
    assert count(user, "2m") == 2
    assert [each for each in user.runs()[1]["warnings"] if "autoscaler owns" in each]


def test_one_of_another_workload_is_no_matter(user: User) -> None:
    made = autoscaler()
    made["spec"]["scaleTargetRef"]["name"] = "another"
    plan(user, [deployment({}, replicas=2)], act("1m", create=made))
    assert count(user, "2m") == 2
    assert not [each for each in user.runs()[1]["warnings"] if "autoscaler owns" in each]


def test_a_file_that_is_applied_later_is_held_to_one_that_is_there(user: User) -> None:
    user.has("new.yaml", deployment({"image": "repo/vllm:v2"}, replicas=2))
    plan(
        user,
        [deployment({}, replicas=2)],
        act("1m", create=autoscaler()),
        act("2m", apply={"path": "new.yaml"}),
    )
    assert count(user, "10m") == 5


def test_bounds_that_a_file_changes_hold_for_what_is_changed_later(user: User) -> None:
    user.has("new.yaml", deployment({}, replicas=2), autoscaler(7, 9))
    plan(
        user,
        [deployment({}, replicas=2), autoscaler()],
        act("1m", apply={"path": "new.yaml"}),
        act("2m", object="Deployment/chat", scale=1),
    )
    assert count(user, "10m") == 7


@pytest.mark.parametrize("where", ["old", "new", "both"])
def test_rollout_keeps_its_bounds_whichever_file_holds_it(user: User, where: str) -> None:
    for name in ("old", "new"):
        made = deployment({**asking(npu=1), "image": f"repo/vllm:{name}"}, replicas=2)
        user.has(f"{name}.yaml", made, *([autoscaler()] if where in (name, "both") else []))
    command = ["rollout", "old.yaml", "new.yaml", "--nodes", "4x8", "--json", "result.json"]
    assert user.types(*command).returncode == 0
    result = json.loads((user.folder / "result.json").read_text(encoding="utf-8"))
    assert result["deployments"][0]["changes"][-1]["replicas"] == 5


@pytest.mark.parametrize("made", [autoscaler(), keda()], ids=["HorizontalPodAutoscaler", "ScaledObject"])
def test_replicas_are_varied_within_its_bounds(user: User, made: Raw) -> None:
    user.plans(made, deployment({}, replicas=6), cluster=ONE_NODE, update={"newRevision": True}, horizon="1h")
    assert user.types("compare", "scenario.yaml", "--vary", "replicas=5,6").returncode == 0
    done = user.types("compare", "scenario.yaml", "--vary", "replicas=2,6")
    assert done.returncode == 2
    assert "--vary replicas=2: an autoscaler keeps Deployment chat at 5 then" in done.told
    # A KubeInfer's, of which nothing is published, keeps nothing.
    user.plans(made, kubeinfer({}, replicas=6), cluster=ONE_NODE, update={"newRevision": True}, horizon="1h")
    assert user.types("compare", "scenario.yaml", "--vary", "replicas=2,6").returncode == 0
