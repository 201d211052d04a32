"""Updates whose pods stay as they are: OnDelete, a partition, a ReplicaSet. The report says so, and what would do it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from field.user import Raw, User, asking, daemon_set, deployment, kubeinfer, replica_set, stateful_set

CPU = asking(cpu=1)
NODES = {"pools": [{"name": "a", "count": 3, "allocatable": {"cpu": "8", "pods": "110"}}]}
UPDATE = {"at": "1m", "apply": {"newRevision": True}}


def on_delete(of: Callable[..., Raw]) -> Raw:
    return of(CPU, spec={"updateStrategy": {"type": "OnDelete"}})


def partitioned(partition: int) -> Raw:
    return stateful_set(CPU, spec={"updateStrategy": {"rollingUpdate": {"partition": partition}}})


@pytest.mark.parametrize(
    ("pods", "why"),
    [
        (on_delete(stateful_set), "until somebody deletes them (OnDelete)"),
        (on_delete(daemon_set), "until somebody deletes them (OnDelete)"),
        (replica_set(CPU), "until somebody deletes them (a ReplicaSet only makes pods)"),
        (partitioned(3), "had (partition 3)"),
    ],
)
def test_an_update_that_replaces_nothing_says_so(user: User, pods: Raw, why: str) -> None:
    user.plans(pods, cluster=NODES, actions=[UPDATE], horizon="5m")
    done, _ = user.runs()
    assert done.returncode == 0
    text = " ".join(done.stdout.split())
    assert "replaces no pod: 3 of 3 pods keep the template they had" in text
    assert why in text
    assert "completes in" not in text


def test_a_partition_says_how_many_keep_their_template(user: User) -> None:
    user.plans(partitioned(2), cluster=NODES, actions=[UPDATE], horizon="5m")
    text = " ".join(user.runs()[0].stdout.split())
    assert "completes in 0s: 2 of 3 pods keep the template they had (partition 2); at least" in text


@pytest.mark.parametrize(("of", "key"), [(stateful_set, "statefulSets"), (daemon_set, "daemonSets")])
def test_those_that_somebody_deletes_are_not_counted(user: User, of: Callable[..., Raw], key: str) -> None:
    pods = on_delete(of)
    delete = {"at": "2m", "object": f"{pods['kind']}/{pods['metadata']['name']}", "deletePod": {"first": 1}}
    user.plans(pods, cluster=NODES, actions=[UPDATE, delete], horizon="5m")
    done, result = user.runs()
    assert "2 of 3 pods keep the template they had" in " ".join(done.stdout.split())
    assert result[key][0]["timeline"]["updated"][-1][1] == 1


def test_a_replica_set_counts_the_pods_of_its_newest_template(user: User) -> None:
    delete = {"at": "2m", "object": "ReplicaSet/chat", "deletePod": {"first": 1}}
    user.plans(replica_set(CPU), cluster=NODES, actions=[UPDATE, delete], horizon="5m")
    _, result = user.runs()
    assert [number for _, number in result["replicaSets"][0]["timeline"]["updated"]] == [3, 0, 1]


@pytest.mark.parametrize("of", [kubeinfer, deployment, stateful_set, daemon_set])
def test_an_update_that_replaces_all_keeps_none(user: User, of: Callable[..., Raw]) -> None:
    user.plans(of(CPU), cluster=NODES, actions=[UPDATE], horizon="5m")
    assert "keep the template" not in " ".join(user.runs()[0].stdout.split())


def test_what_was_only_scaled_keeps_no_template(user: User) -> None:
    user.plans(on_delete(stateful_set), cluster=NODES, actions=[{"at": "1m", "scale": 4}], horizon="5m")
    assert "keep the template" not in " ".join(user.runs()[0].stdout.split())
