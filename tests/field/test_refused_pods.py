"""Pods that the API server refuses: in its present words, since when, and as the condition ReplicaFailure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from field.user import User, asking, deployment, kubeinfer, replica_set, stateful_set

QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "q", "namespace": "prod"},
    "spec": {"hard": {"pods": "2"}},
}


def short_of_quota(user: User, workload: Any, raised_to: int) -> None:
    """Five pods are asked for where two may be, from 20m on more."""
    made = workload(asking(npu=2), replicas=2)
    raised = {"spec": {"hard": {"pods": str(raised_to)}}}
    user.plans(
        made,
        QUOTA,
        cluster="2x8",
        initial="running",
        actions=[
            {"at": "1m", "object": f"{made['kind']}/chat", "scale": 5},
            {"at": "20m", "object": "ResourceQuota/q", "patchObject": raised},
        ],
        horizon="2h",
    )


def why(user: User, at: str) -> str:
    return " ".join(user.types("why", "scenario.yaml", "--at", at).stdout.split())


FIRST = "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2"
THEN = "exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3"


@pytest.mark.parametrize("workload", [kubeinfer, deployment, replica_set, stateful_set])
def test_the_api_server_s_words_are_those_of_the_time_that_is_asked_for(user: User, workload: Any) -> None:
    short_of_quota(user, workload, 3)
    done, result = user.runs()
    assert THEN in result["verdict"]["sentence"]
    assert FIRST not in result["verdict"]["sentence"]
    if workload is not kubeinfer:
        assert FIRST in why(user, "10m")
        assert FIRST not in why(user, "90m")
        assert THEN in " ".join(done.stdout.partition("Refused")[2].split())
    assert THEN in why(user, "90m")


@pytest.mark.parametrize("workload", [deployment, replica_set])
def test_they_are_refused_since_they_were_first(user: User, workload: Any) -> None:
    short_of_quota(user, workload, 3)
    assert f"Pods of {workload({})['kind']} chat are refused (FailedCreate) since 1m: " in why(user, "90m")
    told = json.loads(user.types("why", "scenario.yaml", "--at", "90m", "-o", "json").stdout)
    (found,) = told["deployments"]
    assert found["refusedSinceMs"] == 60_000
    assert found["refused"]["atMs"] > 1_200_000


@pytest.mark.parametrize("raised_to", [3, 5])
def test_a_deployment_has_the_condition_replica_failure_while_its_pods_are_refused(
    user: User, raised_to: int
) -> None:
    short_of_quota(user, deployment, raised_to)
    done, result = user.runs()
    (found,) = result["deployments"]
    had = [(each["atMs"], each["replicaFailure"]) for each in found["conditions"] if each["replicaFailure"]]
    assert had[0] == (60_000, "FailedCreate")
    ended = not found["conditions"][-1]["replicaFailure"]
    assert ended is (raised_to == 5)
    text = " ".join(done.stdout.split())
    assert ("ReplicaFailure=True (FailedCreate) since 1m" in text) is not ended
    assert (found["refused"] == "") is ended
    assert (THEN in found["refused"]) is not ended


def test_a_replica_set_has_no_other_condition(user: User) -> None:
    short_of_quota(user, replica_set, 3)
    done, result = user.runs()
    assert "Conditions  ReplicaFailure=True (FailedCreate) since 1m\n" in done.stdout
    assert THEN in result["replicaSets"][0]["refused"]


def test_each_condition_is_said_to_be_so_since_it_is(user: User) -> None:
    user.plans(
        deployment({**asking(npu=2), "readinessProbe": {"tcpSocket": {"port": 1}}}),
        cluster="2x8",
        initial="running",
        actions=[{"at": "10m", "health": {}}],
        horizon="1h",
    )
    done, result = user.runs()
    since = next(each["atMs"] for each in result["deployments"][0]["conditions"] if not each["available"])
    assert 600_000 < since < 660_000
    text = " ".join(done.stdout.split())
    assert "Conditions Available=False since 10m" in text
    assert "Progressing=True (NewReplicaSetAvailable) since 0s" in text
