"""Nodes by what is asked of them: those that leave, labels that name nodes, what a node takes at all, what scores see."""

from __future__ import annotations

from collections.abc import Sequence

from building import NPU

from kubeinfer_sim.cluster.scheduler import Gang, GangPod, Scheduler
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.plugins import balanced_allocation
from kubeinfer_sim.cluster.scheduler.plugins.interface import Cluster
from kubeinfer_sim.cluster.scheduler.pods import Pod, PodSpec
from kubeinfer_sim.manifest.model import PodTemplate
from kubeinfer_sim.manifest.releases import release_of
from kubeinfer_sim.scenario.cluster.model import NodeSpec

HOST = "kubernetes.io/hostname"
MIB = 2**20


def gang(key: str, *templates: PodTemplate) -> Gang:
    return Gang(key, tuple(GangPod((key, i), each) for i, each in enumerate(templates)))


def asks(**requests: int) -> PodTemplate:
    return PodTemplate(
        containers=(), requests={NPU if name == "npus" else name: n for name, n in requests.items()}
    )


def hosts(count: int, **allocatable: int) -> list[NodeSpec]:
    names = [f"n{i}" for i in range(count)]
    return [NodeSpec(name, "pool", {NPU: 8, **allocatable}, labels={HOST: name}) for name in names]


def test_a_node_that_has_left_is_no_place_for_a_pod_that_asks_for_it_by_its_label() -> None:
    scheduler = Scheduler(hosts(40))
    wanted = PodTemplate(containers=(), requests={NPU: 4}, node_selector={HOST: "n3"})
    assert scheduler.place_now(gang("a", wanted)) == {("a", 0): "n3"}
    scheduler.remove_node("n3")
    assert scheduler.place_now(gang("b", wanted)) is None
    scheduler.add_node(hosts(4)[3])
    assert scheduler.place_now(gang("b", wanted)) == {("b", 0): "n3"}


def test_nodes_that_a_label_tells_apart_stay_of_one_class() -> None:
    """Else filters would be asked about each of them."""
    index = NodeIndex(hosts(200), pack=True)
    index.register(PodSpec(requests={NPU: 1}, node_selector={HOST: "n7"}))
    assert len([*index.classes]) == 1


def test_empty_nodes_that_offer_different_amounts_are_of_different_kinds() -> None:
    index = NodeIndex(
        [NodeSpec(f"n{size}", "pool", {"cpu": size}) for size in (1_000, 2_000, 3_000)], pack=True
    )
    spec = PodSpec(requests={"cpu": 2_000})
    index.register(spec)
    assert {node.name for node in index.candidates(spec)} == {"n2000", "n3000"}


def test_a_node_that_does_not_say_how_many_pods_it_takes_takes_110() -> None:
    scheduler = Scheduler([NodeSpec("n", "pool", {"cpu": 1_000})])
    assert scheduler.place_now(gang("a", *[asks()] * 110)) is not None
    assert scheduler.place_now(gang("b", asks())) is None
    assert scheduler.explain(gang("b", asks())).message == "0/1 nodes are available: 1 Too many pods."


def test_nodes_that_differ_in_what_is_requested_of_memory_alone_differ_by_default_also_for_a_pod_that_asks_for_none() -> (
    None
):
    """Scores count 200 MiB for a pod that asks for no memory, but how balanced a node is goes by what is requested."""
    scheduler = Scheduler(hosts(2, cpu=1_000, memory=400 * MIB), placement="default")
    counted = {"cpu": 100, "memory": 200 * MIB}
    scheduler.occupy(Pod("asks for none", PodSpec(scoring=counted)), "n0")
    scheduler.occupy(Pod("asks", PodSpec(requests={"memory": 200 * MIB}, scoring=counted)), "n1")
    assert scheduler.place_now(gang("a", asks(cpu=500))) == {("a", 0): "n1"}


def balanced(requested: dict[str, int], asked: dict[str, int]) -> int:
    index = NodeIndex([NodeSpec("n", "pool", {"cpu": 4, "memory": 8})], pack=False)
    node = index.nodes["n"]
    if requested:
        index.place(node, Pod("other", PodSpec(requests=requested)))
    kubernetes = release_of("1.29")
    found = balanced_allocation.scores(
        Pod("p", PodSpec(requests=asked)), Cluster([node], kubernetes=kubernetes), [node]
    )
    assert found is not None
    return found["n"]


def test_half_of_everything_is_balanced_whether_or_not_others_are_there() -> None:
    assert balanced({}, {"cpu": 2, "memory": 4}) == 100
    assert balanced({"cpu": 1, "memory": 2}, {"cpu": 1, "memory": 2}) == 100
    assert balanced({}, {"cpu": 4, "memory": 4}) == 75  # half of the difference is lost


def unlike(*order: PodTemplate) -> bool:
    """Two nodes with as many NPUs, of which one alone has memory."""
    scheduler = Scheduler(
        [NodeSpec("a", "pool", {NPU: 8, "memory": 10}), NodeSpec("b", "pool", {NPU: 8, "memory": 0})]
    )
    return scheduler.place_now(gang("g", *order)) is not None


def test_a_gang_of_two_kinds_finds_the_placement_that_the_best_node_of_each_pod_misses() -> None:
    """The larger pod is placed first, and its best node is the first of two: the only one that has memory."""
    large, with_memory = asks(npus=5), asks(npus=4, memory=10)
    both: Sequence[PodTemplate] = (large, with_memory)
    assert unlike(*both)
    assert unlike(*reversed(both))
    assert not unlike(large, with_memory, with_memory)
