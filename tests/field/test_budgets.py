"""PodDisruptionBudgets (pkg/controller/disruption) and the drains they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from field.user import User, asking, both

#: Nodes with room for two pods each, and the drain of one of them.
CLUSTER = {"pools": [{"name": "web", "count": 3, "allocatable": {"cpu": 4}}]}
DRAIN = {"initial": "running", "actions": [{"at": "5m", "drain": "web-0"}], "horizon": "1h"}


def budget(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "chat", "namespace": "prod"},
        "spec": {"selector": {"matchLabels": {"app": "chat"}}, **spec},
    }


@both
def test_a_number_of_pods_that_have_to_stay_counts_the_pods_it_matches(
    user: User, workload: Callable[..., Any]
) -> None:
    user.plans(workload(asking(cpu=2)), budget(minAvailable=2), cluster=CLUSTER, **DRAIN)
    _, result = user.runs()
    assert result["drains"][0]["endedAtMs"] is not None
    assert not result["drains"][0]["errors"]


@both
def test_a_budget_without_room_holds_a_drain_for_as_long_as_it_is_there(
    user: User, workload: Callable[..., Any]
) -> None:
    user.plans(workload(asking(cpu=2)), budget(minAvailable=3), cluster=CLUSTER, **DRAIN)
    done, result = user.runs()
    assert result["drains"][0]["endedAtMs"] is None
    assert done.returncode == 1
    assert "needs 3 healthy pods and has 3 currently" in " ".join(done.stdout.split())
