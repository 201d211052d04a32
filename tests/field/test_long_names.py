"""Names that the API server takes and that are too long for the labels that are made of them (kubernetes #64023)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from field.user import Raw, User, asking, daemon_set, deployment, replica_set, stateful_set

CPU = asking(cpu=1)
NODES = {"pools": [{"name": "a", "count": 3, "allocatable": {"cpu": "8", "pods": "110"}}]}


def named(of: Callable[..., Raw], length: int) -> Raw:
    made = of(CPU)
    made["metadata"]["name"] = "x" * length
    return made


@pytest.mark.parametrize("initial", ["empty", "running"])
@pytest.mark.parametrize(("length", "refused"), [(52, False), (53, True), (62, True)])
def test_a_stateful_set_of_a_long_name_gets_no_pods(
    user: User, length: int, refused: bool, initial: str
) -> None:
    user.plans(named(stateful_set, length), cluster=NODES, initial=initial, horizon="5m")
    done, result = user.runs()
    (found,) = result["statefulSets"]
    assert done.returncode == (1 if refused or initial == "running" else 0)  # nothing happens to what runs
    assert len(found["pods"]) == (0 if refused else 3)
    assert ("must be no more than 63 characters" in found["refused"]) is refused
    assert ("spec.hostname" in found["refused"]) is (length == 62)
    if refused:
        assert f'metadata.labels: Invalid value: "{"x" * length}-' in found["refused"]
        way = "a StatefulSet of a name of at most 52 characters would let it go on"
        assert way in " ".join(done.stdout.split())


@pytest.mark.parametrize("of", [deployment, replica_set, daemon_set])
def test_names_of_the_pods_of_others_are_cut(user: User, of: Callable[..., Raw]) -> None:
    """They are made with generateName, and their labels hold a hash alone."""
    user.plans(named(of, 62), cluster=NODES, initial="empty", horizon="5m")
    assert user.runs()[0].returncode == 0


def test_two_of_a_name_in_two_namespaces_are_as_long_as_each_is(user: User) -> None:
    """With its namespace before it the name would be too long."""
    pods = [named(stateful_set, 52), named(stateful_set, 52)]
    pods[1]["metadata"]["namespace"] = "dev"
    user.plans(*pods, cluster=NODES, initial="empty", horizon="5m")
    assert user.runs()[0].returncode == 0


def test_listed_pods_have_the_labels_of_their_controller(user: User) -> None:
    user.plans(stateful_set(CPU, replicas=2), cluster=NODES, horizon="5m")
    listed = json.loads(user.types("pods", "scenario.yaml", "-o", "kubectl").stdout)["items"]
    labels = [each["metadata"]["labels"] for each in listed if each["kind"] == "Pod"]
    assert [each["statefulset.kubernetes.io/pod-name"] for each in labels] == ["chat-0", "chat-1"]
    assert [each["apps.kubernetes.io/pod-index"] for each in labels] == ["0", "1"]
    assert all(each["controller-revision-hash"].startswith("chat-") for each in labels)
