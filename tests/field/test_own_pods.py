"""Pods of a real cluster that are those of the workload simulated (`--pods`): they are not there a second time."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import Raw, User, asking, deployment

GPU = "nvidia.com/gpu"


def node(name: str) -> Raw:
    offered = {"cpu": "64", "memory": "512Gi", "pods": "110", GPU: "8"}
    ready = {"type": "Ready", "status": "True"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {"allocatable": offered, "capacity": offered, "conditions": [ready]},
    }


def pod(name: str, on: str, replica_set: str, **labels: str) -> Raw:
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": replica_set,
        "controller": True,
        "uid": "u",
    }
    spec = {"nodeName": on, "containers": [{"name": "engine", "image": "repo/vllm:v1", **asking(**{GPU: 8})}]}
    metadata = {"name": name, "namespace": "prod", "labels": labels, "ownerReferences": [owner]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": spec,
        "status": {"phase": "Running"},
    }


def listed(*objects: Raw) -> Raw:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


OWN = pod("chat-6d5f9c7b8-x2k4p", "a", "chat-6d5f9c7b8", app="chat", **{"pod-template-hash": "6d5f9c7b8"})


def update(user: User, *pods: Raw) -> int:
    """The exit code of an update of two pods on two nodes, which have room for these two alone."""
    made = deployment(asking(**{GPU: 8}), replicas=2)
    user.has("nodes.json", listed(node("a"), node("b")))
    user.has("pods.json", listed(*pods))
    user.plans(
        made,
        cluster={"file": "nodes.json", "pods": "pods.json"},
        update={"newRevision": True},
        initial="running",
        horizon="1h",
    )
    return user.types("run", "scenario.yaml").returncode


def test_pods_of_a_deployment_s_replica_sets_are_the_ones_simulated(user: User) -> None:
    older = pod("chat-77bd-q9w8e", "b", "chat-77bd", app="chat", **{"pod-template-hash": "77bd"})
    assert update(user, OWN, older) == 0


@pytest.mark.parametrize(
    "stranger",
    [
        pod("chat-web-5c4d-abcde", "b", "chat-web-5c4d", app="chat", **{"pod-template-hash": "5c4d"}),
        pod("chat-5c4d-abcde", "b", "chat-5c4d", app="web", **{"pod-template-hash": "5c4d"}),
        pod("chat-5c4d-abcde", "b", "chat-5c4d", app="chat"),
    ],
    ids=["of another Deployment", "not selected", "of a ReplicaSet by itself"],
)
def test_other_pods_keep_what_they_have(user: User, stranger: Any) -> None:
    assert update(user, OWN, stranger) == 1


def test_pods_of_a_replica_set_in_the_manifest_are_the_ones_simulated(user: User) -> None:
    made = deployment(asking(**{GPU: 8}), replicas=2)
    made["kind"] = "ReplicaSet"
    del made["spec"]["strategy"]
    user.has("nodes.json", listed(node("a"), node("b")))
    user.has("pods.json", listed(pod("chat-abcde", "a", "chat", app="chat")))
    user.plans(made, cluster={"file": "nodes.json", "pods": "pods.json"}, initial="empty", horizon="1h")
    assert user.types("run", "scenario.yaml").returncode == 0
