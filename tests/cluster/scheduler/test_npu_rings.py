"""NPUs in rings: what fits into one ring is never split, larger pods get whole rings, and the account adds up."""

from __future__ import annotations

from building import NPU, kubeinfer, scenario
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import GangPending, GangScheduled
from kubeinfer_sim.cluster.scheduler import Gang, GangPod, Scheduler
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.npu_rings import Rings, pods_that_fit
from kubeinfer_sim.cluster.scheduler.plugins import node_resources_fit
from kubeinfer_sim.cluster.scheduler.pods import Pod, PodSpec
from kubeinfer_sim.manifest.model import PodTemplate
from kubeinfer_sim.scenario.cluster.model import NodeSpec, NpuTopology
from kubeinfer_sim.simulation.simulate import simulate

TEMPLATES = {npus: PodTemplate(containers=(), requests={NPU: npus}) for npus in range(1, 25)}


def cluster(nodes: int, npus: int = 16, ring: int = 8, **options: str) -> Scheduler:
    topology = NpuTopology(NPU, ring)
    specs = [NodeSpec(f"n{i}", "pool", {NPU: npus}, npu_topology=topology) for i in range(nodes)]
    return Scheduler(specs, **options)  # type: ignore[arg-type]


def gang(key: object, *npus: int) -> Gang:
    return Gang(key, tuple(GangPod((key, i), TEMPLATES[each]) for i, each in enumerate(npus)))


def place(scheduler: Scheduler, key: object, *npus: int) -> bool:
    return scheduler.place_now(gang(key, *npus)) is not None


def test_two_pods_of_six_take_a_ring_each_and_four_more_npus_are_in_no_one_ring() -> None:
    scheduler = cluster(1)
    assert place(scheduler, "a", 6, 6)
    assert [scheduler.rings_of(("a", i)) for i in range(2)] == [(6, 0), (0, 6)]
    assert not place(scheduler, "b", 4)
    assert place(scheduler, "c", 2, 2)


def test_the_fullest_ring_with_room_is_filled_first() -> None:
    scheduler = cluster(1)
    assert place(scheduler, "a", 4)
    assert place(scheduler, "b", 4)
    assert scheduler.rings_of(("b", 0)) == (4, 0)
    assert place(scheduler, "c", 8)


def test_a_pod_that_is_there_already_has_npus_of_the_freest_rings_where_no_ring_has_room() -> None:
    rings = Rings(NPU, 8, 16)
    for amount in (5, 6):
        rings.take(amount)
    assert rings.take(4) == (3, 1)


def test_a_node_has_its_rings_by_name_the_freest_first() -> None:
    rings = Rings(NPU, 8, 24)
    rings.take(4)
    rings.take(6)
    assert [free for _, free in rings.accounts()] == [12, 8, 4, 2]


def test_a_pod_larger_than_a_ring_takes_whole_rings_and_the_rest_of_another() -> None:
    scheduler = cluster(1, npus=24)
    assert place(scheduler, "a", 4)
    assert place(scheduler, "b", 12)
    assert scheduler.rings_of(("b", 0)) == (4, 8, 0)
    assert place(scheduler, "c", 8)


def test_the_reason_says_that_it_is_the_rings() -> None:
    scheduler = cluster(2)
    assert place(scheduler, "a", 6, 6, 6, 6)
    found = scheduler.explain(gang("b", 4))
    assert found.message == f"0/2 nodes are available: 2 node(s) didn't have enough {NPU} free in one ring."
    assert found.needs[0].free == 0


def test_of_a_node_that_is_short_of_something_else_nothing_is_said_of_its_rings() -> None:
    """Also by the filter that pods are judged by whose neighbours matter."""
    spec = NodeSpec("n", "pool", {NPU: 16, "cpu": 1_000}, npu_topology=NpuTopology(NPU, 8))
    index = NodeIndex([spec], pack=True)
    check = node_resources_fit.filters(Pod("p", PodSpec(requests={NPU: 4, "cpu": 2_000})), index.cluster)
    rejection = check(index.nodes["n"])
    assert rejection is not None
    assert rejection.reasons == ("Insufficient cpu",)
    template = PodTemplate(containers=(), requests={NPU: 4, "cpu": 2_000})
    found = Scheduler([spec]).explain(Gang("a", (GangPod("a", template),)))
    assert found.message == "0/1 nodes are available: 1 Insufficient cpu."


def test_looking_at_what_would_fit_moves_nobody_to_another_ring() -> None:
    scheduler = cluster(1)
    assert place(scheduler, "a", 6)
    assert place(scheduler, "b", 6)
    scheduler.release(("a", 0))
    assert scheduler.rings_of(("b", 0)) == (0, 6)
    assert scheduler.would_fit(gang("c", 16), [("b", 0)]) is not None
    assert scheduler.rings_of(("b", 0)) == (0, 6)


def test_an_npu_out_of_service_breaks_its_ring_only() -> None:
    scheduler = cluster(1)
    scheduler.set_allocatable("n0", NPU, 15, ring=0)
    assert place(scheduler, "a", 8)
    assert scheduler.rings_of(("a", 0)) == (0, 8)
    assert not place(scheduler, "b", 8)
    scheduler.set_allocatable("n0", NPU, 16, ring=0)
    assert place(scheduler, "b", 8)


