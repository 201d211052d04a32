"""Clusters as people write them: `8x8`, pools, a file of kind Cluster, or what kubectl wrote of a real one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from kubeinfer_sim.testing.strategies.profiles import Profile
from kubeinfer_sim.testing.strategies.values import Draw, maybe, pick
from kubeinfer_sim.testing.strategies.workloads import NPU
from kubeinfer_sim.testing.strategies.written import Raw

#: A label that every pool has, so that nodes may be chosen by it.
RACK = "rack"


class WrittenCluster(Struct, frozen=True):
    """What stands in `spec.cluster`, and what actions ask of it.

    Attributes:
        nodes: the NPUs of each node, by name.
        pools: by name, with the names of their nodes.
        labels: of each node, as far as they are written.
        files: beside the scenario, with their documents.
    """

    written: Raw | str
    nodes: Mapping[str, int]
    pools: Mapping[str, Sequence[str]] = field(default_factory=dict)
    labels: Mapping[str, Raw] = field(default_factory=dict)
    files: Mapping[str, Sequence[Raw]] = field(default_factory=dict)


def short_cluster(count: int) -> WrittenCluster:
    """So many nodes of 8 NPUs, in a word."""
    return WrittenCluster(f"{count}x8", {f"node-{number}": 8 for number in range(count)})


def _short(draw: Draw, profile: Profile) -> WrittenCluster:
    short = short_cluster(pick(draw, (4, 2, 8, 1, 6, 16)))
    if maybe(draw, profile.richness // 2):
        return replace(short, written={"nodes": short.written, "weights": ["*"]})
    return short


def _pools(draw: Draw, profile: Profile) -> list[Raw]:
    pools = []
    for name in ("a", "b", "c")[: 1 + pick(draw, range(1 if profile.name == "small" else 3))]:
        npus = pick(draw, (8, 16, 4, 0) if name != "a" else (8, 16))
        pool: Raw = {"name": name, "count": pick(draw, (2, 1, 4, 3))}
        pool["labels"] = {RACK: f"r{pick(draw, (0, 1))}"}
        pool["allocatable"] = {"cpu": pick(draw, ("192", "32")), "memory": "1500Gi"}
        if npus:
            pool["allocatable"][NPU] = npus
            if maybe(draw, 30):
                pool["npuTopology"] = {"ring": 8 if npus >= 8 else npus}
        if maybe(draw, profile.richness // 5):
            pool["price"] = pick(draw, ("40/h", "900/d", "0.5/h"))
        if maybe(draw, profile.richness // 3):
            effect = pick(draw, ("PreferNoSchedule", "NoSchedule", "NoExecute"))
            pool["taints"] = [{"key": "dedicated", "value": "infer", "effect": effect}]
        if maybe(draw, profile.richness // 3):
            pool["weights"] = ["*"]
        if maybe(draw, profile.richness // 3):
            pool["images"] = ["repo/fetch:v1"]
        pools.append(pool)
    return pools


def _of_pools(pools: Sequence[Raw], written: Raw | str, files: Mapping[str, Sequence[Raw]]) -> WrittenCluster:
    members = {
        pool["name"]: [f"{pool['name']}-{number}" for number in range(pool["count"])] for pool in pools
    }
    nodes = {name: pool["allocatable"].get(NPU, 0) for pool in pools for name in members[pool["name"]]}
    labels = {name: pool["labels"] for pool in pools for name in members[pool["name"]]}
    return WrittenCluster(written, nodes, members, labels, files)


def _in_place(draw: Draw, profile: Profile) -> WrittenCluster:
    pools = _pools(draw, profile)
    return _of_pools(pools, {"pools": pools}, {})


def _file(draw: Draw, profile: Profile) -> WrittenCluster:
    pools = _pools(draw, profile)
    document = {
        "apiVersion": "kubeinfer-sim/v1",
        "kind": "Cluster",
        "metadata": {"name": "lab"},
        "spec": {"pools": pools},
    }
    return _of_pools(pools, "lab.yaml", {"lab.yaml": [document]})


# -- what kubectl wrote ---------------------------------------------------------------------------------------


def _kubectl_node(draw: Draw, name: str, npus: int, profile: Profile) -> Raw:
    offered = {"cpu": "191450m", "memory": "1500Gi", "pods": "110", **({NPU: str(npus)} if npus else {})}
    spec: Raw = {"podCIDR": "10.0.0.0/24"}
    if maybe(draw, profile.richness // 4):
        spec["unschedulable"] = True
        spec["taints"] = [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]
    ready = "False" if maybe(draw, profile.richness // 8) else "True"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {"kubernetes.io/hostname": name, RACK: f"r{pick(draw, (0, 1))}"},
        },
        "spec": spec,
        "status": {
            "allocatable": offered,
            "capacity": offered,
            "conditions": [{"type": "Ready", "status": ready}],
            "images": [{"names": ["repo/fetch:v1"], "sizeBytes": 1_000_000}] if maybe(draw, 30) else [],
        },
    }


def _kubectl_pod(draw: Draw, name: str, node: str) -> Raw:
    requests: Raw = {"cpu": "1"}
    if npus := pick(draw, (0, 1, 2)):
        requests[NPU] = str(npus)
    container = {
        "name": "c",
        "image": "repo/other:v1",
        "resources": {"requests": requests, "limits": requests},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "other", "labels": {"app": "other"}},
        "spec": {"nodeName": node, "containers": [container]},
        "status": {"phase": "Running"},
    }


def _listed(items: Sequence[Raw]) -> Raw:
    return {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": list(items)}


def _kubectl(draw: Draw, profile: Profile) -> WrittenCluster:
    npus = {f"n{number}": pick(draw, (8, 8, 0)) for number in range(pick(draw, (3, 2, 6)))}
    npus["n0"] = 8
    nodes = [_kubectl_node(draw, name, each, profile) for name, each in npus.items()]
    labels = {node["metadata"]["name"]: node["metadata"]["labels"] for node in nodes}
    files = {"nodes.json": [_listed(nodes)]}
    written: Raw = {"file": "nodes.json"}
    if maybe(draw, 50):
        written["pods"] = "pods.json"
        holders = [name for name in npus if npus[name]]
        there = [
            _kubectl_pod(draw, f"other-{number}", pick(draw, holders))
            for number in range(pick(draw, (1, 0, 3)))
        ]
        files["pods.json"] = [_listed(there)]
    return WrittenCluster(written, npus, {}, labels, files)


def draw_cluster(draw: Draw, profile: Profile) -> WrittenCluster:
    """A cluster of one of the forms there are."""
    kinds = (
        (_short, _in_place) if profile.name == "small" else (_short, _in_place, _in_place, _file, _kubectl)
    )
    return pick(draw, kinds)(draw, profile)


def draw_written_cluster(draw: Draw, profile: Profile) -> WrittenCluster:
    """A cluster that is written in the scenario itself."""
    return pick(draw, (_short, _in_place))(draw, profile)
