"""A run that does not begin as the user's cluster is proves nothing about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from field.user import Raw, User, asking, bare_pod, both, deployment, kubeinfer, replica_set, stateful_set


def rolled(user: User, workload: Callable[..., Raw], old: Raw, *nodes: str) -> tuple[int, str]:
    user.has("old.yaml", workload(old, replicas=3))
    user.has("new.yaml", workload({**asking(npu=8), "image": "repo/vllm:v2"}, replicas=3))
    done = user.types("rollout", "old.yaml", "new.yaml", *nodes)
    return done.returncode, " ".join(done.stdout.partition("seed 0")[0].split())


@both
def test_an_old_manifest_that_fits_no_node_is_not_green(user: User, workload: Callable[..., Raw]) -> None:
    code, verdict = rolled(user, workload, asking(npu=16), "--nodes", "4x8")
    assert (code, verdict[:1]) == (1, "✘")
    assert (
        "it does not begin as your cluster is: no place for chat-0 (and 2 more), which needs 1 node × 16 "
        "huawei.com/ascend-1980; no such node is free" in verdict
    )
    assert rolled(user, workload, asking(npu=8), "--nodes", "4x8")[0] == 0


@both
def test_one_of_many_that_has_no_place_is_named(user: User, workload: Callable[..., Raw]) -> None:
    code, verdict = rolled(user, workload, asking(npu=8), "--nodes", "2x8")
    assert code == 1
    assert (
        "no place for chat-2, which needs 1 node × 8 huawei.com/ascend-1980; no such node is free" in verdict
    )


@pytest.mark.parametrize("workload", [kubeinfer, deployment, replica_set, stateful_set, bare_pod])
def test_what_names_a_node_that_is_not_there_did_not_run_there(
    user: User, workload: Callable[..., Raw]
) -> None:
    count = {} if workload is bare_pod else {"replicas": 1}
    made = workload(asking(npu=8), nodeName="gone", **count)
    user.plans(made, cluster="2x8", initial="running", horizon="10m")
    done, result = user.runs()
    assert done.returncode == 1
    name = "p" if workload is bare_pod else "chat-0"
    said = f"it does not begin as your cluster is: no place for {name}: node gone does not exist"
    assert said in result["verdict"]["sentence"]
    # What is created now need not fit.
    user.plans(made, cluster="2x8", initial="empty", horizon="10m")
    assert "begin as your cluster" not in user.runs()[1]["verdict"]["sentence"]
