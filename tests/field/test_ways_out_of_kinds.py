"""What somebody could do is what suffices for the kind of workload, and something is said where only an update would."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from field.user import Raw, User, asking, both, deployment, stateful_set

ELSEWHERE = {"nodeSelector": {"kubernetes.io/hostname": "node-1"}}


def said(user: User) -> str:
    return " ".join(user.types("run", "scenario.yaml").stdout.split())


@both
def test_pods_that_name_a_full_node_could_ask_for_others(user: User, workload: Callable[..., Raw]) -> None:
    user.plans(workload(asking(npu=8), replicas=2, **ELSEWHERE), cluster="2x8", initial="empty")
    assert "no such node is free; an update that asks for other nodes would let it go on" in said(user)


def test_a_node_of_that_name_in_need_of_room_is_not_called_for(user: User) -> None:
    user.plans(
        deployment(asking(npu=8), replicas=1, nodeSelector={"kubernetes.io/hostname": "node-7"}),
        cluster="2x8",
        initial="empty",
    )
    told = said(user)
    assert "node-7 would let it go on" in told
    assert "asks for other nodes" not in told


@pytest.mark.parametrize("placed", [True, False])
def test_a_broken_pod_of_a_stateful_set_is_deleted_after_the_update(user: User, *, placed: bool) -> None:
    container = {**asking(npu=8), "imagePullPolicy": "Never"} if placed else asking(npu=8)
    pods = stateful_set(container, replicas=2, **({} if placed else ELSEWHERE))
    user.plans(pods, cluster="2x8", initial="empty", horizon="1h")
    way = "with another pull policy" if placed else "that asks for other nodes"
    assert f"an update {way} and the deletion of the pod" in said(user)
