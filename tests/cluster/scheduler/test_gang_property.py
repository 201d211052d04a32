"""Random clusters, gangs and changes: the indexed gang scheduler against the exhaustive one."""

from __future__ import annotations

from cluster.scheduler.exhaustive import SlowCluster
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kubeinfer_sim.cluster.scheduler import Gang, GangPod, Scheduler, node_index
from kubeinfer_sim.cluster.scheduler.pods import Pod, PodSpec
from kubeinfer_sim.manifest.model import (
    NodeSelectorRequirement,
    NodeSelectorTerm,
    PodTemplate,
    Toleration,
)
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint

NPU = "huawei.com/ascend-1980"
TAINTS = (Taint("a", "x"), Taint("b", "y", "NoExecute"), Taint("c", "z", "PreferNoSchedule"))
requirement = st.one_of(
    st.builds(
        NodeSelectorRequirement,
        st.sampled_from(["pool", "rack"]),
        st.sampled_from(["In", "NotIn"]),
        st.sampled_from([("p",), ("p", "1"), ("2",)]),
    ),
    st.builds(
        NodeSelectorRequirement,
        st.sampled_from(["pool", "rack"]),
        st.sampled_from(["Exists", "DoesNotExist"]),
    ),
    st.builds(
        NodeSelectorRequirement,
        st.just("rack"),
        st.sampled_from(["Gt", "Lt"]),
        st.sampled_from([("1",), ("2",)]),
    ),
    st.builds(
        NodeSelectorRequirement,
        st.just("kubernetes.io/hostname"),
        st.sampled_from(["In", "NotIn"]),
        st.sampled_from([("n0",), ("n1", "n2")]),
    ),
)
field = st.builds(
    NodeSelectorRequirement,
    st.just("metadata.name"),
    st.sampled_from(["In", "NotIn"]),
    st.sampled_from([("n0",), ("n2",)]),
)
term = st.builds(
    NodeSelectorTerm,
    st.lists(requirement, max_size=2).map(tuple),
    st.lists(field, max_size=1).map(tuple),
)
templates = st.builds(
    PodTemplate,
    containers=st.just(()),
    requests=st.fixed_dictionaries(
        {},
        optional={
            NPU: st.sampled_from([0, 1, 2, 3, 4, 8]),
            "cpu": st.sampled_from([500, 1000, 3000]),
            "memory": st.sampled_from([1, 2, 5]),
        },
    ),
    node_selector=st.sampled_from([{}, {}, {"pool": "p"}, {"pool": "q"}]),
    required_node_affinity=st.one_of(st.none(), st.none(), st.lists(term, max_size=2).map(tuple)),
    tolerations=st.lists(
        st.sampled_from(
            [
                Toleration("a", "Exists"),
                Toleration("b", "Equal", "y"),
                Toleration(operator="Exists", effect="NoSchedule"),
            ]
        ),
        max_size=2,
    ).map(tuple),
)
allocatable = st.fixed_dictionaries(
    {"cpu": st.sampled_from([2000, 4000, 8000])},
    optional={
        NPU: st.sampled_from([2, 4, 8]),
        "memory": st.sampled_from([3, 8]),
        "pods": st.sampled_from([1, 2, 5]),
    },
)


@st.composite
def node_specs(draw):
    count = draw(st.integers(1, 5))
    return [
        NodeSpec(
            name=f"n{i}",
            pool="",
            allocatable=draw(allocatable),
            labels=draw(
                st.fixed_dictionaries(
                    {"kubernetes.io/hostname": st.just(f"n{i}")},
                    optional={"pool": st.sampled_from("pq"), "rack": st.sampled_from(["1", "2", "3", "x"])},
                )
            ),
            taints=tuple(draw(st.lists(st.sampled_from(TAINTS), max_size=1))),
            unlimited=draw(st.sampled_from([frozenset(), frozenset({"memory"})])),
        )
        for i in range(count)
    ]


@settings(max_examples=150, deadline=None)
@given(
    specs=node_specs(),
    kinds=st.lists(st.lists(templates, min_size=1, max_size=4), min_size=1, max_size=4),
    placement=st.sampled_from(["mostAllocated", "leastAllocated"]),
    naming=st.booleans(),
    data=st.data(),
)
def test_what_fits_is_placed_whole_and_what_waits_does_not_fit(specs, kinds, placement, naming, data):
    # Few nodes never make a label "naming"; half of the runs lower the bar to test that path.
    before = node_index.MANY_VALUES
    node_index.MANY_VALUES = 1 if naming else before
    try:
        run_scenario(specs, kinds, placement, data)
    finally:
        node_index.MANY_VALUES = before


