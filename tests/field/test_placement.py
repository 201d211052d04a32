"""Where pods go: rules by the names of nodes, taints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from field.user import NPU, User, asking, both

HOSTNAME = "kubernetes.io/hostname"


def named(*names: str, **pool: Any) -> dict[str, Any]:
    """Nodes whose names are written by hand, each a pool of its own."""
    pools = [
        {"name": each, "count": 1, "allocatable": {NPU: 16}, "labels": {HOSTNAME: each}, **pool}
        for each in names
    ]
    return {"pools": pools}


def apart() -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {"app": "chat"}}, "topologyKey": HOSTNAME}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


@both
def test_pods_that_repel_each_other_by_hostname_leave_no_node_to_one_more(
    user: User, workload: Callable[..., Any]
) -> None:
    pods = workload(asking(npu=8), replicas=2, surge=1, affinity=apart())
    user.plans(pods, cluster=named("a", "b"), update={"newRevision": True}, horizon="1h")
    assert user.runs()[0].returncode == 1
    user.plans(pods, cluster=named("a", "b", "c"), update={"newRevision": True}, horizon="1h")
    assert user.runs()[0].returncode == 0


@both
def test_a_pod_does_not_go_where_a_taint_would_evict_it(user: User, workload: Callable[..., Any]) -> None:
    taint = {"taints": [{"key": "dedicated", "effect": "NoExecute"}]}
    user.plans(
        workload(asking(npu=8), replicas=1), cluster=named("a", **taint), initial="empty", horizon="1h"
    )
    done, _ = user.runs()
    assert done.returncode == 1
    assert "untolerated taint" in " ".join(done.stdout.split())
