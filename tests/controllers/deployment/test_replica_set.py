"""What a ReplicaSet by itself does, and those of a Deployment do as it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import Raw, User, asking, deployment, replica_set

from kubeinfer_sim.cluster.records import GangPending
from kubeinfer_sim.controllers.deployment.records import DeploymentStatus, PodsRefused
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
