"""What the parts of a kubelet take to see things: `timings.volumes`, `timings.relist`."""

from __future__ import annotations

from collections.abc import Callable

from field.test_pod_worker import HOOKED, in_place
from field.user import Raw, User, asking, both, deployment

READY = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10, "failureThreshold": 100}}


def plan(user: User, pods: Raw, *actions: Raw, **timings: str) -> None:
    user.plans(
        in_place(pods),
        cluster="1x8",
        timings={"profile": "zero", **timings},
        actions=list(actions),
        initial="empty",
        horizon="1h",
    )


def seen(user: User, *times: str) -> list[str]:
    return [" ".join(each["status"] for each in user.pods(at=at)) for at in times]


@both
def test_the_first_containers_wait_for_the_volumes_and_later_ones_do_not(
    user: User, workload: Callable[..., Raw]
) -> None:
    plan(user, workload(asking(npu=8), replicas=1), {"at": "20s", "crash": {}}, volumes="8s")
    assert seen(user, "7s", "8s", "20s") == ["ContainerCreating", "Running", "Running"]
    assert user.pods(at="20s")[0]["restarts"] == 1


@both
def test_a_pull_begins_when_the_volumes_are_there(user: User, workload: Callable[..., Raw]) -> None:
    plan(user, workload({**asking(npu=8), "image": "repo/new:1"}, replicas=1), volumes="8s", imageCold="10s")
    assert seen(user, "17s", "18s") == ["ContainerCreating", "Running"]


@both
def test_the_kubelet_sees_an_exit_with_its_next_relist(user: User, workload: Callable[..., Raw]) -> None:
    plan(user, workload(asking(npu=8), replicas=1), {"at": "20s", "crash": {}}, relist="3s", create="2s")
    assert seen(user, "22s", "23s", "25s") == ["Running", "Error", "Running"]


@both
def test_a_pod_deleted_before_its_exit_is_seen_has_nothing_to_stop(
    user: User, workload: Callable[..., Raw]
) -> None:
    pods = workload({**asking(npu=8), **HOOKED}, replicas=1, terminationGracePeriodSeconds=120)
    plan(user, pods, {"at": "20s", "crash": {}}, {"at": "21s", "scale": 0}, relist="3s", exit="20s")
    assert user.pods(at="20s")
    assert not user.pods(at="22s")


@both
def test_the_relist_after_a_start_sets_the_grid_of_the_readiness_probe(
    user: User, workload: Callable[..., Raw]
) -> None:
    def ready_at(**timings: str) -> int:
        plan(user, workload({**asking(npu=8), **READY}, replicas=1), frameworkImport="12s", **timings)
        return next(at for at in range(60) if user.pods(at=f"{at}s")[0]["readyContainers"])

    assert ready_at() == 20
    assert ready_at(relist="4s") == 14


@both
def test_sick_pods_are_synced_by_the_relist_like_others(user: User, workload: Callable[..., Raw]) -> None:
    sick = {"at": "0s", "health": {"after": "0s", "lasts": "12s"}}
    plan(user, workload({**asking(npu=8), **READY}, replicas=1), sick, relist="4s")
    assert [each["readyContainers"] for at in ("13s", "14s") for each in user.pods(at=at)] == [0, 1]


@both
def test_a_machine_that_dies_before_the_exit_is_seen_starts_the_container_again(
    user: User, workload: Callable[..., Raw]
) -> None:
    crashes = [{"at": at, "crash": {}} for at in ("20s", "5m")]
    reboot = {"at": "21s", "reboot": {"nodes": ["node-0"], "takes": "10s"}}
    plan(user, workload({**asking(cpu=1)}, replicas=1), *crashes, reboot, relist="3s")
    assert seen(user, "4m", "5m1s", "5m4s", "5m30s") == ["Running", "Running", "Error", "Running"]
    assert [user.pods(at=at)[0]["restarts"] for at in ("4m", "5m30s")] == [1, 2]


def test_a_relist_comes_some_time(user: User) -> None:
    plan(user, deployment({}), relist="never")
    done = user.runs()[0]
    assert done.returncode == 2
    assert "a kubelet always lists its containers again" in " ".join(done.stderr.split())
