"""Gang placement: all or nothing, in order, explained, and without looking at every node."""

from __future__ import annotations

import pytest

from kubeinfer_sim.cluster.scheduler import Gang, GangPod, Scheduler
from kubeinfer_sim.manifest.model import (
    NodeSelectorRequirement,
    NodeSelectorTerm,
    PodTemplate,
    Toleration,
)
from kubeinfer_sim.manifest.releases import release_of
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint

NPU = "huawei.com/ascend-1980"
WHOLE = PodTemplate(containers=(), requests={NPU: 8, "cpu": 64_000}, node_selector={"pool": "infer"})
HALF = PodTemplate(containers=(), requests={NPU: 4})
PROXY = PodTemplate(containers=(), requests={"cpu": 4_000})


def nodes(count, npus=8, pool="infer", **more):
    return [
        NodeSpec(
            name=f"{pool}-{i}",
            pool=pool,
            allocatable={NPU: npus, "cpu": 192_000, "memory": 2**40},
            labels={"pool": pool, "kubernetes.io/hostname": f"{pool}-{i}"},
            **more,
        )
        for i in range(count)
    ]


def gang(key, *templates, priority=0):
    return Gang(key, tuple(GangPod((key, i), t) for i, t in enumerate(templates)), priority)


def pods_on(scheduler):
    return sum(len(node.pods) for node in scheduler.nodes.values())


def node_of(scheduler, pod_key):
    """The node a pod counts on."""
    return next((node.name for node in scheduler.nodes.values() if pod_key in node.pods), None)


def test_a_gang_is_placed_whole_in_the_order_of_the_nodes():
    scheduler = Scheduler(nodes(3))
    scheduler.submit(gang("a", WHOLE, WHOLE))
    [(placed, where)] = scheduler.run()
    assert placed.key == "a"
    assert where == {("a", 0): "infer-0", ("a", 1): "infer-1"}
    assert scheduler.in_use(NPU) == 16
    assert node_of(scheduler, ("a", 1)) == "infer-1"


def test_a_gang_that_does_not_fit_holds_nothing():
    scheduler = Scheduler(nodes(3))
    scheduler.submit(gang("a", WHOLE, WHOLE, WHOLE, WHOLE))
    assert scheduler.run() == []
    assert pods_on(scheduler) == 0
    assert scheduler.in_use(NPU) == 0


def test_a_big_gang_does_not_block_a_small_one_behind_it_unless_order_is_strict():
    for strict in (False, True):
        scheduler = Scheduler(nodes(2), strict_order=strict)
        scheduler.submit(gang("big", WHOLE, WHOLE, WHOLE))
        scheduler.submit(gang("small", WHOLE))
        assert [g.key for g, _ in scheduler.run()] == ([] if strict else ["small"])


def test_priority_comes_before_age_and_age_before_nothing():
    scheduler = Scheduler(nodes(3))
    scheduler.place_now(gang("running", WHOLE, WHOLE, WHOLE))
    for key, priority in (("old", 0), ("young", 0), ("urgent", 5)):
        scheduler.submit(gang(key, WHOLE, priority=priority))
    assert scheduler.run() == []
    order = []
    for i in range(3):
        scheduler.release(("running", i))
        order += [g.key for g, _ in scheduler.run()]
    assert order == ["urgent", "old", "young"]


def test_a_withdrawn_gang_is_not_placed():
    scheduler = Scheduler(nodes(1))
    scheduler.submit(gang("a", WHOLE))
    scheduler.submit(gang("b", WHOLE))
    scheduler.withdraw("a")
    scheduler.withdraw("never seen")
    assert [g.key for g, _ in scheduler.run()] == ["b"]
    assert scheduler.run() == []


def test_packing_fills_the_fullest_node_and_spreading_the_emptiest():
    for placement, third in (("mostAllocated", "infer-0"), ("leastAllocated", "infer-1")):
        scheduler = Scheduler(nodes(2), placement=placement)
        scheduler.place_now(gang("a", HALF))
        assert scheduler.place_now(gang("b", HALF)) == {("b", 0): third}


