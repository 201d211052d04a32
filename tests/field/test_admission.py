"""Pods that come to a node past the scheduler: its kubelet takes them or rejects them, for good.

What really happens: recorded whole runs of Kubernetes 1.36.3 (`sc-nodename`, `sc-nodename-rs`), pkg/kubelet/lifecycle/predicate.go.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from field.user import NPU, User, asking, bare_pod, both, deployment, kubeinfer, replica_set, stateful_set

Workload = Callable[..., Any]
GPU = "nvidia.com/gpu"
CPU = asking(cpu=3)
PORT = {"ports": [{"containerPort": 80, "hostPort": 8080}]}
#: A node of each, with a pod that is there first, takes no other of its kind.
NODES = {"pools": [{"name": "a", "count": 2, "allocatable": {"cpu": 4, "pods": 110, NPU: 8, GPU: 8}}]}
FULL = {
    "OutOfcpu": (CPU, "Node didn't have enough resource: cpu, requested: 3000, used: 3000, capacity: 4000"),
    "NodePorts": (
        PORT,
        "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    ),
    "UnexpectedAdmissionError": (
        asking(npu=8),
        "Allocate failed due to requested number of devices unavailable for huawei.com/ascend-1980. "
        "Requested: 8, Available: 0, which is unexpected",
    ),
}


def rejections(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Whose pods were rejected, where, why."""
    return [(each["owner"], each["node"], each["reason"]) for each in result.get("rejections", [])]


@pytest.mark.parametrize("reason", FULL)
@pytest.mark.parametrize("workload", [deployment, replica_set])
def test_what_goes_on_without_a_pause_is_told_once(user: User, workload: Workload, reason: str) -> None:
    container, message = FULL[reason]
    user.plans(workload(container, replicas=2, nodeName="a-0"), cluster=NODES, initial="empty", horizon="3h")
    done, result = user.runs()
    assert done.returncode == 1
    (told,) = result["rejections"]
    assert (told["node"], told["reason"], told["message"]) == ("a-0", reason, message)
    assert 35 <= told["perSecond"] <= 45, "125 in 3 s are recorded"
    assert result["cost"]["timers"] < 5_000
    assert "without a pause" in result["verdict"]["sentence"]
    assert reason in result["verdict"]["sentence"]
    assert "Rejected " in done.stdout
    why = user.types("why", "scenario.yaml", "--at", "1h").stdout
    assert "rejects all that follow" in " ".join(why.split())


@pytest.mark.parametrize("reason", FULL)
def test_nothing_else_happening_the_run_is_given_up(user: User, reason: str) -> None:
    user.plans(deployment(FULL[reason][0], replicas=2, nodeName="a-0"), cluster=NODES, initial="empty")
    done, result = user.runs()
    assert done.returncode == 1
    assert result["end"]["reason"] == "quiet"
    assert result["end"]["atMs"] < 15 * 60_000, "the Deployment's progress deadline"


@pytest.mark.parametrize("reason", FULL)
def test_an_instance_is_rebuilt_after_each_rejection(user: User, reason: str) -> None:
    """With the back-off of recovery."""
    user.plans(
        kubeinfer(FULL[reason][0], replicas=2, nodeName="a-0"), cluster=NODES, initial="empty", horizon="1h"
    )
    done, result = user.runs()
    assert done.returncode == 1
    assert rejections(result) == [("chat", "a-0", reason)]
    steps = result["recoveries"]
    assert {(step["action"], step["fault"]) for step in steps} == {("RecreateInstance", reason)}
    assert 5 < len(steps) < 20


def test_an_instance_whose_pods_are_made_anew_at_once_is_told_once(user: User) -> None:
    made = kubeinfer(CPU, replicas=2, nodeName="a-0")
    made["spec"]["template"]["spec"]["roles"][0]["recoveryPolicy"] = {"type": "Restart", "restart": "Pod"}
    user.plans(made, cluster=NODES, initial="empty", horizon="10h")
    done, result = user.runs()
    assert done.returncode == 1
    assert rejections(result) == [("chat", "a-0", "OutOfcpu")]
    assert result["cost"]["timers"] < 20_000


@pytest.mark.parametrize("workload", [deployment, kubeinfer, replica_set])
def test_a_pod_is_taken_once_there_is_room(user: User, workload: Workload) -> None:
    """The pod that has the place ends at 10 m."""
    first = bare_pod(asking(cpu=3), nodeName="a-0", restartPolicy="Never")
    user.plans(
        first,
        workload(asking(cpu=3), replicas=1, nodeName="a-0"),
        cluster=NODES,
        initial="empty",
        actions=[{"at": "10m", "object": "Pod/p", "crash": {"reason": "Completed"}}],
        horizon="30m",
    )
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    assert rejections(result) == [("chat", "a-0", "OutOfcpu")]
    (told,) = result["rejections"]
    assert told["perSecond"] is None
    assert [pod["node"] for pod in user.pods() if pod["status"] == "Running"] == ["a-0"]


@both
def test_a_selector_that_does_not_match_is_rejected(user: User, workload: Workload) -> None:
    user.plans(
        workload({}, replicas=1, nodeName="a-0", nodeSelector={"no": "such"}),
        cluster=NODES,
        initial="empty",
        horizon="1m",
    )
    done, result = user.runs()
    assert done.returncode == 1
    assert rejections(result) == [("chat", "a-0", "NodeAffinity")]


