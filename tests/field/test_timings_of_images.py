"""`timings.images`: containers that run an image have timings of their own."""

from __future__ import annotations

from collections.abc import Callable

from field.test_pod_worker import in_place
from field.user import Raw, User, asking, both, deployment

CLUSTER = {"pools": [{"name": "a", "count": 2, "allocatable": {"cpu": "8"}}]}
CHECK = {"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 100}
READY = {"readinessProbe": CHECK}


def with_init(pods: Raw, *init: Raw) -> Raw:
    spec = pods["spec"]["template"]["spec"]
    spec = spec["roles"][0]["template"]["spec"] if "roles" in spec else spec
    spec["initContainers"] = list(init)
    return in_place(pods)


@both
def test_a_new_version_may_load_slower(user: User, workload: Callable[..., Raw]) -> None:
    old, new = (
        workload({"image": image, **READY, **asking(npu=8)}, replicas=1)
        for image in ("repo/vllm:v1", "repo/vllm:v2")
    )
    user.has("new.yaml", new)
    user.plans(
        old,
        cluster="1x8",
        timings={
            "profile": "zero",
            "frameworkImport": "5s",
            "images": {"repo/vllm:v2": {"frameworkImport": "40s"}},
        },
        actions=[{"at": "20s", "apply": "new.yaml"}],
        initial="empty",
        horizon="5m",
    )
    assert [each["readyContainers"] for each in user.pods(at="4s")] == [0]
    assert [each["readyContainers"] for each in user.pods(at="7s")] == [1]
    assert [each["readyContainers"] for each in user.pods(at="59s")] == [0]
    assert [each["readyContainers"] for each in user.pods(at="62s")] == [1]


@both
def test_a_sidecar_has_a_start_and_an_exit_of_its_own(user: User, workload: Callable[..., Raw]) -> None:
    sidecar = {"name": "proxy", "image": "repo/proxy:1", "restartPolicy": "Always", "startupProbe": CHECK}
    user.plans(
        with_init(workload(READY, replicas=1), sidecar),
        cluster=CLUSTER,
        timings={
            "profile": "zero",
            "exit": "5s",
            "images": {"repo/proxy:1": {"frameworkImport": "6s", "exit": "4s"}},
        },
        actions=[{"at": "20s", "scale": 0}],
        initial="empty",
        horizon="5m",
    )
    assert [each["status"] for each in user.pods(at="4s")] == ["Init:0/1"]
    assert [each["status"] for each in user.pods(at="8s")] == ["Running"]
    assert [each["status"] for each in user.pods(at="28s")] == ["Terminating"]
    assert user.pods(at="30s") == []


@both
def test_a_container_beside_the_engine_has_a_start_of_its_own(
    user: User, workload: Callable[..., Raw]
) -> None:
    pods = workload({**READY, **asking(npu=8)}, replicas=1)
    spec = pods["spec"]["template"]["spec"]
    spec = spec["roles"][0]["template"]["spec"] if "roles" in spec else spec
    spec["containers"].append({"name": "router", "image": "repo/router:1", **READY})
    user.plans(
        pods,
        cluster="1x8",
        timings={
            "profile": "zero",
            "frameworkImport": "5s",
            "images": {"repo/router:1": {"frameworkImport": "20s"}},
        },
        initial="empty",
        horizon="5m",
    )
    ready = [[each["readyContainers"] for each in user.pods(at=at)] for at in ("4s", "8s", "19s", "23s")]
    assert ready == [[0], [1], [1], [2]]


@both
def test_init_containers_take_as_long_as_their_images_say(user: User, workload: Callable[..., Raw]) -> None:
    init = [{"name": name, "image": f"repo/{name}:1"} for name in ("fetch", "check")]
    user.plans(
        with_init(workload({}, replicas=1), *init),
        cluster=CLUSTER,
        timings={"profile": "zero", "init": "10s", "images": {"repo/fetch:1": {"init": "3s"}}},
        initial="empty",
        horizon="5m",
    )
    assert [user.pods(at=at)[0]["status"] for at in ("2s", "4s", "12s", "14s")] == [
        "Init:0/2",
        "Init:1/2",
        "Init:1/2",
        "Running",
    ]


def test_an_image_that_no_pod_uses_is_refused(user: User) -> None:
    timings = {"profile": "zero", "images": {"repo/vlm:v1": {"exit": "1s"}}}
    user.plans(deployment({}), cluster=CLUSTER, timings=timings)
    done = user.runs()[0]
    assert done.returncode == 2
    assert "no pod uses image 'repo/vlm:v1'; did you mean" in " ".join(done.stderr.split())
