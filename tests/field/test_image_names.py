"""Images whose names are none: the API server takes them, and no kubelet does (pkg/kubelet/images, InvalidImageName)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from command_line import Done
from field.user import Raw, User, both

CLUSTER = {"pools": [{"name": "a", "count": 2, "allocatable": {"cpu": "8"}}]}
NAMES = {
    "repo/Web:v2": "invalid reference format: repository name (repo/Web) must be lowercase",
    "UPPER CASE": "invalid reference format: repository name (library/UPPER CASE) must be lowercase",
    "repo/web:": "invalid reference format",
    "http://repo/web:v2": "invalid reference format",
    "a" * 64: f"invalid repository name ({'a' * 64}), cannot specify 64-byte hexadecimal strings",
    f"repo/web@sha256:{'a' * 40}": "invalid checksum digest length",
}


def plan(user: User, manifest: Raw, *actions: Raw, **spec: object) -> None:
    user.plans(manifest, cluster=CLUSTER, actions=list(actions), **spec)


def _told(done: Done) -> str:
    return done.stdout + done.stderr


def to(image: str) -> Raw:
    return {"at": "1m", "setImage": {"container": "engine", "image": image}}


@both
@pytest.mark.parametrize("image", NAMES)
def test_an_update_to_no_image_does_not_finish(user: User, workload: Callable[..., Raw], image: str) -> None:
    plan(user, workload({}), to(image))
    done, _ = user.runs()
    assert done.returncode == 1, done.stdout
    assert "InvalidImageName" in done.stdout
    (waits,) = [each["status"] for each in user.pods() if each["status"] != "Running"]
    assert waits == "InvalidImageName"


@both
@pytest.mark.parametrize(("image", "error"), NAMES.items())
def test_why_says_what_the_kubelet_says(
    user: User, workload: Callable[..., Raw], image: str, error: str
) -> None:
    plan(user, workload({}), to(image))
    told = " ".join(user.types("why", "scenario.yaml", "--at", "1m").stdout.split())
    parsed = f'couldn\'t parse image name "{image}": {error}'
    assert f'(InvalidImageName): Failed to apply default image tag "{image}": {parsed}' in told


@both
def test_it_is_an_image_name_before_it_is_anything_else(user: User, workload: Callable[..., Raw]) -> None:
    """Neither a policy that never pulls, nor a node that has it, nor a registry that is down changes that."""
    image = "repo/Web:v2"
    for policy in ("Never", "IfNotPresent", "Always"):
        pools = [{"name": "a", "count": 1, "allocatable": {"cpu": "8"}, "images": [image]}]
        down = {"at": "0s", "imageFault": {"after": "8s"}}
        user.plans(
            workload({"image": image, "imagePullPolicy": policy}, replicas=1),
            cluster={"pools": pools},
            actions=[down],
            initial="empty",
            horizon="10m",
        )
        assert [each["status"] for each in user.pods("5s")] == ["InvalidImageName"], policy


@both
def test_another_image_ends_it(user: User, workload: Callable[..., Raw]) -> None:
    plan(user, workload({}), to("repo/Web:v2"), {**to("repo/web:v2"), "at": "5m"})
    done, _ = user.runs()
    assert done.returncode == 0, done.stdout
    assert {each["status"] for each in user.pods()} == {"Running"}


@both
def test_a_pod_that_waits_for_it_can_be_deleted(user: User, workload: Callable[..., Raw]) -> None:
    first = workload({"image": "repo/Web:v2"}, replicas=1)
    plan(user, first, {"at": "2m", "scale": 0}, initial="empty", horizon="10m")
    assert [each["status"] for each in user.pods("1m")] == ["InvalidImageName"]
    assert user.pods("3m") == []


@both
def test_validate_says_so_with_its_line(user: User, workload: Callable[..., Raw]) -> None:
    """Of a manifest, and of an action of a scenario."""
    user.has("bad.yaml", workload({"image": "repo/Web:v1"}))
    line = 1 + next(
        index
        for index, text in enumerate((user.folder / "bad.yaml").read_text().splitlines())
        if "repo/Web:v1" in text
    )
    done = user.types("validate", "bad.yaml")
    told = " ".join(_told(done).split())
    assert f"bad.yaml:{line}:" in told
    assert told.count("InvalidImageName") == 1
    assert done.returncode == 2
    plan(user, workload({}), to("repo/Web:v2"))
    told = " ".join(_told(user.types("validate", "scenario.yaml")).split())
    assert "warning: " in told
    assert "InvalidImageName" in told
    assert "spec.actions[0].setImage" in told