def test_bare_pods_stay_failed(user: User) -> None:
    """As kubectl shows them; a device that the node does not know is not looked at."""
    pods = {
        "cpu": {**CPU},
        "port": {**PORT},
        "gpu": asking(**{"nvidia.com/mig-1g.5gb": 1}),
    }
    user.plans(
        bare_pod({**CPU, **PORT}, name="a", nodeName="a-0"),
        *(bare_pod(container, name=name, nodeName="a-0") for name, container in pods.items()),
        bare_pod({}, name="selector", nodeName="a-0", nodeSelector={"no": "such"}),
        bare_pod({}, name="os", nodeName="a-0", labels={"kubernetes.io/os": "windows"}),
        cluster=NODES,
        initial="empty",
        horizon="1h",
    )
    done, _ = user.runs()
    assert done.returncode == 1
    assert {pod["name"]: (pod["phase"], pod["status"]) for pod in user.pods()} == {
        "a": ("Running", "Running"),
        "cpu": ("Failed", "OutOfcpu"),
        "gpu": ("Running", "Running"),
        "os": ("Failed", "PodOSSelectorNodeLabelDoesNotMatch"),
        "port": ("Failed", "NodePorts"),
        "selector": ("Failed", "NodeAffinity"),
    }


@pytest.mark.parametrize("effect", ["NoSchedule", "NoExecute"])
def test_a_taint_that_evicts_is_looked_at_one_that_only_keeps_away_is_not(user: User, effect: str) -> None:
    taint = {"key": "own", "effect": effect}
    nodes = {"pools": [{"name": "a", "count": 1, "allocatable": {"cpu": 4}, "taints": [taint]}]}
    user.plans(bare_pod({}, nodeName="a-0"), cluster=nodes, initial="empty", horizon="1h")
    _, result = user.runs()
    assert rejections(result) == ([("p", "a-0", "TaintToleration")] if effect == "NoExecute" else [])


@pytest.mark.parametrize("workload", [bare_pod, deployment, kubeinfer])
def test_a_pod_of_a_node_that_does_not_exist_is_removed_by_the_garbage_collector(
    user: User, workload: Workload
) -> None:
    """After two of its passes (every 20 s) and its quarantine (40 s)."""
    user.plans(
        workload({}, nodeName="nowhere", **({} if workload is bare_pod else {"replicas": 1})),
        cluster=NODES,
        initial="empty",
        horizon="10m",
    )
    user.runs()
    (first,) = user.pods("40s")
    assert (first["phase"], first["node"]) == ("Pending", "nowhere")
    later = user.pods("62s")
    assert first not in later
    assert len(later) == (0 if workload is bare_pod else 1), "what made it makes another"


@pytest.mark.parametrize("workload", [deployment, replica_set])
@pytest.mark.parametrize("action", ["drain", "deletePod", "deleteObject"])
def test_pods_that_have_failed_go_when_somebody_deletes_them(
    user: User, workload: Workload, action: str
) -> None:
    """Nothing of them runs, so they are gone at once; their ReplicaSet has replaced them long before."""
    made = workload(asking(cpu=3), replicas=2, nodeName="a-0")
    about = f"{made['kind']}/chat"
    kind: dict[str, Any] = {
        "drain": {"drain": {"nodes": ["a-0"], "force": True}},
        "deletePod": {"object": about, "deletePod": {"ready": False}},
        "deleteObject": {"deleteObject": about},
    }[action]
    user.plans(made, cluster=NODES, initial="empty", actions=[{"at": "3s", **kind}], horizon="1m")
    before = user.pods("2s")
    assert len(before) > 50
    failed = [pod["name"] for pod in before if pod["phase"] == "Failed"]
    assert not {pod["name"] for pod in user.pods("5s")} & set(failed)


@pytest.mark.parametrize("workload", [bare_pod, deployment, kubeinfer])
def test_a_pod_that_ran_at_the_start_ran_on_the_node_it_names(user: User, workload: Workload) -> None:
    nodes = {"pools": [{"name": "a", "count": 3, "allocatable": {"cpu": "8"}}]}
    one = {} if workload is bare_pod else {"replicas": 1}
    user.plans(workload(CPU, nodeName="a-2", **one), cluster=nodes, initial="running", horizon="1m")
    assert [(each["node"], each["readyContainers"]) for each in user.pods("0s")] == [("a-2", 1)]


@pytest.mark.parametrize("workload", [deployment, kubeinfer])
def test_what_has_no_room_on_the_node_it_names_did_not_run_on_another(user: User, workload: Workload) -> None:
    nodes = {"pools": [{"name": "a", "count": 3, "allocatable": {"cpu": "8"}}]}
    made = workload(asking(cpu="5"), replicas=2, nodeName="a-2")
    user.plans(made, cluster=nodes, initial="running", horizon="1m")
    assert {each["node"] for each in user.pods("10s")} == {"a-2"}
    assert sum(each["readyContainers"] for each in user.pods("10s")) == 1


def test_what_is_ready_in_the_last_instant_is_not_told_as_starting(user: User) -> None:
    """The run is given up while pods are rejected without a pause; what `pods` shows is its end, too."""
    nodes = {"pools": [{"name": "a", "count": 1, "allocatable": {"cpu": "2"}}]}
    made = stateful_set(asking(cpu="1"), replicas=3, nodeName="a-0", spec={"podManagementPolicy": "Parallel"})
    user.plans(made, cluster=nodes, initial="empty", timings={"profile": "zero", "create": "1m"})
    done, result = user.runs()
    assert "(in " not in done.stdout.replace("(in the", "")
    shown = json.loads(user.types("pods", "scenario.yaml", "--json", "-").stdout)
    assert shown["atMs"] == result["end"]["atMs"]
    assert [each["readyContainers"] for each in shown["pods"]] == [1, 1, 0]
