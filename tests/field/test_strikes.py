"""Faults and actions that strike nothing, or of which no check tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import NPU, User, asking, both, deployment, kubeinfer, stateful_set

PROBE = {"tcpSocket": {"port": 1}, "periodSeconds": 5}
PROBED = {"livenessProbe": PROBE, "readinessProbe": PROBE}


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (
            {"crash": {"instances": [2]}},
            "crash at 1h strikes nothing: no pod matched; there are instances 0 to 1",
        ),
        ({"fault": {"kind": "ProcessCrash", "instances": [2]}}, "no pod matched; there are instances 0 to 1"),
        ({"fault": {"kind": "NpuFault", "instances": [2]}}, "no pod matched; there are instances 0 to 1"),
        ({"fault": {"kind": "NpuFault", "node": "node-0", "random": "idleNpu"}}, "there is no idle NPU"),
        (
            {"health": {"instances": [2], "probes": ["readiness"]}},
            "no pod matched; there are instances 0 to 1",
        ),
    ],
)
def test_no_green_verdict_stands_over_what_struck_nothing(user: User, action: Any, said: str) -> None:
    fewer = {"at": "30m", "scale": 2}
    user.plans(kubeinfer({**asking(npu=8), **PROBED}), cluster="3x8", actions=[fewer, {"at": "1h", **action}])
    done, result = user.runs()
    assert done.returncode == 1
    assert said in result["verdict"]["sentence"]
    assert any(said in text for text in result["warnings"])
    assert not result.get("faults")


@both
def test_an_engine_that_is_dead_behind_a_check_that_passes_is_not_restarted(
    user: User, workload: Callable[..., Any]
) -> None:
    fault = {"at": "10m", "fault": {"kind": "ProcessHang", "pods": [0], "symptom": "none"}}
    pods = workload({**asking(npu=8), **PROBED}, replicas=1)
    user.plans(pods, cluster="1x8", actions=[fault], horizon="50m")
    done, result = user.runs()
    assert "LivenessProbeFailed" not in done.stdout
    assert [each["detectedAtMs"] for each in result["faults"]] == [None]
    if workload is kubeinfer:
        assert result["availability"]["capacity"] == 0.2, "nothing is computed from 10 m on"


@both
def test_what_is_sent_to_one_that_hangs_behind_a_check_that_passes_is_lost(
    user: User, workload: Callable[..., Any]
) -> None:
    """4 a second, and those in its hands when it began: to the end, until it exits, until it is well."""
    traffic = {"requestsPerSecond": 4, "requestDuration": "20s", "propagation": "0s", "syncPeriod": "0s"}
    one = {"instances": [0]} if workload is kubeinfer else {"pods": [0]}
    for fault, seconds, serving in (
        ({"kind": "ProcessHang", "symptom": "none"}, 2400, [[0, 2], [600_000, 1]]),
        ({"kind": "HcclTimeout", "clearsAfter": "10m"}, 600, [[0, 2], [600_000, 1], [1_200_000, 2]]),
        (None, 0, [[0, 2]]),
    ):
        actions = [] if fault is None else [{"at": "10m", "fault": {**fault, **one}}]
        user.plans(
            workload({**asking(npu=8), **PROBED}, replicas=2),
            cluster="2x8",
            actions=actions,
            horizon="50m",
            traffic=traffic,
        )
        done, result = user.runs()
        met = result["traffic"]
        assert met["hungMs"] == seconds * 1000
        assert met["requestsLost"] == (4 * (seconds + 20) if seconds else 0)
        assert met["serving"] == serving
        assert ("computes nothing behind checks that pass" in " ".join(done.stdout.split())) is bool(seconds)


@pytest.mark.parametrize(
    ("kind", "symptom"),
    [
        ("ProcessCrash", "none"),
        ("OutOfMemory", "hang"),
        ("HealthCheckFails", "crash"),
        ("ProcessHang", "slow"),
    ],
)
def test_a_symptom_that_contradicts_the_kind_is_refused(user: User, kind: str, symptom: str) -> None:
    fault = {"at": "10m", "fault": {"kind": kind, "pods": [0], "symptom": symptom}}
    user.plans(kubeinfer(asking(npu=8)), cluster="3x8", actions=[fault])
    done, _ = user.runs()
    assert done.returncode == 2
    assert f"{kind} shows as" in " ".join(done.stderr.split())


@pytest.mark.parametrize("make", [deployment, stateful_set])
@pytest.mark.parametrize("per", [{"per": "node"}, {"per": "domain", "domain": "rack"}, {"per": "cluster"}])
def test_a_process_strikes_whosever_pods_are_there(user: User, make: Any, per: dict[str, str]) -> None:
    nodes = {"pools": [{"name": "a", "count": 1, "allocatable": {NPU: 8}, "labels": {"rack": "r1"}}]}
    crashes = {"kind": "ProcessCrash", "every": "40m", **per}
    user.plans(
        make(asking(npu=8), replicas=1),
        cluster=nodes,
        initial="running",
        horizon="1h",
        faults={"processes": [crashes]},
    )
    user.runs()
    (pod,) = user.pods()
    assert pod["restarts"] == 1


def test_a_process_per_pod_says_whose_pods_it_spares(user: User) -> None:
    beside = {**deployment(asking(npu=1)), "metadata": {"name": "router", "namespace": "prod"}}
    crashes = {"kind": "ProcessCrash", "per": "pod", "every": "10m"}
    user.plans(kubeinfer(asking(npu=8)), beside, cluster="4x8", horizon="1h", faults={"processes": [crashes]})
    done = user.types("validate", "scenario.yaml")
    told = " ".join(done.stdout.split())
    assert (
        "spec.faults.processes[0]: per: pod strikes pods of KubeInfers, not those of Deployment router"
        in told
    )


STARTUP_OF_SIDECAR = {"probes": ["startup"], "container": "proxy", "newPods": True}


@both
@pytest.mark.parametrize(
    ("health", "delete_at", "strikes"),
    [
        ({**STARTUP_OF_SIDECAR, "lasts": "30m"}, "1h1s", True),
        ({**STARTUP_OF_SIDECAR, "lasts": "1s"}, "1h", True),
        ({**STARTUP_OF_SIDECAR, "lasts": "30m"}, "2h", False),
    ],
)
def test_the_start_of_a_sidecar_is_struck_also_where_nothing_else_of_its_pod_starts_meanwhile(
    user: User, workload: Callable[..., Any], health: Any, delete_at: str, strikes: bool
) -> None:
    """The sidecar holds them up until the action is over."""
    proxy = {"name": "proxy", "image": "side:v1", "restartPolicy": "Always", "startupProbe": PROBE}
    user.plans(
        workload(asking(npu=8), replicas=1, initContainers=[proxy]),
        cluster="1x8",
        initial="running",
        actions=[{"at": "1h", "health": health}, {"at": delete_at, "deletePod": {}}],
    )
    done, result = user.runs()
    assert done.returncode == (0 if strikes else 1)
    assert ("strikes nothing" in result["verdict"]["sentence"]) is not strikes


def test_of_a_deployment_pods_are_there_and_no_instances(user: User) -> None:
    user.plans(
        deployment(asking(npu=8)),
        cluster="3x8",
        initial="running",
        actions=[{"at": "1h", "crash": {"pods": [7]}}],
    )
    done, result = user.runs()
    assert done.returncode == 1
    assert "no pod matched; there are pods 0 to 2" in result["verdict"]["sentence"]