def test_packing_prefers_the_node_a_pod_fills():
    scheduler = Scheduler([*nodes(1, npus=16, pool="big"), *nodes(1, npus=8, pool="small")])
    assert scheduler.place_now(gang("a", PodTemplate(containers=(), requests={NPU: 8}))) == {
        ("a", 0): "small-0"
    }


def test_a_kept_node_is_taken_again_and_another_where_it_is_gone():
    scheduler = Scheduler(nodes(4))
    prefer = {("a", 0): "infer-3", ("a", 1): "infer-2"}
    scheduler.set_unschedulable("infer-3", True)
    assert scheduler.place_now(gang("a", WHOLE, WHOLE), prefer) == {
        ("a", 0): "infer-0",
        ("a", 1): "infer-2",
    }


def test_unlike_pods_are_placed_where_taking_the_best_node_each_would_fail():
    # Both fit on either node by NPUs; cpu decides that the first must not take the node with more of it.
    specs = [
        NodeSpec("a", "", {NPU: 8, "cpu": 10_000}),
        NodeSpec("b", "", {NPU: 8, "cpu": 20_000}),
    ]
    wide = PodTemplate(containers=(), requests={NPU: 5, "cpu": 4_000})
    thirsty = PodTemplate(containers=(), requests={NPU: 5, "cpu": 15_000})
    for order in ((wide, thirsty), (thirsty, wide)):
        for placement in ("mostAllocated", "leastAllocated"):
            assert Scheduler(specs, placement=placement).place_now(gang("g", *order)) is not None


def test_the_proof_of_a_stall_counts_nodes_that_would_do():
    scheduler = Scheduler([*nodes(8), *nodes(2, pool="train")])
    scheduler.place_now(gang("running", *[WHOLE] * 7))
    verdict = scheduler.explain(gang("new", WHOLE, WHOLE, PROXY))
    assert verdict.proof == "needs 2 nodes × 8 huawei.com/ascend-1980 with pool=infer; 1 such node is free"
    assert verdict.message == (
        "0/10 nodes are available: 2 node(s) didn't match Pod's node affinity/selector, "
        "8 Insufficient huawei.com/ascend-1980."
    )
    assert (verdict.placeable, verdict.pods) == (2, 3)
    assert verdict.reasons["train-0"] == ("node(s) didn't match Pod's node affinity/selector",)
    assert pods_on(scheduler) == 7


def test_the_proof_begins_with_the_accelerators_whatever_other_devices_are_called():
    both = PodTemplate(containers=(), requests={"a.example/adapter": 1, NPU: 8, "cpu": 1_000})
    there = [NodeSpec("n", "p", {NPU: 4, "a.example/adapter": 8, "cpu": 192_000})]
    verdict = Scheduler(there).explain(gang("a", both))
    assert verdict.proof.startswith("needs 1 node × 8 huawei.com/ascend-1980; no such node is free")


def test_the_proof_says_when_the_cluster_could_never_hold_the_gang():
    verdict = Scheduler(nodes(1)).explain(gang("new", WHOLE, WHOLE))
    assert verdict.proof == (
        "needs 2 nodes × 8 huawei.com/ascend-1980 with pool=infer; 1 such node is free, "
        "and the nodes have room for 1 at most"
    )
    verdict = Scheduler(nodes(1, npus=4)).explain(gang("new", WHOLE))
    assert verdict.proof.endswith("no such node is free, and the nodes have room for none")


def test_the_proof_names_all_requests_when_the_accelerator_is_not_what_is_missing():
    specs = [NodeSpec("a", "", {NPU: 8, "cpu": 1_500, "memory": 2**36})]
    pod = PodTemplate(containers=(), requests={NPU: 2, "cpu": 2_500, "memory": 2**30})
    verdict = Scheduler(specs).explain(gang("new", pod))
    assert verdict.message == "0/1 nodes are available: 1 Insufficient cpu."
    assert verdict.proof.startswith("needs 1 node × 2 huawei.com/ascend-1980, 2500m cpu, 1Gi memory; no such")


