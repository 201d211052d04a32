"""Whether pods would have a place with other draws: those whose nodes were drawn are packed anew, and nothing is changed."""

from __future__ import annotations

import pytest

from kubeinfer_sim.cluster.scheduler.choice import NodeChoice
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.pods import Pod, PodAffinityTerm, PodSpec
from kubeinfer_sim.cluster.scheduler.redraw import fits_redrawn
from kubeinfer_sim.scenario.cluster.model import NodeSpec

NPU = "huawei.com/ascend-1980"


def cluster(
    nodes: int, on: dict[str, tuple[int, ...]], *, drawn: bool = True
) -> tuple[NodeIndex, NodeChoice]:
    """Nodes of 8 NPUs with pods of so many on them."""
    index = NodeIndex([NodeSpec(f"n{i}", "pool", {NPU: 8}) for i in range(nodes)], pack=True)
    for name, pods in on.items():
        for number, npus in enumerate(pods):
            spec = PodSpec(requests={NPU: npus})
            index.register(spec)
            index.place(index.nodes[name], Pod((name, number), spec, drawn=drawn))
    return index, NodeChoice(index, "default", lambda _: 0.0)


@pytest.mark.parametrize(
    ("nodes", "on", "asked", "fits"),
    [
        (2, {"n0": (4,), "n1": (4,)}, (8,), True),
        (2, {"n0": (4,), "n1": (5,)}, (8,), False),  # 4 and 5 fit on no node together
        (3, {"n0": (4, 2), "n1": (4,), "n2": (2,)}, (8, 4), True),
        (3, {"n0": (4, 2), "n1": (4,), "n2": (2,)}, (8, 5), False),  # more than is free
        (1, {"n0": (8,)}, (8,), False),
    ],
)
def test_a_packing_of_all_that_was_drawn_is_looked_for(
    nodes: int, on: dict[str, tuple[int, ...]], asked: tuple[int, ...], fits: bool
) -> None:
    index, choice = cluster(nodes, on)
    pods = [Pod(number, PodSpec(requests={NPU: npus})) for number, npus in enumerate(asked)]
    for pod in pods:
        index.register(pod.spec)
    before = {name: dict(node.requested) for name, node in index.nodes.items()}
    assert fits_redrawn(pods, index, choice) is fits
    assert {name: dict(node.requested) for name, node in index.nodes.items()} == before
    assert index.drawn.keys() == {
        (name, number) for name, pods_there in on.items() for number in range(len(pods_there))
    }


def test_pods_whose_nodes_nobody_drew_stay_where_they_are() -> None:
    index, choice = cluster(2, {"n0": (4,), "n1": (4,)}, drawn=False)
    pod = Pod("p", PodSpec(requests={NPU: 8}))
    index.register(pod.spec)
    assert not index.drawn
    assert not fits_redrawn([pod], index, choice)


def test_nothing_is_said_of_pods_that_look_at_others() -> None:
    index, choice = cluster(2, {"n0": (4,), "n1": (4,)})
    term = PodAffinityTerm("kubernetes.io/hostname", (), frozenset({"default"}))
    pod = Pod("p", PodSpec(requests={NPU: 8}, anti_affinity=(term,)))
    index.register(pod.spec)
    assert not fits_redrawn([pod], index, choice)
