"""minResources, from a user's files to who is let in: what PodGroups keep beside what their pods have in use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.test_volcano_rules import annotated, instance, placed
from field.user import NPU, Raw, User, asking, bare_pod

Gang = Callable[..., Raw]
GROUP_NAME = "scheduling.k8s.io/group-name"


def group(name: str, npus: int, members: int = 1, **spec: Any) -> Raw:
    return {
        "apiVersion": "scheduling.volcano.sh/v1beta1",
        "kind": "PodGroup",
        "metadata": {"name": name, "namespace": "prod"},
        "spec": {"minMember": members, "minResources": {NPU: npus}, **spec},
    }


def in_group(gang: Gang, name: str, pods: int = 1) -> Raw:
    """Pods of 8 NPUs that name a PodGroup."""
    made = gang(name, pods)
    made["metadata"].pop("annotations", None)
    spec = made["spec"]["template"]
    template = spec["spec"]["roles"][0]["template"] if gang is instance else spec
    template["metadata"]["annotations"] = {GROUP_NAME: name}
    return made


gangs = pytest.mark.parametrize("gang", [instance, annotated])


@gangs
@pytest.mark.parametrize(
    "event",
    [
        None,
        {"labelNodes": {"nodes": ["node-3"], "labels": {"x": "y"}}},
        {"create": bare_pod(asking(cpu="1m"), name="idle", schedulerName="volcano")},
    ],
    ids=["nothing", "a label", "a pod without NPUs"],
)
def test_what_a_running_pod_group_keeps_holds_another_back_whatever_else_happens(
    user: User, gang: Gang, event: Raw | None
) -> None:
    """16 that the first keeps beside the 8 in use, and 24, are more than 1.2 times 32."""
    objects = [group("b", 24), in_group(gang, "b"), group("c", 24), in_group(gang, "c")]
    actions = [] if event is None else [{"at": "10s", **event}]
    user.plans(*objects, cluster="4x8", initial="empty", actions=actions, horizon="1m")
    done, result = user.runs()
    assert done.returncode == 1
    figures = "of the 32 that there are 8 are in use, 16 more are for PodGroups let in before it"
    assert figures in result["verdict"]["sentence"]
    assert placed(user, "50s") == {"b": 1} | ({"idle": 1} if event and "create" in event else {})


@gangs
def test_one_that_comes_later_finds_the_same(user: User, gang: Gang) -> None:
    actions = [{"at": "10s", "create": [group("c", 24), in_group(gang, "c")]}]
    objects = [group("b", 24), in_group(gang, "b")]
    user.plans(*objects, cluster="4x8", initial="empty", actions=actions, horizon="1m")
    assert placed(user, "50s") == {"b": 1}


@gangs
def test_the_same_npus_are_not_told_as_in_use_and_kept(user: User, gang: Gang) -> None:
    objects = [group("a", 8), in_group(gang, "a"), group("b", 24), in_group(gang, "b")]
    user.plans(*objects, cluster="3x8", initial="empty", horizon="1m")
    assert "of the 24 that there are 8 are in use)" in user.runs()[1]["verdict"]["sentence"]


@gangs
def test_what_is_being_bound_counts_twice_for_one_cycle_and_no_event_is_needed_after_it(
    user: User, gang: Gang
) -> None:
    """The first PodGroup is Running when the second cycle ends, so that the third lets the next one in."""
    actions = [{"at": "1s", "create": [group("c", 16, 2), in_group(gang, "c", 2)]}]
    objects = [group("b", 16, 2), in_group(gang, "b", 2)]
    user.plans(*objects, cluster="4x8", initial="empty", actions=actions, horizon="1m")
    assert placed(user, "1999ms") == {"b": 2}
    assert placed(user, "3s") == {"b": 2, "c": 2}


@gangs
def test_a_pod_group_whose_pods_have_gone_has_to_be_let_in_again(user: User, gang: Gang) -> None:
    """While it ran no cycle had anything to do; its minResources are too large for what the others have left."""
    second = in_group(gang, "b")
    gone = f"{second['kind']}/b"
    others = in_group(gang, "other", 2)
    actions: list[Raw] = [
        {"at": "10s", "deleteObject": gone},
        {"at": "20s", "create": [group("other", 16, 2), others]},
        {"at": "30s", "create": in_group(gang, "b")},
    ]
    user.plans(group("b", 24), second, cluster="4x8", initial="empty", actions=actions, horizon="1m")
    assert placed(user, "9s") == {"b": 1}
    assert placed(user, "50s") == {"other": 2}


def test_what_pods_have_beyond_minresources_is_not_counted_against_a_queue(user: User) -> None:
    """As in Volcano, where a PodGroup without minResources has all of it beyond them."""
    queue = {
        "apiVersion": "scheduling.volcano.sh/v1beta1",
        "kind": "Queue",
        "metadata": {"name": "small"},
        "spec": {"weight": 1, "capability": {NPU: 16}},
    }
    free = group("free", 0, queue="small")
    del free["spec"]["minResources"]
    actions = [{"at": "10s", "create": [group("c", 16, queue="small"), in_group(annotated, "c")]}]
    objects = [queue, free, in_group(annotated, "free")]
    user.plans(*objects, cluster="4x8", initial="empty", actions=actions, horizon="1m")
    assert placed(user, "50s") == {"free": 1, "c": 1}


@gangs
def test_pod_groups_are_let_in_queue_by_queue(user: User, gang: Gang) -> None:
    """One of two: that of the more important queue, though the other is the more important PodGroup."""
    for priorities, first in ({"q1": 100}, "a"), ({"q2": 100}, "b"), ({}, "a"):
        queues = [
            {
                "apiVersion": "scheduling.volcano.sh/v1beta1",
                "kind": "Queue",
                "metadata": {"name": name},
                "spec": {"weight": 1, "priority": priorities.get(name, 0)},
            }
            for name in ("q1", "q2")
        ]
        important = group("b", 24, queue="q2", priorityClassName="high")
        objects = [*queues, group("a", 24, queue="q1"), in_group(gang, "a"), important, in_group(gang, "b")]
        classes = {"high": 1000}
        user.plans(*objects, cluster="4x8", initial="empty", priorityClasses=classes, horizon="1m")
        assert placed(user, "50s") == {first: 1}


@gangs
def test_a_queue_that_is_closed_is_taken_as_open_and_that_is_said_at_its_line(user: User, gang: Gang) -> None:
    for name in "small", "default":
        for state, warned in ("Closed", True), ("Open", False):
            queue = {
                "apiVersion": "scheduling.volcano.sh/v1beta1",
                "kind": "Queue",
                "metadata": {"name": name},
                "spec": {"weight": 1},
                "status": {"state": state},
            }
            objects = [queue, group("a", 8, queue=name), in_group(gang, "a")]
            user.plans(*objects, cluster="4x8", initial="empty", horizon="1m")
            done, _ = user.runs()
            assert done.returncode == 0
            told = " ".join(done.stdout.split())
            assert ("status.state: has no effect: every queue is Open here" in told) is warned
