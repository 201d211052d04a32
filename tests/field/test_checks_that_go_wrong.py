"""Checks that go wrong some time after each start, and checks that cannot be run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from field.test_pod_worker import in_place
from field.user import Raw, User, asking, both, deployment

CLUSTER = {"pools": [{"name": "a", "count": 2, "allocatable": {"cpu": "8"}}]}
CHECK = {"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 1}
LIVE, READY = {"livenessProbe": CHECK}, {"readinessProbe": CHECK}


def plan(user: User, pods: Raw, health: Raw, at: str = "0s") -> None:
    user.plans(
        in_place(pods),
        cluster=CLUSTER,
        actions=[{"at": at, "health": health}],
        initial="empty",
        horizon="10m",
    )


def restarts(user: User, at: str) -> int:
    return int(user.pods(at=at)[0]["restarts"])


@both
def test_in_every_run_so_long_after_its_start(user: User, workload: Callable[..., Raw]) -> None:
    plan(user, workload(LIVE, replicas=1), {"probes": ["liveness"], "after": "20s"})
    # Killed by the first check after 20 s of each run; the first restarts come without a wait.
    assert [restarts(user, f"{at}s") for at in (19, 22, 39, 44)] == [0, 1, 1, 2]


@both
def test_so_many_runs_of_a_container(user: User, workload: Callable[..., Raw]) -> None:
    plan(user, workload(LIVE, replicas=1), {"probes": ["liveness"], "after": "20s", "times": 1})
    assert [restarts(user, at) for at in ("22s", "5m")] == [1, 1]


@both
def test_for_as_long_in_each_run(user: User, workload: Callable[..., Raw]) -> None:
    plan(user, workload(READY, replicas=1), {"probes": ["readiness"], "after": "20s", "lasts": "10s"})
    seen = [user.pods(at=f"{at}s")[0]["readyContainers"] for at in (19, 22, 29, 32)]
    assert seen == [1, 0, 0, 1]


@both
def test_a_run_under_way_is_left_alone(user: User, workload: Callable[..., Raw]) -> None:
    plan(user, workload(LIVE, replicas=1), {"probes": ["liveness"], "after": "20s"}, at="10s")
    assert restarts(user, "5m") == 0


@both
def test_a_sidecar_whose_startup_probe_goes_wrong_is_killed_again_and_again(
    user: User, workload: Callable[..., Raw]
) -> None:
    pods = workload({}, replicas=1)
    spec = pods["spec"]["template"]["spec"]
    spec = spec["roles"][0]["template"]["spec"] if "roles" in spec else spec
    side = {
        "name": "proxy",
        "image": "repo/p:1",
        "restartPolicy": "Always",
        "startupProbe": {**CHECK, "periodSeconds": 5},
    }
    spec["initContainers"] = [side]
    plan(user, pods, {"probes": ["startup"], "container": "proxy", "after": "0s", "times": 2})
    assert user.pods(at="4s")[0]["status"] == "Init:0/1"
    assert user.pods(at="30s")[0]["status"] == "Running"
    assert restarts(user, "30s") == 2


@both
def test_a_check_that_cannot_be_run_counts_for_nothing(user: User, workload: Callable[..., Raw]) -> None:
    plan(
        user,
        workload({**LIVE, **READY}, replicas=1),
        {"probes": ["liveness", "readiness"], "answer": "error"},
        "20s",
    )
    (pod,) = user.pods(at="5m")
    assert (pod["readyContainers"], pod["restarts"]) == (1, 0)


@both
def test_what_has_not_been_ready_is_not_made_so_by_it(user: User, workload: Callable[..., Raw]) -> None:
    plan(user, workload(READY, replicas=1), {"probes": ["readiness"], "answer": "error", "after": "0s"})
    assert user.pods(at="5m")[0]["readyContainers"] == 0


@pytest.mark.parametrize(
    ("health", "says"),
    [
        ({"after": "1s", "newPods": True}, "leave out newPods and healthy"),
        ({"times": 2}, "give after, too"),
        ({"answer": "eror"}, "never gets 'eror'"),
    ],
)
def test_what_is_wrong_is_refused(user: User, health: Raw, says: str) -> None:
    plan(user, deployment(READY), health)
    done = user.runs()[0]
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())


@both
def test_startup_checks_of_a_sidecar_rarer_than_the_kubelet_is_old_begin_at_a_random_time(
    user: User, workload: Callable[..., Raw]
) -> None:
    """worker.go: a worker first sleeps a random part of its period, where that is longer than its kubelet's age."""
    rare = {"tcpSocket": {"port": 1}, "periodSeconds": 3601, "failureThreshold": 2}
    proxy = {"name": "proxy", "image": "side:v1", "restartPolicy": "Always", "startupProbe": rare}
    user.plans(workload(asking(npu=8), replicas=1, initContainers=[proxy]), cluster="1x8", initial="empty")
    ready = []
    for seed in ("1", "2"):
        done, result = user.runs("--seed", seed)
        assert done.returncode == 0
        ready.append(result["end"]["atMs"])
    assert ready[0] != ready[1]
    assert all(0 < each < 2 * 3_601_000 for each in ready)
