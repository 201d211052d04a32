"""The cycle, from the scenario file to the result: what it costs, whom it promises places, and what it says."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import NPU, Raw, User, asking, deployment, kubeinfer

BY_VOLCANO = {"schedulerName": "volcano"}


def chat(**fields: Any) -> Raw:
    return kubeinfer(asking(npu=8), **BY_VOLCANO, **fields)


def web(**fields: Any) -> Raw:
    return deployment(asking(npu=8), **BY_VOLCANO, **fields)


@pytest.mark.parametrize("workload", [chat, web])
def test_a_gang_that_waits_costs_nothing_while_nothing_changes(user: User, workload: Any) -> None:
    events = []
    for horizon in ("1h", "10d"):
        user.plans(workload(replicas=3), cluster="2x8", initial="empty", horizon=horizon)
        _, result = user.runs()
        events.append(result["cost"]["timers"])
    assert events[0] == events[1]


def test_the_annotation_of_a_deployment_says_how_many_pods_are_placed_together(user: User) -> None:
    placed = []
    for members in ("1", "3"):
        made = web(replicas=3)
        made["metadata"]["annotations"] = {"scheduling.volcano.sh/group-min-member": members}
        user.plans(made, cluster="2x8", initial="empty", horizon="10m")
        placed.append(sum(bool(each["node"]) for each in user.pods(at="10m")))
    assert placed == [2, 0]


def test_pods_that_name_a_pod_group_wait_until_there_is_one_and_nothing_says_why(user: User) -> None:
    made = web(replicas=2)
    metadata = made["spec"]["template"]["metadata"]
    metadata["annotations"] = {"scheduling.k8s.io/group-name": "pair"}
    group = {
        "apiVersion": "scheduling.volcano.sh/v1beta1",
        "kind": "PodGroup",
        "metadata": {"name": "pair", "namespace": "prod"},
        "spec": {"minMember": 2},
    }
    actions = [{"at": "1m", "create": group}]
    user.plans(made, cluster="2x8", initial="empty", actions=actions, horizon="10m")
    assert not any(each["node"] for each in user.pods(at="59s"))
    assert not any(each["conditions"] for each in user.pods(at="59s"))
    assert all(each["node"] for each in user.pods(at="62s"))


def test_a_misspelt_field_of_a_pod_group_is_an_error_with_its_place(user: User) -> None:
    group = {
        "apiVersion": "scheduling.volcano.sh/v1beta1",
        "kind": "PodGroup",
        "metadata": {"name": "pair", "namespace": "prod"},
        "spec": {"minMembers": 2},
    }
    user.plans(web(), group, cluster="2x8")
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 2
    assert "minMembers" in done.stderr
    assert "minMember" in done.stderr


def test_the_report_says_who_places_and_what_volcano_says(user: User) -> None:
    user.plans(chat(replicas=3), cluster="2x8", initial="empty")
    done, result = user.runs()
    text = " ".join(done.stdout.split())
    assert "placed by Volcano" in text
    assert "1/1 tasks in gang unschedulable: pod group is not ready, 1 Pending, 1 minAvailable" in text
    assert f"needs 1 node × 8 {NPU}" in result["verdict"]["sentence"]
    user.plans(chat(replicas=3), cluster="2x8", initial="empty", assumptions={"scheduler": "kube-scheduler"})
    done, _ = user.runs()
    assert "Volcano" not in done.stdout
    assert f"0/2 nodes are available: 2 Insufficient {NPU}." in " ".join(done.stdout.split())
