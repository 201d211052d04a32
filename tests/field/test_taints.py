"""NoExecute taints evict whenever they are there, whether or not a node fails (pkg/controller/tainteviction)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import kubectl_objects as kubectl
import pytest
from field.user import NPU, User, asking, both

NOT_READY = "node.kubernetes.io/not-ready"


def pool(*taints: str) -> dict[str, Any]:
    """One node with these NoExecute taints."""
    written = [{"key": key, "effect": "NoExecute"} for key in taints]
    return {"pools": [{"name": "a", "count": 1, "allocatable": {NPU: 8}, "taints": written}]}


def tolerating(**seconds: int | None) -> list[dict[str, Any]]:
    return [
        {
            "key": key,
            "operator": "Exists",
            "effect": "NoExecute",
            **({} if each is None else {"tolerationSeconds": each}),
        }
        for key, each in seconds.items()
    ]


@both
@pytest.mark.parametrize(
    ("seconds", "stays"),
    [
        ({"dedicated": 60}, 60),
        ({"dedicated": 90, "other": 60}, 60),
        ({"dedicated": 90, "other": None}, 90),
        ({"dedicated": None}, None),
    ],
)
def test_a_pool_s_own_taint_evicts_when_the_toleration_is_over(
    user: User, workload: Callable[..., Any], seconds: dict[str, int | None], stays: int | None
) -> None:
    pods = workload(asking(npu=8), replicas=1, tolerations=tolerating(**seconds))
    at_once = {"backoff": ["0s"]}
    user.plans(pods, cluster=pool(*seconds), initial="empty", horizon="4m", assumptions=at_once)
    told = user.runs()[0].stdout
    if stays is None:
        assert user.pods()[0]["createdAtMs"] == 0
        assert "taint" not in told
        return
    (pod,) = user.pods(at=f"{stays - 1}s")
    assert (pod["createdAtMs"], pod["status"]) == (0, "Running")
    assert user.pods(at=f"{stays + 1}s")[0]["createdAtMs"] == stays * 1000
    # Where it is made again at once, it is evicted again, too.
    assert user.pods(at=f"{2 * stays + 1}s")[0]["createdAtMs"] == 2 * stays * 1000
    assert "TaintManagerEviction" in told or "NoExecute taint is not tolerated any longer" in told


@both
def test_pods_tolerate_a_node_that_is_not_ready_for_five_minutes_unless_they_say(
    user: User, workload: Callable[..., Any]
) -> None:
    user.plans(workload(asking(npu=8), replicas=1), cluster=pool(NOT_READY), initial="empty", horizon="6m")
    assert user.pods(at="299s")[0]["createdAtMs"] == 0
    assert user.pods(at="301s")[0]["createdAtMs"] == 300_000


@both
def test_taints_of_a_real_cluster_s_nodes_evict_as_well(user: User, workload: Callable[..., Any]) -> None:
    taint = {"key": "dedicated", "effect": "NoExecute"}
    (user.folder / "nodes.json").write_text(kubectl.listed(kubectl.node("n0", taints=[taint])))
    pods = workload(asking(npu=8), replicas=1, tolerations=tolerating(dedicated=60))
    user.plans(pods, cluster="nodes.json", initial="empty", horizon="2m")
    assert user.pods(at="61s")[0]["createdAtMs"] == 60_000


@both
@pytest.mark.parametrize("ready", ["False", "Unknown"])
def test_a_node_that_was_not_ready_takes_no_pods_when_another_one_fails(
    user: User, workload: Callable[..., Any], ready: str
) -> None:
    nodes = [kubectl.node("n0"), kubectl.node("n1", ready=ready), kubectl.node("n2")]
    (user.folder / "nodes.json").write_text(kubectl.listed(*nodes))
    down = {"at": "1m", "nodeDown": {"nodes": ["n0"]}}
    user.plans(
        workload(asking(npu=8), replicas=3),
        cluster="nodes.json",
        initial="empty",
        actions=[down],
        horizon="5m",
    )
    assert {each["node"] for each in user.pods(at="4m")} == {"n0", "n2", ""}


@both
def test_a_node_that_was_not_ready_takes_pods_when_it_is_back(
    user: User, workload: Callable[..., Any]
) -> None:
    (user.folder / "nodes.json").write_text(kubectl.listed(kubectl.node("n0", ready="Unknown")))
    back = {"at": "1m", "nodeUp": {"nodes": ["n0"]}}
    user.plans(
        workload(asking(npu=8), replicas=1),
        cluster="nodes.json",
        initial="empty",
        actions=[back],
        horizon="5m",
    )
    assert user.pods(at="59s")[0]["node"] == ""
    assert user.pods(at="2m")[0]["status"] == "Running"
