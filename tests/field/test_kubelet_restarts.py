"""What a kubelet that is restarted begins anew (rule E4 of docs/semantics.md)."""

from __future__ import annotations

from collections.abc import Callable

from field.test_pod_worker import in_place
from field.user import Raw, User, both

CLUSTER = {"pools": [{"name": "a", "count": 1, "allocatable": {"cpu": "8"}}]}
RESTART = {"at": "10s", "kubeletRestart": {"nodes": ["a-0"], "takes": "3s"}}


def words(user: User, at: str) -> list[str]:
    """What kubectl shows of the pods at a time."""
    return [each["status"] for each in user.pods(at=at)]


@both
def test_a_pull_is_begun_anew(user: User, workload: Callable[..., Raw]) -> None:
    plan = {"initial": "empty", "horizon": "5m", "actions": [RESTART]}
    user.plans(
        workload({}, replicas=1), cluster=CLUSTER, timings={"profile": "zero", "imageCold": "30s"}, **plan
    )
    assert words(user, "42s") == ["ContainerCreating"]
    assert words(user, "44s") == ["Running"]


@both
def test_a_pull_over_a_shared_registry_is_begun_anew(user: User, workload: Callable[..., Raw]) -> None:
    user.plans(
        workload({}, replicas=1),
        cluster=CLUSTER,
        initial="empty",
        horizon="5m",
        actions=[RESTART],
        transfers={"registry": {"perClient": "1MB/s"}, "imageSizes": {"repo/vllm:v1": "30MB"}},
    )
    assert words(user, "42s") == ["ContainerCreating"]
    assert words(user, "44s") == ["Running"]


@both
def test_a_terminating_pod_gets_its_whole_grace_period_again(
    user: User, workload: Callable[..., Raw]
) -> None:
    pods = workload({}, replicas=1, terminationGracePeriodSeconds=30)
    actions = [{"at": "5s", "scale": 0}, RESTART]
    user.plans(
        in_place(pods),
        cluster=CLUSTER,
        timings={"profile": "zero", "exit": "never"},
        horizon="5m",
        actions=actions,
    )
    assert words(user, "42s") == ["Terminating"]
    assert words(user, "44s") == []


@both
def test_what_was_told_to_end_ends_in_its_time(user: User, workload: Callable[..., Raw]) -> None:
    pods = workload({}, replicas=1, terminationGracePeriodSeconds=30)
    actions = [{"at": "5s", "scale": 0}, RESTART]
    # Without the restart it would be killed at 35 s.
    user.plans(
        in_place(pods),
        cluster=CLUSTER,
        timings={"profile": "zero", "exit": "35s"},
        horizon="5m",
        actions=actions,
    )
    assert words(user, "39s") == ["Terminating"]
    assert words(user, "41s") == []


@both
def test_a_hook_is_run_again(user: User, workload: Callable[..., Raw]) -> None:
    hook = {"lifecycle": {"preStop": {"exec": {"command": ["sleep", "20"]}}}}
    actions = [{"at": "5s", "scale": 0}, RESTART]
    user.plans(
        in_place(workload(hook, replicas=1, terminationGracePeriodSeconds=60)),
        cluster=CLUSTER,
        horizon="5m",
        actions=actions,
    )
    assert words(user, "32s") == ["Terminating"]
    assert words(user, "34s") == []


@both
def test_a_pod_deleted_during_its_pull_is_not_started_by_the_new_kubelet(
    user: User, workload: Callable[..., Raw]
) -> None:
    actions = [{"at": "5s", "scale": 0}, RESTART]
    plan = {"initial": "empty", "horizon": "5m", "actions": actions}
    user.plans(
        workload({}, replicas=1), cluster=CLUSTER, timings={"profile": "zero", "imageCold": "30s"}, **plan
    )
    assert words(user, "12s") == ["Terminating"]
    assert words(user, "14s") == []


@both
def test_a_young_kubelet_sleeps_a_random_part_of_a_probe_s_period(
    user: User, workload: Callable[..., Raw]
) -> None:
    probe = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 50}}
    restart = {"at": "0s", "kubeletRestart": {"nodes": ["a-0"], "takes": "1ms"}}

    def ready_at(*actions: Raw) -> int:
        user.plans(
            workload(probe, replicas=1),
            cluster=CLUSTER,
            initial="empty",
            horizon="5m",
            actions=actions,
            seed=1,
        )
        return next(at for at in range(60) if "1" in str(user.pods(at=f"{at}s")[0]["readyContainers"]))

    assert ready_at() <= 1
    assert 1 < ready_at(restart) <= 50


@both
def test_a_pod_without_a_grace_period_goes_at_once(user: User, workload: Callable[..., Raw]) -> None:
    pods = in_place(workload({}, replicas=1, terminationGracePeriodSeconds=0))
    user.plans(
        pods,
        cluster=CLUSTER,
        timings={"profile": "zero", "exit": "never", "cleanup": "1s"},
        horizon="5m",
        actions=[{"at": "5s", "scale": 0}],
    )
    assert words(user, "4s") == ["Running"]
    assert words(user, "5s") == []


@both
def test_a_pod_that_is_deleted_while_no_kubelet_runs_goes_when_one_does(
    user: User, workload: Callable[..., Raw]
) -> None:
    """The sync that had it set up ended with the kubelet before."""
    for stage in ("imageCold", "create"):
        user.plans(
            workload({}, replicas=1),
            cluster=CLUSTER,
            timings={"profile": "zero", stage: "10s"},
            initial="empty",
            horizon="5m",
            actions=[
                {"at": "5s", "kubeletRestart": {"nodes": ["a-0"], "takes": "1m"}},
                {"at": "30s", "scale": 0},
            ],
        )
        assert words(user, "1m4s") == ["Terminating"]
        assert words(user, "1m6s") == []
