"""The nodes, indexed by what the scheduler asks of them: classes of like nodes, sorted by free resources.

Nodes that differ in nothing a filter looks at form a class, and a filter is asked once per class and pod spec.
In a class the nodes are sorted by the vector of their free resources, once for each set of resources pods ask
for, so that the best node that fits is found by bisection. No operation looks at every node, but for two that are
rare: a constraint on a label nobody asked about before, and one on a label that names nodes (hostname).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from math import gcd, inf

from msgspec import Struct

from kubeinfer_sim.cluster.scheduler.node_class import NodeClass, Plan, accepts
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.npu_rings import Rings
from kubeinfer_sim.cluster.scheduler.plugins import node_affinity
from kubeinfer_sim.cluster.scheduler.plugins.interface import Cluster
from kubeinfer_sim.cluster.scheduler.pods import DEFAULT_PODS, PODS, Pod, PodSpec
from kubeinfer_sim.cluster.scheduler.views import Vector, View
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint

#: A label with more values than this, and than a quarter of the nodes, names nodes, not kinds of nodes.
MANY_VALUES = 32


class Stats(Struct):
    """How much work the scheduler did: what the cost model bounds, for tests to count."""

    nodes: int = 0  # nodes looked at one by one
    classes: int = 0  # (class, spec) pairs the filters were run on
    buckets: int = 0  # groups of equally filled nodes looked at
    attempts: int = 0  # gangs tried
    drawn: int = 0  # pods placed whose nodes chance chose


class NodeIndex:
    """All nodes, in classes; places single pods and takes them back.

    Attributes:
        nodes: by name, in their order.
        cluster: the same nodes for the plugins that look at all of them.
        in_use: how much of each resource is requested by the pods that are placed.
        offered: how much of each resource the nodes offer together, but for those that never run out of it.
        boundless: by resource, how many nodes never run out of it.
        priorities: how many placed pods have each priority.
        specs_with_affinity: the specs of placed pods that have terms about other pods, with how many pods have them.
        drawn: the placed pods whose nodes chance chose among nodes of equal score, by key.
    """

    def __init__(self, nodes: Iterable[NodeSpec], *, pack: bool, cluster: Cluster | None = None) -> None:
        """Index the nodes.

        Args:
            nodes: in the order that breaks ties; names must differ.
            pack: prefer the fullest node a pod fits on (else the emptiest).
            cluster: what plugins know besides the nodes, which are kept up to date in it.
        """
        self.stats = Stats()
        self.nodes: dict[str, NodeState] = {}
        self.in_use: Counter[str] = Counter()
        self.offered: Counter[str] = Counter()
        self.boundless: Counter[str] = Counter()
        self.specs_with_affinity: Counter[PodSpec] = Counter()
        self.priorities: Counter[int] = Counter()
        self.drawn: dict[Hashable, NodeState] = {}
        self._pack = pack
        self._keys: frozenset[str] = frozenset()
        self._naming: dict[str, bool] = {}
        self._registered: set[PodSpec] = set()
        self._restricted: dict[PodSpec, frozenset[int]] = {}
        self._classes: dict[Hashable, NodeClass] = {}
        self._class_of: dict[int, NodeClass] = {}  # by the order of the node
        self._numbers = 0
        self._plans: dict[tuple[PodSpec, bool], list[tuple[NodeClass, Plan]]] = {}
        self._ordered: dict[int, NodeState] = {}
        self._next_order = 0
        for spec in nodes:
            self._enter(self._make(spec))
        self.cluster = Cluster([]) if cluster is None else cluster
        self.cluster.nodes = list(self._ordered.values())

    # -- nodes that come and go --------------------------------------------------------------------

    def _make(self, spec: NodeSpec) -> NodeState:
        if spec.name in self.nodes:
            raise ValueError(f"two nodes are named {spec.name!r}")
        node = self.nodes[spec.name] = self._ordered[self._next_order] = NodeState(
            name=spec.name,
            order=self._next_order,
            labels=spec.labels,
            taints=spec.taints,
            allocatable={PODS: DEFAULT_PODS, **spec.allocatable},
            unlimited=spec.unlimited,
            unschedulable=spec.unschedulable,
            rings=_rings(spec),
        )
        self._next_order += 1
        return node

    def add(self, spec: NodeSpec) -> NodeState:
        """Take in a node that joins, the last in order.

        Raises:
            ValueError: there is a node of this name.
        """
        node = self._make(spec)
        self._enter(node)
        self._judge_by_name(node)
        self.cluster.nodes = list(self._ordered.values())
        return node

    def remove_node(self, name: str) -> NodeState:
        """Let a node go, and what is on it with it; returns it. Raises KeyError for an unknown node."""
        node = self.nodes.pop(name)
        for key in list(node.pods):
            self.remove(node, key)
        self._leave(node)
        del self._ordered[node.order]
        for spec, orders in self._restricted.items():
            self._restricted[spec] = orders - {node.order}
        self.cluster.nodes = list(self._ordered.values())
        return node

    def _judge_by_name(self, node: NodeState) -> None:
        """Whether the specs that are judged node by node accept it, now that it has these labels."""
        for spec, orders in self._restricted.items():
            inside = node_affinity.accepts(spec, node)
            self._restricted[spec] = orders | {node.order} if inside else orders - {node.order}

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
        """It offers what it has, in the class of nodes like it."""
        for resource, amount in node.allocatable.items():
            self.offered[resource] += amount
        for resource in node.unlimited:
            self.boundless[resource] += 1
        self._classify(node)

    def _classify(self, node: NodeState) -> None:
        key = self._class_key(node)
        node_class = self._classes.get(key)
        if node_class is None:
            self._numbers += 1
            node_class = self._classes[key] = NodeClass(self._numbers, node)
            self._plans.clear()
        node_class.add(node)
        self._class_of[node.order] = node_class

    def total(self, resource: str) -> float:
        """How much of a resource all nodes offer together; infinite where one of them never runs out of it."""
        return inf if self.boundless[resource] else self.offered[resource]

    def _leave(self, node: NodeState) -> None:
        for resource, amount in node.allocatable.items():
            self.offered[resource] -= amount
        for resource in node.unlimited:
            self.boundless[resource] -= 1
        node_class = self._class_of.pop(node.order)
        node_class.remove(node)
        if not node_class.members:
            del self._classes[self._class_key(node)]
            self._plans.clear()

    def names_nodes(self, key: str) -> bool:
        """Whether a label has so many values that it tells nodes, not kinds of nodes, apart."""
        known = self._naming.get(key)
        if known is None:
            values = {node.labels.get(key) for node in self._ordered.values()}
            known = self._naming[key] = len(values) > max(MANY_VALUES, len(self._ordered) // 4)
        return known

    def register(self, spec: PodSpec) -> None:
        """Make ready for pods of a spec; must precede every other use of it.

        Costs a look at every node when the spec asks for a label no spec asked for before, or names nodes;
        else nothing.
        """
        if spec in self._registered:
            return
        self._registered.add(spec)
        if spec.by_name or any(self.names_nodes(key) for key in spec.label_keys):
            among = [
                *(
                    self._ordered.values()
                    if spec.names is None
                    else (self.nodes[name] for name in spec.names if name in self.nodes)
                )
            ]
            self.stats.nodes += len(among)
            self._restricted[spec] = frozenset(
                node.order for node in among if node_affinity.accepts(spec, node)
            )
        wanted = {key for key in spec.label_keys | spec.preferred_keys if not self.names_nodes(key)}
        if not wanted <= self._keys:
            self._keys |= wanted
            self.stats.nodes += len(self._ordered)
            self._classes = {}
            self._plans.clear()
            for node in self._ordered.values():
                self._classify(node)

    def plans(self, spec: PodSpec, *, scored: bool = False) -> list[tuple[NodeClass, Plan]]:
        """The classes with nodes that can take a spec when they are empty, and how to look for room there."""
        plans = self._plans.get((spec, scored))
        if plans is None:
            plans = self._plans[spec, scored] = []
            by_node = spec in self._restricted
            for node_class in self._classes.values():
                self.stats.classes += 1
                plan = node_class.plan(spec, by_node=by_node, scored=scored)
                if plan is not None:
                    plans.append((node_class, plan))
        return plans

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
        ring: int | None = None,
    ) -> None:
        """Give a node other properties; those left None stay.

        `allocatable` changes what it names; `ring` says in which ring of the node NPUs come or go.
        """
        self._leave(node)
        if unschedulable is not None:
            node.unschedulable = unschedulable
        if taints is not None:
            node.taints = taints
        if allocatable is not None:
            if node.rings is not None and node.rings.resource in allocatable:
                node.change_npus(
                    allocatable[node.rings.resource] - node.allocatable[node.rings.resource], ring
                )
            node.allocatable = {**node.allocatable, **allocatable}
        if labels is not None:
            node.labels = labels
            self._judge_by_name(node)
        self._enter(node)

    # -- pods --------------------------------------------------------------------------------------

    def place(self, node: NodeState, pod: Pod, *, back: bool = False) -> None:
        """Reserve a pod's resources on a node; the caller has made sure that they are free.

        With `back` the pod was there before, and gets the very NPUs it had.
        """
        views = self._class_of[node.order].views.values()
        for view in views:
            view.remove(node)
        node.add(pod, back=back)
        for view in views:
            view.add(node)
        if pod.drawn:
            self.drawn[pod.key] = node
        self._account(pod, 1)

    def remove(self, node: NodeState, key: Hashable) -> Pod:
        """Give back the resources of a pod on a node."""
        views = self._class_of[node.order].views.values()
        for view in views:
            view.remove(node)
        pod = node.discard(key)
        for view in views:
            view.add(node)
        if pod.drawn:
            del self.drawn[key]
        self._account(pod, -1)
        return pod

    @property
    def lowest_priority(self) -> float:
        """Of all placed pods; infinite without any."""
        lowest = inf
        for priority, pods in self.priorities.items():
            if pods and priority < lowest:
                lowest = priority
        return lowest

    def _account(self, pod: Pod, sign: int) -> None:
        spec, in_use = pod.spec, self.in_use
        self.priorities[pod.priority] += sign
        for name, amount in spec.demand:
            in_use[name] += sign * amount
        if spec.has_pod_affinity:
            self.specs_with_affinity[spec] += sign
            if not self.specs_with_affinity[spec]:
                del self.specs_with_affinity[spec]

    # -- where there is room -------------------------------------------------------------------------

    def best(self, spec: PodSpec) -> NodeState | None:
        """The node a pod of this spec goes to: the fullest (or emptiest) that fits, the first of equal ones.

        Fuller means: a larger share of the resources the pod asks for is in use with the pod there, compared
        resource by resource in the order of `resource_order`.
        """
        allowed = self._restricted.get(spec)
        if allowed is not None and len(allowed) <= MANY_VALUES:
            self.stats.nodes += len(allowed)
            nodes = [self._ordered[order] for order in allowed]
            fitting = [node for node in nodes if accepts(node, spec) and node.fits(spec)]
        else:
            fitting = []
            for _, plan in self.plans(spec):
                view = plan.view
                for key in view.fullest(plan.amounts) if self._pack else view.emptiest(plan.amounts):
                    if (node := self._first_at(view, key, allowed)) is not None:
                        fitting.append(node)
                        break
        if len(fitting) < 2:
            return fitting[0] if fitting else None
        return min(fitting, key=lambda node: self.rank(node, spec))

    def _first_at(self, view: View, key: Vector, allowed: frozenset[int] | None) -> NodeState | None:
        self.stats.buckets += 1
        if allowed is None:
            self.stats.nodes += 1
            return self._ordered[view.first(key)]
        for order in view.orders(key):
            self.stats.nodes += 1
            if order in allowed:
                return self._ordered[order]
        return None

    def rank(self, node: NodeState, spec: PodSpec) -> tuple[tuple[float, ...], int]:
        """Sort key of nodes for a spec, the preferred one first. An unlimited resource counts as unused."""
        sign = -1.0 if self._pack else 1.0
        shares = [
            0.0
            if name in node.unlimited
            else sign * (node.requested.get(name, 0) + amount) / node.allocatable[name]
            for name, amount in spec.demand
        ]
        return tuple(shares), node.order

    def kinds(self, spec: PodSpec) -> dict[NodeState, tuple[View, Vector]]:
        """The first node of each kind a pod of this spec fits on, with where the nodes of that kind are.

        Nodes of a kind have equal scores.
        """
        allowed = self._restricted.get(spec)
        firsts = [
            (node, plan.view, key)
            for _, plan in self.plans(spec, scored=True)
            for key in plan.view.emptiest(plan.amounts)
            if (node := self._first_at(plan.view, key, allowed)) is not None
        ]
        return {node: (view, key) for node, view, key in sorted(firsts, key=lambda each: each[0].order)}

    def some(
        self, spec: PodSpec, kinds: Sequence[tuple[View, Vector]], fraction: float
    ) -> tuple[NodeState, int]:
        """One of the nodes of these kinds on which a pod of this spec may be, and among how many.

        Which one, a number in [0, 1) says.
        """
        allowed = self._restricted.get(spec)
        numbers = [
            view.count(key) if allowed is None else len(allowed.intersection(view.orders(key)))
            for view, key in kinds
        ]
        among = sum(numbers)
        place = fraction * among
        for (view, key), number in zip(kinds, numbers, strict=True):
            if place < number:
                return self._ordered[view.some(key, place / number, allowed)], among
            place -= number
        raise ValueError("no node is of these kinds")

    def takes(self, node: NodeState, spec: PodSpec) -> bool:
        """Whether one more pod of this spec finds its place on a node; its neighbours are not looked at."""
        if not node.fits(spec):
            return False
        if spec in self._restricted:
            return accepts(node, spec)
        return self._class_of[node.order].plan(spec, by_node=False) is not None

    def _with_room(self, spec: PodSpec) -> Iterator[tuple[Vector, Plan]]:
        for _, plan in self.plans(spec):
            for key in plan.view.emptiest(plan.amounts):
                self.stats.buckets += 1
                yield key, plan

    def room(self, spec: PodSpec, enough: int) -> int:
        """How many pods of a spec would fit at once, at most `enough`; their neighbours are not looked at."""
        total = 0
        allowed = self._restricted.get(spec)
        for _, plan in self.plans(spec):
            view = plan.view
            for key in view.emptiest(plan.amounts):
                self.stats.buckets += 1
                nodes = view.count(key) if allowed is None else len(allowed.intersection(view.orders(key)))
                total += nodes * plan.pods_that_fit(key, enough)
                if total >= enough:
                    return enough
        return total

    def too_little_for(self, counts: Mapping[PodSpec, int]) -> bool:
        """Whether pods of several specs plainly ask for more of one resource together than is left for them.

        What is left on a node counts in whole multiples of what divides all the requests.
        """
        for resource in {spec.main_request[0] for spec in counts}:
            group = {spec: n for spec, n in counts.items() if spec.main_request[0] == resource}
            step = gcd(*(spec.main_request[1] for spec in group))
            demand = sum(spec.main_request[1] * n for spec, n in group.items())
            classes = {node_class: plan for spec in group for node_class, plan in self.plans(spec)}
            for node_class, plan in classes.items():
                if resource in node_class.unlimited:
                    demand = 0
                    break
                for key in reversed(plan.view.keys):
                    if key[0] < step or demand <= 0:
                        break
                    self.stats.buckets += 1
                    demand -= key[0] // step * step * plan.view.count(key)
            if demand > 0:
                return True
        return False

    def capacity(self, spec: PodSpec, enough: int) -> int:
        """How many pods of a spec would fit if nothing were placed, at most `enough`."""
        total = 0
        allowed = self._restricted.get(spec)
        for node_class, plan in self.plans(spec):
            members = node_class.members
            count = len(members) if allowed is None else sum(order in allowed for order in members)
            total += count * _pods_on_empty(node_class, plan, enough)
        return min(total, enough)

    def largest(self, spec: PodSpec) -> int:
        """How many pods of a spec the roomiest node takes when it is empty; 2 stands for more than one."""
        return max((_pods_on_empty(node_class, plan, 2) for node_class, plan in self.plans(spec)), default=0)

    def candidates(self, spec: PodSpec, distinguished_by: Iterable[frozenset[int]] = ()) -> list[NodeState]:
        """One node of each kind a pod of this spec fits on, the preferred one last.

        Of a kind are nodes of a class with the same requests on them, all inside or all outside of each of
        the sets of orders given.
        """
        sets = tuple(distinguished_by)
        allowed = self._restricted.get(spec)
        kinds: dict[Hashable, NodeState] = {}
        for key, plan in self._with_room(spec):
            for order in plan.view.orders(key):
                self.stats.nodes += 1
                if allowed is None or order in allowed:
                    node = self._ordered[order]
                    inside = tuple(order in orders for orders in sets)
                    kind = self._class_of[order].number, inside, frozenset(node.requested.items())
                    kinds.setdefault(kind, node)
        return sorted(kinds.values(), key=lambda node: self.rank(node, spec), reverse=True)


def _pods_on_empty(node_class: NodeClass, plan: Plan, enough: int) -> int:
    """How many times what a plan needs goes into an empty node."""
    return plan.pods_that_fit([node_class.offered[name] for name in plan.view.resources], enough)


def _rings(spec: NodeSpec) -> Rings | None:
    topology = spec.npu_topology
    if topology is None:
        return None
    return Rings(topology.resource, topology.ring, spec.allocatable.get(topology.resource, 0))
