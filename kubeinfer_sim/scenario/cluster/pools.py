"""Node pools, and the short form `8x8`, as nodes of the simulated cluster."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from kubeinfer_sim.manifest.accelerators import accelerators_of, common_family
from kubeinfer_sim.manifest.model import KubeInfer, NodeSelectorTerm, Resources, Role
from kubeinfer_sim.scenario.cluster.forms import PoolForm
from kubeinfer_sim.scenario.cluster.model import NodeSpec, NpuTopology, Taint

#: What `8x8` offers when no pod asks for any accelerator.
DEFAULT_NPU = "huawei.com/ascend-1980"
#: Not scarce unless a pool names them: what a node always has, whatever NPUs it carries.
COMMON_RESOURCES = ("cpu", "memory", "ephemeral-storage", "pods")
SHORT_POOL = "node"
MAX_NODES = 100_000


def parse_nodes(text: str) -> tuple[int, int]:
    """`8x8` → 8 nodes of 8 NPUs each.

    Raises:
        ValueError: another form, or a number out of range; the message says what would be right.
    """
    match = re.fullmatch(r"([0-9]{1,6})x([0-9]{1,4})", text.strip())
    if match is None:
        plain = re.fullmatch(r"[0-9]{1,6}", text.strip())
        hint = (
            f"write {text.strip()}x8 for nodes of 8 NPUs" if plain else "write 8x8 for 8 nodes of 8 NPUs each"
        )
        raise ValueError(f"{text[:60]!r} is not a number of nodes: {hint}")
    count, npus = int(match[1]), int(match[2])
    if not count or not npus or count > MAX_NODES:
        raise ValueError(f"{text!r}: between 1 and {MAX_NODES} nodes, each with at least 1 NPU")
    return count, npus


def pool_nodes(pool: PoolForm, allocatable: Resources) -> list[NodeSpec]:
    """The nodes of a pool; resources every node has are unlimited unless the pool names them."""
    taints = tuple(Taint(each.key, each.value, each.effect) for each in pool.taints)
    images, weights = frozenset(pool.images), frozenset(pool.weights)
    unlimited = frozenset(COMMON_RESOURCES).difference(allocatable)
    topology = _topology(pool, allocatable)
    return [
        NodeSpec(
            name=f"{pool.name}-{i}",
            pool=pool.name,
            allocatable=allocatable,
            labels=pool.labels,
            taints=taints,
            images=images,
            weights=weights,
            unlimited=unlimited,
            npu_topology=topology,
        )
        for i in range(pool.count)
    ]


def _topology(pool: PoolForm, allocatable: Resources) -> NpuTopology | None:
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


def short_nodes(
    text: str, kubeinfers: Sequence[KubeInfer], *, images: Iterable[str] = (), weights: Iterable[str] = ()
) -> tuple[list[NodeSpec], list[str]]:
    """Nodes of `8x8` on which every pod of the given KubeInfers may run, and the defaults this took.

    Their NPU resource is the one the pods ask for, their labels those the pods' node selectors and required
    node affinity ask for; everything else is unlimited.

    Raises:
        ValueError: no single kind of node can serve all pods; the message says why.
    """
    count, npus = parse_nodes(text)
    roles = [role for kubeinfer in kubeinfers for role in kubeinfer.roles]
    resources = sorted({name for role in roles for name in accelerators_of(role.template.requests)}) or [
        DEFAULT_NPU
    ]
    if len(resources) > 1:
        raise ValueError(
            f"{text} says nothing about which of {', '.join(resources)} the nodes carry: give pools instead"
        )
    labels = _labels(roles)
    others = {name for role in roles for name in role.template.requests} - {resources[0]}
    unlimited = frozenset(COMMON_RESOURCES) | others
    node = ({resources[0]: npus}, labels, (), frozenset(images), frozenset(weights), unlimited)
    nodes = [NodeSpec(f"{SHORT_POOL}-{i}", SHORT_POOL, *node) for i in range(count)]
    asked = ", ".join(f"{key}={value}" for key, value in sorted(labels.items())) or "none"
    return nodes, [
        f"cluster.nodes: {count} nodes with {resources[0]}: {npus} (the resource the pods ask for)",
        f"cluster.nodes: labels {asked} (what the pods' node selectors and affinity ask for)",
        f"cluster.nodes: {', '.join(sorted(unlimited))} unlimited",
    ]


def _labels(roles: Sequence[Role]) -> dict[str, str]:
    """One set of labels that suits every role.

    Raises:
        ValueError: two roles want different values of one label, or an affinity cannot be met by labels.
    """
    labels: dict[str, str] = {}
    for role in roles:
        for key, value in role.template.node_selector.items():
            if labels.setdefault(key, value) != value:
                raise ValueError(
                    f"pods ask for nodes with {key}={labels[key]} and for nodes with {key}={value}: "
                    "give a pool for each instead of one number of nodes"
                )
    affine = [role for role in roles if role.template.required_node_affinity is not None]
    for role in affine:
        terms = role.template.required_node_affinity or ()
        found = next((met for term in terms if (met := _meet(term, labels)) is not None), None)
        if found is None:
            raise _no_labels(role)
        labels = found
    # A label added for a later role may break what an earlier one wanted to be absent.
    for role in affine:
        terms = role.template.required_node_affinity or ()
        if not any(_meet(term, labels) == labels for term in terms):
            raise _no_labels(role)
    return labels


def _no_labels(role: Role) -> ValueError:
    return ValueError(
        f"no one set of labels meets the required node affinity of role {role.name} beside the other roles: "
        "give pools with labels instead of one number of nodes"
    )


def _meet(term: NodeSelectorTerm, labels: dict[str, str]) -> dict[str, str] | None:
    """The labels with what a term needs added; None when they cannot meet it. An empty term meets nothing."""
    if term.match_fields or not term.match_expressions:
        return None
    labels = dict(labels)
    for each in term.match_expressions:
        key, value = each.key, labels.get(each.key)
        if each.operator == "In":
            if labels.setdefault(key, each.values[0]) not in each.values:
                return None
        elif each.operator == "Exists":
            labels.setdefault(key, "true")
        elif each.operator in ("Gt", "Lt"):
            step = 1 if each.operator == "Gt" else -1
            bound = int(each.values[0])
            number = labels.setdefault(key, str(bound + step))
            if not re.fullmatch(r"-?[0-9]{1,18}", number) or (int(number) - bound) * step <= 0:
                return None
        elif (each.operator == "NotIn" and value in each.values) or (
            each.operator == "DoesNotExist" and value is not None
        ):
            return None
    return labels
