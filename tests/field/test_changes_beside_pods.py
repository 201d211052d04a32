"""An update that changes objects beside the pods is made as wished: the verdict says what changes, and is green."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import Raw, User, asking, both, kubeinfer


def budget(least: int) -> Raw:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "b", "namespace": "prod"},
        "spec": {"minAvailable": least, "selector": {"matchLabels": {"app": "chat"}}},
    }


def service(kind: str) -> Raw:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s", "namespace": "prod"},
        "spec": {"type": kind, "selector": {"app": "chat"}, "ports": [{"port": 80}]},
    }


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (budget(1), budget(2), "PodDisruptionBudget prod/b changes (minAvailable 1 → 2)."),
        (service("ClusterIP"), service("NodePort"), 'Service prod/s changes (type "ClusterIP" → "NodePort")'),
        (None, budget(1), "PodDisruptionBudget prod/b is created."),
    ],
)
@both
def test_what_changes_beside_the_pods_is_told_and_no_failure(
    user: User, workload: Any, old: Raw | None, new: Raw, says: str
) -> None:
    pods = workload(asking(npu=8), replicas=2)
    user.has("old.yaml", pods, *([old] if old else []))
    user.has("new.yaml", pods, new)
    done = user.types("rollout", "old.yaml", "new.yaml", "--nodes", "4x8")
    told = " ".join(done.stdout.split())
    assert f"✔ The update restarts nothing; {says[:-1]}" in told
    assert "changes nothing" not in told
    assert done.returncode == 0


def test_so_is_another_service_of_a_kubeinfer(user: User) -> None:
    for file, kind in (("old.yaml", "ClusterIP"), ("new.yaml", "NodePort")):
        pods = kubeinfer(asking(npu=8), replicas=2)
        spec = {"type": kind, "ports": [{"port": 80, "targetPort": 80, "protocol": "TCP"}]}
        pods["spec"]["networkServices"] = [{"name": "s", "spec": spec}]
        user.has(file, pods)
    done = user.types("rollout", "old.yaml", "new.yaml", "--nodes", "4x8")
    assert done.returncode == 0
    says = 'the Services of KubeInfer prod/chat change (networkServices[0].spec.type "ClusterIP" → "NodePort"'
    assert f"The update restarts nothing; {says}" in " ".join(done.stdout.split())


@both
def test_nothing_is_still_nothing(user: User, workload: Any) -> None:
    user.has("old.yaml", workload(asking(npu=8), replicas=2), budget(1))
    done = user.types("rollout", "old.yaml", "old.yaml", "--nodes", "4x8")
    assert done.returncode == 1
    assert "Nothing happened" in done.stdout
