"""From when to when readiness is owed: the same rule for KubeInfers and Deployments, and the report says it."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import Raw, User, asking, both, kubeinfer

START = {"profile": "zero", "create": "1m"}
ALL = {"availability": [{"ready": "all", "atLeast": "90%"}]}


def pods(workload: Any, name: str = "chat") -> Raw:
    made: Raw = workload({**asking(npu=8)}, replicas=2, terminationGracePeriodSeconds=0)
    made["metadata"]["name"] = name
    return made


def said(user: User, workload: Any, *, nodes: int = 4, **spec: Any) -> tuple[str, list[Any]]:
    """The report on one line, and of each objective whether it is held, and the number."""
    user.plans(pods(workload), cluster=f"{nodes}x8", timings=START, horizon="20m", **spec)
    done, result = user.runs()
    return " ".join(done.stdout.split()), [
        (each["judgement"], each["measured"]) for each in result["objectives"]
    ]


@both
def test_a_cold_start_is_no_outage_and_the_text_says_from_when_on_it_is_counted(
    user: User, workload: Any
) -> None:
    told, judged = said(user, workload, initial="empty", objectives=ALL | {"maxLostInstanceSeconds": 0})
    assert judged == [("held", 0), ("held", 100)]
    assert "at most 0 instance-seconds lost (measured: 0, from 1m to 20m)" in told
    assert "all ready at least 90 % of the time (measured: 100 %, from 1m to 20m)" in told
    assert "at least 2 of 2 " in told.partition("Objectives")[2]
    assert " from 1m on" in told.partition("Objectives")[2]


@both
def test_a_cold_start_that_never_ends_is_an_outage_from_when_it_was_asked_for(
    user: User, workload: Any
) -> None:
    create = [{"at": "10m", "create": [pods(workload, "code")]}]
    told, judged = said(user, workload, nodes=3, initial="running", actions=create, objectives=ALL)
    assert judged == [("held", 100), ("missed", 0)]
    assert "(measured: 0 %, from 10m to 20m)" in told


@both
def test_what_is_deleted_owes_nothing_afterwards(user: User, workload: Any) -> None:
    kind = "KubeInfer" if workload is kubeinfer else "Deployment"
    delete = [{"at": "10m", "deleteObject": f"{kind}/chat"}]
    told, judged = said(
        user, workload, initial="running", actions=delete, objectives=ALL | {"minReadyInstances": 2}
    )
    assert judged == [("held", 2), ("held", 100)]
    assert "at least 2 ready (measured: 2, from 0s to 10m)" in told


@both
def test_what_runs_throughout_says_nothing_of_it(user: User, workload: Any) -> None:
    told, _ = said(user, workload, initial="running", update={"newRevision": True}, objectives=ALL)
    assert "from 0s to 20m" not in told
    assert ", from " not in told.partition("Objectives")[2].partition("NPUs")[0].partition("Update")[0]


@both
@pytest.mark.parametrize(("initial", "counted"), [("empty", True), ("running", False)])
def test_many_runs_say_from_when_on_it_is_counted(
    user: User, workload: Any, initial: str, counted: bool
) -> None:
    user.plans(pods(workload), cluster="4x8", timings=START, horizon="20m", initial=initial, objectives=ALL)
    done = user.types("run", "scenario.yaml", "-n", "3", "--workers", "1")
    told = " ".join(done.stdout.split())
    assert ("from when all of it was ready for the first time" in told) is counted
