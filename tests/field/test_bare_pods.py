"""Pods that no controller makes, and ReplicaSets that no Deployment owns."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import User, asking, bare_pod, deployment, replica_set

ONE_NODE = {"pools": [{"name": "a", "count": 1, "allocatable": {"cpu": "8"}}]}
TWO_NODES = {"pools": [{"name": "a", "count": 2, "allocatable": {"cpu": "8"}}]}


def test_a_pod_is_placed_run_and_told_of(user: User) -> None:
    user.plans(bare_pod(asking(cpu="2")), cluster=ONE_NODE, timings={"profile": "zero", "create": "3s"})
    done, result = user.runs()
    assert done.returncode == 0
    assert "Pod p is ready after 3s" in done.stdout
    [pod] = result["pods"]
    assert (pod["name"], pod["namespace"], pod["outcome"], pod["readyAtMs"]) == ("p", "prod", "ready", 3000)
    assert [(each["kind"], each["name"], each["node"]) for each in user.pods()] == [("Pod", "p", "a-0")]
    why = user.types("why", "scenario.yaml", "--at", "3s").stdout
    assert "At 3s 1 of 1 pod without a controller is ready." in why
    assert "Pod p: since 3s" in why


def test_a_pod_without_a_place_never_becomes_ready(user: User) -> None:
    user.plans(bare_pod(asking(cpu="9")), cluster=ONE_NODE)
    done, result = user.runs()
    assert done.returncode == 1
    assert "Pod p never becomes ready: it needs 1 node × 9 cpu" in " ".join(done.stdout.split())
    assert "0/1 nodes are available: 1 Insufficient cpu" in done.stdout
    assert [each["outcome"] for each in result["pods"]] == ["neverReady"]


@pytest.mark.parametrize(
    ("policy", "reason", "phase", "status", "restarts"),
    [
        ("Never", "Completed", "Succeeded", "Completed", 0),
        ("Never", "Error", "Failed", "Error", 0),
        ("OnFailure", "Completed", "Succeeded", "Completed", 0),
        ("OnFailure", "Error", "Running", "Running", 1),
        ("Always", "Completed", "Running", "Running", 1),
    ],
)
def test_its_restart_policy_decides_what_becomes_of_it(
    user: User, policy: str, reason: str, phase: str, status: str, restarts: int
) -> None:
    crash = {"at": "10s", "object": "Pod/p", "crash": {"reason": reason}}
    user.plans(bare_pod({}, restartPolicy=policy), cluster=ONE_NODE, actions=[crash], horizon="1m")
    done, _ = user.runs()
    [pod] = user.pods()
    assert (pod["phase"], pod["status"], pod["restarts"]) == (phase, status, restarts)
    assert done.returncode == (phase == "Failed")


def test_nobody_makes_a_drained_pod_again(user: User) -> None:
    user.plans(
        bare_pod({}), cluster=TWO_NODES, actions=[{"at": "10s", "drain": {"nodes": ["a-0"], "force": True}}]
    )
    done, result = user.runs()
    assert done.returncode == 1
    assert "Pod p is gone for good" in done.stdout
    assert [(each["outcome"], each["deletionReason"]) for each in result["pods"]] == [("lost", "Drained")]
    assert not user.pods()


def test_a_pod_that_names_its_node_asks_no_scheduler(user: User) -> None:
    # The node is cordoned, and full: neither matters to who is not asked.
    user.plans(
        bare_pod(asking(cpu="8"), name="first"),
        bare_pod({}, name="second", nodeName="a-0"),
        cluster=ONE_NODE,
        initial="empty",
        actions=[{"at": "0s", "cordon": "a-0"}],
    )
    assert {each["name"]: each["node"] for each in user.pods()} == {"first": "", "second": "a-0"}


def test_a_replica_set_keeps_its_number_of_pods(user: User) -> None:
    actions: list[dict[str, Any]] = [
        {"at": "10s", "object": "ReplicaSet/chat", "scale": 4},
        {"at": "20s", "drain": "a-0"},
    ]
    user.plans(
        replica_set({}), cluster=TWO_NODES, actions=actions, timings={"profile": "zero", "create": "1s"}
    )
    done, result = user.runs()
    assert done.returncode == 0
    assert "Scaling ReplicaSet chat to 4 pods completes in 1s" in done.stdout
    [found] = result["replicaSets"]
    assert found["timeline"]["desired"] == [[0, 3], [10000, 4]]
    assert {each["node"] for each in user.pods()} == {"a-1"}
    assert len(user.pods()) == 4


def test_what_a_controller_owns_is_not_made_twice(user: User) -> None:
    owned = bare_pod({}, name="chat-1")
    owned["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "chat-5f", "controller": True}]
    user.plans(deployment({}), owned, cluster=ONE_NODE)
    assert {each["kind"] for each in user.pods()} == {"Deployment"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"restartPolicy": "Sometimes"}, '"Sometimes" is not one of Always, OnFailure, Never'),
        ({"nodeNam": "a-0"}, 'unknown field "nodeNam"'),
        ({"containers": []}, "spec.containers: at least one container is required"),
    ],
)
def test_a_wrong_pod_is_refused_with_its_place(user: User, change: dict[str, Any], says: str) -> None:
    pod = bare_pod({})
    pod["spec"] |= change
    user.plans(pod, cluster=ONE_NODE)
    done, _ = user.runs()
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())
    assert "manifest.yaml:" in done.stderr


def test_a_replica_set_is_held_to_its_selector(user: User) -> None:
    wrong = replica_set({})
    wrong["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    user.plans(wrong, cluster=ONE_NODE)
    assert "must be matched by the ReplicaSet's selector" in " ".join(user.runs()[0].stderr.split())


def test_a_pod_cannot_be_scaled(user: User) -> None:
    user.plans(bare_pod({}), cluster=ONE_NODE, actions=[{"at": "1s", "object": "Pod/p", "scale": 2}])
    done, _ = user.runs()
    assert done.returncode == 2
    assert "scale is nothing a Pod knows" in " ".join(done.stderr.split())


def test_pods_and_replica_sets_are_validated_and_printed(user: User) -> None:
    user.has("a.yaml", bare_pod({}), replica_set({}, replicas=2))
    assert "prod/p is valid: a Pod" in user.types("validate", "a.yaml").stdout
    shown = user.types("validate", "--show-defaults", "a.yaml").stdout
    assert shown.count("terminationGracePeriodSeconds: 30") == 2
    assert "a ReplicaSet of 2 pods" in user.types("validate", "a.yaml").stdout
