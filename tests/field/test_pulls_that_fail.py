"""Pulls that take a time to fail: they hold their node's queue."""

from __future__ import annotations

from collections.abc import Callable

from field.user import Raw, User, bare_pod, both

CLUSTER = {"pools": [{"name": "a", "count": 1, "allocatable": {"cpu": "8"}}]}
BAD = "repo/bad:1"


def plan(user: User, *pods: Raw, after: str = "8s", actions: tuple[Raw, ...] = (), **fault: str) -> None:
    user.plans(
        *pods,
        cluster=CLUSTER,
        timings={"profile": "zero", "imageCold": "5s"},
        actions=[{"at": "0s", "imageFault": {"images": [BAD], "after": after, **fault}}, *actions],
        initial="empty",
        horizon="30m",
    )


@both
def test_while_it_pulls_the_first_time_nothing_has_failed_yet(
    user: User, workload: Callable[..., Raw]
) -> None:
    plan(user, workload({"image": BAD}, replicas=1))
    words = [user.pods(at=f"{at}s")[0]["status"] for at in (7, 9, 17, 22, 28)]
    # Failed at 8 s, tried again at 18 to 24 s, and not done before 26 to 32 s.
    assert words[:3] == ["ContainerCreating", "ErrImagePull", "ErrImagePull"]
    assert "ImagePullBackOff" in words[3:]


def test_others_wait_behind_it(user: User) -> None:
    plan(user, bare_pod({"image": BAD}, name="a"), bare_pod({"image": "repo/good:1"}, name="b"))
    assert [each["status"] for each in user.pods(at="12s") if each["name"] == "b"] == ["ContainerCreating"]
    assert [each["status"] for each in user.pods(at="14s") if each["name"] == "b"] == ["Running"]


@both
def test_it_is_pulled_at_the_next_attempt_once_it_can_be(user: User, workload: Callable[..., Raw]) -> None:
    plan(user, workload({"image": BAD}, replicas=1), until="1m")
    # Attempts begin 10, 20, 40 … s after the failure before, at the next sync.
    assert user.pods(at="1m")[0]["status"] != "Running"
    assert user.pods(at="2m20s")[0]["status"] == "Running"


@both
def test_a_deletion_waits_until_it_has_failed(user: User, workload: Callable[..., Raw]) -> None:
    plan(user, workload({"image": BAD}, replicas=1), actions=({"at": "3s", "scale": 0},))
    assert [each["status"] for each in user.pods(at="7s")] == ["Terminating"]
    assert user.pods(at="9s") == []


def test_an_image_named_twice_is_broken_and_mended_once(user: User) -> None:
    twice = {"at": "0s", "imageFault": {"images": [BAD, BAD], "until": "1m"}}
    user.plans(bare_pod({"image": BAD}), cluster=CLUSTER, actions=[twice], initial="empty", horizon="30m")
    assert user.pods(at="30s")[0]["status"] != "Running"
    assert user.pods()[0]["status"] == "Running"
