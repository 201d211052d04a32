"""How KubeInfers and Deployments come out, as a user is told: each for itself, and over which time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from field.user import Raw, User, asking, both, deployment, kubeinfer
from metrics.test_availability import measured

from kubeinfer_sim.manifest.model import IntOrPercent
from kubeinfer_sim.metrics import Judgement, judge
from kubeinfer_sim.scenario.model import Objectives

NPUS = asking(npu=8)
CHECK = {"exec": {"command": ["true"]}, "periodSeconds": 1, "failureThreshold": 1}
SLOW = {**NPUS, "readinessProbe": {**CHECK, "initialDelaySeconds": 60}}
UPDATE = {"at": "1m", "apply": {"newRevision": True}}


def named(name: str, made: Raw) -> Raw:
    return {**made, "metadata": {**made["metadata"], "name": name}}


def words(text: str) -> str:
    return " ".join(text.split())


def test_of_several_kubeinfers_each_has_its_own_instances(user: User) -> None:
    one, two = named("one", kubeinfer(NPUS, replicas=1)), named("two", kubeinfer(NPUS, replicas=2))
    user.plans(one, two, cluster="4x8", horizon="1m")
    done, result = user.runs()
    assert [len(each["instances"]) for each in result["kubeinfers"]] == [1, 2]
    assert [line.split()[1:3] for line in done.stdout.splitlines() if "Starts" in line] == [
        ["1", "instance,"],
        ["2", "instances,"],
    ]


def test_a_kubeinfer_whose_update_is_in_place_completes_though_something_else_goes_on_for_ever(
    user: User,
) -> None:
    crashes = {"at": "1m", "object": "Deployment/chat", "crash": {"after": "1s"}}
    updates = [{**UPDATE, "object": f"{kind}/chat"} for kind in ("KubeInfer", "Deployment")]
    user.plans(
        kubeinfer(NPUS, replicas=1),
        deployment({**NPUS, "readinessProbe": CHECK}, replicas=1),
        cluster="4x8",
        actions=[crashes, *updates],
        quietAfter="20m",
    )
    done, result = user.runs()
    assert result["end"]["reason"] == "quiet"
    assert "missing for good" in words(done.stdout)
    assert "the update completes in 0s; at least 1 of 1 instance stays ready" in words(done.stdout)


def test_an_update_that_was_aborted_is_none_that_completes(user: User) -> None:
    """What was in place before is applied again and is in place; nobody got what was asked for."""
    user.plans(
        kubeinfer(NPUS, replicas=2, surge=1),
        cluster="2x8",
        actions=[UPDATE],
        assumptions={"onStall": "abort"},
    )
    done, result = user.runs()
    assert (done.returncode, result["verdict"]["outcome"]) == (1, "neverFinishes")
    assert "The update is aborted at 1m (Unschedulable)" in done.stdout


@both
@pytest.mark.parametrize(("initial", "quiet"), [("running", True), ("empty", False)])
def test_what_ran_at_the_start_has_not_happened_and_what_is_created_has(
    user: User, workload: Callable[..., Raw], initial: str, quiet: bool
) -> None:
    user.plans(workload(NPUS, replicas=1), cluster="2x8", initial=initial, horizon="5m")
    told = user.types("why", "scenario.yaml", "--at", "0s").stdout
    assert ("Nothing has happened by then" in told) is quiet


@both
@pytest.mark.parametrize(
    ("nodes", "horizon", "told"),
    [
        (2, "settled", "completes within 1m30s (never)"),
        (3, "170s", "completes within 1m30s (measured: 1m50s, not finished after this long)"),
    ],
)
def test_what_does_not_complete_in_time_never_does_or_has_not_by_the_horizon(
    user: User, workload: Callable[..., Raw], nodes: int, horizon: str, told: str
) -> None:
    user.plans(
        workload(SLOW, replicas=2, surge=1),
        cluster=f"{nodes}x8",
        actions=[UPDATE],
        objectives={"completesWithin": "90s"},
        horizon=horizon,
    )
    done, _ = user.runs()
    assert done.returncode == 1
    assert told in words(done.stdout)


def test_of_a_workload_that_was_never_there_no_part_is_to_be_ready() -> None:
    half = Objectives(min_ready_instances=IntOrPercent(50, True))
    (judged,) = judge(half, measured([]))
    assert (judged.judgement, judged.target, judged.measured) == (Judgement.HELD, 0, 0)


# -- the pods of a Deployment that are available ------------------------------------------------------------

DIES = {"at": "10m", "nodeDown": "node-0"}


@pytest.mark.parametrize(("initial", "nodes"), [("empty", 4), ("running", 4), ("running", 3)])
def test_the_fewest_available_pods_are_told_once_of_the_whole_run(
    user: User, initial: str, nodes: int
) -> None:
    """Its creation is no change after which something else would be `later`; nor is there a later when it never ends."""
    pods = deployment({**NPUS, "readinessProbe": CHECK})
    user.plans(pods, cluster=f"{nodes}x8", initial=initial, actions=[DIES], horizon="30m")
    done, result = user.runs()
    assert result["deployments"][0]["minAvailablePods"] == 2
    assert "  Available   at least 2 of 3 pods available (node-0 died at 10m)\n" in done.stdout


def test_only_what_took_pods_away_is_named_with_the_fewest_that_were_available(user: User) -> None:
    """The crash is of the pod in the place of the deleted one, which has not been available yet."""
    actions = [
        {"at": "10m", "deletePod": {"pods": [0]}},
        {"at": "10m30s", "crash": {"pods": [3]}},
    ]
    user.plans(deployment(SLOW), cluster="4x8", actions=actions, horizon="30m")
    assert (
        "  Available   at least 2 of 3 pods available (deletion of chat-0 at 10m)\n" in user.runs()[0].stdout
    )


def test_a_pod_that_is_lost_twice_is_lost_to_both_causes(user: User) -> None:
    fails = [{"at": at, "health": {"pods": [0], "lasts": "10s"}} for at in ("10m", "20m")]
    user.plans(deployment({**NPUS, "readinessProbe": CHECK}), cluster="4x8", actions=fails, horizon="30m")
    said = words(user.runs()[0].stdout)
    assert "at least 2 of 3 pods available (health check of chat-0 fails at 10m and 1 more cause)" in said


def test_a_deletion_supersedes_the_update_that_it_comes_upon(user: User) -> None:
    actions = [
        {"at": "10m", "apply": {"newRevision": True}},
        {"at": "11m", "deleteObject": "Deployment/chat"},
    ]
    user.plans(deployment(SLOW), cluster="4x8", actions=actions, horizon="30m")
    _, result = user.runs()
    changes = result["deployments"][0]["changes"]
    assert [each["supersededAtMs"] for each in changes] == [None, 660_000, None]


# -- when a run is given up ---------------------------------------------------------------------------------


def test_a_deployment_whose_pods_become_available_one_by_one_goes_on(user: User) -> None:
    """Though it takes longer than nothing may happen, beside what goes round for ever."""
    other = named("other", deployment({**asking(cpu=1), "readinessProbe": CHECK}, replicas=1))
    actions = [
        {"at": "30s", "object": "Deployment/other", "crash": {"after": "1s"}},
        {"at": "40s", "object": "Deployment/other", "apply": {"newRevision": True}},
        {**UPDATE, "object": "Deployment/chat"},
    ]
    user.plans(deployment(SLOW), other, cluster="4x8", actions=actions, quietAfter="2m")
    _, result = user.runs()
    assert result["end"]["reason"] == "quiet"
    assert result["deployments"][0]["changes"][-1]["completedAtMs"] == 240_000


def test_an_instance_that_is_ready_once_more_has_come_no_further(user: User) -> None:
    crashes = {"at": "1m", "crash": {"after": "30s"}}
    pods = kubeinfer({**NPUS, "readinessProbe": CHECK}, replicas=1)
    user.plans(pods, cluster="4x8", actions=[crashes, UPDATE], quietAfter="20m")
    _, result = user.runs()
    assert (result["end"]["reason"], result["end"]["atMs"]) == ("quiet", 1_200_000)
