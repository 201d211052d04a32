"""The nodes, indexed by what the scheduler asks of them: classes of like nodes, sorted by free resources.

Nodes that differ in nothing a filter looks at form a class, and a filter is asked once per class and pod
spec. In a class the nodes are sorted by the vector of their free resources, once for each set of resources
pods ask for, so that the best node that fits is found by bisection. No operation looks at every node, but for
two that are rare: a constraint on a label nobody asked about before, and one on a label that names nodes
(hostname).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins import node_affinity, node_unschedulable, taint_toleration
from kubeinfer_sim.cluster.scheduler.pods import DEFAULT_PODS, PODS, Pod, PodSpec
from kubeinfer_sim.scenario.model import NodeSpec, Taint

#: A label with more values than this, and than a quarter of the nodes, names nodes, not kinds of nodes.
MANY_VALUES = 32

Vector = tuple[int, ...]


@dataclass(slots=True)
class Stats:
    """How much work the scheduler did: what the cost model bounds, for tests to count."""

    nodes: int = 0  # nodes looked at one by one
    classes: int = 0  # (class, spec) pairs the filters were run on
    buckets: int = 0  # groups of equally filled nodes looked at
    attempts: int = 0  # gangs tried


def accepts(node: NodeState, spec: PodSpec) -> bool:
    """Whether a node's labels, name, taints and cordon let a pod in."""
    return admits(node, spec) and node_affinity.accepts(spec, node)


def admits(node: NodeState, spec: PodSpec) -> bool:
    """Whether a node's taints and cordon let a pod in."""
    return (
        node_unschedulable.takes(node.unschedulable, spec.tolerations)
        and taint_toleration.untolerated(node.taints, spec.tolerations) is None
    )