def test_every_reason_of_a_node_is_told():
    specs = [
        *nodes(1, pool="cordoned"),
        *nodes(1, pool="tainted", taints=(Taint("reserved", "x", "NoExecute"),)),
        NodeSpec("tiny", "", {"cpu": 100, "memory": 1, "pods": 0}),
    ]
    scheduler = Scheduler(specs)
    scheduler.set_unschedulable("cordoned-0", True)
    verdict = scheduler.explain(gang("g", PodTemplate(containers=(), requests={NPU: 1, "cpu": 200})))
    assert verdict.reasons == {
        "cordoned-0": ("node(s) were unschedulable",),
        "tainted-0": ("node(s) had untolerated taint(s)",),
        "tiny": ("Insufficient cpu", f"Insufficient {NPU}", "Too many pods"),
    }
    tolerant = PodTemplate(containers=(), tolerations=(Toleration(operator="Exists"),))
    assert scheduler.place_now(gang("h", tolerant)) == {("h", 0): "cordoned-0"}


def test_older_versions_name_the_taint():
    specs = nodes(1, taints=(Taint("reserved", "x"),))
    for version, reason in (("1.33", " {reserved: x}"), ("1.36.3", "(s)")):
        verdict = Scheduler(specs, kubernetes=release_of(version)).explain(gang("g", HALF))
        assert verdict.message == f"0/1 nodes are available: 1 node(s) had untolerated taint{reason}."


def test_a_node_can_be_named():
    requirement = NodeSelectorRequirement("metadata.name", "In", ("infer-3",))
    pod = PodTemplate(
        containers=(),
        requests={NPU: 8},
        required_node_affinity=(NodeSelectorTerm(match_fields=(requirement,)),),
    )
    scheduler = Scheduler(nodes(5))
    assert scheduler.place_now(gang("a", pod)) == {("a", 0): "infer-3"}
    assert scheduler.explain(gang("b", pod)).counts == {
        "Insufficient huawei.com/ascend-1980": 1,
        "node(s) didn't satisfy plugin(s) [NodeAffinity]": 4,
    }


def test_an_isolated_npu_is_not_given_out_and_pods_there_stay():
    scheduler = Scheduler(nodes(1))
    scheduler.place_now(gang("a", HALF))
    scheduler.set_allocatable("infer-0", NPU, 7)
    assert scheduler.place_now(gang("b", HALF)) is None
    scheduler.set_allocatable("infer-0", NPU, 3)
    assert scheduler.nodes["infer-0"].free(NPU) == -1
    scheduler.set_allocatable("infer-0", NPU, 8)
    assert scheduler.place_now(gang("b", HALF)) is not None


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.release(("running", 0)),
        lambda s: s.set_unschedulable("spare-0", False),
        lambda s: s.set_labels("other-0", {"pool": "infer"}),
        lambda s: s.set_taints("tainted-0", ()),
        lambda s: s.set_allocatable("short-0", NPU, 8),
    ],
    ids=["release", "uncordon", "label", "untaint", "repair"],
)
def test_a_waiting_gang_is_placed_when_something_it_can_use_changes(change):
    def pool(name, **more):
        [spec] = nodes(1, pool=name, **more)
        return NodeSpec(
            spec.name, name, spec.allocatable, {"pool": "other" if name == "other" else "infer"}, spec.taints
        )

    scheduler = Scheduler(
        [
            *nodes(1),
            pool("spare"),
            pool("other"),
            pool("tainted", taints=(Taint("x"),)),
            pool("short", npus=7),
        ]
    )
    scheduler.set_unschedulable("spare-0", True)
    scheduler.place_now(gang("running", WHOLE))
    scheduler.submit(gang("a", WHOLE))
    assert scheduler.run() == []
    change(scheduler)
    assert [g.key for g, _ in scheduler.run()] == ["a"]


