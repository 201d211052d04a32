"""Pods that the pod garbage collector removes: told as deleted, and those whose node never existed are told so."""

from __future__ import annotations

from typing import Any

import pytest
from field.test_node_changes import AT_ONCE, pools
from field.user import User, asking, bare_pod, both, deployment, kubeinfer, stateful_set

NOWHERE = "node nowhere does not exist"
LEAVES = {"at": "1m", "removeNodes": ["a-0"]}


def screen(user: User) -> tuple[int, str, dict[str, Any]]:
    """The exit code, the report in one line, and the result."""
    done, result = user.runs()
    return done.returncode, " ".join(done.stdout.split()), result


@pytest.mark.parametrize("workload", [deployment, stateful_set])
def test_pods_whose_node_was_deleted_are_deleted_and_not_awaited(user: User, workload: Any) -> None:
    user.plans(workload(asking(npu=4), replicas=2), cluster=pools(a=1), actions=[LEAVES], assumptions=AT_ONCE)
    code, said, result = screen(user)
    assert code == 1
    assert "2 of them deleted" in said
    assert "Collected 2 pods (the pod garbage collector: no such node)" in said
    assert "in None" not in said
    assert "chat-0 is not ready" not in said
    assert "no pod is available in the end" in said
    [told] = result["deployments"] or result["statefulSets"]
    assert [each["deletedAtMs"] is not None for each in told["pods"]] == [True, True, False, False][
        : len(told["pods"])
    ]


def test_the_instances_of_a_kubeinfer_are_told_in_the_same_way(user: User) -> None:
    user.plans(
        kubeinfer(asking(npu=4), replicas=2), cluster=pools(a=1), actions=[LEAVES], assumptions=AT_ONCE
    )
    code, said, result = screen(user)
    assert code == 1
    assert "in None" not in said
    assert "for 0s" not in said
    gone = [pod for each in result["instances"] for pod in each["pods"] if pod["goneAtMs"] is not None]
    assert gone
    assert all(each["deletedAtMs"] is not None for each in gone)


@both
@pytest.mark.parametrize("horizon", ["1h", None])
def test_that_the_node_of_an_update_does_not_exist_is_said(
    user: User, workload: Any, horizon: str | None
) -> None:
    changed = workload(asking(npu=1), nodeName="nowhere")
    spec = {"template": changed["spec"]["template"]}
    patch = {"at": "1m", "object": f"{changed['kind']}/chat", "patchObject": {"spec": spec}}
    limit = {} if horizon is None else {"horizon": horizon}
    user.plans(workload(asking(npu=1), surge=1), cluster=pools(a=1), actions=[patch], **limit)
    code, said, _ = screen(user)
    assert code == 1
    assert NOWHERE in said.partition("seed 0")[0]  # in the verdict
    why = " ".join(user.types("why", "scenario.yaml", "--at", "90s").stdout.split())
    assert "does not exist: the pod garbage collector will remove the pod" in why


@pytest.mark.parametrize("initial", ["empty", "running"])
def test_a_pod_that_names_a_node_that_does_not_exist_is_lost(user: User, initial: str) -> None:
    user.plans(bare_pod({}, nodeName="nowhere"), cluster=pools(a=1), initial=initial)
    code, said, result = screen(user)
    assert code == 1
    assert f"Pod p is gone for good (the pod garbage collector; {NOWHERE}): nothing makes it again" in said
    [pod] = result["pods"]
    assert pod["outcome"] == "lost"


def test_a_pod_whose_node_is_deleted_is_lost_and_one_that_somebody_deletes_is_not(user: User) -> None:
    ran = {"at": "5m", "object": "Pod/q", "deletePod": {}}
    user.plans(
        bare_pod(asking(npu=8), name="p"),
        bare_pod(asking(npu=8), name="q"),
        cluster=pools(a=2),
        actions=[LEAVES, ran],
        assumptions=AT_ONCE,
    )
    _, said, result = screen(user)
    assert [each["outcome"] for each in result["pods"]] == ["lost", "deleted"]
    assert "Pod p is gone for good (the pod garbage collector): nothing makes it again" in said


def test_an_instance_one_of_whose_pods_is_collected_is_rebuilt_as_its_policy_says(user: User) -> None:
    made = kubeinfer(asking(npu=8), replicas=1)
    made["spec"]["template"]["spec"]["roles"][0]["replicas"] = 2
    user.plans(made, cluster=pools(a=3), actions=[LEAVES], assumptions=AT_ONCE)
    _, _, result = screen(user)
    (instance,) = result["instances"]
    assert [each["deletedAtMs"] is not None for each in instance["pods"]] == [True, True, False, False]
    assert (instance["restarts"], instance["concerning"]) == (1, 1)