class View:
    """The nodes of a class sorted by what is free of certain resources.

    Attributes:
        keys: the free vectors that occur, ascending.
        members: the nodes at each, as negated orders ascending: the first node is last, where `pop` is cheap.
    """

    __slots__ = ("_at", "keys", "members", "resources")

    def __init__(self, resources: tuple[str, ...], nodes: Iterable[NodeState]) -> None:
        self.resources = resources
        self.keys: list[Vector] = []
        self.members: dict[Vector, list[int]] = {}
        self._at: dict[int, Vector] = {}
        for node in nodes:
            self.add(node)

    def add(self, node: NodeState) -> None:
        """Take a node in."""
        allocatable, requested = node.allocatable, node.requested
        key = tuple([allocatable[name] - requested.get(name, 0) for name in self.resources])
        self._at[node.order] = key
        members = self.members.get(key)
        if members is None:
            self.members[key] = [-node.order]
            insort(self.keys, key)
        else:
            insort(members, -node.order)

    def remove(self, node: NodeState) -> None:
        """Let a node go."""
        key = self._at.pop(node.order)
        members = self.members[key]
        if len(members) == 1:
            del self.members[key]
            del self.keys[bisect_left(self.keys, key)]
        elif members[-1] == -node.order:
            members.pop()
        else:
            del members[bisect_left(members, -node.order)]

    def fullest(self, amounts: Vector) -> Iterator[Vector]:
        """Free vectors with room for `amounts`, the least free first, skipping what cannot fit."""
        keys = self.keys
        at = bisect_left(keys, amounts)
        while at < len(keys):
            key = keys[at]
            short = next((i for i, amount in enumerate(amounts) if key[i] < amount), None)
            if short is None:
                yield key
                at += 1
            else:
                at = bisect_left(keys, (*key[:short], *amounts[short:]), at + 1)

    def emptiest(self, amounts: Vector) -> Iterator[Vector]:
        """Free vectors with room for `amounts`, the most free first, skipping what cannot fit."""
        keys = self.keys
        at = len(keys) - 1
        while at >= 0:
            key = keys[at]
            short = next((i for i, amount in enumerate(amounts) if key[i] < amount), None)
            if short is None:
                yield key
                at -= 1
            else:
                at = bisect_left(keys, key[:short], 0, at) - 1


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
        self.views: dict[tuple[str, ...], View] = {}
        self._plans: dict[PodSpec, Plan | None] = {}

    def plan(self, spec: PodSpec, *, by_node: bool, stats: Stats) -> Plan | None:
        """How to look for room for a spec here; None when no node of the class can ever take it.

        Args:
            spec: what is to be placed.
            by_node: leave labels and name to be judged node by node.
            stats: counts a run of the filters.
        """
        try:
            return self._plans[spec]
        except KeyError:
            stats.classes += 1
            plan = self._plans[spec] = self._make_plan(spec, by_node)
            return plan

    def _make_plan(self, spec: PodSpec, by_node: bool) -> Plan | None:
        sample = self.sample
        admitted = admits(sample, spec) if by_node else accepts(sample, spec)
        limited = [
            (name, amount)
            for name, amount in zip(spec.resources, spec.amounts, strict=True)
            if name not in self.unlimited
        ]
        if not admitted or any(self.offered.get(name, 0) < amount for name, amount in limited):
            return None
        view = self.view(tuple(name for name, _ in limited))
        return Plan(view, tuple(amount for _, amount in limited))

    def view(self, resources: tuple[str, ...]) -> View:
        """The nodes sorted by what is free of these resources, all of which the class offers."""
        view = self.views.get(resources)
        if view is None:
            view = self.views[resources] = View(resources, self.members.values())
        return view

    def add(self, node: NodeState) -> None:
        """Take a node in."""
        self.members[node.order] = node
        node.node_class = self
        for view in self.views.values():
            view.add(node)

    def remove(self, node: NodeState) -> None:
        """Let a node go."""
        del self.members[node.order]
        for view in self.views.values():
            view.remove(node)


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to look for room for a spec in a class: the view, and what is needed of its resources."""

    view: View
    amounts: Vector


class NodeIndex:
    """All nodes, in classes; places single pods and takes them back."""

    def __init__(self, nodes: Iterable[NodeSpec], *, pack: bool) -> None:
        """Index the nodes.

        Args:
            nodes: in the order that breaks ties; names must differ.
            pack: prefer the fullest node a pod fits on (else the emptiest).
        """
        self.stats = Stats()
        self.nodes: dict[str, NodeState] = {}
        self.in_use: dict[str, int] = {}
        self._pack = pack
        self._keys: frozenset[str] = frozenset()
        self._naming: dict[str, bool] = {}
        self._restricted: dict[PodSpec, frozenset[int]] = {}
        self._classes: dict[Hashable, NodeClass] = {}
        self._numbers = 0
        for order, spec in enumerate(nodes):
            if spec.name in self.nodes:
                raise ValueError(f"two nodes are named {spec.name!r}")
            self.nodes[spec.name] = NodeState(
                name=spec.name,
                order=order,
                labels=spec.labels,
                taints=spec.taints,
                allocatable={PODS: DEFAULT_PODS, **spec.allocatable},
                unlimited=spec.unlimited,
            )
        self._ordered = list(self.nodes.values())
        for node in self._ordered:
            self._enter(node)

    # -- classes -----------------------------------------------------------------------------------

    @property
    def classes(self) -> Iterable[NodeClass]:
        """The classes in use."""
        return self._classes.values()

    def _class_key(self, node: NodeState) -> Hashable:
        labels = node.labels
        return (
            node.unschedulable,
            node.taints,
            node.unlimited,
            tuple(sorted(node.allocatable.items())),
            tuple([labels.get(key) for key in sorted(self._keys)]),
        )

    def _enter(self, node: NodeState) -> None:
        key = self._class_key(node)
        node_class = self._classes.get(key)
        if node_class is None:
            self._numbers += 1
            node_class = self._classes[key] = NodeClass(self._numbers, node)
        node_class.add(node)

    def _leave(self, node: NodeState) -> None:
        node_class = node.node_class
        node_class.remove(node)
        if not node_class.members:
            del self._classes[self._class_key(node)]
        elif node_class.sample is node:
            node_class.sample = next(iter(node_class.members.values()))

    def _names_nodes(self, key: str) -> bool:
        known = self._naming.get(key)
        if known is None:
            values = {node.labels.get(key) for node in self._ordered}
            known = self._naming[key] = len(values) > max(MANY_VALUES, len(self._ordered) // 4)
        return known

    def learn(self, spec: PodSpec) -> None:
        """Make ready for pods of a spec; must precede every other use of it. Costs a look at every node when
        the spec asks for a label no spec asked for before, or names nodes; else nothing.
        """
        naming = spec.by_name or any(self._names_nodes(key) for key in spec.label_keys)
        if naming:
            if spec not in self._restricted:
                self.stats.nodes += len(self._ordered)
                self._restricted[spec] = frozenset(
                    node.order for node in self._ordered if node_affinity.accepts(spec, node)
                )
        elif not spec.label_keys <= self._keys:
            self._keys |= spec.label_keys
            self.stats.nodes += len(self._ordered)
            self._classes = {}
            for node in self._ordered:
                self._enter(node)

    def plan(self, node_class: NodeClass, spec: PodSpec) -> Plan | None:
        """How to look for room for a spec in a class; None when it can never go there."""
        return node_class.plan(spec, by_node=spec in self._restricted, stats=self.stats)

    def allowed(self, spec: PodSpec) -> frozenset[int] | None:
        """The orders of the nodes a spec is restricted to by name or naming label; None: not restricted."""
        return self._restricted.get(spec)

    # -- changes of nodes --------------------------------------------------------------------------

    def change(
        self,
        node: NodeState,
        *,
        unschedulable: bool | None = None,
        taints: tuple[Taint, ...] | None = None,
        labels: Mapping[str, str] | None = None,
        allocatable: Mapping[str, int] | None = None,
    ) -> None:
        """Give a node other properties; those left None stay. `allocatable` changes what it names."""
        self._leave(node)
        if unschedulable is not None:
            node.unschedulable = unschedulable
        if taints is not None:
            node.taints = taints
        if allocatable is not None:
            node.allocatable = {**node.allocatable, **allocatable}
        if labels is not None:
            node.labels = labels
            for spec, orders in self._restricted.items():
                inside = node_affinity.accepts(spec, node)
                self._restricted[spec] = orders | {node.order} if inside else orders - {node.order}
        self._enter(node)

    # -- pods --------------------------------------------------------------------------------------

    def best(self, spec: PodSpec) -> NodeState | None:
        """The node a pod of this spec goes to: the fullest (or emptiest) that fits, the first of equal ones.

        Fuller means: a larger share of the resources the pod asks for is in use with the pod there, compared
        resource by resource in the order of `resource_order`.
        """
        allowed = self._restricted.get(spec)
        if allowed is not None and len(allowed) <= MANY_VALUES:
            return self._best_of(spec, allowed)
        found: list[tuple[NodeClass, int]] = []
        for node_class in self._classes.values():
            plan = self.plan(node_class, spec)
            if plan is not None:
                order = self._first(plan, allowed)
                if order is not None:
                    found.append((node_class, order))
        if not found:
            return None
        if len(found) == 1:
            return self._ordered[found[0][1]]
        return min((self._ordered[order] for _, order in found), key=lambda node: self.rank(node, spec))

    def _first(self, plan: Plan, allowed: frozenset[int] | None) -> int | None:
        view, stats = plan.view, self.stats
        for key in view.fullest(plan.amounts) if self._pack else view.emptiest(plan.amounts):
            stats.buckets += 1
            members = view.members[key]
            if allowed is None:
                stats.nodes += 1
                return -members[-1]
            for negated in reversed(members):
                stats.nodes += 1
                if -negated in allowed:
                    return -negated
        return None

    def _best_of(self, spec: PodSpec, orders: Iterable[int]) -> NodeState | None:
        fitting = []
        for order in orders:
            self.stats.nodes += 1
            node = self._ordered[order]
            if accepts(node, spec) and node.fits(spec):
                fitting.append(node)
        return min(fitting, key=lambda node: self.rank(node, spec), default=None)

    def rank(self, node: NodeState, spec: PodSpec) -> tuple[tuple[float, ...], int]:
        """Sort key of nodes for a spec, the preferred one first. An unlimited resource counts as unused."""
        sign = -1.0 if self._pack else 1.0
        shares = [
            0.0
            if name in node.unlimited
            else sign * (node.requested.get(name, 0) + amount) / node.allocatable[name]
            for name, amount in zip(spec.resources, spec.amounts, strict=True)
        ]
        return tuple(shares), node.order

    def place(self, node: NodeState, key: Hashable, spec: PodSpec) -> None:
        """Reserve a pod's resources on a node; the caller has made sure that they are free."""
        views = node.node_class.views.values()
        for view in views:
            view.remove(node)
        node.add(Pod(key, spec))
        for view in views:
            view.add(node)
        self._account(spec, 1)

    def remove(self, node: NodeState, key: Hashable) -> PodSpec:
        """Give back the resources of a pod on a node."""
        views = node.node_class.views.values()
        for view in views:
            view.remove(node)
        spec = node.discard(key).spec
        for view in views:
            view.add(node)
        self._account(spec, -1)
        return spec

    def _account(self, spec: PodSpec, sign: int) -> None:
        in_use = self.in_use
        for name, amount in zip(spec.resources, spec.amounts, strict=True):
            in_use[name] = in_use.get(name, 0) + sign * amount

    def room(self, spec: PodSpec, enough: int) -> int:
        """How many pods of a spec would fit at once, at most `enough`."""
        total = 0
        allowed = self._restricted.get(spec)
        for node_class in self._classes.values():
            plan = self.plan(node_class, spec)
            if plan is None:
                continue
            for key in plan.view.emptiest(plan.amounts):
                self.stats.buckets += 1
                members = plan.view.members[key]
                count = len(members) if allowed is None else sum(-negated in allowed for negated in members)
                each = min(
                    (free // amount for free, amount in zip(key, plan.amounts, strict=True)), default=enough
                )
                total += count * each
                if total >= enough:
                    return enough
        return total

    def largest(self, spec: PodSpec) -> int:
        """How many pods of a spec the roomiest node takes when it is empty."""
        most = 0
        for node_class in self._classes.values():
            plan = self.plan(node_class, spec)
            if plan is not None:
                offered = zip(plan.view.resources, plan.amounts, strict=True)
                most = max(most, min((node_class.offered[name] // n for name, n in offered), default=2))
        return most

    def capacity(self, spec: PodSpec, enough: int) -> int:
        """How many pods of a spec would fit if nothing were placed, at most `enough`."""
        total = 0
        allowed = self._restricted.get(spec)
        for node_class in self._classes.values():
            plan = self.plan(node_class, spec)
            if plan is not None:
                members = node_class.members
                count = len(members) if allowed is None else sum(order in allowed for order in members)
                offered = zip(plan.view.resources, plan.amounts, strict=True)
                total += count * min((node_class.offered[name] // n for name, n in offered), default=enough)
        return min(total, enough)

    def candidates(self, spec: PodSpec, told_apart_by: Iterable[frozenset[int]] = ()) -> list[NodeState]:
        """One node of each kind a pod of this spec fits on, the preferred one last.

        Of a kind are nodes of a class with the same requests on them, all inside or all outside of each of
        the sets of orders given.
        """
        sets = tuple(told_apart_by)
        allowed = self._restricted.get(spec)
        kinds: dict[Hashable, NodeState] = {}
        for node_class in self._classes.values():
            plan = self.plan(node_class, spec)
            if plan is None:
                continue
            for key in plan.view.fullest(plan.amounts):
                for negated in reversed(plan.view.members[key]):
                    node = self._ordered[-negated]
                    self.stats.nodes += 1
                    if allowed is None or node.order in allowed:
                        inside = tuple(node.order in orders for orders in sets)
                        kinds.setdefault((node_class.number, inside, frozenset(node.requested.items())), node)
        return sorted(kinds.values(), key=lambda node: self.rank(node, spec), reverse=True)