def test_mistakes_of_the_caller_are_named():
    scheduler = Scheduler(nodes(1))
    with pytest.raises(ValueError, match="no pods"):
        scheduler.submit(gang("a"))
    scheduler.submit(gang("a", WHOLE))
    with pytest.raises(ValueError, match="queued already"):
        scheduler.place_now(gang("a", WHOLE))
    scheduler.run()
    with pytest.raises(ValueError, match="placed already"):
        scheduler.submit(gang("a", WHOLE))
    with pytest.raises(ValueError, match="two nodes"):
        Scheduler([*nodes(1), *nodes(1)])
    with pytest.raises(KeyError):
        scheduler.set_unschedulable("unknown", True)


# Cost, in what was looked at.


def test_placing_a_pod_looks_at_one_node_whatever_their_number():
    for count in (100, 5_000):
        scheduler = Scheduler(nodes(count))
        scheduler.submit(gang("first", WHOLE))
        scheduler.run()
        before = (scheduler.stats.nodes, scheduler.stats.buckets, scheduler.stats.classes)
        for i in range(20):
            scheduler.submit(gang(i, WHOLE, WHOLE, WHOLE, WHOLE))
        assert len(scheduler.run()) == 20
        looked = (scheduler.stats.nodes, scheduler.stats.buckets, scheduler.stats.classes)
        assert [now - then for now, then in zip(looked, before, strict=True)] == [80, 80, 0]


@pytest.mark.parametrize(
    ("gangs", "nodes"), [(1_000, 5_000), pytest.param(10_000, 50_000, marks=pytest.mark.sweep)]
)
def test_placing_thousands_of_gangs_on_thousands_of_nodes_looks_at_a_node_of_each_kind_per_pod(
    gangs: int, nodes: int
) -> None:
    """Labels that name nodes, labels of kinds, taints; half of the nodes are none of the gangs' business."""
    specs = [
        NodeSpec(
            f"n{i}",
            "pool",
            {NPU: 8, "cpu": 192_000},
            {"kubernetes.io/hostname": f"n{i}", "zone": f"z{i % 7}", "pool": "train" if i % 2 else "infer"},
            (Taint("dedicated", "infer"),) if i % 4 == 0 else (),
        )
        for i in range(nodes)
    ]
    whole = PodTemplate(
        containers=(),
        requests={NPU: 8, "cpu": 160_000},
        node_selector={"pool": "infer"},
        tolerations=(Toleration("dedicated", "Equal", "infer", "NoSchedule"),),
    )
    scheduler = Scheduler(specs)
    scheduler.submit(gang("first", whole, whole))
    assert len(scheduler.run()) == 1
    # Once for all gangs alike: a look at each node for the labels they ask for.
    assert scheduler.stats.nodes <= nodes + 2 * 2
    before = (scheduler.stats.nodes, scheduler.stats.buckets, scheduler.stats.classes)
    for i in range(gangs - 1):
        scheduler.submit(gang(i, whole, whole))
    assert len(scheduler.run()) == gangs - 1
    looked = (scheduler.stats.nodes, scheduler.stats.buckets, scheduler.stats.classes)
    kinds = 2  # infer nodes with the taint, and without
    assert [now - then for now, then in zip(looked, before, strict=True)] == [
        kinds * 2 * (gangs - 1),
        kinds * 2 * (gangs - 1),
        0,
    ]


def test_filters_run_once_per_class_of_nodes_and_shape_of_pod():
    pools = [spec for i in range(10) for spec in nodes(100, pool=f"p{i}")]
    scheduler = Scheduler(pools)
    for i in range(50):
        template = PodTemplate(containers=(), requests={NPU: 8}, node_selector={"pool": f"p{i % 10}"})
        assert scheduler.place_now(gang(i, template)) is not None
    assert scheduler.stats.classes <= 10 * 10 + 10


