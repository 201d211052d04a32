"""What goes on without end, or in a back-off: which loop it is, on how many nodes, what began it, what would end it."""

from __future__ import annotations

import pytest
from field.user import Raw, User, asking, bare_pod, both, daemon_set, deployment, kubeinfer, stateful_set

TAINT = {"key": "dedicated", "value": "infer", "effect": "NoExecute"}
CHECK = {"readinessProbe": {"httpGet": {"port": 80}}}
TOLERATION = {"key": "dedicated", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}


def pool(number: int, **more: object) -> Raw:
    return {"pools": [{"name": "web", "count": number, "allocatable": {"cpu": "8"}, **more}]}


@pytest.mark.parametrize("workload", [kubeinfer, deployment, stateful_set])
def test_evictions_of_one_workload_on_two_nodes_are_told_so(user: User, workload) -> None:
    made = workload(asking(cpu="8"), replicas=2, tolerations=[TOLERATION])
    user.plans(made, cluster=pool(2, taints=[TAINT]), initial="empty", horizon="1h")
    done, _ = user.runs()
    told = " ".join(done.stdout.split("\ncase")[0].split())
    assert f"evicts the pods of {made['kind']} chat without end" in told
    assert (
        "for a time only (and 1 more node); tolerating it without tolerationSeconds, or removing it," in told
    )
    assert "for its node's NoExecute taint" in told or "first cause" not in told


def test_evictions_of_two_workloads_are_told_so(user: User) -> None:
    second = deployment(asking(cpu="8"), replicas=1, tolerations=[TOLERATION])
    second["metadata"]["name"] = "other"
    first = deployment(asking(cpu="8"), replicas=1, tolerations=[TOLERATION])
    user.plans(first, second, cluster=pool(2, taints=[TAINT]), initial="empty", horizon="1h")
    assert "(and 1 more workload)" in " ".join(user.runs()[0].stdout.split())


@both
def test_what_evictions_cost_is_charged_to_the_taint(user: User, workload) -> None:
    made = workload({**asking(npu=8), **CHECK}, replicas=1, tolerations=[TOLERATION])
    cluster = {
        "pools": [{"name": "n", "count": 1, "allocatable": {"huawei.com/ascend-1980": 8}, "taints": [TAINT]}]
    }
    timings = {"profile": "zero", "weights": "20s"}
    user.plans(made, cluster=cluster, initial="running", horizon="10m", timings=timings)
    done, _ = user.runs()
    assert "NoExecute taint" in done.stdout.split("Lost time")[1].splitlines()[0]


def test_a_failed_pod_of_a_daemon_set_is_in_the_way_until_its_back_off_is_over(user: User) -> None:
    """findUpdatedPodsOnNode counts it: a surge makes no other beside it (update.go, daemon_controller.go)."""
    surge = {
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    }
    ports = {"ports": [{"containerPort": 80, "hostPort": 80}]}
    made = daemon_set(ports, spec=surge, nodeName="web-0")
    user.plans(made, cluster=pool(1), update={"newRevision": True}, horizon="1h")
    done, _ = user.runs()
    told = " ".join(done.stdout.split())
    assert "has failed: NodePorts: Predicate NodePorts failed" in told
    assert "Pods 15 in all" in told  # 1 s, doubling to 15 min


@pytest.mark.parametrize(
    ("workload", "way"),
    [
        (kubeinfer, "an update with another pull policy"),
        (deployment, "an update with another pull policy"),
        (stateful_set, "an update with another pull policy and the deletion of the pod"),
        (bare_pod, "making the pod anew with another pull policy"),
    ],
)
def test_the_image_that_is_not_there_is_named_and_what_would_help(user: User, workload, way: str) -> None:
    alone = {} if workload is bare_pod else {"replicas": 1}
    init = {"name": "find", "image": "repo/find:v1", "imagePullPolicy": "Never"}
    made = workload({}, **alone, initContainers=[init])
    user.plans(made, cluster=pool(1), initial="empty", horizon="5m")
    told = " ".join(user.types("run", "scenario.yaml").stdout.split())
    assert "ErrImageNeverPull: repo/find:v1: it is not on the node" in told
    assert f"loading the image on the node, or {way}, would let it go on" in told


@pytest.mark.parametrize("workload", [deployment, stateful_set])
def test_restarts_without_a_wait_before_those_with_one_do_not_hide_the_cause(user: User, workload) -> None:
    """The first restart costs no time; the cause of the later ones is the same."""
    named = {"object": "StatefulSet/chat"} if workload is stateful_set else {}
    probe = {"livenessProbe": {"httpGet": {"port": 80}, "periodSeconds": 5, "failureThreshold": 3}}
    fails = {"at": "1m", **named, "health": {"probes": ["liveness"], "lasts": "10m"}}
    user.plans(
        workload(probe, replicas=1), cluster=pool(1), initial="running", horizon="30m", actions=[fails]
    )
    told = " ".join(user.runs()[0].stdout.split("\ncase")[0].split())
    assert "no pod is available for" in told
    assert "(health check of chat-0 fails at 1m)" in told
