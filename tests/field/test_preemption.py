"""Preemption and the order of the queue (pkg/scheduler/framework/preemption, backend/queue), of gangs and of single pods."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from field.user import Raw, User, asking, both, deployment, kubeinfer

#: Nodes of 8 NPUs, each taken whole by a pod.
WHOLE = asking(npu=8)
PREEMPTS = {"preemption": True}


def named(workload: Raw, name: str, priority: str = "", **pod: Any) -> Raw:
    """A workload of this name, its pods of a PriorityClass."""
    app = {"app": name}
    workload["metadata"] = {"name": name, "namespace": "prod"}
    spec = workload["spec"]
    if workload["kind"] == "Deployment":
        spec["selector"] = {"matchLabels": app}
        template = spec["template"]
    else:
        template = spec["template"]["spec"]["roles"][0]["template"]
    template["metadata"]["labels"] = app
    template["spec"] |= pod
    if priority:
        template["spec"]["priorityClassName"] = priority
    return workload


def priority_class(name: str, value: int, **fields: Any) -> Raw:
    head = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}}
    return {**head, "value": value, **fields}


def pair(name: str, priority: str, replicas: int = 1) -> Raw:
    """A KubeInfer whose instances are gangs of two pods."""
    made = named(kubeinfer(WHOLE, replicas=replicas), name, priority)
    made["spec"]["template"]["spec"]["roles"][0]["replicas"] = 2
    return made


def low(replicas: int = 2, **pod: Any) -> Raw:
    return named(deployment(WHOLE, replicas=replicas), "low", **pod)


def nodes_of(user: User, at: str = "") -> dict[str, str]:
    """Node by pod, of those that are not being deleted."""
    return {each["name"]: each["node"] for each in user.pods(at) if each["deletedAtMs"] is None}


def scaled(workload: Raw, at: str = "1m") -> tuple[Raw, Raw]:
    """A workload that has no pods before this time, and the action that gives it one."""
    workload["spec"]["replicas"] = 0
    name = f"{workload['kind']}/{workload['metadata']['name']}"
    return workload, {"at": at, "object": name, "scale": 1}


def test_a_gang_is_placed_once_and_its_victims_replacements_wait(user: User) -> None:
    gang, action = scaled(pair("high", "hi"))
    user.plans(
        gang,
        low(),
        cluster="3x8",
        initial="running",
        actions=[action],
        priorityClasses={"hi": 1000},
        assumptions=PREEMPTS,
        timings={"profile": "zero", "exit": "20s"},
        horizon="1h",
    )
    done, result = user.runs()
    assert [(each["pod"], each["by"], each["atMs"]) for each in result["preemptions"]] == [
        ("low-0", "high-0", 60_000)
    ]
    # The place that was free already is kept for the gang, too, while the other one becomes free.
    assert [name for name, node in nodes_of(user, "70s").items() if node] == ["low-1"]
    assert nodes_of(user, "80s") == nodes_of(user) | {"low-2": ""}
    assert {name for name, node in nodes_of(user).items() if node} == {
        "high-0-serve-0",
        "high-0-serve-1",
        "low-1",
    }
    assert "low-0 is preempted for high-0" in " ".join(done.stdout.split())


@both
def test_wide_columns_and_the_object_name_the_node_that_room_is_made_on(
    user: User, workload: Callable[..., Raw]
) -> None:
    high, action = scaled(named(workload(WHOLE, replicas=1), "high", "hi"))
    user.plans(
        high,
        low(1),
        cluster="1x8",
        initial="running",
        actions=[action],
        priorityClasses={"hi": 1000},
        assumptions=PREEMPTS,
        timings={"profile": "zero", "exit": "20s"},
        horizon="1h",
    )

    def columns(at: str) -> dict[str, list[str]]:
        """NODE and NOMINATED NODE by pod."""
        done = user.types("pods", "scenario.yaml", "--at", at, "-o", "wide")
        head, *lines = done.stdout.splitlines()
        assert head.endswith("IP       NODE     NOMINATED NODE   READINESS GATES")
        rows = [line.split() for line in lines]
        assert {(row[-4], row[-1]) for row in rows} == {("<none>", "<none>")}
        return {row[0].partition("-")[0]: row[-3:-1] for row in rows if row[0] != "low-1"}

    def nominated(at: str) -> list[str]:
        listing = json.loads(user.types("pods", "scenario.yaml", "--at", at, "-o", "kubectl").stdout)
        pods = [each for each in listing["items"] if each["kind"] == "Pod"]
        return [each["status"]["nominatedNodeName"] for each in pods if "nominatedNodeName" in each["status"]]

    assert columns("70s") == {"high": ["<none>", "node-0"], "low": ["node-0", "<none>"]}
    assert nominated("70s") == ["node-0"]
    assert columns("2m") == {"high": ["node-0", "<none>"]}
    assert nominated("2m") == []


@both
def test_pods_of_a_deployment_have_others_evicted_unasked_and_a_gang_s_if_that_is_assumed(
    user: User, workload: Callable[..., Any]
) -> None:
    mine, action = scaled(named(workload(WHOLE), "high", "hi"))
    scenario: Raw = {
        "cluster": "2x8",
        "initial": "running",
        "actions": [action],
        "priorityClasses": {"hi": 1000},
        "horizon": "1h",
    }
    user.plans(mine, low(), **scenario)
    assert bool(user.runs()[1]["preemptions"]) is (workload is deployment)
    user.plans(mine, low(), assumptions=PREEMPTS, **scenario)
    assert len(user.runs()[1]["preemptions"]) == 1


def test_a_deployment_s_pods_wait_where_another_scheduler_places_them(user: User) -> None:
    mine, action = scaled(named(deployment(WHOLE), "high", "hi", schedulerName="volcano"))
    user.plans(
        mine,
        low(),
        cluster="2x8",
        initial="running",
        actions=[action],
        priorityClasses={"hi": 1000},
        horizon="1h",
    )
    assert not user.runs()[1]["preemptions"]


@both
def test_the_most_important_are_first_in_the_queue_however_late_they_come(
    user: User, workload: Callable[..., Any]
) -> None:
    late, action = scaled(named(workload(WHOLE), "late", "hi"))
    user.plans(
        late,
        priority_class("hi", 1000, preemptionPolicy="Never"),
        # It fills both nodes, and a third pod waits since long before.
        low(replicas=3),
        cluster="2x8",
        initial="empty",
        actions=[action, {"at": "2m", "drain": "node-0"}, {"at": "3m", "uncordon": "node-0"}],
        horizon="1h",
    )
    assert not user.runs()[1]["preemptions"]
    assert [name for name, node in nodes_of(user, "90s").items() if not node] in (
        ["late-0-serve-0", "low-2"],
        ["late-0", "low-2"],
    )
    # The node that is emptied and comes back goes to whom comes first by priority.
    (first,) = [name for name, node in nodes_of(user, "4m").items() if node == "node-0"]
    assert first.startswith("late-0")


def test_of_two_gangs_at_once_the_more_important_is_placed_whichever_is_named_first(user: User) -> None:
    user.plans(
        pair("a", "lo"),
        pair("b", "hi"),
        cluster="2x8",
        initial="empty",
        priorityClasses={"hi": 1000, "lo": 10},
        assumptions=PREEMPTS,
        horizon="1h",
    )
    _, result = user.runs()
    assert not result["preemptions"]
    assert {name for name, node in nodes_of(user).items() if node} == {"b-0-serve-0", "b-0-serve-1"}


@both
@pytest.mark.parametrize("where", ["pod too", "class"])
def test_whoever_never_preempts_waits(user: User, workload: Callable[..., Any], where: str) -> None:
    """Its class says so; a pod that says otherwise than its class is refused (`test_priority_classes.py`)."""
    policy = {"preemptionPolicy": "Never"}
    mine, action = scaled(named(workload(WHOLE), "high", "hi", **(policy if where == "pod too" else {})))
    user.plans(
        mine,
        low(),
        priority_class("hi", 1000, **policy),
        cluster="2x8",
        initial="running",
        actions=[action],
        assumptions=PREEMPTS,
        horizon="1h",
    )
    assert not user.runs()[1]["preemptions"]
    assert "" in nodes_of(user).values()


@both
def test_a_priority_class_may_stand_in_the_manifest(user: User, workload: Callable[..., Any]) -> None:
    mine, action = scaled(named(workload(WHOLE), "high", "hi"))
    plan: Raw = {
        "cluster": "2x8",
        "initial": "running",
        "actions": [action],
        "assumptions": PREEMPTS,
        "horizon": "1h",
    }
    user.plans(mine, low(), priority_class("hi", 1000), **plan)
    assert len(user.runs()[1]["preemptions"]) == 1
    # A default that is as important protects the pods that name no class.
    user.plans(
        mine, low(), priority_class("hi", 1000), priority_class("all", 1000, globalDefault=True), **plan
    )
    assert not user.runs()[1]["preemptions"]


@pytest.mark.parametrize(
    ("objects", "says"),
    [
        ([priority_class("hi", 2_000_000_000)], "expected a whole number from -2147483648 to 1000000000"),
        ([priority_class("hi", 1, preemptionPolicy="Sometimes")], "expected PreemptLowerPriority or Never"),
        ([priority_class("hi", 1, globalDefault="yes")], "expected true or false"),
        ([priority_class("system-mine", 1), priority_class("hi", 1)], "are the cluster's own"),
        ([priority_class("other", 1)], "pods name PriorityClass 'hi', whose value is not given"),
        ([priority_class("hi", 2)], "is 1000 here and 2 in manifest.yaml"),
    ],
)
def test_a_priority_class_that_is_wrong_is_said_to_be_so(user: User, objects: list[Raw], says: str) -> None:
    given = {"priorityClasses": {"hi": 1000}} if says.startswith("is 1000") else {}
    user.plans(named(deployment(WHOLE), "high", "hi"), *objects, cluster="2x8", **given)
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())


def budget(name: str, **spec: Any) -> Raw:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": "prod"},
        "spec": {"selector": {"matchLabels": {"app": name}}, **spec},
    }


@both
def test_budgets_of_victims_are_kept_where_there_is_a_choice(
    user: User, workload: Callable[..., Any]
) -> None:
    mine, action = scaled(named(workload(WHOLE), "high", "hi"))
    held = named(deployment(WHOLE, replicas=1), "held")
    plan: Raw = {
        "cluster": "2x8",
        "initial": "running",
        "actions": [action],
        "priorityClasses": {"hi": 1000},
        "assumptions": PREEMPTS,
        "horizon": "1h",
    }
    # Without a budget the first node's pod would go, which is started no later than the other.
    user.plans(mine, held, low(replicas=1), budget("held", maxUnavailable=0), **plan)
    assert [each["pod"] for each in user.runs()[1]["preemptions"]] == ["low-0"]
    user.plans(mine, low(replicas=1), held, budget("held", maxUnavailable=0), **plan)
    assert [each["pod"] for each in user.runs()[1]["preemptions"]] == ["low-0"]
    # There is no other way.
    both_held = (budget("held", maxUnavailable=0), budget("low", maxUnavailable=0))
    user.plans(mine, held, low(replicas=1), *both_held, **plan)
    assert len(user.runs()[1]["preemptions"]) == 1


@both
def test_a_place_is_kept_while_its_victim_takes_long_to_stop(
    user: User, workload: Callable[..., Any]
) -> None:
    mine, action = scaled(named(workload(WHOLE), "high", "hi"))
    slow = {"preStop": {"sleep": {"seconds": 240}}}
    container = {"name": "engine", "image": "repo/vllm:v1", **WHOLE, "lifecycle": slow}
    user.plans(
        mine,
        low(replicas=1, terminationGracePeriodSeconds=300, containers=[container]),
        cluster="1x8",
        initial="running",
        actions=[action],
        priorityClasses={"hi": 1000},
        assumptions=PREEMPTS,
        horizon="1h",
    )
    _, result = user.runs()
    assert len(result["preemptions"]) == 1
    assert set(nodes_of(user, "4m").values()) == {""}
    assert next(name for name, node in nodes_of(user, "6m").items() if node).startswith("high-0")


def test_a_more_important_gang_takes_what_was_promised_to_another(user: User) -> None:
    second, later = scaled(pair("top", "top"), "70s")
    first, action = scaled(pair("high", "hi"))
    user.plans(
        first,
        second,
        low(),
        cluster="2x8",
        initial="running",
        actions=[action, later],
        priorityClasses={"hi": 1000, "top": 2000},
        assumptions=PREEMPTS,
        timings={"profile": "zero", "exit": "20s"},
        horizon="1h",
    )
    user.runs()
    running = {name for name, node in nodes_of(user).items() if node}
    assert running == {"top-0-serve-0", "top-0-serve-1"}


def test_a_gang_whose_promised_node_is_cordoned_looks_for_another(user: User) -> None:
    mine, action = scaled(named(kubeinfer(WHOLE), "high", "hi"))
    user.plans(
        mine,
        low(),
        cluster="2x8",
        initial="running",
        actions=[action, {"at": "70s", "cordon": "node-0"}],
        priorityClasses={"hi": 1000},
        assumptions=PREEMPTS,
        timings={"profile": "zero", "exit": "20s"},
        horizon="1h",
    )
    _, result = user.runs()
    assert [each["node"] for each in result["preemptions"]] == ["node-0", "node-1"]
    assert nodes_of(user)["high-0-serve-0"] == "node-1"


def test_a_gang_counts_what_its_own_victims_take_of_a_budget(user: User) -> None:
    gang, action = scaled(pair("high", "hi"))
    held = named(deployment(WHOLE), "held")
    held["spec"]["replicas"] = 2
    user.plans(
        gang,
        held,
        low(replicas=1),
        budget("held", maxUnavailable=1),
        cluster="3x8",
        initial="running",
        actions=[action],
        priorityClasses={"hi": 1000},
        assumptions=PREEMPTS,
        horizon="1h",
    )
    assert {each["pod"][:-2] for each in user.runs()[1]["preemptions"]} == {"held", "low"}


@both
def test_of_equals_the_pod_that_started_last_goes(user: User, workload: Callable[..., Any]) -> None:
    mine, action = scaled(named(workload(WHOLE), "high", "hi"))
    user.plans(
        mine,
        low(replicas=1),
        cluster="2x8",
        initial="running",
        actions=[{"at": "30s", "object": "Deployment/low", "scale": 2}, action],
        priorityClasses={"hi": 1000},
        assumptions=PREEMPTS,
        horizon="1h",
    )
    assert [each["pod"] for each in user.runs()[1]["preemptions"]] == ["low-1"]
