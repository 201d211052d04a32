"""Pods that may be on their node for so long only (`activeDeadlineSeconds`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from field.user import Raw, User, asking, bare_pod, both, deployment

LIMIT = {"activeDeadlineSeconds": 60, "terminationGracePeriodSeconds": 30}


def plan(user: User, pods: Raw, *actions: Raw, **timings: Any) -> None:
    user.plans(
        pods,
        cluster="1x8",
        timings={"profile": "zero", **timings},
        actions=list(actions),
        initial="empty",
        horizon="10m",
    )


def test_a_pod_is_stopped_with_its_grace_period_and_failed(user: User) -> None:
    plan(user, bare_pod(asking(npu=8), **LIMIT), exit="5s")
    seen = [(each["phase"], each["status"]) for at in ("59s", "64s", "66s") for each in user.pods(at=at)]
    assert seen[:2] == [("Running", "Running")] * 2
    assert seen[2][0] == "Failed"
    done, result = user.runs()
    assert done.returncode == 1
    assert (result["pods"][0]["outcome"], result["pods"][0]["finishedAtMs"]) == ("failed", 65_000)
    assert (
        "p is Failed (DeadlineExceeded): Pod was active"
        in user.types("why", "scenario.yaml", "--at", "66s").stdout
    )


def test_it_counts_while_images_are_pulled(user: User) -> None:
    plan(user, bare_pod(asking(npu=8), **LIMIT), imageCold="5m")
    assert [each["phase"] for each in user.pods(at="61s")] == ["Failed"]


def test_a_kubelet_that_comes_back_too_late_ends_it_then(user: User) -> None:
    restart = {"at": "50s", "kubeletRestart": {"nodes": ["node-0"], "takes": "20s"}}
    plan(user, bare_pod(asking(npu=8), **LIMIT), restart)
    assert [each["phase"] for at in ("69s", "71s") for each in user.pods(at=at)] == ["Running", "Failed"]


@both
def test_templates_of_pods_that_keep_running_may_not_have_one(
    user: User, workload: Callable[..., Raw]
) -> None:
    plan(user, workload(asking(npu=8), **LIMIT))
    assert user.runs()[0].returncode == 2


def test_pods_that_ended_are_not_called_rejected(user: User) -> None:
    """A container that is never restarted takes its pod with it, which no node has rejected."""
    pods = deployment({**asking(cpu=1), "restartPolicy": "Never"}, replicas=1)
    cluster = {"pools": [{"name": "a", "count": 1, "allocatable": {"cpu": "8"}}]}
    user.plans(pods, cluster=cluster, actions=[{"at": "1m", "crash": {"reason": "Error"}}], horizon="10m")
    text = " ".join(user.types("run", "scenario.yaml").stdout.split())
    assert "2 in all, 0 of them deleted, 1 of them ended for good (Failed)" in text
