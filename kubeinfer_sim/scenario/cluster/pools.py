"""Node pools as nodes of the simulated cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from kubeinfer_sim.manifest.accelerators import accelerators_of, common_family
from kubeinfer_sim.manifest.kubernetes.well_known_labels import HOSTNAME
from kubeinfer_sim.manifest.model import Resources
from kubeinfer_sim.scenario.cluster.model import NodeSpec, NpuTopology, Taint
from kubeinfer_sim.scenario.cluster.node_labels import with_kubelet_labels

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.cluster.pool_forms import AddNodesForm, PoolForm

#: Not scarce unless a pool names them: what a node always has, whatever NPUs it carries.
COMMON_RESOURCES = ("cpu", "memory", "ephemeral-storage", "pods")


def pool_nodes(pool: PoolForm | AddNodesForm, allocatable: Resources, *, first: int = 0) -> list[NodeSpec]:
    """The nodes of a pool, numbered from `first`; what every node has is unlimited unless the pool names it.

    Raises:
        ValueError: its NPUs cannot be in such rings.
    """
    taints = tuple(Taint(each.key, each.value, each.effect) for each in pool.taints)
    images, weights = frozenset(pool.images), frozenset(pool.weights)
    unlimited = frozenset(COMMON_RESOURCES).difference(allocatable)
    topology = _topology(pool, allocatable)
    names = [f"{pool.name}-{i}" for i in range(first, first + pool.count)]
    return [
        NodeSpec(
            name=name,
            pool=pool.name,
            allocatable=allocatable,
            labels=with_kubelet_labels(name, pool.labels, allocatable),
            taints=taints,
            images=images,
            weights=weights,
            unlimited=unlimited,
            npu_topology=topology,
            price=pool.price,
        )
        for name in names
    ]


def alike(node: NodeSpec, name: str) -> NodeSpec:
    """Another node like this one, well and open to pods."""
    labels = {**node.labels, HOSTNAME: name} if HOSTNAME in node.labels else node.labels
    return replace(node, name=name, labels=labels, ready="True", unschedulable=False)


def _topology(pool: PoolForm | AddNodesForm, allocatable: Resources) -> NpuTopology | None:
    """The pool's rings.

    Raises:
        ValueError: it has no NPUs, several kinds of them, or fewer than a ring has.
    """
    if pool.npu_topology is None:
        return None
    npus, noun = list(accelerators_of(allocatable)), common_family([allocatable]).noun
    if len(npus) != 1:
        raise ValueError(
            f"rings of which {noun}s? allocatable names {', '.join(npus) or 'none'}, expected one kind"
        )
    ring = pool.npu_topology.ring
    if ring > allocatable[npus[0]]:
        raise ValueError(f"a ring has {ring} {noun}s, and a node of this pool only {allocatable[npus[0]]}")
    return NpuTopology(npus[0], ring)
