"""Pods that a node rejects without a pause: told once, with how fast they come, until the node changes or they are gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from field.user import Raw, User, asking, bare_pod, deployment

from kubeinfer_sim.cluster.kubelet import pod_admission
from kubeinfer_sim.cluster.records import (
    PodBound,
    PodDeleting,
    PodGone,
    PodRejected,
    PodStopping,
    RejectionsGoOn,
)
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

HOUR = 3_600_000
#: A node with another label than the one that pods keep to.
NODE = {"name": "a", "count": 1, "allocatable": {"cpu": 4}, "labels": {"x": "z"}}
LABEL = {"labelNodes": {"nodes": ["a-0"], "labels": {"x": "y"}}}


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> User:
    monkeypatch.setattr(pod_admission, "MANY", 5)
    return User(tmp_path)


def web(replicas: int = 1, **pod: Any) -> Raw:
    """Pods that are past the scheduler, and keep to nodes of a label."""
    return deployment(asking(cpu=1), replicas=replicas, nodeName="a-0", nodeSelector={"x": "y"}, **pod)


def played(user: User, made: Raw, *actions: Raw, at: str = "0s", **spec: Any) -> Run:
    first = deployment({}, replicas=0)
    first["metadata"]["name"] = "first"
    created = [{"at": at, "create": made}, *actions]
    user.plans(first, cluster={"pools": [NODE]}, initial="empty", actions=created, **spec)
    return simulate(load_scenario(str(user.folder / "scenario.yaml")))


@pytest.mark.parametrize("replicas", [1, 2])
def test_what_goes_on_is_told_once_with_how_fast_it_has_come_so_far(user: User, replicas: int) -> None:
    run = played(user, web(replicas), at="1h")
    (told,) = run.history.of(RejectionsGoOn)
    assert (told.number, told.reason) == (5, "NodeAffinity")
    assert HOUR < told.at < HOUR + 1_000
    assert told.took == told.at - HOUR, "since the first of them"


def test_the_pod_that_stands_for_them_is_taken_when_the_node_takes_pods(user: User) -> None:
    run = played(user, web(), {"at": "10m", **LABEL}, horizon="1h")
    *_, last = run.history.of(PodBound)
    assert last.at == 600_000
    assert [pod.phase for pod in run.pods if pod.phase != "Failed"] == ["Running"]


def test_it_is_rejected_for_the_reason_that_there_is_then(user: User) -> None:
    """Another pod has taken all that the node has when it gets the label."""
    other = {"at": "9m", "create": bare_pod(asking(cpu=4), nodeName="a-0")}
    run = played(user, web(), other, {"at": "10m", **LABEL}, horizon="1h")
    anew, *_ = [each for each in run.history.of(PodRejected) if each.at >= 600_000]
    assert (anew.at, anew.reason) == (600_000, "OutOfcpu")
    assert [each.reason for each in run.history.of(RejectionsGoOn)] == ["NodeAffinity", "OutOfcpu"]


def test_one_that_is_not_wanted_any_more_is_gone_and_nothing_goes_on(user: User) -> None:
    scaled = {"at": "10m", "object": "Deployment/chat", "scale": 0}
    run = played(user, web(), scaled, {"at": "20m", **LABEL})
    assert run.end == "settled"
    assert not [each for each in run.history.of(PodBound) if each.at > 600_000]
    deleted = [each for each in run.history.of(PodDeleting) if each.at == 600_000]
    assert [each.stages for each in deleted] == [()]


def test_one_that_is_deleted_before_its_node_could_say_that_it_had_failed_is_gone_when_that_is_back(
    user: User,
) -> None:
    """Nothing of it ran, so nothing is to be stopped."""
    actions = [
        {"at": "60.01s", "nodeDown": {"nodes": ["a-0"], "mode": "cutOff"}},
        {"at": "70s", "deleteObject": "Pod/p"},
        {"at": "80s", "nodeUp": {"nodes": ["a-0"]}},
    ]
    run = played(user, bare_pod(asking(cpu=5), nodeName="a-0"), *actions, at="1m", horizon="2m")
    assert [each.at for each in run.history.of(PodRejected)] == [60_000]
    assert [each.at for each in run.history.of(PodGone)] == [80_000]
    assert not [*run.history.of(PodStopping)]
