"""Why a gang waits is told as the cluster is: a later event changes the cause in `why`, in the verdict and in `pods`."""

from __future__ import annotations

from typing import Any

import pytest
from field.test_why_gangs_wait import MINE, instance, pod_group, queue
from field.user import NPU, Raw, User, asking, deployment, kubeinfer

NO_QUEUE = "there is no queue small"
TOO_SMALL = f"queue small may have 8 {NPU} by its capability and has 0 in use"
NO_ROOM = f"needs 2 nodes × 8 {NPU}; 1 such node is free"
IN_QUEUE = {"initial": "empty", "cluster": "2x8"}
ONE_NODE = {"initial": "empty", "cluster": "1x8"}


def grouped(**annotations: str) -> Raw:
    """A Deployment of two pods that name the PodGroup `pair`."""
    made = deployment(asking(npu=8), replicas=2, schedulerName="volcano")
    made["spec"]["template"]["metadata"]["annotations"] = {MINE: "pair", **annotations}
    return made


def patched(what: str, **spec: Any) -> Raw:
    return {"object": what, "patchObject": {"spec": spec}}


#: What there is, what is done at 2m, and what keeps the gang before and after that.
LATER: dict[str, tuple[list[Raw], Raw, Raw, str, str]] = {
    "a queue is created that is too small": (
        [instance()],
        IN_QUEUE,
        {"create": queue(capability={NPU: 8})},
        NO_QUEUE,
        TOO_SMALL,
    ),
    "a queue is created, and nodes are too few": (
        [instance()],
        ONE_NODE,
        {"create": queue()},
        "there is no queue small, which PodGroup chat-0 names; besides",
        f"chat-0 needs 2 nodes × 8 {NPU}",
    ),
    "a queue is deleted": (
        [instance(), queue(capability={NPU: 8})],
        IN_QUEUE,
        {"deleteObject": "Queue/small"},
        TOO_SMALL,
        NO_QUEUE,
    ),
    "a capability is changed, and is still too small": (
        [instance(), queue(capability={NPU: 8})],
        IN_QUEUE,
        patched("Queue/small", capability={NPU: 12}),
        TOO_SMALL,
        f"queue small may have 12 {NPU}",
    ),
    "another resource of the capability is short": (
        [instance(cpu=10), queue(capability={NPU: 8})],
        {
            "initial": "empty",
            "cluster": {"pools": [{"name": "n", "count": 2, "allocatable": {NPU: 8, "cpu": 192}}]},
        },
        patched("Queue/small", capability={NPU: 16, "cpu": 15}),
        TOO_SMALL,
        "queue small may have 15 cpu by its capability",
    ),
    "the PodGroup is created, and takes more pods": (
        [grouped()],
        IN_QUEUE,
        {"create": pod_group(minMember=3)},
        "there is no PodGroup pair",
        "PodGroup pair takes 3 pods and has 2",
    ),
    "the PodGroup is deleted": (
        [grouped(), pod_group(minMember=3)],
        IN_QUEUE,
        {"deleteObject": "PodGroup/pair"},
        "PodGroup pair takes 3 pods and has 2",
        "there is no PodGroup pair",
    ),
    "minMember is changed": (
        [grouped(), pod_group(minMember=3)],
        IN_QUEUE,
        patched("PodGroup/pair", minMember=4),
        "PodGroup pair takes 3 pods and has 2",
        "PodGroup pair takes 4 pods and has 2",
    ),
    "minResources are changed": (
        [grouped(), pod_group(minMember=2, minResources={NPU: "80"})],
        IN_QUEUE,
        patched("PodGroup/pair", minResources={NPU: "90"}),
        f"it asks for 80 {NPU}",
        f"it asks for 90 {NPU}",
    ),
    "the PodGroup goes to another queue": (
        [grouped(), pod_group(minMember=2, queue="small"), queue("tiny", capability={NPU: 4})],
        IN_QUEUE,
        patched("PodGroup/pair", queue="tiny"),
        NO_QUEUE,
        "queue tiny may have 4",
    ),
    "a node joins, and one is still missing": (
        [instance(3, "default")],
        ONE_NODE,
        {"addNodes": {"allocatable": {NPU: 8}, "name": "late", "count": 1}},
        f"needs 3 nodes × 8 {NPU}; 1 such node is free",
        f"needs 3 nodes × 8 {NPU}; 2 such nodes are free",
    ),
    "a node is cordoned": (
        [instance(3, "default")],
        IN_QUEUE,
        {"cordon": ["node-0"]},
        f"needs 3 nodes × 8 {NPU}; 2 such nodes are free",
        f"needs 3 nodes × 8 {NPU}; 1 such node is free",
    ),
    "a node is removed": (
        [instance(3, "default")],
        IN_QUEUE,
        {"removeNodes": ["node-0"]},
        f"needs 3 nodes × 8 {NPU}; 2 such nodes are free",
        f"needs 3 nodes × 8 {NPU}; 1 such node is free",
    ),
    "a node is tainted": (
        [instance(3, "default")],
        IN_QUEUE,
        {"taint": {"nodes": ["node-0"], "key": "kept"}},
        f"needs 3 nodes × 8 {NPU}; 2 such nodes are free",
        f"needs 3 nodes × 8 {NPU}; 1 such node is free",
    ),
    "other pods come": (
        [instance(3, "default")],
        IN_QUEUE,
        {"create": {**kubeinfer(asking(npu=8), replicas=1), "metadata": {"name": "o", "namespace": "prod"}}},
        f"needs 3 nodes × 8 {NPU}; 2 such nodes are free",
        f"needs 3 nodes × 8 {NPU}; 1 such node is free",
    ),
}


