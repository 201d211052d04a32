"""Each way in which a gang waits for Volcano, with the cause that verdict and `why` tell, and what would let it go on."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import NPU, Raw, User, asking, deployment, kubeinfer

PLENTY = {"pools": [{"name": "n", "count": 4, "allocatable": {NPU: 16, "cpu": 192, "memory": "1Ti"}}]}
MINE, QUEUE = "scheduling.k8s.io/group-name", "scheduling.volcano.sh/queue-name"


def grouped(pods: int = 2, **resources: Any) -> Raw:
    """A Deployment whose pods name the PodGroup `pair`."""
    made = deployment(asking(**{"npu": 8, **resources}), replicas=pods, schedulerName="volcano")
    made["spec"]["template"]["metadata"]["annotations"] = {MINE: "pair"}
    return made


def instance(pods: int = 2, queue: str = "small", **resources: Any) -> Raw:
    """A KubeInfer of one instance with so many pods, in the queue `small`."""
    made = kubeinfer(asking(**{"npu": 8, **resources}), replicas=1, schedulerName="volcano")
    (role,) = made["spec"]["template"]["spec"]["roles"]
    role["replicas"] = pods
    role["template"]["metadata"]["annotations"] = {QUEUE: queue}
    return made


def pod_group(**spec: Any) -> Raw:
    return {
        "apiVersion": "scheduling.volcano.sh/v1beta1",
        "kind": "PodGroup",
        "metadata": {"name": "pair", "namespace": "prod"},
        "spec": spec,
    }


def queue(name: str = "small", **spec: Any) -> Raw:
    return {
        "apiVersion": "scheduling.volcano.sh/v1beta1",
        "kind": "Queue",
        "metadata": {"name": name},
        "spec": {"weight": 1, **spec},
    }


def told(user: User, at: str = "5m") -> tuple[str, str]:
    """What the verdict and `why` say, each in one line."""
    _, result = user.runs()
    why = user.types("why", "scenario.yaml", "--at", at)
    return result["verdict"]["sentence"], " ".join(why.stdout.split())


@pytest.mark.parametrize(
    ("objects", "says"),
    [
        ([], "there is no PodGroup pair, which chat-0 names; creating the PodGroup would let it go on"),
        (
            [pod_group(minMember=2, queue="small")],
            "there is no queue small, which PodGroup pair names; creating the queue would let it go on",
        ),
        (
            [pod_group(minMember=2, queue="smal"), queue()],
            "there is no queue smal (is small meant?), which PodGroup pair names; creating the queue would let",
        ),
        (
            [pod_group(minMember=3)],
            "PodGroup pair takes 3 pods and has 2; the pods that it lacks, or a smaller minMember, would let it go on",
        ),
        (
            [pod_group(minMember=2, minResources={NPU: "80"})],
            "PodGroup pair is held back by its minResources: resource in cluster is overused: overused "
            f"{NPU} (it asks for 80 {NPU}, and of the 64 that there are 0 are in use); "
            "more nodes, or smaller minResources, would let it go on",
        ),
        (
            [pod_group(minMember=2, minResources={NPU: "16"}, queue="small"), queue(capability={NPU: 8})],
            "PodGroup pair is held back by its minResources: queue resource quota insufficient: insufficient "
            f"{NPU} (it asks for 16 {NPU}, and queue small may have 8 and has 0 in use); a larger capability of the "
            "queue, or smaller minResources, would let it go on",
        ),
        (
            [pod_group(minMember=3, minResources={NPU: "80"})],
            "; besides, PodGroup pair takes 3 pods and has 2; (more nodes, or smaller minResources) and (the pods that "
            "it lacks, or a smaller minMember) would let it go on",
        ),
    ],
)
def test_what_keeps_a_group_that_nodes_have_room_for_is_said(
    user: User, objects: list[Raw], says: str
) -> None:
    user.plans(grouped(), *objects, cluster=PLENTY, initial="empty", horizon="1h")
    verdict, why = told(user)
    assert says in verdict
    assert says.partition(";")[0] in why


def test_a_group_that_lacks_both_pods_and_room_is_told_both(user: User) -> None:
    user.plans(grouped(), pod_group(minMember=3), cluster="1x8", initial="empty", horizon="1h")
    says = (
        f"PodGroup pair takes 3 pods and has 2; besides, chat-0 with 1 more pod of its PodGroup needs 2 nodes × 8 {NPU}; "
        "1 such node is free, and the nodes have room for 1 at most"
    )
    verdict, why = told(user)
    ways = "(the pods that it lacks, or a smaller minMember) and more nodes would let it go on"
    assert f"{says}; {ways}" in verdict
    assert says in why


def test_a_gang_that_its_queue_and_the_nodes_are_too_small_for_is_told_both(user: User) -> None:
    user.plans(instance(), queue(capability={NPU: 8}), cluster="1x8", initial="empty", horizon="1h")
    verdict, _ = told(user)
    assert f"queue small may have 8 {NPU} by its weight" not in verdict
    assert f"chat-0 needs 2 nodes × 8 {NPU}; 1 such node is free" in verdict


#: What a queue may have, in what words, and what two pods need of it: NPUs, or cpu, memory or places.
TOO_SMALL = [
    ({NPU: 8}, {}, f"8 {NPU}", "16"),
    ({NPU: 15}, {}, f"15 {NPU}", "16"),
    ({"cpu": 15}, {"cpu": 10}, "15 cpu", "20"),
    ({"cpu": "1500m"}, {"cpu": 1}, "1500m cpu", "2"),
    ({"memory": "150Gi"}, {"memory": "100Gi"}, "150Gi memory", "200Gi"),
    ({"pods": 1}, {}, "1 pod", "2"),
]


@pytest.mark.parametrize(("capability", "resources", "may_have", "needs"), TOO_SMALL)
@pytest.mark.parametrize("kind", ["KubeInfer", "Deployment"])
def test_a_queue_that_lets_in_a_part_of_a_gang_is_told_with_what_it_may_have_and_the_gang_needs(
    user: User, kind: str, capability: Raw, resources: Raw, may_have: str, needs: str
) -> None:
    small = queue(capability=capability)
    if kind == "KubeInfer":
        group, objects = "chat-0", [instance(**resources), small]
    else:
        group, objects = "pair", [grouped(**resources), pod_group(minMember=2, queue="small"), small]
    user.plans(*objects, cluster=PLENTY, initial="empty", horizon="1h")
    says = (
        f"queue small may have {may_have} by its capability and has 0 in use, and PodGroup {group} needs {needs} for "
        "2 pods"
    )
    verdict, why = told(user)
    assert f"{says}; a larger capability of the queue would let it go on" in verdict
    assert says in why


@pytest.mark.parametrize(
    ("members", "npus", "placed"),
    [
        (
            2,
            8,
            f"may have 8 {NPU} by its capability and has 0 in use, and PodGroup chat-0 needs 16 for 2 pods",
        ),
        (
            2,
            16,
            f"may have 16 {NPU} by its capability and has 16 in use, and PodGroup chat-0 needs 8 for 1 pod",
        ),
        (1, 8, f"may have 8 {NPU} by its capability and has 8 in use, and PodGroup chat-0 needs 8 for 1 pod"),
    ],
)
def test_of_a_gang_that_is_placed_down_to_min_member_the_queue_is_told_for_what_is_still_to_be_placed(
    user: User, members: int, npus: int, placed: str
) -> None:
    user.plans(
        instance(3),
        queue(capability={NPU: npus}),
        cluster=PLENTY,
        initial="empty",
        assumptions={"minMember": members},
        horizon="1h",
    )
    assert placed in told(user)[0]


def test_a_gang_of_one_pod_that_its_queue_does_not_let_in_is_told_so(user: User) -> None:
    user.plans(instance(1), queue(capability={NPU: 4}), cluster=PLENTY, initial="empty", horizon="1h")
    says = f"queue small may have 4 {NPU} by its capability and has 0 in use, and PodGroup chat-0 needs 8 for 1 pod"
    assert says in told(user)[0]


def test_a_second_gang_that_finds_its_queue_full_is_told_what_the_first_has(user: User) -> None:
    later = instance()
    later["metadata"]["name"] = "later"
    actions = [{"at": "1m", "create": later}]
    user.plans(
        instance(),
        queue(capability={NPU: 24}),
        cluster=PLENTY,
        initial="empty",
        actions=actions,
        horizon="1h",
    )
    assert (
        f"queue small may have 24 {NPU} by its capability and has 16 in use, and PodGroup later-0 needs 16 for 2 "
        "pods; a larger capability of the queue, or fewer pods in it, would let it go on"
    ) in told(user)[0]


def test_a_share_by_weight_is_not_taken_for_a_capability(user: User) -> None:
    """Both queues ask for all of the cluster, so each deserves half of it (proportion)."""
    other = instance(2, "other")
    other["metadata"]["name"] = "other"
    user.plans(instance(), other, queue(), queue("other"), cluster="2x8", initial="empty", horizon="1h")
    verdict = told(user)[0]
    assert f"may have 8 {NPU} by its weight and has 0 in use, and PodGroup" in verdict
    assert "a larger weight of the queue, or fewer pods in others, would let it go on" in verdict


def test_places_that_are_promised_to_another_gang_are_told_to_be(user: User) -> None:
    """The free node is kept for the gang of three (V8), so a gang of one that would fit there waits."""

    def named(name: str, pods: int) -> Raw:
        made = instance(pods, "default")
        made["metadata"]["name"] = name
        return made

    actions: list[Raw] = [
        {"at": "1m", "create": named("waits", 3)},
        {"at": "2m", "deleteObject": "KubeInfer/going"},
        {"at": "2m5s", "create": named("single", 1)},
    ]
    user.plans(
        named("going", 2),
        cluster="3x8",
        initial="running",
        timings={"profile": "zero", "exit": "20s"},
        actions=actions,
        horizon="2m10s",
    )
    verdict, why = told(user, "2m10s")
    says = "the places for it are promised to PodGroup waits-0"
    assert f"single-0 has no place: {says}; the end of the pods that those wait for" in verdict
    assert f"single-0 waits: {says}" in why


def test_without_the_action_enqueue_min_resources_hold_nobody_back(user: User) -> None:
    """As allocate.go has it: a Pending PodGroup is made Inqueue where `enqueue` is not configured."""
    placed = []
    for actions in ["enqueue", "allocate", "backfill"], ["allocate", "backfill"]:
        user.plans(
            grouped(),
            pod_group(minMember=2, minResources={NPU: "80"}),
            cluster=PLENTY,
            initial="empty",
            scheduler={"actions": actions},
            horizon="1h",
        )
        placed.append(sum(bool(each["node"]) for each in user.pods()))
    assert placed == [0, 2]


def test_without_the_action_allocate_it_is_said_that_volcano_places_nothing(user: User) -> None:
    user.plans(instance(), cluster=PLENTY, scheduler={"actions": ["enqueue", "backfill"]})
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 2
    assert "without allocate Volcano places no pod that requests anything: add it" in " ".join(
        done.stderr.split()
    )


@pytest.mark.parametrize(("pods", "members", "nodes"), [(3, 2, 4), (4, 2, 6), (4, 1, 6)])
def test_instances_that_are_placed_in_part_and_keep_each_other_from_being_whole_are_named(
    user: User, pods: int, members: int, nodes: int
) -> None:
    made = instance(pods, "default")
    made["spec"]["replicas"] = 2
    assumptions = {"minMember": members}
    user.plans(made, cluster=f"{nodes}x8", initial="empty", assumptions=assumptions, horizon="1h")
    part = nodes // 2
    says = (
        f"chat-0 needs 1 node × 8 {NPU}; no such node is free; {part} of the {pods} pods of chat-0 and {part} of the "
        f"{pods} pods of chat-1 have their places, as minMember allows: each keeps what another would need to be whole"
    )
    verdict, why = told(user)
    ways = "more nodes, fewer instances, or a minMember of all their pods, would let it go on"
    assert f"{says}; {ways}" in verdict
    assert says in why
    user.plans(made, cluster=f"{nodes}x8", initial="empty", horizon="1h")
    assert "minMember" not in told(user)[0]


def test_one_instance_that_is_placed_in_part_is_no_deadlock(user: User) -> None:
    made = instance(3, "default")
    user.plans(made, cluster="2x8", initial="empty", assumptions={"minMember": 2}, horizon="1h")
    done, result = user.runs()
    assert "to be whole" not in result["verdict"]["sentence"]
    assert "tasks in gang unschedulable" not in done.stdout, "the PodGroup has what it needs"
    assert "pod group is ready, 1 Pending, 2 Running, 2 minAvailable" in " ".join(done.stdout.split())


def test_each_pod_says_for_itself_whether_it_would_have_a_node(user: User) -> None:
    """V18: what comes after the colon of the PodGroup's condition, or the node that it would get."""
    user.plans(instance(), queue(capability={NPU: 8}), cluster="2x8", initial="empty", horizon="1h")
    conditions = {
        pod["name"]: condition
        for pod in user.pods(at="5m")
        for condition in pod["conditions"]
        if condition["type"] == "PodScheduled"
    }
    one, other = sorted(conditions.values(), key=lambda condition: condition["reason"])
    assert one["reason"] == "Schedulable"
    assert "can possibly be assigned to node-" in one["message"]
    assert one["message"].endswith(", once minAvailable is satisfied")
    assert (other["reason"], other["message"]) == (
        "Unschedulable",
        "pod group is not ready, 2 Pending, 2 minAvailable; Pending: 1 Schedulable, 1 Unschedulable",
    )
