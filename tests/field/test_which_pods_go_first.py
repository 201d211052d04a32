"""Which pods of a ReplicaSet go first when it shrinks.

Source: pkg/controller/replicaset/replica_set.go (getIndirectlyRelatedPods, getPodsRankedByRelatedPodsOnSameNode).
"""

from __future__ import annotations

import pytest
from field.user import Raw, User, asking, deployment, replica_set

CPU = asking(cpu="1")
TEN_SECONDS_TO_READY = {"profile": "zero", "create": "10s"}


def pools(roomy: str, room: int) -> Raw:
    """Three nodes with room for one pod each, and one of them for so many."""
    offered = {name: str(room if name == roomy else 1) for name in "abc"}
    return {
        "pools": [
            {"name": name, "count": 1, "allocatable": {"cpu": cpu, "memory": "64Gi", "pods": "20"}}
            for name, cpu in offered.items()
        ]
    }


def nodes(user: User, at: str) -> dict[str, str]:
    """Where each pod is."""
    return {each["name"]: each["node"] for each in user.pods(at)}


@pytest.mark.parametrize("roomy", ["a", "b", "c"])
def test_an_old_pod_beside_a_new_one_goes_before_those_that_have_their_node_alone(
    user: User, roomy: str
) -> None:
    user.plans(
        deployment(CPU, replicas=3, surge=1),
        cluster=pools(roomy, 2),
        update={"newRevision": True},
        initial="running",
        timings=TEN_SECONDS_TO_READY,
    )
    before, after = nodes(user, "5s"), nodes(user, "15s")
    assert before["chat-3"] == f"{roomy}-0", "the new pod is where there is room"
    (gone,) = before.keys() - after.keys()
    assert before[gone] == f"{roomy}-0"


def test_pods_of_a_replica_set_that_nothing_controls_are_not_told_apart_by_their_nodes(user: User) -> None:
    user.plans(
        replica_set(CPU, replicas=4),
        cluster=pools("c", 2),
        initial="running",
        actions=[{"at": "10s", "scale": 3}],
    )
    before, after = nodes(user, "5s"), nodes(user, "15s")
    assert before["chat-0"] != "c-0", "it has its node alone"
    assert before.keys() - after.keys() == {"chat-0"}


def test_a_pod_that_is_pending_goes_before_a_younger_one_that_runs_and_is_not_ready(user: User) -> None:
    never = {"readinessProbe": {"exec": {"command": ["true"]}, "initialDelaySeconds": 600}}
    image = {"container": "engine", "image": "repo/vllm:v2"}
    actions = [
        {"at": "0s", "imageFault": {"images": ["repo/vllm:v1"]}},
        {"at": "10s", "object": "ReplicaSet/chat", "setImage": image},
        {"at": "20s", "scale": 2},
        {"at": "30s", "scale": 1},
    ]
    pods = replica_set({**CPU, **never}, replicas=1)
    user.plans(pods, cluster=pools("c", 2), initial="empty", actions=actions)
    assert nodes(user, "25s").keys() == {"chat-0", "chat-1"}
    assert nodes(user, "35s").keys() == {"chat-1"}
