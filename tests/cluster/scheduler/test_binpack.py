"""Volcano's binpack: how full a node is with the pod (pkg/scheduler/plugins/binpack)."""

from __future__ import annotations

from kubeinfer_sim.cluster.scheduler.binpack import Binpack
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.objects import pod_spec
from kubeinfer_sim.cluster.scheduler.pods import PodSpec


def node(name: str, cpu: int, *, used: int = 0, unlimited: frozenset[str] = frozenset()) -> NodeState:
    return NodeState(name, 0, {}, (), {"cpu": cpu, "memory": 100}, unlimited, requested={"cpu": used})


def test_the_fuller_node_has_more_and_what_never_runs_out_counts_nothing() -> None:
    nodes = [
        node("empty", 10),
        node("half", 10, used=4),
        node("endless", 10, used=4, unlimited=frozenset({"cpu"})),
        node("none", 0),
    ]
    spec = PodSpec(requests={"cpu": 1, "memory": 50})
    scores = Binpack().scores(spec, nodes)
    assert scores == {"empty": 30, "half": 50, "endless": 25, "none": 25}
    heavier = Binpack(resources={"cpu": 3, "memory": 1}).scores(spec, nodes[:1])
    assert heavier == {"empty": 100 * (3 * 0.1 + 0.5) / 4}
    assert Binpack().scores(PodSpec(requests={"vendor.com/x": 1}), nodes) is None
    assert Binpack(weight=0).scores(spec, nodes) is None


def test_what_a_pod_asks_none_of_is_no_request() -> None:
    asks = {"requests": {"cpu": "0", "memory": "2"}}
    spec = pod_spec({"spec": {"containers": [{"name": "c", "resources": asks}]}})
    assert spec.requests == {"memory": 2}
