"""PodDisruptionBudgets (pkg/controller/disruption) and the drains they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import Raw, User, asking, both, deployment, kubeinfer

#: Nodes with room for two pods each, and the drain of one of them.
CLUSTER = {"pools": [{"name": "web", "count": 3, "allocatable": {"cpu": 4}}]}
DRAIN = {"initial": "running", "actions": [{"at": "5m", "drain": "web-0"}], "horizon": "1h"}


def budget(name: str = "chat", namespace: str = "prod", *, everything: bool = False, **spec: Any) -> Raw:
    selector = {} if everything else {"matchLabels": {"app": "chat"}}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": selector, **spec},
    }


def told(user: User) -> str:
    return " ".join(user.runs()[0].stdout.split())


def ended(user: User, drain: int = 0) -> bool:
    """Whether a drain is over, and the node empty."""
    _, result = user.runs()
    found = result["drains"][drain]
    return found["endedAtMs"] is not None and not found["errors"]


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


@pytest.mark.parametrize(
    ("spec", "lets_one_go"),
    [
        ({"maxUnavailable": 1}, True),
        ({"maxUnavailable": 0}, False),
        ({"maxUnavailable": "100%"}, True),
        # A third of three pods is one; a quarter rounds up to one, and so does the half of three that have to stay.
        ({"maxUnavailable": "34%"}, True),
        ({"maxUnavailable": "25%"}, True),
        ({"minAvailable": "50%"}, True),
        ({"minAvailable": "67%"}, False),
    ],
)
def test_a_deployment_s_replicas_count_once_whatever_their_number_is(
    user: User, spec: Raw, *, lets_one_go: bool
) -> None:
    user.plans(deployment(asking(cpu=4)), budget(**spec), cluster=CLUSTER, **DRAIN)
    assert ended(user) is lets_one_go


@pytest.mark.parametrize("spec", [{"maxUnavailable": 1}, {"minAvailable": "50%"}])
def test_nothing_tells_how_many_pods_a_kubeinfer_should_have_unless_that_is_assumed(
    user: User, spec: Raw
) -> None:
    pods = kubeinfer(asking(cpu=4))
    user.plans(pods, budget(**spec), cluster=CLUSTER, **DRAIN)
    assert not ended(user)
    text = told(user)
    assert "failed sync: instances.infer.modelarts.huaweicloud does not implement the scale" in text
    assert "PodDisruptionBudget chat allows no eviction" in text
    user.plans(pods, budget(**spec), cluster=CLUSTER, assumptions={"scaleSubresource": "instance"}, **DRAIN)
    assert ended(user)
    assert "allows no eviction" not in told(user)


@both
def test_the_number_of_pods_needed_is_the_real_one(user: User, workload: Callable[..., Any]) -> None:
    sick = {"at": "1m", "health": {"probes": ["readiness"], "newPods": True}}
    user.plans(
        workload({**asking(cpu=1), "readinessProbe": {"tcpSocket": {"port": 1}}}),
        budget(maxUnavailable="25%"),
        cluster=CLUSTER,
        initial="running",
        actions=[sick, {"at": "5m", "drain": ["web-0", "web-1", "web-2"]}],
        assumptions={"scaleSubresource": "instance"},
        horizon="1h",
    )
    assert "needs 2 healthy pods and has 0 currently" in told(user)


@both
def test_a_budget_is_about_its_own_namespace(user: User, workload: Callable[..., Any]) -> None:
    user.plans(workload(asking(cpu=4)), budget(namespace="other", minAvailable=3), cluster=CLUSTER, **DRAIN)
    assert ended(user)
    assert "holds no pod: it is in namespace other, and the pods that it selects are in prod" in told(user)


@both
def test_budgets_of_one_name_are_told_apart_by_namespace(user: User, workload: Callable[..., Any]) -> None:
    other = budget(namespace="other", minAvailable=1)
    user.plans(workload(asking(cpu=4)), other, budget(minAvailable=3), cluster=CLUSTER, **DRAIN)
    assert not ended(user)


@both
@pytest.mark.parametrize(("namespace", "holds"), [("prod", True), ("other", False)])
def test_an_empty_selector_means_all_pods_of_the_namespace(
    user: User, workload: Callable[..., Any], namespace: str, *, holds: bool
) -> None:
    held = budget(namespace=namespace, everything=True, minAvailable=3)
    user.plans(workload(asking(cpu=4)), held, cluster=CLUSTER, **DRAIN)
    assert ended(user) is not holds


@both
def test_a_budget_in_the_scenario_is_of_the_namespace_of_its_pods(
    user: User, workload: Callable[..., Any]
) -> None:
    written = {"name": "b", "matchLabels": {"app": "chat"}, "minAvailable": 3}
    pods = workload(asking(cpu=4))
    user.plans(pods, cluster=CLUSTER, podDisruptionBudgets=[written], **DRAIN)
    assert not ended(user)
    user.plans(pods, cluster=CLUSTER, podDisruptionBudgets=[{**written, "namespace": "x"}], **DRAIN)
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 2
    assert "no pod of namespace x has the labels app=chat" in " ".join(done.stderr.split())


def test_a_budget_in_the_scenario_says_its_namespace_where_there_are_several(user: User) -> None:
    written = {"name": "b", "matchLabels": {"app": "chat"}, "minAvailable": 3}
    other = deployment(asking(cpu=1))
    other["metadata"] = {"name": "other", "namespace": "other"}
    user.plans(kubeinfer(asking(cpu=1)), other, cluster=CLUSTER, podDisruptionBudgets=[written], **DRAIN)
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 2
    assert "pods of several namespaces have the labels app=chat" in " ".join(done.stderr.split())
    assert "namespace: prod" in " ".join(done.stderr.split())


@both
def test_two_budgets_on_a_pod_are_an_error_of_the_drain(user: User, workload: Callable[..., Any]) -> None:
    one, two = budget("one", minAvailable=1), budget("two", minAvailable=1)
    user.plans(workload(asking(cpu=4)), one, two, cluster=CLUSTER, **DRAIN)
    _, result = user.runs()
    (error,) = result["drains"][0]["errors"]
    assert "This pod has more than one PodDisruptionBudget" in error


@both
@pytest.mark.parametrize(
    ("policy", "goes"), [({}, False), ({"unhealthyPodEvictionPolicy": "AlwaysAllow"}, True)]
)
def test_pods_that_are_not_ready_go_by_the_policy(
    user: User, workload: Callable[..., Any], policy: Raw, *, goes: bool
) -> None:
    sick = {"at": "1m", "health": {"probes": ["readiness"]}}
    user.plans(
        workload({**asking(cpu=4), "readinessProbe": {"tcpSocket": {"port": 1}}}),
        budget(minAvailable=3, **policy),
        cluster=CLUSTER,
        initial="running",
        actions=[sick, {"at": "5m", "drain": "web-0"}],
        horizon="1h",
    )
    assert ended(user) is goes


@both
def test_a_pod_that_does_not_run_yet_may_always_go(user: User, workload: Callable[..., Any]) -> None:
    user.plans(
        workload(asking(cpu=4), replicas=1),
        budget(minAvailable=1),
        cluster={"pools": [{"name": "web", "count": 1, "allocatable": {"cpu": 4}}]},
        initial="empty",
        brokenImages=["repo/vllm:v1"],
        actions=[{"at": "5m", "drain": "web-0"}],
        horizon="1h",
    )
    assert ended(user)


def test_a_surge_pod_that_is_ready_lends_an_eviction(user: User) -> None:
    # Three replicas, all of which have to stay: the old pods may go while the new one is there, too.
    pods = deployment({**asking(cpu=4), "readinessProbe": {"tcpSocket": {"port": 1}}}, surge=1)
    pods["spec"] |= {"minReadySeconds": 600, "progressDeadlineSeconds": 900}
    user.plans(
        pods,
        budget(maxUnavailable=0),
        cluster={"pools": [{"name": "web", "count": 4, "allocatable": {"cpu": 4}}]},
        initial="running",
        actions=[
            {"at": "1m", "apply": {"newRevision": True}},
            {"at": "5m", "drain": "web-0"},
            {"at": "6m", "drain": "web-1"},
        ],
        horizon="7m",
    )
    assert ended(user, 0)
    assert not ended(user, 1)


@both
def test_a_budget_of_the_scenario_is_no_object_that_actions_change(user: User, workload: Any) -> None:
    budget = {"name": "b", "matchLabels": {"app": "chat"}, "minAvailable": 3}
    change = {"at": "1m", "object": "PodDisruptionBudget/b", "patchObject": {"spec": {"minAvailable": 2}}}
    user.plans(workload({}), cluster="3x8", podDisruptionBudgets=[budget], actions=[change])
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 2
    told = " ".join(done.stderr.split())
    assert "no object is 'PodDisruptionBudget/b'" in told
    assert "spec.podDisruptionBudgets stay as they are: write it as an object in a file" in told
