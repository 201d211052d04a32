"""ResourceQuotas, LimitRanges and RuntimeClasses: what the API server refuses, and what it makes of pods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import (
    NPU,
    Raw,
    User,
    asking,
    bare_pod,
    daemon_set,
    deployment,
    kubeinfer,
    replica_set,
    stateful_set,
)

OWNERS = [kubeinfer, deployment, replica_set]


def quota(name: str = "q", namespace: str = "prod", scopes: Any = None, **hard: Any) -> Raw:
    spec: Raw = {"hard": {key.replace("_", ".").replace("npu", NPU): each for key, each in hard.items()}}
    if scopes is not None:
        spec["scopes"] = scopes
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def limit_range(**limits: Any) -> Raw:
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "l", "namespace": "prod"},
        "spec": {"limits": [{"type": "Container", **limits}]},
    }


def runtime_class(overhead: Raw, **scheduling: Any) -> Raw:
    return {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "kata"},
        "handler": "kata",
        "overhead": {"podFixed": overhead},
        **({"scheduling": scheduling} if scheduling else {}),
    }


@pytest.mark.parametrize("workload", OWNERS)
def test_pods_beyond_the_quota_are_refused_and_the_verdict_says_so(
    user: User, workload: Callable[..., Raw]
) -> None:
    user.plans(
        workload(asking(npu=8), replicas=3), quota(pods="2"), cluster="4x8", initial="empty", horizon="1h"
    )
    done, result = user.runs()
    assert done.returncode == 1
    refused = "is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2"
    assert refused in " ".join(done.stdout.split())
    assert len(user.pods()) == 2
    assert not [each for each in result["warnings"] if "quota" in each.lower()], "it is simulated"


@pytest.mark.parametrize("workload", [*OWNERS, stateful_set, daemon_set])
def test_what_is_to_run_at_the_start_and_is_refused_is_missing_though_only_another_is_touched(
    user: User, workload: Callable[..., Raw]
) -> None:
    web = bare_pod({"resources": {"requests": {"cpu": "1"}}}, name="web")
    refused = workload(asking(npu=8)), quota(requests_cpu="4")
    user.plans(
        *refused, web, cluster="4x8", initial="running", actions=[{"at": "1m", "deleteObject": "Pod/web"}]
    )
    done, result = user.runs()
    assert (done.returncode, result["verdict"]["outcome"]) == (1, "neverFinishes")
    assert "failed quota: q: must specify requests.cpu for: engine" in result["verdict"]["sentence"]


@pytest.mark.parametrize("workload", OWNERS)
def test_what_is_refused_at_the_start_is_tried_again(user: User, workload: Callable[..., Raw]) -> None:
    more = {"at": "60s", "object": "ResourceQuota/q", "patchObject": {"spec": {"hard": {"pods": "3"}}}}
    user.plans(
        workload(asking(npu=8)),
        quota(pods="1"),
        cluster="4x8",
        initial="running",
        actions=[more],
        horizon="1h",
    )
    assert len(user.pods(at="59s")) == 1
    assert len(user.pods()) == 3
    assert user.runs()[0].returncode == 0


@pytest.mark.parametrize("workload", OWNERS)
def test_a_surge_waits_for_the_quota_and_comes_with_the_next_of_its_retries(
    user: User, workload: Callable[..., Raw]
) -> None:
    kind = workload({})["kind"]
    actions = [
        {"at": "20s", "object": f"{kind}/chat", "scale": 4},
        {"at": "60s", "object": "ResourceQuota/q", "patchObject": {"spec": {"hard": {"pods": "5"}}}},
    ]
    user.plans(workload(asking(npu=8), replicas=3), quota(pods="3"), cluster="5x8", actions=actions)
    done, _ = user.runs()
    assert done.returncode == 0, done.stdout
    # 5 ms, 10 ms, 20 ms … after 20 s: the 13th retry comes 40.955 s later, whenever the quota was changed.
    assert len(user.pods(at="60.954s")) == 3
    assert len(user.pods(at="60.955s")) == 4


def test_a_deployment_says_replica_failure_while_its_pods_are_refused(user: User) -> None:
    actions = [{"at": "1m", "object": "Deployment/chat", "scale": 2}]
    user.plans(
        deployment(asking(npu=8), replicas=1),
        quota(requests_npu="8"),
        cluster="2x8",
        actions=actions,
        horizon="2m",
    )
    done, result = user.runs()
    assert done.returncode == 1
    said = (
        f"exceeded quota: q, requested: requests.{NPU}=8, used: requests.{NPU}=8, limited: requests.{NPU}=8"
    )
    assert (
        f'its pods are refused (FailedCreate): pods "chat-1" is forbidden: {said}'
        in result["verdict"]["sentence"]
    )
    words = " ".join(user.types("why", "scenario.yaml", "--at", "90s").stdout.split())
    assert "1 of 2 pods" in words


def test_a_bare_pod_beyond_the_quota_is_refused_to_the_user(user: User) -> None:
    actions = [{"at": "1m", "create": bare_pod({}, name="q")}]
    user.plans(bare_pod({}), quota(pods="1"), cluster="2x8", actions=actions)
    done, result = user.runs()
    assert done.returncode == 1
    why = 'pods "q" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'
    assert f"the creation of Pod/q at 1m is refused: {why}" in result["warnings"]


@pytest.mark.parametrize(
    ("limits", "refused"),
    [
        ({"requests_cpu": "3"}, "requested: requests.cpu=2, used: requests.cpu=2, limited: requests.cpu=3"),
        (
            {"limits_memory": "3Gi"},
            "requested: limits.memory=2Gi, used: limits.memory=2Gi, limited: limits.memory=3Gi",
        ),
        (
            {"requests_npu": "8"},
            f"requested: requests.{NPU}=8, used: requests.{NPU}=8, limited: requests.{NPU}=8",
        ),
        ({"count/pods": 1, "pods": 1}, "requested: count/pods=1,pods=1, used: count/pods=1,pods=1"),
        ({"limits_cpu": "100", "requests_ephemeral-storage": "1Gi"}, ""),
        ({"pods": 1, "scopes": ["BestEffort"]}, ""),
        ({"pods": 1, "scopes": ["NotBestEffort"]}, "requested: pods=1, used: pods=1, limited: pods=1"),
        ({"pods": 1, "namespace": "other"}, ""),
        ({"requests_cpu": "100", "requests_hugepages": "0"}, ""),
    ],
)
def test_what_a_quota_counts(user: User, limits: Raw, refused: str) -> None:
    container = asking(npu=8, cpu="2", memory="2Gi")
    written = quota(**limits)
    user.plans(deployment(container, replicas=2), written, cluster="4x8", initial="empty", horizon="10s")
    done, _ = user.runs()
    assert done.returncode == (1 if refused else 0), done.stdout
    assert refused in " ".join(done.stdout.split())


def test_a_quota_of_cpu_wants_every_container_to_name_it_and_a_limit_range_does_so_for_it(user: User) -> None:
    pods = deployment({}, replicas=1), quota(requests_cpu="4", limits_cpu="4")
    user.plans(*pods, cluster="4x8", initial="empty", horizon="10s")
    done, _ = user.runs()
    said = "failed quota: q: must specify requests.cpu for: engine; limits.cpu for: engine"
    assert said in " ".join(done.stdout.split())
    defaults = limit_range(default={"cpu": "2"}, defaultRequest={"cpu": "1"})
    user.plans(*pods, defaults, cluster="4x8", initial="empty", horizon="10s")
    done, _ = user.runs()
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("workload", [kubeinfer, deployment])
def test_requests_that_a_limit_range_fills_in_count_for_placement(
    user: User, workload: Callable[..., Raw]
) -> None:
    cluster = {"pools": [{"name": "n", "count": 1, "allocatable": {"cpu": "4", "pods": 110}}]}
    defaults = limit_range(default={"cpu": "3"})
    user.plans(workload({}, replicas=2), defaults, cluster=cluster, initial="empty", horizon="1m")
    user.runs()
    assert sorted(each["node"] for each in user.pods()) == ["", "n-0"]


@pytest.mark.parametrize(
    ("limits", "refused"),
    [
        ({"max": {"cpu": "1"}}, "maximum cpu usage per Container is 1, but limit is 2"),
        ({"min": {"cpu": "3"}}, "minimum cpu usage per Container is 3, but request is 2"),
        (
            {"type": "Pod", "max": {"memory": "1Gi"}},
            "maximum memory usage per Pod is 1Gi. No limit is specified",
        ),
        ({"type": "Pod", "max": {"cpu": "2"}}, ""),
        (
            {"min": {"cpu": "3"}, "max": {"cpu": "1500m"}},
            "[minimum cpu usage per Container is 3, but request is 2, "
            "maximum cpu usage per Container is 1500m, but limit is 2]",
        ),
        (
            {"maxLimitRequestRatio": {"cpu": "500m"}},
            "cpu max limit to request ratio per Container is 500m, but provided ratio is 1.000000",
        ),
        (
            {"maxLimitRequestRatio": {"memory": "2"}},
            "memory max limit to request ratio per Container is 2, but no request is specified or request is 0",
        ),
        ({"maxLimitRequestRatio": {"cpu": "1"}}, ""),
    ],
)
def test_pods_outside_a_limit_range_are_refused(user: User, limits: Raw, refused: str) -> None:
    user.plans(
        deployment(asking(cpu="2"), replicas=1),
        limit_range(**limits),
        cluster="4x8",
        initial="empty",
        horizon="10s",
    )
    done, _ = user.runs()
    assert done.returncode == (1 if refused else 0), done.stdout
    assert refused in " ".join(done.stdout.split())


@pytest.mark.parametrize("workload", OWNERS)
@pytest.mark.parametrize(
    "limits",
    [
        {"max": {"cpu": "0.5"}},
        {"default": {"cpu": "500m"}},
        {"max": {"cpu": "2"}, "default": {"cpu": "500m"}},
    ],
)
def test_a_request_above_the_limit_that_a_limit_range_fills_in_is_invalid(
    user: User, workload: Callable[..., Raw], limits: Raw
) -> None:
    """The default comes before validation, and validation before the LimitRange is checked."""
    pods = workload({"resources": {"requests": {"cpu": "1"}}}, replicas=1)
    user.plans(pods, limit_range(**limits), cluster="4x8", initial="empty", horizon="1m")
    done, _ = user.runs()
    assert done.returncode == 1
    words = " ".join(done.stdout.split())
    assert ' is invalid: spec.containers[0].resources.requests: Invalid value: "1": ' in words
    assert "must be less than or equal to cpu limit of 500m" in words
    assert user.pods() == []


def test_a_limit_range_that_is_created_holds_for_the_pods_of_the_next_update(user: User) -> None:
    actions = [
        {"at": "1m", "create": limit_range(max={"cpu": "500m"})},
        {"at": "3m", "apply": {"newRevision": True}},
    ]
    pods = deployment({"resources": {"requests": {"cpu": "1"}}}, surge=1)
    user.plans(pods, cluster="4x8", actions=actions, horizon="10m")
    done, result = user.runs()
    assert done.returncode == 1
    assert "is invalid: spec.containers[0].resources.requests" in result["verdict"]["sentence"]
    assert len(user.pods()) == 3


def test_a_pod_as_a_whole_may_not_request_more_than_its_greatest_limit(user: User) -> None:
    limited = {"name": "side", "image": "repo/side:v1", **asking(cpu="200m")}
    pods = deployment({"resources": {"requests": {"cpu": "1"}}}, replicas=1)
    pods["spec"]["template"]["spec"]["containers"].append(limited)
    user.plans(
        pods, limit_range(type="Pod", max={"cpu": "500m"}), cluster="4x8", initial="empty", horizon="1m"
    )
    done, _ = user.runs()
    words = " ".join(done.stdout.split())
    assert "maximum cpu usage per Pod is 500m, but request is 1200m" in words


@pytest.mark.parametrize("workload", [kubeinfer, deployment])
def test_the_overhead_of_a_runtime_class_counts_and_its_nodes_are_those_that_have_it(
    user: User, workload: Callable[..., Raw]
) -> None:
    pools = [
        {"name": "plain", "count": 2, "allocatable": {"cpu": "8", "pods": 110}},
        {"name": "kata", "count": 2, "labels": {"kata": "yes"}, "allocatable": {"cpu": "8", "pods": 110}},
    ]
    runtime = runtime_class({"cpu": "2"}, nodeSelector={"kata": "yes"})
    pods = workload(asking(cpu="3"), replicas=3, runtimeClassName="kata")
    user.plans(pods, runtime, cluster={"pools": pools}, initial="empty", horizon="1m")
    user.runs()
    assert sorted(each["node"] for each in user.pods()) == ["", "kata-0", "kata-1"]


def test_a_quota_that_is_wrong_is_told_with_its_line(user: User) -> None:
    user.plans(deployment({}), quota(pods="many"), cluster="4x8")
    done, _ = user.runs()
    assert done.returncode == 2
    assert "manifest.yaml" in done.stderr
    assert "spec.hard.pods" in done.stderr
    assert "Traceback" not in done.stderr