def run_scenario(specs, kinds, placement, data):
    scheduler = Scheduler(specs, placement=placement)
    slow = SlowCluster(specs)
    waiting: dict[int, Gang] = {}
    templates_of: dict[object, PodTemplate] = {}
    placed: list[object] = []
    left: dict[str, dict[object, PodTemplate]] = {}  # what was on nodes that are gone

    def accept(gang, placement):
        assert list(placement) == [pod.key for pod in gang.pods]
        for pod in gang.pods:
            node = slow.nodes[placement[pod.key]]
            assert node.admits(pod.template)
            assert node.fits(pod.template)
            node.pods[pod.key] = pod.template
            placed.append(pod.key)

    for step in range(data.draw(st.integers(1, 8))):
        match data.draw(
            st.sampled_from(
                [
                    "submit",
                    "submit",
                    "submit",
                    "release",
                    "node",
                    "withdraw",
                    "now",
                    "occupy",
                    "join",
                    "leave",
                ]
            )
        ):
            case "submit" | "now" as how:
                kind = data.draw(st.sampled_from(kinds))
                gang = Gang(
                    step,
                    tuple(GangPod((step, i), t) for i, t in enumerate(kind)),
                    priority=data.draw(st.integers(0, 1)),
                )
                templates_of |= {pod.key: pod.template for pod in gang.pods}
                if how == "submit":
                    scheduler.submit(gang)
                    waiting[step] = gang
                else:
                    prefer = {p.key: data.draw(st.sampled_from(["n0", "gone"])) for p in gang.pods}
                    result = scheduler.place_now(gang, prefer)
                    assert (result is not None) == slow.feasible(gang)
                    if result is not None:
                        accept(gang, result)
            case "release" if placed:
                key = placed.pop(data.draw(st.integers(0, len(placed) - 1)))
                scheduler.release(key)
                for pods in (*(node.pods for node in slow.nodes.values()), *left.values()):
                    pods.pop(key, None)
            case "occupy":  # a pod that is there already, whether or not it would fit
                template = data.draw(templates)
                name = data.draw(st.sampled_from(sorted(slow.nodes)))
                asked = {resource: n for resource, n in template.requests.items() if n}
                scheduler.occupy(Pod(("there", step), PodSpec(requests=asked)), name)
                slow.nodes[name].pods["there", step] = template
                placed.append(("there", step))
            case "withdraw" if waiting:
                key = data.draw(st.sampled_from(sorted(waiting)))
                del waiting[key]
                scheduler.withdraw(key)
            case "join":
                # One that was there comes back, and finds its pods; or another one.
                back = data.draw(st.booleans()) and left
                name = data.draw(st.sampled_from(sorted(left))) if back else f"joined-{step}"
                spec = data.draw(node_specs())[0]
                labels = {**spec.labels, "kubernetes.io/hostname": name}
                spec = replace(spec, name=name, labels=labels)
                scheduler.add_node(spec)
                slow.nodes |= SlowCluster([spec]).nodes
                slow.nodes[name].pods.update(left.pop(name, {}))
            case "leave" if len(slow.nodes) > 1:
                name = data.draw(st.sampled_from(sorted(slow.nodes)))
                scheduler.remove_node(name)
                left[name] = slow.nodes.pop(name).pods
            case "node":
                name = data.draw(st.sampled_from(sorted(slow.nodes)))
                node = slow.nodes[name]
                match data.draw(st.sampled_from(["cordon", "taints", "labels", "allocatable"])):
                    case "cordon":
                        node.unschedulable = data.draw(st.booleans())
                        scheduler.set_unschedulable(name, node.unschedulable)
                    case "taints":
                        node.taints = tuple(data.draw(st.lists(st.sampled_from(TAINTS), max_size=2)))
                        scheduler.set_taints(name, node.taints)
                    case "labels":
                        node.labels = {"pool": "p", "kubernetes.io/hostname": name}
                        scheduler.set_labels(name, node.labels)
                    case _:
                        amount = data.draw(st.integers(0, 8))
                        node.allocatable[NPU] = amount
                        scheduler.set_allocatable(name, NPU, amount)
        for gang, result in scheduler.run():
            assert waiting.pop(gang.key) is gang
            accept(gang, result)
        for gang in waiting.values():
            assert not slow.feasible(gang), f"{gang} fits but waits"
            verdict = scheduler.explain(gang)
            assert verdict.message
            assert verdict.placeable < len(gang.pods)
            assert set(verdict.reasons) == set(slow.nodes)
            assert verdict.message.startswith(f"0/{len(slow.nodes)} nodes are available: ")
        check_books(scheduler, slow)


def check_books(scheduler, slow):
    used = {NPU: 0, "cpu": 0, "memory": 0, "pods": 0}
    for name, node in slow.nodes.items():
        state = scheduler.nodes[name]
        assert set(state.pods) == set(node.pods)
        for resource in (NPU, "cpu", "memory"):
            assert state.free(resource) == node.allocatable.get(resource, 0) - node.used(resource)
            used[resource] += node.used(resource)
        used["pods"] += len(node.pods)
    assert used == {resource: scheduler.in_use(resource) for resource in used}
