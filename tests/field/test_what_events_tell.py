"""Events that somebody writes, and those that nobody does, as `events` shows them."""

from __future__ import annotations

import json

import pytest
from field.user import Raw, User, asking, both, deployment, kubeinfer, stateful_set


def events(user: User, reason: str, *options: str) -> list[Raw]:
    """What `events -o json` has of that reason."""
    done = user.types("events", "scenario.yaml", "-o", "json", *options)
    assert done.returncode == 0, done.stderr
    return [each for each in json.loads(done.stdout)["items"] if each["reason"] == reason]


@both
def test_nobody_writes_an_event_about_a_pod_whose_gate_is_closed(user: User, workload) -> None:
    """No scheduler tries it (PreEnqueue); the API server writes its condition alone."""
    gated = workload({}, replicas=1, schedulingGates=[{"name": "example.com/hold"}])
    user.plans(gated, cluster="1x8", initial="empty")
    assert "example.com/hold" in user.types("run", "scenario.yaml").stdout
    assert events(user, "FailedScheduling") == []


@pytest.mark.parametrize("workload", [deployment, stateful_set])
def test_back_off_is_told_by_the_sync_that_finds_it(user: User, workload) -> None:
    """doBackOff writes it when it first keeps the container back, not when the status shows the wait."""
    name = {"object": "StatefulSet/chat"} if workload is stateful_set else {}
    crashes = [{"at": at, "crash": {}, **name} for at in ("50s", "50500ms")]
    gone = {"at": "58s", "scale": 0, **name}
    user.plans(
        workload(asking(npu=8), replicas=1), cluster="1x8", initial="running", actions=[*crashes, gone]
    )
    (event,) = events(user, "BackOff")
    assert event["lastTimestamp"] == "2026-01-01T00:00:50Z"


def priorities(high: Raw, **policy: str) -> list[Raw]:
    """Two priority classes."""
    made = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}
    classes = [
        {**made, "metadata": {"name": name}, "value": value} for name, value in (("low", 0), ("high", 9))
    ]
    return [*classes, high]


@pytest.mark.parametrize("workload", [deployment, stateful_set])
def test_who_is_preempted_is_told_by_the_scheduler(user: User, workload) -> None:
    low = deployment(asking(npu=8), replicas=1, priorityClassName="low")
    low["metadata"]["name"] = "low"
    high = workload(asking(npu=8), replicas=1, priorityClassName="high")
    user.has("high.yaml", high)
    user.plans(
        *priorities(low),
        cluster="1x8",
        initial="running",
        actions=[{"at": "1m", "create": "high.yaml"}],
        horizon="5m",
    )
    (event,) = events(user, "Preempted")
    (bound,) = events(user, "Scheduled")
    assert event["involvedObject"]["name"] == "low-0"
    assert event["message"] == f"Preempted by pod {bound['involvedObject']['uid']} on node node-0"
    assert event["source"]["component"] == "default-scheduler"


@both
def test_nodes_that_are_not_the_one_named_are_left_out_before_any_filter(user: User, workload) -> None:
    """A name in matchFields narrows the nodes; so the others say, recorded from kube-scheduler."""
    name = {"key": "metadata.name", "operator": "In", "values": ["web-1"]}
    terms = {"nodeSelectorTerms": [{"matchFields": [name]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    pool = {"name": "web", "count": 3, "allocatable": {"cpu": "8"}}
    made = workload(asking(cpu="8"), replicas=2, affinity=affinity)
    user.plans(made, cluster={"pools": [pool]}, initial="empty", horizon="5m")
    told = " ".join(user.types("run", "scenario.yaml").stdout.split())
    assert (
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]."
        in told
    )


@both
def test_nodes_that_would_help_are_said_to_need_the_labels_asked_for(user: User, workload) -> None:
    pool = {"name": "web", "count": 3, "allocatable": {"cpu": "8"}}
    made = workload({}, replicas=1, nodeSelector={"kubernetes.io/arch": "arm64"})
    user.plans(made, cluster={"pools": [pool]}, initial="empty", horizon="5m")
    told = " ".join(user.types("run", "scenario.yaml").stdout.split())
    assert "; more nodes with such labels would let it go on" in told


@both
def test_spread_over_a_label_that_no_node_has_is_helped_by_labels(user: User, workload) -> None:
    spread = {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "chat"}},
    }
    made = workload(asking(npu=1), replicas=1, topologySpreadConstraints=[spread])
    user.plans(made, cluster="2x8", initial="empty", horizon="5m")
    told = " ".join(user.types("run", "scenario.yaml").stdout.split())
    assert (
        "labelling nodes with the topology key of its spread constraint or a looser spread constraint" in told
    )


@both
def test_what_a_reboot_costs_is_charged_to_it_where_the_kubelet_rejects_the_pod(user: User, workload) -> None:
    """Also where the API server has noticed nothing."""
    made = workload(asking(npu=8), replicas=1)
    reboot = {"at": "10m", "reboot": {"nodes": ["node-0"], "takes": "20s"}}
    user.plans(made, cluster="2x8", initial="running", actions=[reboot], horizon="1h")
    done, _ = user.runs()
    assert "UnexpectedAdmissionError" in done.stdout
    assert "node-0 rebooted at 10m" in done.stdout.split("Lost time")[1].splitlines()[0]


def test_a_kubelet_that_starts_anew_is_charged_with_the_pod_that_it_rejects(user: User) -> None:
    new = kubeinfer(asking(npu=8), replicas=1)
    restart = {"at": "1m", "kubeletRestart": {"nodes": ["node-0"], "takes": "10s"}}
    user.plans(
        new,
        cluster="1x8",
        initial="empty",
        actions=[restart],
        timings={"profile": "zero", "volumes": "5m"},
        horizon="1h",
    )
    done, _ = user.runs()
    assert "UnexpectedAdmissionError" in done.stdout
    why = user.types("why", "scenario.yaml", "--at", "2m").stdout
    assert "node-0 has its kubelet restarted" in why