def test_gangs_that_wait_are_not_tried_again_for_a_change_they_cannot_use():
    scheduler = Scheduler([*nodes(4), *nodes(4, pool="train")])
    other = PodTemplate(containers=(), requests={NPU: 8}, node_selector={"pool": "train"})
    scheduler.place_now(gang("infer", *[WHOLE] * 4))
    scheduler.place_now(gang("train", *[other] * 4))
    for i in range(1_000):
        scheduler.submit(gang(i, WHOLE, WHOLE))
    scheduler.run()
    assert scheduler.stats.attempts == 3  # like gangs wait in one line: the first spoke for all
    scheduler.release(("train", 0))
    assert scheduler.run() == []
    assert scheduler.stats.attempts == 3
    scheduler.release(("infer", 0))
    scheduler.release(("infer", 1))
    assert [g.key for g, _ in scheduler.run()] == [0]
    assert scheduler.stats.attempts == 4  # for the next one there is plainly no room


@pytest.mark.parametrize(
    ("placing", "chance", "pods", "attempts"),
    [
        ("mostAllocated", None, 2, 2),
        ("default", None, 2, 2),
        ("default", lambda key: 0.0, 2, 3),
        ("default", lambda key: 0.0, 1, 2),
    ],
)
def test_after_a_gang_whose_place_came_free_the_next_is_tried_where_that_changes_what_is_drawn(
    placing, chance, pods, attempts
):
    """What several pods reserve in vain is given back in another order, by which equal nodes are drawn later."""
    scheduler = Scheduler(nodes(pods), placement=placing, chance=chance)
    scheduler.place_now(gang("first", *[WHOLE] * pods))
    for i in range(3):
        scheduler.submit(gang(i, *[WHOLE] * pods))
    assert scheduler.run() == []
    for i in range(pods):
        scheduler.release(("first", i))
    before = scheduler.stats.attempts
    assert [g.key for g, _ in scheduler.run()] == [0]
    assert scheduler.stats.attempts - before == attempts - 1


def test_a_gang_that_names_a_node_waits_until_that_joins():
    named = NodeSelectorTerm(match_fields=(NodeSelectorRequirement("metadata.name", "In", ("late-1",)),))
    scheduler = Scheduler(nodes(2))
    scheduler.submit(
        gang("a", PodTemplate(containers=(), requests={NPU: 4}, required_node_affinity=(named,)))
    )
    assert scheduler.run() == []
    for spec in nodes(2, pool="late"):
        scheduler.add_node(spec)
    assert [where for _, where in scheduler.run()] == [{("a", 0): "late-1"}]


def test_what_is_on_a_node_that_leaves_counts_nowhere_until_a_node_of_its_name_is_back():
    scheduler = Scheduler(nodes(2))
    scheduler.place_now(gang("stays", WHOLE))
    scheduler.remove_node("infer-0")
    assert scheduler.in_use(NPU) == 0
    assert node_of(scheduler, ("stays", 0)) is None
    scheduler.add_node(nodes(1)[0])
    assert node_of(scheduler, ("stays", 0)) == "infer-0"
    assert scheduler.in_use(NPU) == 8
    scheduler.remove_node("infer-0")
    scheduler.release(("stays", 0))
    scheduler.add_node(nodes(1)[0])
    assert scheduler.in_use(NPU) == 0


def test_a_pod_that_names_its_node_costs_no_look_at_the_others():
    def looked_at(count):
        scheduler = Scheduler(nodes(count))
        named = NodeSelectorTerm(match_fields=(NodeSelectorRequirement("metadata.name", "In", ("infer-5",)),))
        template = PodTemplate(containers=(), requests={NPU: 4}, required_node_affinity=(named,))
        assert scheduler.place_now(gang("a", template)) is not None
        return scheduler.stats.nodes

    assert looked_at(1000) == looked_at(10)
