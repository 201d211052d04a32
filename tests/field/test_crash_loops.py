"""What fails again and again comes to nothing, and the run to its end."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from field.test_pod_worker import in_place
from field.user import Raw, User, asking, both, deployment, kubeinfer, stateful_set

#: Killed two minutes after each start, up to which it is ready.
PROBE = {"livenessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10, "failureThreshold": 9}}
SICK = {"at": "0s", "health": {"probes": ["liveness"], "after": "30s"}}


def test_a_crash_loop_of_a_kubeinfer_is_no_progress(user: User) -> None:
    probe = {"livenessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10}}
    sick = {"at": "1m", "health": {"probes": ["liveness"], "newPods": True}}
    user.plans(
        kubeinfer({**asking(npu=8), **probe}, replicas=1), cluster="1x8", actions=[sick], quietAfter="10m"
    )
    done, result = user.runs()
    assert done.returncode == 1
    assert result["end"]["reason"] == "quiet"


#: What ends a run in a crash loop, and how long it then says that pods are missing.
ENDS = {"quietAfter": "for good", "horizon": "at the horizon"}
ended = pytest.mark.parametrize("ends", ENDS)


def verdicts(user: User, pods: Raw, action: Raw, ends: str) -> tuple[set[str], set[int]]:
    """Of runs that end in a loop minute by minute: what they say but for times, and how many were ready."""
    said, ready = set(), set()
    for minutes in range(120, 127):
        user.plans(pods, cluster="2x8", initial="empty", actions=[action], **{ends: f"{minutes}m"})
        done, result = user.runs()
        assert done.returncode == 1
        assert result["end"]["reason"] == ("horizon" if ends == "horizon" else "quiet")
        text = " ".join(done.stdout.partition("\nfield ·")[0].split())
        said.add(re.sub(r" of 2h\d*m?(?=:)", "", re.sub(r"restarted \d+ times", "restarted N times", text)))
        ready.add(sum(each["readyContainers"] for each in user.pods()))
    return said, ready


KILLED = "is killed by its liveness probe over and over, restarted N times: "
KILLS = "9 failures in a row, one every 10 s; an engine that answers its liveness probe would let it go on"


@pytest.mark.parametrize(
    ("pods", "missing"),
    [
        (
            in_place(kubeinfer(PROBE, replicas=1)),
            f"1 of 1 instance missing WHEN: chat-0 {KILLED}serve-0: ",
        ),
        (kubeinfer(PROBE, replicas=1), f"1 of 1 instance missing WHEN: chat-0 {KILLED}serve-0: "),
        (deployment(PROBE, replicas=1), f"1 of 1 pod of Deployment chat missing WHEN: chat-0 {KILLED}"),
        (
            stateful_set(PROBE, replicas=1),
            f"1 of 1 pod of StatefulSet chat missing WHEN: chat-0 {KILLED}",
        ),
    ],
)
@ended
def test_the_verdict_over_a_crash_loop_is_the_same_whenever_it_is_given_up_or_cut(
    user: User, pods: Raw, missing: str, ends: str
) -> None:
    said, ready = verdicts(user, pods, SICK, ends)
    assert ready == {0, 1}
    assert said == {f"✘ {missing.replace('WHEN', ENDS[ends])}{KILLS}."}


@ended
@both
def test_so_it_is_over_pods_that_crash_by_themselves(
    user: User, workload: Callable[..., Any], ends: str
) -> None:
    crash = {"at": "0s", "crash": {"after": "2m"}}
    said, ready = verdicts(user, in_place(workload({}, replicas=1)), crash, ends)
    assert ready == {0, 1}
    assert len(said) == 1, said
    (text,) = said
    assert f"missing {ENDS[ends]}: chat-0 fails over and over, restarted N times: " in text


@pytest.mark.parametrize(
    ("actions", "horizon"),
    [
        ([{"at": f"{hour}h", "crash": {"pods": [0]}} for hour in (1, 2, 3)], "3h45m"),
        ([{"at": "0s", "crash": {"after": "1h", "times": 3}}], "3h45m"),
        ([{"at": "0s", "health": {"probes": ["liveness"], "after": "1h", "until": "2h30m"}}], "4h12m"),
        ([{"at": "0s", "health": {"probes": ["readiness"], "flapping": 0.9, "newPods": True}}], "1h"),
    ],
    ids=["independent", "counted", "over", "readiness alone"],
)
@both
def test_at_the_horizon_what_is_no_crash_loop_is_what_it_is_at_that_instant(
    user: User, workload: Callable[..., Any], actions: list[Raw], horizon: str
) -> None:
    checked = {"tcpSocket": {"port": 1}, "periodSeconds": 10}
    pods = in_place(workload({"livenessProbe": checked, "readinessProbe": checked}, replicas=1))
    user.plans(pods, cluster="1x8", initial="empty", actions=actions, horizon=horizon)
    done, result = user.runs()
    ready = sum(each["readyContainers"] for each in user.pods())
    assert done.returncode == (0 if ready else 1), done.stdout
    assert result["end"]["reason"] == "horizon"
    assert "over and over" not in done.stdout


def test_one_of_several_that_goes_round_is_missing(user: User) -> None:
    one = {"at": "0s", "health": {"probes": ["liveness"], "after": "30s", "pods": [1]}}
    said, ready = verdicts(user, deployment(PROBE, replicas=3), one, "quietAfter")
    assert ready == {2, 3}
    assert said == {f"✘ 1 of 3 pods of Deployment chat missing for good: chat-1 {KILLED}{KILLS}."}


def test_what_went_round_and_came_to_rest_is_not_missing(user: User) -> None:
    """Another Deployment goes round to the end; this one did until an hour before."""
    other = deployment(PROBE, replicas=1, labels={"app": "other"})
    other["metadata"]["name"] = "other"
    other["spec"]["selector"]["matchLabels"]["app"] = "other"
    over = {"at": "0s", "object": "Deployment/chat", "health": {**SICK["health"], "until": "1h"}}
    ever = {**SICK, "object": "Deployment/other"}
    user.plans(
        deployment(PROBE, replicas=1),
        other,
        cluster="2x8",
        initial="empty",
        actions=[over, ever],
        quietAfter="2h",
    )
    done, _ = user.runs()
    assert done.returncode == 1
    verdict = " ".join(done.stdout.partition("\nfield ·")[0].split())
    assert "1 of 1 pod of Deployment other missing for good" in verdict
    assert "of Deployment chat missing" not in verdict
