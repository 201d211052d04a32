"""Drains that kubectl gives up and evictions that the API server refuses: the verdict does not hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import Raw, User, asking, bare_pod, both, deployment

CLUSTER: Raw = {"pools": [{"name": "web", "count": 3, "allocatable": {"cpu": "4"}}]}
NO_CONTROLLER = "cannot delete Pods that declare no controller (use --force to override): p"
HELD: Raw = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "metadata": {"name": "keep", "namespace": "prod"},
    "spec": {"selector": {"matchLabels": {"app": "chat"}}, "minAvailable": 3},
}
FREED: Raw = {"deleteObject": "PodDisruptionBudget/keep"}


def asks(user: User, *objects: Raw, actions: list[Raw]) -> tuple[bool, str, list[str]]:
    """Whether the verdict holds, its sentence, and the warnings."""
    user.plans(*objects, cluster=CLUSTER, initial="running", actions=actions, horizon="1h")
    done, result = user.runs()
    holds: bool = result["verdict"]["holds"]
    assert done.returncode == (0 if holds else 1)
    return holds, result["verdict"]["sentence"], result["warnings"]


@both
def test_a_drain_that_kubectl_refuses(user: User, workload: Callable[..., Any]) -> None:
    pods = workload(asking(cpu=2), replicas=2), bare_pod({}, nodeName="web-0")
    holds, sentence, _ = asks(user, *pods, actions=[{"at": "5m", "drain": "web-0"}])
    assert not holds
    assert sentence.count(f"he drain of web-0 fails: {NO_CONTROLLER}") == 1
    why = user.types("why", "scenario.yaml", "--at", "10m").stdout
    assert f"the drain of web-0 fails: {NO_CONTROLLER}" in " ".join(why.split())


@both
def test_a_drain_that_kubectl_gives_up_after_its_timeout(user: User, workload: Callable[..., Any]) -> None:
    drain = {"at": "5m", "drain": {"nodes": ["web-0"], "timeout": "1m"}}
    holds, sentence, _ = asks(user, workload(asking(cpu=4)), HELD, actions=[drain])
    assert not holds
    assert "he drain of web-0 fails: global timeout reached" in sentence


@both
def test_a_drain_that_succeeds_when_it_is_tried_again(user: User, workload: Callable[..., Any]) -> None:
    drain = {"drain": {"nodes": ["web-0"], "timeout": "1m"}}
    actions = [{"at": "5m", **drain}, {"at": "8m", **FREED}, {"at": "10m", **drain}]
    holds, sentence, _ = asks(user, workload(asking(cpu=2)), HELD, actions=actions)
    assert holds
    assert "drain of web-0 fails" not in sentence


@both
def test_another_nodes_drain_does_not_make_up_for_it(user: User, workload: Callable[..., Any]) -> None:
    pods = workload(asking(cpu=2), replicas=2), bare_pod({}, nodeName="web-0")
    actions = [{"at": "5m", "drain": "web-0"}, {"at": "10m", "drain": "web-2"}]
    holds, _, _ = asks(user, *pods, actions=actions)
    assert not holds


@both
def test_an_eviction_that_a_budget_refuses(user: User, workload: Callable[..., Any]) -> None:
    evict = {"at": "5m", "evictPod": {}}
    holds, sentence, warnings = asks(user, workload(asking(cpu=2)), HELD, actions=[evict])
    assert not holds
    (told,) = [each for each in warnings if "eviction" in each]
    assert told.startswith("the eviction of Pod/chat-0")
    assert " (and 2 more) at 5m is refused: Cannot evict pod as it would violate" in told
    assert told in sentence
    why = user.types("why", "scenario.yaml", "--at", "10m").stdout
    assert "is refused (429): Cannot evict pod as it would violate" in " ".join(why.split())


def test_an_eviction_that_is_granted_when_it_is_asked_for_again(user: User) -> None:
    evict = {"evictPod": {"nodes": ["web-0"]}}
    actions = [{"at": "5m", **evict}, {"at": "6m", **FREED}, {"at": "7m", **evict}]
    holds, sentence, warnings = asks(user, deployment(asking(cpu=2)), HELD, actions=actions)
    assert holds, sentence
    assert not any("eviction" in each for each in warnings)
    del actions[2]
    holds, _, _ = asks(user, deployment(asking(cpu=2)), HELD, actions=actions)
    assert not holds


@pytest.mark.parametrize("budgets", [1, 2])
def test_whatever_the_api_server_answers(user: User, budgets: int) -> None:
    more = [{**HELD, "metadata": {"name": f"b{n}", "namespace": "prod"}} for n in range(budgets)]
    holds, _, warnings = asks(user, deployment({}), *more, actions=[{"at": "5m", "evictPod": {}}])
    assert not holds
    said = "Cannot evict pod" if budgets == 1 else "This pod has more than one PodDisruptionBudget"
    assert any(said in each for each in warnings)
