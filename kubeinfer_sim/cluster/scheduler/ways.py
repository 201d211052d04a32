"""What would give pods that wait a place: each step is played by the placement itself, on the nodes as they are.

Nothing is changed in the end. Gangs that come before the pods in their queue take their places first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import combinations, product
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.cluster.node import NOT_READY, UNREACHABLE
from kubeinfer_sim.cluster.records import NodeVerdict, Step
from kubeinfer_sim.cluster.scheduler.messages import is_shortage
from kubeinfer_sim.cluster.scheduler.node_class import accepts
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins import (
    inter_pod_affinity,
    node_affinity,
    node_ports,
    node_unschedulable,
    pod_topology_spread,
    taint_toleration,
)
from kubeinfer_sim.cluster.scheduler.pods import Pod, PodSpec
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint

#: Reserves a node for each pod; None, and nothing, when one finds none.
Find = Callable[[list[Pod]], Mapping[Hashable, NodeState] | None]
#: What nodes are told apart by and nobody changes: their kubelets set it.
OWN_NAMES = frozenset({"metadata.name", "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch"})
#: Taints that the node controller takes away when their node is back.
_OF_ABSENCE = (NOT_READY, UNREACHABLE)
#: How many steps are taken together at most, and how many single nodes or pods are tried.
_MOST_TOGETHER, _MOST_TRIED = 3, 12
#: How the reasons of nodes begin, with the step that would have such nodes take the pod.
_STEPS: tuple[tuple[str, Any], ...] = (
    (node_unschedulable.REASON, "uncordon"),
    (taint_toleration.REASON, "taint"),
    (node_affinity.REASON, "label"),
    (inter_pod_affinity.REASON_AFFINITY, "beside"),
    (inter_pod_affinity.REASON_ANTI_AFFINITY, "apart"),
    (inter_pod_affinity.REASON_EXISTING, "apart"),
    (pod_topology_spread.REASON_NO_LABEL, "spread topology"),
    (pod_topology_spread.REASON, "spread"),
    (node_ports.REASON, "port"),
    ("node(s) didn't have enough", "rings"),
)
#: Fields of a spec without which it has no such constraint.
_WITHOUT: Mapping[str, Mapping[str, Any]] = {
    "label": {"node_selector": {}, "required_affinity": None},
    "other nodes": {"node_selector": {}, "required_affinity": None},
    "other port": {"host_ports": ()},
    "beside": {"affinity": ()},
    "topology": {"affinity": ()},
    "spread topology": {"spread": ()},
    "spread": {"spread": ()},
}


class Waiting(Struct, frozen=True):
    """Pods that wait, and what is around them.

    Attributes:
        pods: in the order in which they are placed.
        find: how they are.
        ahead: the gangs that come before them, each with how it is placed.
        verdicts: why nodes turn them down.
        may_end: the placed pods that somebody could end without making them anew.
        older: of the pods of one workload, those of each instance of an older revision.
        returning: the pods that go when their node, which is away, is back.
    """

    pods: Sequence[Pod]
    find: Find
    ahead: Sequence[tuple[Find, Sequence[Pod]]]
    verdicts: Sequence[NodeVerdict]
    may_end: Sequence[Hashable]
    older: Sequence[Sequence[Hashable]]
    returning: Mapping[str, Sequence[Hashable]]


class Ways:
    """Tries what would give pods a place.

    Args:
        index: the nodes, left as they were.
        where: the node of a placed pod.
        offer: the specs of nodes that could be added.
    """

    def __init__(
        self,
        index: NodeIndex,
        where: Callable[[Hashable], NodeState | None],
        offer: Callable[[], Sequence[NodeSpec]],
    ) -> None:
        self._index = index
        self._where = where
        self._offer = offer

    def of(self, waiting: Waiting) -> tuple[tuple[Step, ...], ...]:
        """The ways, those of fewest steps first; of each way every step is needed. More nodes are the last.

        Pods that ask for nodes by their names, which no other node can have, could ask for others instead; for another
        port those that ask for one which is taken on each node there can be.
        """
        steps = list(dict.fromkeys(self._steps(waiting)))
        ways: list[tuple[Step, ...]] = []
        for size in range(1, min(len(steps), _MOST_TOGETHER) + 1):
            for together in combinations(steps, size):
                if any(set(way) <= set(together) for way in ways) or not self._suffices(waiting, together):
                    continue
                ways.append(together)
        nodes = self._more_nodes(waiting)
        if not ways and nodes is None:
            asked = [(step,) for step in self._asked_otherwise(waiting) if self._suffices(waiting, (step,))]
            return tuple(asked[:1])
        return (*(self._least(waiting, way) for way in ways), *([(nodes,)] if nodes is not None else []))

    def old_makes_room(self, waiting: Waiting) -> bool:
        """Whether one instance (or pod) of an older revision less would give them places."""
        return any(self._fit(waiting, ending=each) for each in waiting.older[:_MOST_TRIED])

    # -- the steps ---------------------------------------------------------------------------------------------

    def _steps(self, waiting: Waiting) -> Iterator[Step]:
        reasons = [(reason, verdict) for verdict in waiting.verdicts for reason in verdict.reasons]
        closed = [name for name, node in self._index.nodes.items() if self._is_closed(node, waiting)]
        if closed or any(is_shortage(reason) for reason, _ in reasons):
            yield Step("fewer pods")  # of a node that is cordoned nothing is said of what is on it
        if closed:
            yield Step("uncordon", tuple(closed))
        if away := [node for verdict in waiting.verdicts for node in verdict.away]:
            yield Step("return", tuple(away))
        away_or_closed = {*away, *closed}
        for reason, verdict in reasons:
            if set(verdict.nodes) <= away_or_closed and not any(map(self._own_taints, verdict.nodes)):
                continue
            for start, what in _STEPS:
                if reason.startswith(start) and what != "uncordon" and not self._is_fixed(what, waiting):
                    yield Step("topology" if what == "beside" and self._lacks_topology(waiting) else what)

    def _asked_otherwise(self, waiting: Waiting) -> Iterator[Step]:
        if self._is_fixed("label", waiting):
            yield Step("other nodes")
        if any(node_ports.REASON in verdict.reasons for verdict in waiting.verdicts):
            yield Step("other port")

    def _own_taints(self, name: str) -> tuple[Taint, ...]:
        """Those of a node that do not go when it is back."""
        node = self._index.nodes.get(name)
        return () if node is None else tuple(filter(_stays, node.taints))

    def _is_closed(self, node: NodeState, waiting: Waiting) -> bool:
        return node.unschedulable and not all(
            node_unschedulable.takes(True, pod.spec.tolerations) for pod in waiting.pods
        )

    def _lacks_topology(self, waiting: Waiting) -> bool:
        """Whether the pods may be beside one another alone, and no node has the label that says what that is."""
        terms = [(term, pod.spec) for pod in waiting.pods for term in pod.spec.affinity]
        nodes = self._index.nodes.values()
        return all(term.matches(spec, {}) for term, spec in terms) and not all(
            any(key in node.labels for node in nodes) for key in {term.topology_key for term, _ in terms}
        )

    @staticmethod
    def _is_fixed(what: str, waiting: Waiting) -> bool:
        """Whether the pods ask for nodes by what nobody changes."""
        return what == "label" and any(
            pod.spec.by_name or OWN_NAMES & pod.spec.label_keys for pod in waiting.pods
        )

    def _suffices(self, waiting: Waiting, steps: Sequence[Step]) -> bool:
        return self._place(waiting, steps) is not None

    def _least(self, waiting: Waiting, way: tuple[Step, ...]) -> tuple[Step, ...]:
        """The way with as few nodes and pods as a greedy search finds."""
        for place, step in enumerate(way):
            if step.what in ("uncordon", "return"):
                nodes = step.nodes
                for name in reversed(step.nodes) if len(step.nodes) <= _MOST_TRIED else ():
                    fewer = tuple(each for each in nodes if each != name)
                    trial = [*way[:place], step._replace(nodes=fewer), *way[place + 1 :]]
                    if fewer and self._suffices(waiting, trial):
                        nodes = fewer
                way = (*way[:place], step._replace(nodes=nodes), *way[place + 1 :])
            elif step.what == "label":
                where = self._place(waiting, way) or {}
                specs = {pod.key: pod.spec for pod in waiting.pods}
                anew = {node.name for key, node in where.items() if not accepts(node, specs[key])}
                way = (*way[:place], step._replace(number=len(anew)), *way[place + 1 :])
            elif step.what in ("apart", "port") and len(way) == 1:
                one = any(self._fit(waiting, ending=[key]) for key in waiting.may_end[:_MOST_TRIED])
                way = (step._replace(number=1 if one else 2),)
        return way

    # -- playing them ------------------------------------------------------------------------------------------

    def _place(self, waiting: Waiting, steps: Sequence[Step]) -> dict[Hashable, NodeState] | None:
        """Where the pods would go with these steps taken; None when they would not all have a place."""
        ending: list[Hashable] = []
        without: dict[str, Any] = {}
        with ExitStack() as changes:
            for step in steps:
                without |= _WITHOUT.get(step.what, {})
                match step.what:
                    case "fewer pods" | "apart" | "port" | "rings":
                        ending += waiting.may_end
                    case "uncordon":
                        changes.enter_context(self._changed(step.nodes, unschedulable=False))
                    case "return":
                        ending += [key for name in step.nodes for key in waiting.returning.get(name, ())]
                        for name in step.nodes:
                            changes.enter_context(self._changed([name], taints=self._own_taints(name)))
                    case "taint":
                        for name, node in self._index.nodes.items():
                            if self._own_taints(name):
                                kept = tuple(each for each in node.taints if each.key in _OF_ABSENCE)
                                changes.enter_context(self._changed([name], taints=kept))
            return self._fit(waiting, ending=ending, without=without)

    @contextmanager
    def _changed(self, names: Sequence[str], **properties: Any) -> Iterator[None]:
        before = {
            node: {name: getattr(node, name) for name in properties}
            for each in names
            if (node := self._index.nodes.get(each)) is not None
        }
        for node in before:
            self._index.change(node, **properties)
        try:
            yield
        finally:
            for node, kept in before.items():
                self._index.change(node, **kept)

    @contextmanager
    def _ended(self, pods: Sequence[Hashable]) -> Iterator[None]:
        lifted = [
            (node, self._index.remove(node, key))
            for key in dict.fromkeys(pods)
            if (node := self._where(key)) is not None
        ]
        try:
            yield
        finally:
            for node, pod in lifted:
                self._index.place(node, pod, back=True)

    def _fit(
        self,
        waiting: Waiting,
        *,
        ending: Sequence[Hashable] = (),
        without: Mapping[str, Any] | None = None,
        alone: bool = False,
    ) -> dict[Hashable, NodeState] | None:
        """Where the pods go once those `ending` are gone; `alone`: before all that come first."""
        pods = [self._relaxed(pod, without or {}) for pod in waiting.pods]
        placed: list[Mapping[Hashable, NodeState]] = []
        refused: set[frozenset[tuple[PodSpec, int]]] = set()
        with self._ended(ending):
            for find, gang in () if alone else waiting.ahead:
                signature = frozenset(Counter(pod.spec for pod in gang).items())
                if signature in refused:
                    continue
                found = find([self._relaxed(pod, {}) for pod in gang])
                if found is None:
                    refused.add(signature)
                else:
                    placed.append(found)
            own = waiting.find(pods)
            for each in [*placed, *([] if own is None else [own])]:
                for key, node in each.items():
                    self._index.remove(node, key)
        return None if own is None else dict(own)

    def _relaxed(self, pod: Pod, without: Mapping[str, Any]) -> Pod:
        spec = replace(pod.spec, **without) if without else pod.spec
        self._index.register(spec)
        return Pod(pod.key, spec, pod.priority, pod.started, never_preempts=pod.never_preempts)

    # -- nodes that join ---------------------------------------------------------------------------------------

    def _more_nodes(self, waiting: Waiting) -> Step | None:
        """Nodes like those that are there, or larger ones; None where they would not help either."""
        offered = self._offer()
        known = set(self._index.nodes)
        named = {name for pod in waiting.pods for name in (pod.spec.names or ())}
        hosts = {pod.spec.node_selector.get("kubernetes.io/hostname", "") for pod in waiting.pods} - {""}
        missing = tuple(sorted({*named, *hosts} - known))
        if (named or hosts) and not missing:
            return None
        free_of_labels = _WITHOUT["label"]
        nothing: Mapping[str, Any] = {}
        tainted = (
            (True, False) if any(_stays(taint) for spec in offered for taint in spec.taints) else (True,)
        )
        for without, taints in product((nothing, free_of_labels), tainted):
            with self._joined(offered, len(waiting.pods), taints=taints):
                if self._fit(waiting, without=without, alone=True) is not None:
                    if without and not missing:
                        return Step("nodes so")
                    return Step("nodes" if taints else "nodes untainted", missing)
        asked = {name for pod in waiting.pods for name in pod.spec.requests}
        boundless = [replace(spec, unlimited=spec.unlimited | asked) for spec in offered[:1]]
        with self._joined(boundless, len(waiting.pods), taints=False):
            if self._fit(waiting, without=free_of_labels, alone=True) is not None:
                return Step("larger nodes")
        return None

    @contextmanager
    def _joined(self, specs: Sequence[NodeSpec], number: int, *, taints: bool) -> Iterator[None]:
        """Nodes of these kinds join, with the pods that DaemonSets have on them; with their `taints`, or without."""
        names = []
        for spec in specs:
            like = self._index.nodes.get(spec.name)
            # Only the controller of DaemonSets ties a pod to one node by its name (matchFields).
            daemons = [] if like is None else [pod for pod in like.pods.values() if pod.spec.names]
            kept = tuple(filter(_stays, spec.taints)) if taints else ()
            for each in range(number):
                name = f"{spec.name}+{each}"
                labels = {**spec.labels, "kubernetes.io/hostname": name}
                node = self._index.add(
                    replace(spec, name=name, labels=labels, taints=kept, unschedulable=False)
                )
                names.append(name)
                for pod in daemons:
                    self._index.place(node, Pod((name, pod.key), pod.spec, pod.priority))
        try:
            yield
        finally:
            for name in names:
                self._index.remove_node(name)


def _stays(taint: Taint) -> bool:
    """Whether a taint is on a node for good, and does not go when the node is back."""
    return taint.key not in _OF_ABSENCE