def test_pods_that_are_there_already_may_be_split() -> None:
    scheduler = cluster(1)
    for number in range(3):
        scheduler.occupy(Pod(number, PodSpec(requests={NPU: 6})), "n0")
    assert not place(scheduler, "a", 1)
    scheduler.release(0)
    assert place(scheduler, "a", 4)


def may_have(rings: list[int], size: int, npus: int) -> list[list[int]]:
    """Every way to give a pod NPUs of rings, by the rule in its plainest words."""
    whole, rest = divmod(npus, size)
    ways: list[list[int]] = []

    def choose(ring: int, whole: int, rest: int, taken: list[int]) -> None:
        if ring == len(rings):
            if not whole and not rest:
                ways.append(taken)
            return
        choose(ring + 1, whole, rest, [*taken, 0])
        if whole and rings[ring] == size:
            choose(ring + 1, whole - 1, rest, [*taken, size])
        if rest and rings[ring] >= rest:
            choose(ring + 1, whole, 0, [*taken, rest])

    choose(0, whole, rest, [])
    return ways


steps = st.lists(st.one_of(st.integers(1, 20), st.just("free")), max_size=25)


@given(
    st.integers(1, 3),
    st.sampled_from([8, 12, 16]),
    st.sampled_from([2, 4, 8]),
    steps,
    st.sampled_from(["mostAllocated", "leastAllocated", "default"]),
    st.data(),
)
@settings(max_examples=200, deadline=None)
def test_a_pod_is_placed_just_when_the_rule_has_a_way_and_in_one_of_the_ways(
    count: int, npus: int, ring: int, steps: list[int | str], placement: str, data: st.DataObject
) -> None:
    scheduler = cluster(count, npus, ring, placement=placement)
    full = [min(ring, npus - begin) for begin in range(0, npus, ring)]
    rings = {f"n{i}": list(full) for i in range(count)}
    placed: dict[int, tuple[str, tuple[int, ...]]] = {}
    for number, step in enumerate(steps):
        if step == "free":
            if placed:
                key = data.draw(st.sampled_from(sorted(placed)))
                where, taken = placed.pop(key)
                rings[where] = [free + each for free, each in zip(rings[where], taken, strict=True)]
                scheduler.release((key, 0))
            continue
        assert isinstance(step, int)
        ways = {name: may_have(free, ring, step) for name, free in rings.items()}
        possible = any(ways.values())
        assert (scheduler.would_fit(gang(number, step)) is not None) == possible
        assert (scheduler.explain(gang(number, step)).needs[0].free > 0) == possible
        found = scheduler.place_now(gang(number, step))
        assert (found is not None) == possible
        if found is not None:
            where, taken = found[number, 0], scheduler.rings_of((number, 0))
            assert list(taken) in ways[where]
            rings[where] = [free - each for free, each in zip(rings[where], taken, strict=True)]
            placed[number] = where, taken
    assert {name: each.rings.free for name, each in scheduler.nodes.items() if each.rings} == rings


@given(st.lists(st.integers(0, 8), min_size=1, max_size=4), st.integers(1, 20))
def test_how_many_pods_fit_is_how_many_can_be_placed_one_after_the_other(free: list[int], npus: int) -> None:
    rings = Rings(NPU, 8, 8 * len(free))
    rings.free = list(free)
    count = 0
    while rings.largest >= npus:
        rings.take(npus)
        count += 1
    assert pods_that_fit(free, 8, npus, 100) == count


def test_a_gang_in_a_scenario_waits_for_rings() -> None:
    made = scenario(kubeinfer(1, npus=6, roles={"prefill": 2, "decode": 1}), 1, initial="empty")
    node = NodeSpec("n0", "pool", {NPU: 16}, npu_topology=NpuTopology(NPU, 8))
    assert any(isinstance(each, GangPending) for each in simulate(replace(made, nodes=(node,))).history)
    three = NodeSpec("n0", "pool", {NPU: 24}, npu_topology=NpuTopology(NPU, 8))
    assert any(isinstance(each, GangScheduled) for each in simulate(replace(made, nodes=(three,))).history)


def test_npus_come_back_to_the_ring_that_misses_them() -> None:
    rings = Rings(NPU, 8, 24)
    rings.change_npus(-2, 1)
    rings.change_npus(-1)
    assert (rings.free, rings.missing) == ([7, 6, 8], [1, 2, 0]), "the freest loses one, the first of those"
    rings.change_npus(2)
    assert (rings.free, rings.missing) == ([8, 7, 8], [0, 1, 0])
    rings.change_npus(1)
    assert (rings.free, rings.missing) == ([8, 8, 8], [0, 0, 0])


def test_of_pods_larger_than_a_ring_no_more_are_counted_than_are_asked_for() -> None:
    assert [pods_that_fit([8] * 6, 8, 16, enough) for enough in (0, 1, 2, 9)] == [0, 1, 2, 3]
    assert [pods_that_fit([8] * 6, 8, 4, enough) for enough in (0, 1, 99)] == [0, 1, 12]
