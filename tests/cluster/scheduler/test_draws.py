"""Of equal nodes each is as likely as any other, however many have left meanwhile; no draw looks at all of them."""

from __future__ import annotations

from collections import Counter

from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.pods import Pod, PodSpec
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.scenario.cluster.model import NodeSpec

NPU = "huawei.com/ascend-1980"
WHOLE, HALF = PodSpec(requests={NPU: 8}), PodSpec(requests={NPU: 4})


def drawn(index: NodeIndex, fraction: float) -> tuple[str, int]:
    kinds = index.kinds(HALF)
    node, among = index.some(HALF, list(kinds.values()), fraction)
    return node.name, among


def test_nodes_that_are_taken_make_none_of_the_others_more_likely() -> None:
    counts: Counter[str] = Counter()
    stream = Streams(1).named("draws")
    for taken in ({"n0"}, {"n0", "n1", "n2"}, {"n2", "n4"}):
        counts.clear()
        for _ in range(600):
            index = NodeIndex([NodeSpec(f"n{i}", "pool", {NPU: 8}) for i in range(6)], pack=True)
            for spec in WHOLE, HALF:
                index.register(spec)
            index.kinds(HALF)
            for name in taken:
                index.place(index.nodes[name], Pod(name, WHOLE))
            name, among = drawn(index, stream.random())
            assert among == 6 - len(taken)
            counts[name] += 1
        assert set(counts).isdisjoint(taken)
        expected = 600 / (6 - len(taken))
        assert all(abs(count - expected) < 4 * expected**0.5 for count in counts.values())


def test_a_draw_that_meets_nodes_that_have_left_clears_them_away() -> None:
    index = NodeIndex([NodeSpec(f"n{i}", "pool", {NPU: 8}) for i in range(2000)], pack=True)
    for spec in WHOLE, HALF:
        index.register(spec)
    index.kinds(HALF)
    for i in range(1990):
        index.place(index.nodes[f"n{i}"], Pod(i, WHOLE))
    names = {drawn(index, fraction / 50)[0] for fraction in range(50)}
    assert names == {f"n{i}" for i in range(1990, 2000)}
