"""Which word stands for a pod in trouble: a sync writes the status before it does anything, so it is one sync late."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from field.test_pod_worker import in_place
from field.user import Raw, User, both

CLUSTER = {"pools": [{"name": "a", "count": 2, "allocatable": {"cpu": "8"}}]}


def plan(user: User, pods: Raw, action: Raw, **spec: object) -> None:
    user.plans(
        in_place(pods), cluster=CLUSTER, actions=[action], **{"horizon": "10m", "initial": "empty", **spec}
    )


def shown(user: User, seconds: Iterable[float]) -> list[str]:
    """What kubectl shows of the only pod at each of these times, with its restarts; what stays is said once."""
    words: list[str] = []
    for at in seconds:
        (pod,) = user.pods(at=f"{round(at * 1000)}ms")
        word = f"{pod['status']} {pod['restarts']}"
        if words[-1:] != [word]:
            words.append(word)
    return words


@both
@pytest.mark.parametrize(("reason", "word"), [("Error", "Error"), ("Completed", "Completed")])
def test_the_sync_that_starts_it_again_is_the_first_to_say_crash_loop_back_off(
    user: User, workload: Callable[..., Raw], reason: str, word: str
) -> None:
    timings = {"profile": "zero", "create": "500ms"}
    plan(
        user,
        workload({}, replicas=1),
        {"at": "0s", "crash": {"after": "1s", "reason": reason}},
        timings=timings,
    )
    # Started at 0.5 and 2 s; the second exit is at 3 s, and the wait after it 10 to 15 s.
    words = shown(user, [each / 2 for each in range(5, 40)])
    assert words[:5] == ["Running 1", f"{word} 1", "CrashLoopBackOff 1", "Running 2", f"{word} 2"]


@both
def test_a_wait_of_more_than_a_minute_is_told_when_it_was_looked_at(
    user: User, workload: Callable[..., Raw]
) -> None:
    plan(user, workload({}, replicas=1), {"at": "0s", "crash": {"after": "1s"}}, horizon="20m")
    # After the sixth exit it waits for 160 s, and is looked at after 60 to 90 s.
    words = shown(user, range(150, 600, 15))
    assert words[words.index("CrashLoopBackOff 5") - 1] == "Error 5"
    assert "CrashLoopBackOff 2" not in words


@both
def test_after_a_kill_by_a_probe_it_is_seen_at_once(user: User, workload: Callable[..., Raw]) -> None:
    probe = {
        "tcpSocket": {"port": 1},
        "periodSeconds": 3,
        "failureThreshold": 3,
        "terminationGracePeriodSeconds": 3,
    }
    pods = workload({"startupProbe": probe}, replicas=1)
    plan(user, pods, {"at": "0s", "health": {"probes": ["startup"], "newPods": True}})
    words = shown(user, range(1, 60))
    assert next(each for each in words if not each.startswith("Running")).startswith("CrashLoopBackOff")
    assert not [each for each in words if each.startswith("Error")]


@both
def test_a_hook_that_fails_is_told_and_then_its_back_off(user: User, workload: Callable[..., Raw]) -> None:
    pods = workload({"lifecycle": {"postStart": {"exec": {"command": ["false"]}}}}, replicas=1)
    plan(user, pods, {"at": "0s", "postStartFault": {}})
    words = shown(user, [each / 2 for each in range(1, 40)])
    assert words[:4] == [
        "PostStartHookError 1",
        "CrashLoopBackOff 1",
        "PostStartHookError 2",
        "CrashLoopBackOff 2",
    ]


@both
def test_an_image_that_is_missing_is_told_one_sync_late(user: User, workload: Callable[..., Raw]) -> None:
    user.plans(
        workload({}, replicas=1),
        cluster=CLUSTER,
        brokenImages=["repo/vllm:v1"],
        initial="empty",
        horizon="10m",
    )
    words = shown(user, range(1, 90, 2))
    assert words[:5] == ["ErrImagePull 0", "ImagePullBackOff 0"] * 2 + ["ErrImagePull 0"]
    # A sync every 10 to 15 s, whatever is left of the back-off.
    assert len(words) >= 5


@both
def test_other_containers_of_the_pod_bring_a_sync(user: User, workload: Callable[..., Raw]) -> None:
    pods = workload({}, replicas=1)
    spec = pods["spec"]["template"]["spec"]
    spec = spec["roles"][0]["template"]["spec"] if "roles" in spec else spec
    spec["containers"].append({"name": "log", "image": "repo/log:1"})
    crash = {"at": "0s", "crash": {"container": "log", "after": "1s"}}
    other = {"at": "5s", "crash": {"container": "engine"}}
    user.plans(in_place(pods), cluster=CLUSTER, actions=[crash, other], horizon="10m", initial="empty")
    before, after = (user.pods(at=at)[0]["containers"] for at in ("4s", "6s"))
    assert [each["reason"] for each in before if each["name"] == "log"] == ["Error"]
    assert [each["reason"] for each in after if each["name"] == "log"] == ["CrashLoopBackOff"]
