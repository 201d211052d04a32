"""Which node a single pod gets where others of its Service are."""

from __future__ import annotations

import pytest

from kubeinfer_sim.cluster.scheduler.choice import NodeChoice
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.plugins.interface import Cluster
from kubeinfer_sim.cluster.scheduler.pods import Pod, PodSpec
from kubeinfer_sim.scenario.cluster.model import NodeSpec


@pytest.mark.parametrize(("spreads", "node"), [(True, "n1"), (False, "n0")])
def test_pods_of_a_service_are_kept_apart_by_a_scheduler_that_spreads_them_alone(
    spreads: bool, node: str
) -> None:
    """Volcano has no default constraints (system default spreading is kube-scheduler's)."""
    cluster = Cluster([], services=[("default", {"app": "x"})])
    index = NodeIndex(
        [
            NodeSpec(name, "pool", {"cpu": 8_000}, labels={"kubernetes.io/hostname": name})
            for name in ("n0", "n1")
        ],
        pack=False,
        cluster=cluster,
    )
    spec = PodSpec(namespace="default", labels={"app": "x"})
    index.register(spec)
    index.place(index.nodes["n0"], Pod("there", spec))
    found = NodeChoice(index, "default", spreads=spreads).best(Pod("new", spec))
    assert found is not None
    assert found.name == node


@pytest.mark.parametrize("placement", ["leastAllocated", "mostAllocated"])
def test_of_all_nodes_that_take_a_pod_the_best_is_the_last(placement: str) -> None:
    index = NodeIndex(
        [NodeSpec(name, "pool", {"cpu": 8_000}) for name in ("n0", "n1", "n2")],
        pack=placement == "mostAllocated",
        cluster=Cluster([]),
    )
    spec = PodSpec(requests={"cpu": 1_000}, scoring={"cpu": 1_000})
    index.register(spec)
    for key, node in enumerate(("n0", "n2", "n2")):
        index.place(index.nodes[node], Pod(key, spec))
    choice = NodeChoice(index, placement)
    nodes = [node.name for node in choice.feasible(Pod("new", spec))]
    assert nodes == (["n2", "n0", "n1"] if placement == "leastAllocated" else ["n1", "n0", "n2"])
