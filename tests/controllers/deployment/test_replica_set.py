"""What a ReplicaSet by itself does, and those of a Deployment do as it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import Raw, User, asking, deployment, replica_set

from kubeinfer_sim.cluster.records import GangPending
from kubeinfer_sim.controllers.deployment.records import DeploymentApplied, DeploymentStatus, PodsRefused
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.simulation.simulate import simulate

owners = pytest.mark.parametrize("workload", [replica_set, deployment])


def told(user: User, kind: type[Record]) -> list[Any]:
    """The records of a kind that the scenario makes."""
    return list(simulate(load_scenario(str(user.folder / "scenario.yaml"))).history.of(kind))


def test_pods_are_available_once_they_have_been_ready_for_long_enough(user: User) -> None:
    """It looks again then, though nothing happens."""
    pods = replica_set(asking(npu=8), replicas=2)
    pods["spec"]["minReadySeconds"] = 30
    user.plans(pods, cluster="2x8", initial="empty", timings={"profile": "zero"})
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    assert result["end"]["atMs"] >= 30_000


@owners
def test_for_how_long_pods_have_to_be_ready_may_change_while_they_are(
    user: User, workload: Callable[..., Raw]
) -> None:
    later = {"at": "10s", "patch": {"spec": {"minReadySeconds": 60}}}
    user.plans(
        workload(asking(npu=8), replicas=2), cluster="2x8", initial="empty", actions=[later], horizon="2m"
    )
    available = [(each.at, each.counts.available) for each in told(user, DeploymentStatus)]
    assert available[-2:] == [(10_000, 0), (60_000, 2)]


@owners
def test_what_is_deleted_asks_for_no_pods_and_has_no_status(user: User, workload: Callable[..., Raw]) -> None:
    pods = workload({**asking(npu=8), "lifecycle": {"preStop": {"sleep": {"seconds": 20}}}}, replicas=2)
    user.plans(
        pods, cluster="2x8", actions=[{"at": "1m", "deleteObject": f"{pods['kind']}/chat"}], horizon="2m"
    )
    assert [each.replicas for each in told(user, DeploymentApplied)] == [2, 0]
    assert max(each.at for each in told(user, DeploymentStatus)) < 60_000


@owners
def test_it_has_failed_to_create_pods_only_while_one_is_refused(
    user: User, workload: Callable[..., Raw]
) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": "prod"},
        "spec": {"hard": {"pods": 1}},
    }
    user.plans(workload(asking(npu=8), replicas=2), cluster="2x8", initial="empty", horizon="1m")
    assert {each.failure for each in told(user, DeploymentStatus)} == {""}
    user.plans(workload(asking(npu=8), replicas=2), quota, cluster="2x8", initial="empty", horizon="1m")
    assert told(user, DeploymentStatus)[-1].failure == "FailedCreate"
    assert [each.at for each in told(user, PodsRefused)] == [0]  # and not at each retry


def test_when_the_pod_that_was_explained_is_gone_the_next_that_waits_is(user: User) -> None:
    actions = [{"at": "1m", "deletePod": {"pods": [1]}}, {"at": "1m", "scale": 2}]
    user.plans(replica_set(asking(npu=8)), cluster="1x8", actions=actions, horizon="2m")
    explained = [(each.instance.name, each.at) for each in told(user, GangPending)]
    assert explained == [("chat-1", 0), ("chat-2", 60_000), ("chat-2", 120_000)]


def test_why_a_deployment_has_exceeded_its_deadline_is_told_when_it_has_and_not_again(user: User) -> None:
    probe = {"readinessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 1}}
    unready = {"at": "20m", "health": {"pods": [0], "lasts": "1m"}}
    pods = deployment({**asking(npu=8), **probe}, replicas=2)
    user.plans(pods, cluster="1x8", initial="empty", actions=[unready], horizon="30m")
    assert [each.at // 1000 for each in told(user, GangPending)] == [601, 1800]
