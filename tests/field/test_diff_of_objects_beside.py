"""What `diff` says of budgets, Services and the like, and of what it says that it has not compared."""

from __future__ import annotations

import json
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


def beside(pods: int, amount: str, password: str) -> list[dict[str, Any]]:
    """A budget, a quota, a Service as the API server holds it or as it is written, a Secret."""
    head = {"metadata": {"name": "x", "namespace": "prod"}}
    allocated = {"clusterIP": "10.0.0.1", "type": "ClusterIP", "sessionAffinity": "None"} if pods == 1 else {}
    service = {"selector": {"app": "chat"}, "ports": [{"port": 80}], **allocated}
    return [
        budget(pods),
        {"apiVersion": "v1", "kind": "ResourceQuota", **head, "spec": {"hard": {"requests.cpu": amount}}},
        {"apiVersion": "v1", "kind": "Service", **head, "spec": service},
        {"apiVersion": "v1", "kind": "Secret", **head, "stringData": {"password": password, "user": "u"}},
        {"apiVersion": "example.com/v1", "kind": "Gadget", **head},
    ]


@both
def test_what_it_has_refused_it_has_compared(user: User, workload: Any) -> None:
    pods = workload(asking(npu=8))
    user.has("old.yaml", pods, priority(10), budget(1))
    user.has("new.yaml", pods, priority(20), budget(2))
    done = user.types("diff", "old.yaml", "new.yaml")
    assert done.returncode == 1
    told = " ".join(done.stdout.split())
    assert 'PriorityClass.scheduling.k8s.io "low" is invalid' in told
    assert told.count("PriorityClass low") == 1, "refused, and not told a second time"
    assert "not compared" not in done.stderr


@both
def test_what_differs_is_told_with_what_follows(user: User, workload: Any) -> None:
    pods = workload(asking(npu=8))
    user.has("old.yaml", pods, priority(10), *beside(1, "1000m", "one"))
    user.has("new.yaml", pods, priority(10), *beside(2, "1", "two"))
    done = user.types("diff", "old.yaml", "new.yaml")
    assert done.returncode == 0
    told = " ".join(done.stdout.split())
    assert (
        "PodDisruptionBudget prod/b: restarts nothing; holds for evictions from now on spec.minAvailable: 1 → 2"
        in told
    )
    assert (
        'Secret prod/x: restarts nothing; containers started from now on have it data.password: "***' in told
    )
    for same in ("ResourceQuota", "Service", "PriorityClass", "user"):
        assert same not in told, "1000m is 1, and what is allocated need not be written"
    assert done.stderr.count("not compared: ") == done.stderr.count("not compared: Gadget x\n") == 1
    document = json.loads(user.types("diff", "old.yaml", "new.yaml", "-o", "json").stdout)
    (of_budget, of_secret) = document["objects"]
    assert (of_budget["name"], of_budget["changes"][0]["path"]) == ("b", "spec.minAvailable")
    assert "two" not in json.dumps(of_secret)
    assert "`1` → `2`" in user.types("diff", "old.yaml", "new.yaml", "-o", "markdown").stdout
    for new, code in (("new.yaml", 1), ("old.yaml", 0)):
        assert user.types("diff", "old.yaml", new, "--exit-code").returncode == code


@both
def test_what_one_side_alone_has_is_told(user: User, workload: Any) -> None:
    pods = workload(asking(npu=8))
    user.has("old.yaml", pods, budget(1))
    user.has("new.yaml", pods, priority(1))
    told = user.types("diff", "old.yaml", "new.yaml").stdout
    assert "PriorityClass low: would be created" in told
    assert "PodDisruptionBudget prod/b: is not in the new file" in " ".join(told.split())
