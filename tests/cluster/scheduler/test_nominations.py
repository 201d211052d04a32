"""Places promised to gangs that have others evicted, and who is tried again after what change."""

from __future__ import annotations

from building import NPU

from kubeinfer_sim.cluster.scheduler import Gang, GangPod, Scheduler
from kubeinfer_sim.cluster.scheduler.pods import Pod, PodAffinityTerm, PodSpec
from kubeinfer_sim.manifest.kubernetes.labels import Requirement
from kubeinfer_sim.manifest.model import PodTemplate
from kubeinfer_sim.scenario.cluster.model import NodeSpec


def gang(key: str, npus: int, priority: int, *, pods: int = 1, pool: str = "") -> Gang:
    selector = {"pool": pool} if pool else {}
    template = PodTemplate(containers=(), requests={NPU: npus}, node_selector=selector)
    return Gang(key, tuple(GangPod((key, i), template) for i in range(pods)), priority, preempts=True)


def cluster(*pools: str, npus: int = 8) -> Scheduler:
    """Nodes n0, n1 … of these pools, each with one pod of priority 1 that holds all of it."""
    scheduler = Scheduler(
        [NodeSpec(f"n{i}", pool, {NPU: npus}, labels={"pool": pool}) for i, pool in enumerate(pools)]
    )
    for number in range(len(pools)):
        scheduler.occupy(Pod(f"v{number}", PodSpec(requests={NPU: npus}), 1), f"n{number}")
    return scheduler


def keys(placed: list[tuple[Gang, dict[object, str]]]) -> list[object]:
    return [each.key for each, _ in placed]


def promised(scheduler: Scheduler, wanted: Gang) -> list[object]:
    """Submit it, and let it have others evicted: who has to go."""
    scheduler.submit(wanted)
    assert wanted.key not in keys(scheduler.run())
    rooms, _ = scheduler.make_room()
    return [pod.key for room in rooms for pod, _ in room.victims]


def test_a_node_that_leaves_takes_only_the_promises_with_it_that_are_on_it() -> None:
    scheduler = cluster("a", "b")
    assert promised(scheduler, gang("high", 8, 10, pool="a")) == ["v0"]
    scheduler.remove_node("n1")
    assert scheduler.is_promised("high")
    scheduler.remove_node("n0")
    assert not scheduler.is_promised("high")


def test_a_gang_of_higher_priority_takes_a_promised_place_and_the_promise_is_void() -> None:
    scheduler = cluster("a")
    assert promised(scheduler, gang("high", 8, 10)) == ["v0"]
    scheduler.release("v0")
    scheduler.submit(gang("higher", 8, 20))
    assert keys(scheduler.run()) == ["higher"]
    assert not scheduler.is_promised("high")


def test_a_promise_of_as_high_a_priority_is_kept_by_whoever_is_placed_beside_it() -> None:
    scheduler = cluster("a", "b")
    assert promised(scheduler, gang("high", 4, 10, pool="a")) == ["v0"]
    scheduler.submit(gang("low", 8, 5, pool="b"))
    scheduler.submit(gang("beside", 4, 10, pool="a"))
    scheduler.release("v1")
    assert keys(scheduler.run()) == ["low"]
    assert scheduler.is_promised("high")
    scheduler.release("v0")
    assert keys(scheduler.run()) == ["high", "beside"]


def test_a_promise_that_cannot_be_kept_is_given_up_and_others_get_the_place() -> None:
    """Its victim is gone, but an NPU with it."""
    scheduler = cluster("a")
    assert promised(scheduler, gang("high", 8, 10)) == ["v0"]
    scheduler.release("v0")
    scheduler.set_allocatable("n0", NPU, 7)
    scheduler.submit(gang("small", 4, 5))
    assert scheduler.run() == []
    assert scheduler.make_room() == ([], True)
    assert not scheduler.is_promised("high")
    assert keys(scheduler.run()) == ["small"]


def test_a_gang_of_unlike_pods_is_tried_again_where_one_of_them_has_room_now() -> None:
    scheduler = cluster("a", "b")
    scheduler.release("v1")
    a, b = gang("x", 8, 0, pool="a"), gang("y", 8, 0, pool="b")
    scheduler.submit(Gang("both", (*a.pods, *b.pods)))
    assert scheduler.run() == []
    scheduler.release("v0")
    assert keys(scheduler.run()) == ["both"]


def test_a_gang_is_not_tried_again_for_a_node_on_which_no_pod_of_it_has_room() -> None:
    scheduler = cluster("a")
    scheduler.release("v0")
    for number in range(2):
        scheduler.occupy(Pod(number, PodSpec(requests={NPU: 4})), "n0")
    scheduler.submit(gang("whole", 8, 0))
    assert scheduler.run() == []
    tried = scheduler.stats.attempts
    scheduler.release(0)
    assert scheduler.run() == []
    assert scheduler.stats.attempts == tried
    scheduler.release(1)
    assert keys(scheduler.run()) == ["whole"]


def test_a_pod_that_another_one_keeps_off_its_zone_has_a_place_once_that_one_s_node_has_left() -> None:
    """Two nodes of a zone; on the first, where it must not go, is a pod that wants no `x` in its zone."""
    scheduler = Scheduler(
        [NodeSpec(f"n{i}", pool, {NPU: 8}, labels={"pool": pool, "zone": "z"}) for i, pool in enumerate("ab")]
    )
    alone = PodAffinityTerm("zone", (Requirement("app", "in", ("x",)),), frozenset({"default"}))
    scheduler.occupy(Pod("alone", PodSpec(namespace="default", anti_affinity=(alone,))), "n0")
    template = PodTemplate(containers=(), requests={NPU: 1}, node_selector={"pool": "b"}, labels={"app": "x"})
    scheduler.submit(Gang("x", (GangPod("x", template),)))
    assert scheduler.run() == []
    scheduler.remove_node("n0")
    assert keys(scheduler.run()) == ["x"]