@pytest.mark.parametrize("event", LATER)
def test_a_later_event_changes_the_cause_that_is_told(user: User, event: str) -> None:
    objects, spec, action, before, after = LATER[event]
    user.plans(*objects, actions=[{"at": "2m", **action}], horizon="1h", **spec)
    _, result = user.runs()
    sentence = result["verdict"]["sentence"]
    assert after in sentence
    assert before not in sentence
    causes = []
    for at in "1m", "5m":
        why = " ".join(user.types("why", "scenario.yaml", "--at", at).stdout.split())
        causes.append(why.partition("Not by")[0].partition("Never:")[0])
    assert before in causes[0]
    assert after not in causes[0]
    assert after in causes[1]


@pytest.mark.parametrize("workload", [kubeinfer, deployment])
@pytest.mark.parametrize("scheduler", ["volcano", "default-scheduler"])
def test_why_tells_what_was_free_at_that_time(user: User, workload: Any, scheduler: str) -> None:
    """A node that joins later is too small for the third, and counts."""
    made = workload(asking(npu=8), replicas=3, schedulerName=scheduler)
    actions = [{"at": "2m", "addNodes": {"allocatable": {NPU: 4}, "name": "half", "count": 1}}]
    user.plans(made, cluster="2x8", initial="empty", actions=actions, horizon="1h")
    for at in "1m", "5m":
        why = " ".join(user.types("why", "scenario.yaml", "--at", at).stdout.split())
        assert f"needs 1 node × 8 {NPU}; no such node is free" in why.partition("Not by")[0]
    shown = user.types("pods", "scenario.yaml", "--json", "-", "--at", "5m").stdout
    if scheduler == "default-scheduler":
        assert "0/3 nodes are available" in shown
        assert "0/2 nodes are available" not in shown


def test_a_gang_that_gets_its_place_in_the_next_cycle_is_said_to(user: User) -> None:
    """Volcano's cycle begins at 620 ms of each second with this seed."""
    user.plans(
        instance(), cluster="2x8", initial="empty", actions=[{"at": "30s", "create": queue()}], horizon="1h"
    )
    why = " ".join(user.types("why", "scenario.yaml", "--at", "30100ms").stdout.split())
    assert "chat-0 waits: Volcano's next cycle gives it its places" in why
    assert user.runs()[1]["verdict"]["holds"]


def test_what_has_not_changed_is_not_told_again(user: User) -> None:
    unrelated = [{"at": f"{minute}m", "create": queue(f"q{minute}")} for minute in range(1, 6)]
    texts = []
    for actions in [], unrelated:
        user.plans(instance(), cluster="2x8", initial="empty", actions=actions, horizon="1h")
        why = user.types("why", "scenario.yaml", "--at", "30m").stdout
        texts.append(why)
    assert texts[0] == texts[1]
