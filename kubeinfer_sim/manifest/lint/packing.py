"""How many nodes instances take, counted in accelerators: pods in falling size onto the first node with room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from kubeinfer_sim.manifest.kubernetes.selectors import match_node
from kubeinfer_sim.manifest.lint.rule import LintContext, Node, npus_of
from kubeinfer_sim.manifest.model import VOLCANO, PodTemplate, Resources

#: NPUs of one node where the cluster is not known: Atlas A2 has 8, A3 16 (dies).
NODE_SIZES = (8, 16)
#: More pods than this are not placed one by one, and not at all.
_MOST_PODS = 100_000


class Need(Struct, frozen=True):
    """Room some instances take.

    Attributes:
        resource: the accelerator; empty when no pod asks for any.
        npus: how many in all.
        per_node: how many a node has: the cluster's own number, or an assumed one.
        nodes: how many nodes of that size; 0 when no pod asks for accelerators.
    """

    resource: str = ""
    npus: int = 0
    per_node: int = 0
    nodes: int = 0


def node_size(context: LintContext, resource: str, largest: int) -> int:
    """How many of an accelerator a node has: the largest node of the cluster, else the smallest usual node."""
    known = [node.allocatable.get(resource, 0) for node in context.expectations.nodes]
    usual = next((size for size in NODE_SIZES if size >= largest), largest)
    return max(known, default=0) or usual


def scattered(context: LintContext, per_node: int) -> bool:
    """Whether Volcano, which as shipped does not pack them, places pods that leave room on a node of this size.

    Source: its plugin binpack knows cpu and memory alone; nodes with room for pods of accelerators alone are equal.
    """
    return any(
        each.template.scheduler_name == VOLCANO and npus[1] % per_node
        for each in context.templates
        if (npus := npus_of(each.template.requests)) is not None
    )


def need_of(context: LintContext, instances: int) -> Need:
    """What some instances take on empty nodes of one size. Pods of the first accelerator found are counted.

    Large pods first, each on the fullest node with room; nodes with equally much room are counted together.
    """
    asked = [
        (npus, each.replicas)
        for each in context.templates
        if (npus := npus_of(each.template.requests)) is not None
    ]
    if not asked:
        return Need()
    resource = asked[0][0][0]
    pods: Counter[int] = Counter()
    for (name, number), replicas in asked:
        if name == resource:
            pods[number] += replicas * instances
    per_node = node_size(context, resource, max(pods))
    nodes = 0
    free: Counter[int] = Counter()
    for number, count in sorted(pods.items(), reverse=True):
        for room in sorted(each for each in free if each >= number):
            count -= _place(free, room, free.pop(room), number, count)
        if count:
            # A pod larger than any node counts as one node.
            new = -(-count // max(per_node // number, 1))
            nodes += new
            _place(free, max(per_node, number), new, number, count)
    return Need(resource, sum(number * count for number, count in pods.items()), per_node, nodes)


def _place(free: Counter[int], room: int, nodes: int, number: int, count: int) -> int:
    """Put up to `count` pods of a size onto `nodes` with as much room each; how many went there."""
    each = room // number
    full, rest = divmod(min(count, nodes * each), each)
    free[room - each * number] += full
    if rest:
        free[room - rest * number] += 1
    if nodes - full - bool(rest):
        free[room] += nodes - full - bool(rest)
    return full * each + rest


def suits(template: PodTemplate, node: Node) -> bool:
    """Whether a node's labels are what a pod asks for."""
    return match_node(template.node_selector, template.required_node_affinity, node.labels, node.name)


def fits(requests: Resources, free: Mapping[str, int], unlimited: frozenset[str]) -> bool:
    """Whether a pod's requests go into what is free on a node."""
    return all(
        not number or name in unlimited or free.get(name, 0) >= number for name, number in requests.items()
    )


def instances_that_fit(context: LintContext, at_most: int) -> int | None:
    """How many instances the empty cluster holds, counted up to `at_most`; None where that is not known.

    Large pods first, each on the first node with room: a good packing, not always the best one.
    """
    nodes = context.expectations.nodes
    roles = sorted(
        context.templates,
        key=lambda pods: sum(number for _, number in [npus_of(pods.template.requests) or ("", 0)]),
        reverse=True,
    )
    pods = sum(role.replicas for role in roles)
    if not nodes or not pods:
        return None
    suitable = {id(role): [i for i, node in enumerate(nodes) if suits(role.template, node)] for role in roles}
    free = [dict(node.allocatable) for node in nodes]
    first = dict.fromkeys(suitable, 0)
    if at_most * pods > _MOST_PODS:
        return None
    for instance in range(at_most):
        for role in roles:
            requests, places = role.template.requests, suitable[id(role)]
            for _ in range(role.replicas):
                # What was too small for an equal pod before is too small for this one.
                while first[id(role)] < len(places):
                    place = places[first[id(role)]]
                    if fits(requests, free[place], nodes[place].unlimited):
                        break
                    first[id(role)] += 1
                else:
                    return instance
                for name, number in requests.items():
                    if name in free[place]:
                        free[place][name] -= number
    return at_most
