"""Nodes that no filter can tell apart, and where in them to look for room."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.npu_rings import pods_that_fit
from kubeinfer_sim.cluster.scheduler.plugins import node_affinity, node_unschedulable, taint_toleration
from kubeinfer_sim.cluster.scheduler.pods import PodSpec
from kubeinfer_sim.cluster.scheduler.views import Vector, View

#: A pod that asks for none of a resource is not kept off a node that has given away too much of it.
_ANY = -(2**63)


def accepts(node: NodeState, spec: PodSpec) -> bool:
    """Whether a node's labels, name, taints and cordon let a pod in."""
    return admits(node, spec) and node_affinity.accepts(spec, node)


def admits(node: NodeState, spec: PodSpec) -> bool:
    """Whether a node's taints and cordon let a pod in."""
    return (
        node_unschedulable.takes(node.unschedulable, spec.tolerations)
        and taint_toleration.untolerated(node.taints, spec.tolerations) is None
    )


class Plan(Struct, frozen=True):
    """Where to look for room for a spec in a class: the view, and what is needed of its resources.

    Attributes:
        rings: of nodes whose NPUs are in rings: where in the view's vectors the rings begin, how many there are, NPUs
            of a ring, and how many NPUs are needed.
    """

    view: View
    amounts: Vector
    rings: tuple[int, int, int, int] | None = None

    def pods_that_fit(self, free: Sequence[int], enough: int) -> int:
        """How many pods with these needs go into what is free, at most `enough`."""
        first, count, size, npus = self.rings or (len(free) + 1, 0, 1, 0)
        most = enough
        for i, amount in enumerate(self.amounts):
            # What is free in one ring at most comes before the rings, and says nothing of how many fit.
            if amount > 0 and free[i] < most * amount and i != first - 1:
                most = free[i] // amount
        return pods_that_fit(free[first : first + count], size, npus, most) if count else most


class NodeClass:
    """Nodes no filter can tell apart, but for what is free on them.

    Attributes:
        sample: one of the nodes, to ask the filters about.
        offered: how much of each resource a node has; `unlimited` ones are not counted.
    """

    __slots__ = ("_plans", "members", "number", "offered", "sample", "unlimited", "views")

    def __init__(self, number: int, sample: NodeState) -> None:
        self.number = number
        self.sample = sample
        self.offered = dict(sample.allocatable)
        self.unlimited = sample.unlimited
        self.members: dict[int, NodeState] = {}
        self.views: dict[tuple[bool, tuple[str, ...]], View] = {}
        self._plans: dict[tuple[PodSpec, bool], Plan | None] = {}

    def plan(self, spec: PodSpec, *, by_node: bool, scored: bool = False) -> Plan | None:
        """How to look for room for a spec here; None when no node of the class can ever take it.

        Args:
            spec: what is to be placed.
            by_node: leave labels and name to be judged node by node.
            scored: tell nodes apart by all that their scores depend on.
        """
        key = (spec, scored)
        if key not in self._plans:
            self._plans[key] = self._make_plan(spec, by_node, scored)
        return self._plans[key]

    def _make_plan(self, spec: PodSpec, by_node: bool, scored: bool) -> Plan | None:
        sample = self.sample
        wanted = {name: amount for name, amount in spec.demand if name not in self.unlimited}
        if not (admits(sample, spec) if by_node else accepts(sample, spec)):
            return None
        if any(self.offered.get(name, 0) < amount for name, amount in wanted.items()):
            return None
        rings = None
        if sample.rings is not None and (npus := wanted.get(sample.rings.resource)):
            account, each = sample.rings.account, sample.rings.names
            if self.offered[account] < npus:
                return None
            rings = len(wanted) + 1, len(each), sample.rings.size, npus
            wanted |= {account: npus, **dict.fromkeys(each, _ANY)}
        if scored:
            for name in ("cpu", "memory"):
                if name in self.offered and name not in self.unlimited:
                    wanted.setdefault(name, _ANY)
        return Plan(self.view(tuple(wanted), scored=scored), tuple(wanted.values()), rings)

    def view(self, resources: tuple[str, ...], *, scored: bool = False) -> View:
        """The nodes sorted by what is free of these resources, all of which the class offers."""
        view = self.views.get((scored, resources))
        if view is None:
            view = View(resources, self.members.values(), scored=scored)
            self.views[scored, resources] = view
        return view

    def add(self, node: NodeState) -> None:
        """Take a node in."""
        self.members[node.order] = node
        for view in self.views.values():
            view.add(node)

    def remove(self, node: NodeState) -> None:
        """Let a node go."""
        del self.members[node.order]
        for view in self.views.values():
            view.remove(node)
        if self.sample is node and self.members:
            self.sample = next(iter(self.members.values()))
