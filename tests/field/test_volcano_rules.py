"""Rules of Volcano's as they were recorded (GOLDEN-RELATIVES, V1 to V25), from a user's files to the pods on nodes.

Each is asked of instances of KubeInfers and of Deployments whose annotation says how many pods are placed together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from field.user import Raw, User, asking, deployment, kubeinfer

Gang = Callable[..., Raw]
MIN_MEMBER = "scheduling.volcano.sh/group-min-member"


def instance(name: str, pods: int, *, npu: int = 8, **pod: Any) -> Raw:
    """A KubeInfer of one instance with so many pods."""
    made = kubeinfer(asking(npu=npu), replicas=1, schedulerName="volcano", **pod)
    made["metadata"]["name"] = name
    made["spec"]["template"]["spec"]["roles"][0]["replicas"] = pods
    return made


def annotated(name: str, pods: int, *, npu: int = 8, **pod: Any) -> Raw:
    """A Deployment of so many pods, of which all are placed together."""
    made = deployment(asking(npu=npu), replicas=pods, labels={"of": name}, schedulerName="volcano", **pod)
    made["metadata"] |= {"name": name, "annotations": {MIN_MEMBER: str(pods)}}
    made["spec"]["selector"] = {"matchLabels": {"of": name}}
    return made


def alone(name: str, pods: int, **pod: Any) -> list[Raw]:
    """An instance, which brings its own PodGroup."""
    return [instance(name, pods, **pod)]


def grouped(name: str, pods: int, *, priority: str = "", **pod: Any) -> list[Raw]:
    """A Deployment whose pods name a PodGroup, which has no minResources and is as important as it says itself."""
    made = annotated(name, pods, **pod)
    del made["metadata"]["annotations"]
    made["spec"]["template"]["metadata"]["annotations"] = {"scheduling.k8s.io/group-name": name}
    spec = {"minMember": pods, **({"priorityClassName": priority} if priority else {})}
    group = {
        "apiVersion": "scheduling.volcano.sh/v1beta1",
        "kind": "PodGroup",
        "metadata": {"name": name, "namespace": "prod"},
        "spec": spec,
    }
    return [group, made]


gangs = pytest.mark.parametrize("gang", [instance, annotated])


def placed(user: User, at: str) -> Counter[str]:
    """How many pods of each gang have a node then."""
    return Counter(each["name"].split("-")[0] for each in user.pods(at=at) if each["node"])


@gangs
def test_v1_a_gang_that_fits_is_placed_within_a_cycle(user: User, gang: Gang) -> None:
    user.plans(gang("a", 4), cluster="4x8", initial="empty", horizon="1m")
    assert placed(user, "1100ms") == {"a": 4}


@gangs
def test_v2_a_gang_is_placed_whole_or_not_at_all_however_nodes_come_free(user: User, gang: Gang) -> None:
    actions = [{"at": "0s", "cordon": ["node-1", "node-2"]}, {"at": "10s", "uncordon": ["node-1"]}]
    actions.append({"at": "20s", "uncordon": ["node-2"]})
    user.plans(gang("a", 3), cluster="3x8", initial="empty", actions=actions, horizon="1m")
    assert [placed(user, at)["a"] for at in ("9s", "19s", "21500ms")] == [0, 0, 3]


@gangs
def test_v5_a_smaller_gang_passes_a_waiting_bigger_one_at_once(user: User, gang: Gang) -> None:
    actions = [{"at": "5s", "create": gang("small", 1)}]
    user.plans(gang("big", 3), cluster="2x8", initial="empty", actions=actions, horizon="1m")
    assert placed(user, "6500ms") == {"small": 1}


def first_of_two(user: User, early: list[Raw], later: list[Raw]) -> Counter[str]:
    """Who is placed when there is room for one of two gangs that have waited."""
    actions: list[Raw] = [{"at": "0s", "cordon": ["node-0", "node-1"]}, {"at": "3s", "create": later}]
    actions.append({"at": "10s", "uncordon": ["node-0", "node-1"]})
    classes = {"high": 1000}
    user.plans(*early, cluster="2x8", initial="empty", actions=actions, priorityClasses=classes, horizon="1m")
    return placed(user, "12s")


def test_v3_v7_of_two_that_fit_alone_the_older_goes_first_unless_the_pod_group_is_more_important(
    user: User,
) -> None:
    early = grouped("early", 2)
    assert first_of_two(user, early, grouped("later", 2)) == {"early": 2}
    assert first_of_two(user, early, grouped("later", 2, priority="high")) == {"later": 2}
    pods_alone = grouped("later", 2, priorityClassName="high")
    assert first_of_two(user, early, pods_alone) == {"early": 2}, "that of pods does not count"
    assert first_of_two(user, alone("early", 2), alone("later", 2)) == {"early": 2}
    important = alone("later", 2, priorityClassName="high")
    assert first_of_two(user, alone("early", 2), important) == {"later": 2}, (
        "assumed of a KubeInfer's PodGroup"
    )


@pytest.mark.parametrize("gang", [alone, grouped])
def test_v8_free_and_terminating_places_are_promised_to_the_gang_that_fits_on_both(
    user: User, gang: Callable[..., list[Raw]]
) -> None:
    going, timings = gang("going", 2), {"profile": "zero", "exit": "20s"}
    actions: list[Raw] = [
        {"at": "1m", "create": gang("waits", 3)},
        {"at": "2m", "deleteObject": f"{going[-1]['kind']}/going"},
        {"at": "2m5s", "create": gang("single", 1)},
    ]
    user.plans(*going, cluster="3x8", initial="running", timings=timings, actions=actions, horizon="5m")
    assert placed(user, "2m15s") == {"going": 2}, "the free node is kept for the gang of three"
    assert placed(user, "2m30s") == {"waits": 3}
    actions[0] = {"at": "1m", "create": gang("waits", 4)}
    user.plans(*going, cluster="3x8", initial="running", timings=timings, actions=actions, horizon="5m")
    assert placed(user, "2m15s") == {"going": 2, "single": 1}, "for four there is not enough: nothing is kept"


@pytest.mark.parametrize("gang", [instance, annotated])
def test_v11_down_to_min_member_the_rest_comes_as_nodes_do(user: User, gang: Gang) -> None:
    made = gang("a", 4)
    made["metadata"]["annotations"] = {MIN_MEMBER: "3"} if gang is annotated else {}
    assumptions = {"minMember": 3} if gang is instance else {}
    actions = [{"at": "0s", "cordon": ["node-3"]}, {"at": "30s", "uncordon": ["node-3"]}]
    user.plans(made, cluster="4x8", initial="empty", assumptions=assumptions, actions=actions, horizon="1m")
    assert [placed(user, at)["a"] for at in ("2s", "29s", "31500ms")] == [3, 3, 4]


def test_v13_a_replacement_is_placed_alone_while_the_others_run(user: User) -> None:
    made = instance("a", 3)
    made["spec"]["template"]["spec"]["roles"][0]["recoveryPolicy"] = {"restart": "Pod"}
    actions = [{"at": "1m", "deletePod": {"instances": [0], "pods": [1]}}]
    user.plans(made, cluster="3x8", initial="running", actions=actions, horizon="5m")
    assert placed(user, "90s") == {"a": 3}
    assert sum(each["name"].endswith("serve-1") for each in user.pods(at="90s")) == 1


@gangs
def test_v24_anti_affinity_holds_among_pods_of_one_cycle(user: User, gang: Gang) -> None:
    for nodes, expected in (2, 0), (3, 3):
        terms = [{"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "chat"}}}]
        apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
        made = gang("a", 3, npu=1, affinity=apart)
        user.plans(made, cluster=f"{nodes}x8", initial="empty", horizon="1m")
        assert placed(user, "30s")["a"] == expected


def test_v25_preemption_takes_all_that_it_needs_or_nobody(user: User) -> None:
    low = kubeinfer(asking(npu=8), replicas=2, schedulerName="volcano")
    for pods, victims in (2, 2), (3, 0):
        user.plans(
            low,
            cluster="2x8",
            initial="running",
            scheduler={"actions": ["enqueue", "allocate", "preempt", "backfill"]},
            priorityClasses={"high": 1000},
            actions=[{"at": "1m", "create": instance("high", pods, priorityClassName="high")}],
            horizon="10m",
        )
        assert len(user.runs()[1]["preemptions"]) == victims


def test_v25_as_the_chart_ships_it_nobody_is_preempted(user: User) -> None:
    actions = [{"at": "1m", "create": instance("high", 1, priorityClassName="high")}]
    low = kubeinfer(asking(npu=8), replicas=2, schedulerName="volcano")
    user.plans(
        low, cluster="2x8", initial="running", priorityClasses={"high": 1}, actions=actions, horizon="10m"
    )
    assert not user.runs()[1].get("preemptions")


def test_v25_volcano_chooses_nodes_by_chance_and_heeds_no_budget(user: User) -> None:
    """kube-scheduler evicts the less important pod, and keeps the budget; Volcano either, by the node it draws."""
    keep = annotated("keep", 1, priorityClassName="some")
    lose = annotated("lose", 1)
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "keep", "namespace": "prod"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"of": "keep"}}},
    }
    evicted = {}
    for scheduler in "kube-scheduler", "volcano":
        user.plans(
            keep,
            lose,
            budget,
            cluster="2x8",
            initial="running",
            assumptions={"preemption": True, "scheduler": scheduler},
            priorityClasses={"some": 10, "high": 1000},
            actions=[{"at": "1m", "create": instance("high", 1, priorityClassName="high")}],
            horizon="10m",
        )
        runs = [user.runs("--seed", str(seed))[1] for seed in range(4)]
        evicted[scheduler] = {each["pod"].split("-")[0] for run in runs for each in run["preemptions"]}
    assert evicted == {"kube-scheduler": {"lose"}, "volcano": {"keep", "lose"}}
