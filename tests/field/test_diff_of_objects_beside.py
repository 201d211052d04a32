"""What `diff` says it has not compared: nothing of which it tells that the API server refuses its change."""

from __future__ import annotations

from typing import Any

from field.user import User, asking, both


def priority(value: int) -> dict[str, Any]:
    head = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "low"}}
    return {**head, "value": value}


def budget(pods: int) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "b", "namespace": "prod"},
        "spec": {"minAvailable": pods, "selector": {"matchLabels": {"app": "chat"}}},
    }


@both
def test_what_it_has_refused_it_has_compared(user: User, workload: Any) -> None:
    pods = workload(asking(npu=8))
    user.has("old.yaml", pods, priority(10), budget(1))
    user.has("new.yaml", pods, priority(20), budget(2))
    done = user.types("diff", "old.yaml", "new.yaml")
    assert done.returncode == 1
    assert 'PriorityClass.scheduling.k8s.io "low" is invalid' in " ".join(done.stdout.split())
    assert done.stderr.strip() == "not compared: PodDisruptionBudget b"


@both
def test_what_it_takes_is_named_as_not_compared(user: User, workload: Any) -> None:
    pods = workload(asking(npu=8))
    user.has("old.yaml", pods, priority(10), budget(1))
    user.has("new.yaml", pods, priority(10), budget(2))
    done = user.types("diff", "old.yaml", "new.yaml")
    assert done.returncode == 0
    assert done.stderr.strip() == "not compared: PriorityClass low, PodDisruptionBudget b"
