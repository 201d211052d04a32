"""Pods and ReplicaSets that another object's controller would take as its own: said, with what it would make of them."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import Raw, User, asking, bare_pod, daemon_set, deployment, replica_set, stateful_set

NPU = asking(npu=1)


def labelled(made: Raw, **labels: str) -> Raw:
    return {**made, "metadata": {**made["metadata"], "labels": {"app": "chat", **labels}}}


@pytest.mark.parametrize(
    ("owner", "pod", "said"),
    [
        (replica_set, "loose", "ReplicaSet chat, which adopts it in a cluster and makes one pod less"),
        (daemon_set, "loose", "DaemonSet agent, which adopts it in a cluster as the pod of its node"),
        (stateful_set, "chat-1", "StatefulSet chat, which adopts it in a cluster as the pod of its ordinal"),
        (stateful_set, "loose", ""),
        # The selectors of its ReplicaSets ask for a hash of the template, too.
        (deployment, "loose", ""),
    ],
)
def test_a_pod_that_matches_a_selector_would_be_adopted(user: User, owner: Any, pod: str, said: str) -> None:
    user.plans(owner(NPU), bare_pod(NPU, name=pod), cluster="4x8", initial="empty", horizon="10m")
    told = " ".join(user.runs()[0].stdout.split())
    assert ("which adopts it" in told) is bool(said)
    assert said in told
    if said:
        assert f"Pod {pod} matches the selector of {said}" in told
        line = 1 + (user.folder / "manifest.yaml").read_text().partition('"v1",\n "kind": "Pod"')[0].count(
            "\n"
        )
        assert f"manifest.yaml:{line - 1}" in told or f"manifest.yaml:{line}" in told


def test_one_that_is_created_later_would_be_adopted_then_and_one_elsewhere_never(user: User) -> None:
    later = {"at": "1m", "create": bare_pod(NPU, name="loose")}
    user.plans(replica_set(NPU), cluster="4x8", actions=[later], horizon="10m")
    assert "which adopts it" in " ".join(user.runs()[0].stdout.split())
    elsewhere = bare_pod(NPU, name="loose")
    elsewhere["metadata"]["namespace"] = "other"
    for pod in (elsewhere, bare_pod(NPU, name="loose", labels={"app": "else"})):
        user.plans(replica_set(NPU), pod, cluster="4x8", horizon="10m")
        assert "which adopts it" not in " ".join(user.runs()[0].stdout.split())


def test_a_replica_set_that_a_deployment_would_adopt_is_told(user: User) -> None:
    alone = labelled({**replica_set(NPU), "metadata": {"name": "old", "namespace": "prod"}})
    user.plans(deployment(NPU), alone, cluster="4x8", initial="empty", horizon="10m")
    told = " ".join(user.runs()[0].stdout.split())
    assert (
        "ReplicaSet old matches the selector of Deployment chat, which adopts it in a cluster as a revision"
        in told
    )
