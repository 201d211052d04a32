"""Pods that people delete, or ask the eviction API for: of KubeInfers, Deployments, ReplicaSets, and bare ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import Raw, User, asking, bare_pod, deployment, kubeinfer, replica_set

CLUSTER = {"pools": [{"name": "a", "count": 3, "allocatable": {"cpu": "8"}}]}
ALL = pytest.mark.parametrize("workload", [kubeinfer, deployment, replica_set])


def budget(**spec: Any) -> Raw:
    selector = {"matchLabels": {"app": "chat"}}
    metadata = {"name": "b", "namespace": "prod"}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata,
        "spec": {"selector": selector, **spec},
    }


def about(pods: Raw) -> str:
    return f"{pods['kind']}/{pods['metadata']['name']}"


@ALL
def test_a_deleted_pod_is_made_again(user: User, workload: Callable[..., Raw]) -> None:
    pods = workload({}, replicas=2)
    user.plans(
        pods,
        cluster=CLUSTER,
        timings={"profile": "zero", "create": "5s", "exit": "3s"},
        actions=[{"at": "10s", "object": about(pods), "deletePod": {"first": 1}}],
    )
    during, done = user.pods(at="12s"), user.runs()[0]
    assert [each["deletionReason"] for each in during if each["deletedAtMs"] == 10_000] == ["Deleted"]
    assert done.returncode == 0
    assert len(user.pods()) == 2
    assert {each["status"] for each in user.pods()} == {"Running"}


@pytest.mark.parametrize(("grace", "gone"), [(None, 40_000), ("4s", 14_000), ("0s", 10_000), ("1s", 12_000)])
def test_its_grace_period_is_what_the_deletion_says(user: User, grace: str | None, gone: int) -> None:
    # Its process ignores SIGTERM. With 1 s and less the kubelet gives it 2 s; without any its object is gone at once.
    action = {"at": "10s", "object": "Pod/p", "deletePod": {} if grace is None else {"gracePeriod": grace}}
    user.plans(bare_pod({}), cluster=CLUSTER, timings={"profile": "zero", "exit": "1h"}, actions=[action])
    done, result = user.runs()
    assert [each["goneAtMs"] for each in result["pods"]] == [gone]
    assert (done.returncode, result["pods"][0]["outcome"]) == (0, "deleted")


def test_a_second_shorter_deletion_changes_the_object_alone(user: User) -> None:
    actions = [
        {"at": "10s", "object": "Pod/p", "deletePod": {}},
        {"at": "15s", "object": "Pod/p", "deletePod": {"gracePeriod": "1s"}},
    ]
    user.plans(bare_pod({}), cluster=CLUSTER, timings={"profile": "zero", "exit": "1h"}, actions=actions)
    assert [each["goneAtMs"] for each in user.runs()[1]["pods"]] == [40_000]


@pytest.mark.parametrize(
    ("spec", "left"),
    [({"minAvailable": 3}, 3), ({"minAvailable": 2}, 3), ({"maxUnavailable": 1}, 3)],
)
@pytest.mark.parametrize("workload", [deployment, replica_set])
def test_budgets_answer_evictions(user: User, workload: Callable[..., Raw], spec: Raw, left: int) -> None:
    pods = workload({})
    user.plans(
        pods,
        budget(**spec),
        cluster=CLUSTER,
        timings={"profile": "zero", "create": "1m"},
        actions=[{"at": "10s", "object": about(pods), "evictPod": {}}],
        initial="running",
    )
    told = user.types("why", "scenario.yaml", "--at", "20s").stdout
    during = user.pods(at="20s")
    allowed = 0 if spec == {"minAvailable": 3} else 1
    assert sum(each["readyContainers"] == 1 for each in during) == left - allowed
    assert ("is granted" in told or "eviction was asked for" in told) == bool(allowed)


def test_only_those_are_meant_that_are_not_ready(user: User) -> None:
    pods = deployment({"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1}})
    actions = [
        {"at": "10s", "object": "Deployment/chat", "health": {"pods": [1]}},
        {"at": "20s", "object": "Deployment/chat", "deletePod": {"ready": False}},
    ]
    user.plans(pods, cluster=CLUSTER, timings={"profile": "zero", "exit": "9s"}, actions=actions)
    assert [each["name"] for each in user.pods(at="21s") if each["deletedAtMs"] is not None] == ["chat-1"]


def test_an_action_that_strikes_nothing_is_told(user: User) -> None:
    actions = [{"at": at, "object": "Pod/p", "deletePod": {}} for at in ("10s", "20s")]
    user.plans(bare_pod({}), cluster=CLUSTER, actions=actions)
    assert user.runs()[0].returncode == 1, "no green verdict stands over what struck nothing"


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ({"deletePod": {"gracePeriod": "1500ms"}}, "gracePeriod is in whole seconds"),
        ({"deletePod": {"first": 0}}, "actions[0].deletePod.first"),
        ({"evictPod": {"nodes": ["b-0"]}}, "there is no node 'b-0'"),
        ({"evictPod": {"roles": ["x"]}}, "has no instances and roles"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(user: User, action: Raw, says: str) -> None:
    user.plans(deployment({}), cluster=CLUSTER, actions=[{"at": "1s", **action}])
    done = user.runs()[0]
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ({"deletePod": {}}, "deletion of a pod"),
        ({"evictPod": {}}, "eviction of a pod"),
        ({"forceDelete": {"terminatingOnly": False}}, "forced deletion of a pod"),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
def test_what_is_lost_by_a_deletion_is_charged_to_whoever_asked_for_it(
    user: User, action: dict[str, Any], kind: str
) -> None:
    user.plans(
        kubeinfer(asking(npu=8), replicas=1), cluster="1x8", actions=[{"at": "1m", **action}], timings={}
    )
    done, result = user.runs()
    (only,) = result["causeKinds"]
    assert only["kind"] == kind
    assert f"{kind.removesuffix(' of a pod')} of chat-0-serve-0 at 1m" in done.stdout
