"""Gangs whose pods look at their neighbours, and gangs placed by kube-scheduler's scores."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeinfer_sim.cluster.scheduler import Gang, GangPod, Scheduler, framework
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.objects import Templates
from kubeinfer_sim.cluster.scheduler.plugins.interface import Cluster
from kubeinfer_sim.cluster.scheduler.pods import Pod
from kubeinfer_sim.manifest.model import PodTemplate, Toleration
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint

NPU = "huawei.com/ascend-1980"
HOST, ZONE = "kubernetes.io/hostname", "zone"


def nodes(count, zones=1, npus=8):
    return [
        NodeSpec(f"n{i}", "", {NPU: npus, "cpu": 64_000}, {HOST: f"n{i}", ZONE: f"z{i % zones}"})
        for i in range(count)
    ]


def template(app, npus=1, **spec):
    """A template whose raw text carries what the record does not."""
    return PodTemplate(
        containers=(),
        labels={"app": app},
        requests={NPU: npus},
        raw={"metadata": {"labels": {"app": app}}, "spec": spec},
    )


def required(kind, app, key):
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}
    return {"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


def gang(key, *templates, priority=0):
    return Gang(key, tuple(GangPod((key, i), t) for i, t in enumerate(templates)), priority)


def test_pods_of_a_gang_keep_away_from_each_other():
    apart = template("a", **required("podAntiAffinity", "a", HOST))
    scheduler = Scheduler(nodes(3))
    assert sorted(scheduler.place_now(gang("g", apart, apart, apart)).values()) == ["n0", "n1", "n2"]
    verdict = scheduler.explain(gang("h", apart))
    assert verdict.message == "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules."


def test_a_gang_of_pods_that_keep_away_is_placed_whole_or_not_at_all():
    apart = template("a", **required("podAntiAffinity", "a", ZONE))
    scheduler = Scheduler(nodes(6, zones=2))
    assert scheduler.place_now(gang("g", apart, apart, apart)) is None
    assert scheduler.in_use(NPU) == 0
    assert scheduler.explain(gang("g", apart, apart, apart)).placeable == 2


def test_pods_that_want_to_be_near_each_other_share_a_zone_with_room_for_all():
    together = template("a", npus=8, **required("podAffinity", "a", ZONE))
    scheduler = Scheduler(nodes(5, zones=2))  # z0: n0 n2 n4, z1: n1 n3
    scheduler.set_unschedulable("n0", True)
    scheduler.set_unschedulable("n2", True)
    # The first node with room is in z0, where only one pod fits.
    scheduler.set_labels("n1", {HOST: "n1", ZONE: "z0"})
    scheduler.set_unschedulable("n1", True)
    scheduler.set_labels("n0", {HOST: "n0", ZONE: "z1"})
    scheduler.set_unschedulable("n0", False)
    placed = scheduler.place_now(gang("g", together, together))
    assert set(placed.values()) == {"n0", "n3"}


def test_a_pod_that_is_there_keeps_others_away_until_it_goes():
    jealous = template("a", **required("podAntiAffinity", "b", ZONE))
    plain = template("b")
    scheduler = Scheduler(nodes(2))
    scheduler.place_now(gang("g", jealous))
    scheduler.submit(gang("h", plain))
    assert scheduler.run() == []
    assert scheduler.explain(gang("h", plain)).message == (
        "0/2 nodes are available: 2 node(s) didn't satisfy existing pods anti-affinity rules."
    )
    scheduler.release(("g", 0))
    assert [g.key for g, _ in scheduler.run()] == ["h"]


def test_a_pod_waits_for_the_one_it_wants_to_be_near():
    follower = template("b", **required("podAffinity", "a", HOST))
    scheduler = Scheduler(nodes(2))
    scheduler.submit(gang("follower", follower, priority=1))
    assert scheduler.run() == []
    scheduler.submit(gang("leader", template("a")))
    assert [(g.key, *p.values()) for g, p in scheduler.run()] == [("leader", "n0"), ("follower", "n0")]


def test_pods_are_spread_over_zones():
    constraint = {
        "topologyKey": ZONE,
        "maxSkew": 1,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "a"}},
    }
    spread = template("a", topologySpreadConstraints=[constraint])
    scheduler = Scheduler(nodes(4, zones=2))
    placed = scheduler.place_now(gang("g", *[spread] * 4))
    assert sorted(int(name[1:]) % 2 for name in placed.values()) == [0, 0, 1, 1]


def test_a_port_of_the_host_is_had_once():
    server = template("a", containers=[{"name": "c", "ports": [{"containerPort": 80, "hostPort": 80}]}])
    scheduler = Scheduler(nodes(2))
    assert sorted(scheduler.place_now(gang("g", server, server)).values()) == ["n0", "n1"]
    assert scheduler.place_now(gang("h", server)) is None


def test_a_preferred_node_is_taken_while_it_has_room():
    preference = {"matchExpressions": [{"key": ZONE, "operator": "In", "values": ["z1"]}]}
    terms = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference": preference}]}
    picky = template("a", npus=8, affinity={"nodeAffinity": terms})
    scheduler = Scheduler(nodes(4, zones=2))
    assert list(scheduler.place_now(gang("g", *[picky] * 3)).values()) == ["n1", "n3", "n0"]


TAINTS = (Taint("a", "x", "PreferNoSchedule"), Taint("b", "y", "NoSchedule"))
specs = st.lists(
    st.builds(
        lambda cpu, memory, npus, zone, taints: (
            {"cpu": cpu, "memory": memory * 2**30, NPU: npus},
            zone,
            tuple(taints),
        ),
        st.sampled_from([4_000, 8_000]),
        st.sampled_from([8, 32]),
        st.sampled_from([0, 8]),
        st.sampled_from(["z0", "z1"]),
        st.lists(st.sampled_from(TAINTS), max_size=1),
    ),
    min_size=1,
    max_size=6,
)


@st.composite
def raw_templates(draw):
    requests = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "cpu": st.sampled_from([500, 1_000, 3_000]),
                "memory": st.sampled_from([2**30, 4 * 2**30]),
                NPU: st.sampled_from([1, 4]),
            },
        )
    )
    text = {name: f"{n}m" if name == "cpu" else str(n) for name, n in requests.items()}
    spec = {"containers": [{"name": "c", "image": "i", "resources": {"requests": text}}]}
    if draw(st.booleans()):
        preference = {"matchExpressions": [{"key": ZONE, "operator": "In", "values": ["z1"]}]}
        spec["affinity"] = {
            "nodeAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": draw(st.sampled_from([1, 50])), "preference": preference}
                ]
            }
        }
    tolerations = (Toleration("a", "Exists"),) if draw(st.booleans()) else ()
    return PodTemplate(
        containers=(), requests=requests, tolerations=tolerations, raw={"metadata": {}, "spec": spec}
    )


@settings(max_examples=150, deadline=None)
@given(
    specs=specs,
    kinds=st.lists(raw_templates(), min_size=1, max_size=3),
    order=st.lists(st.integers(0, 2), max_size=12),
)
def test_default_placement_takes_the_node_kube_scheduler_would(specs, kinds, order):
    given_nodes = [
        NodeSpec(f"n{i}", "", allocatable, {HOST: f"n{i}", ZONE: zone}, taints)
        for i, (allocatable, zone, taints) in enumerate(specs)
    ]
    scheduler = Scheduler(given_nodes, placement="default")
    slow = Cluster(
        [
            NodeState(n.name, i, n.labels, n.taints, {"pods": 110, **n.allocatable}, n.unlimited)
            for i, n in enumerate(given_nodes)
        ]
    )
    templates = Templates()
    for step, kind in enumerate(order):
        choice = kinds[kind % len(kinds)]
        pod = Pod((step, 0), templates.spec_of(choice))
        expected = framework.best(pod, slow, framework.judge(pod, slow).feasible)
        placed = scheduler.place_now(gang(step, choice))
        assert placed == ({(step, 0): expected[0].name} if expected else None)
        if expected:
            expected[0].add(pod)


@settings(max_examples=60, deadline=None)
@given(
    specs=specs,
    kinds=st.lists(raw_templates(), min_size=1, max_size=3),
    order=st.lists(st.integers(0, 2), max_size=12),
    chances=st.lists(st.floats(0, 1, exclude_max=True), min_size=12, max_size=12),
)
def test_default_placement_draws_one_of_those_that_kube_scheduler_draws_from(specs, kinds, order, chances):
    given_nodes = [
        NodeSpec(f"n{i}", "", allocatable, {HOST: f"n{i}", ZONE: zone}, taints)
        for i, (allocatable, zone, taints) in enumerate(specs)
    ]
    scheduler = Scheduler(given_nodes, placement="default", chance=lambda key: chances[key[0]])
    slow = Cluster(
        [
            NodeState(n.name, i, n.labels, n.taints, {"pods": 110, **n.allocatable}, n.unlimited)
            for i, n in enumerate(given_nodes)
        ]
    )
    templates = Templates()
    for step, kind in enumerate(order):
        choice = kinds[kind % len(kinds)]
        pod = Pod((step, 0), templates.spec_of(choice))
        best = framework.best(pod, slow, framework.judge(pod, slow).feasible)
        placed = scheduler.place_now(gang(step, choice))
        if not best:
            assert placed is None
            continue
        (chosen,) = [node for node in best if placed == {(step, 0): node.name}]
        chosen.add(pod)


def test_each_of_equal_nodes_is_drawn_as_often():
    drawn = Counter()
    for i in range(300):
        scheduler = Scheduler(nodes(3), placement="default", chance=lambda key, i=i: i / 300)
        (where,) = scheduler.place_now(gang("g", template("a"))).values()
        drawn[where] += 1
    assert set(drawn.values()) == {100}


def test_default_placement_scores_one_node_of_each_kind():
    scheduler = Scheduler(nodes(1_000), placement="default", chance=lambda key: 0.5)
    for i in range(20):
        scheduler.place_now(gang(i, template("a"), template("a")))
    assert scheduler.stats.nodes < 1_000 + 40 * 25


def test_an_unknown_placement_is_refused():
    with pytest.raises(ValueError, match="placement is 'random'"):
        Scheduler(nodes(1), placement="random")
