"""Gangs: pods that are placed together or not at all, as Volcano's gang plugin does.

A gang holds nothing while it waits, so two gangs can never wait for each other's nodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping

from msgspec import Struct

from kubeinfer_sim.cluster.scheduler.choice import NodeChoice
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.objects import Templates
from kubeinfer_sim.cluster.scheduler.pods import Owner, Pod, PodSpec
from kubeinfer_sim.manifest.model import PodTemplate

#: Nodes looked at before the search for places that are not the best of each pod is given up.
SEARCH_LIMIT = 20_000


class GangPod(Struct, frozen=True):
    """A pod of a gang; `key` is how the caller names it, `owner` the controller by which pods are spread."""

    key: Hashable
    template: PodTemplate
    namespace: str = "default"
    owner: Owner | None = None


class Gang(Struct):
    """Pods to be placed all or none.

    Attributes:
        priority: a higher one is placed first.
        preempts: pods of lower priority are evicted where it finds no place.
    """

    key: Hashable
    pods: tuple[GangPod, ...]
    priority: int = 0
    preempts: bool = False


#: What decides whether a gang fits: how many pods it has of each spec. Equal signatures fit equally.
Signature = frozenset[tuple[PodSpec, int]]


def signature_of(gang: Gang, templates: Templates) -> Signature:
    """The signature of a gang."""
    counts: dict[PodSpec, int] = {}
    for pod in gang.pods:
        spec = templates.spec_of(pod.template, pod.namespace, pod.owner)
        counts[spec] = counts.get(spec, 0) + 1
    return frozenset(counts.items())


#: Where the pods of a gang are, by key.
Placed = dict[Hashable, NodeState]


class GangPlacer:
    """Finds nodes for a gang and reserves them, or leaves everything as it was.

    Attributes:
        now: when pods that are placed now are started, in s.
    """

    now = 0.0

    def __init__(self, index: NodeIndex, templates: Templates, choice: NodeChoice) -> None:
        self._index = index
        self._templates = templates
        self._choice = choice

    def place(self, gang: Gang, prefer: Mapping[Hashable, str]) -> dict[Hashable, str] | None:
        """Reserve a node for each pod of the gang.

        Args:
            gang: none of its pods is placed yet.
            prefer: pod key → name of the node to take if the pod fits there.

        Returns:
            Pod key → node name in the order of the gang's pods; None when the gang does not fit.
        """
        self._index.stats.attempts += 1
        placed = self.find(self.order(gang), prefer)
        return None if placed is None else {pod.key: placed[pod.key].name for pod in gang.pods}

    def find(self, pods: list[Pod], prefer: Mapping[Hashable, str]) -> Placed | None:
        """Reserve a node for each of these pods, the hardest to place first; None, and nothing, when one finds none."""
        placed: Placed = {}
        if self._hardest_first(pods, prefer, placed):
            return placed
        self.undo(placed)
        return placed if self._search(pods, placed) else None

    def undo(self, placed: Placed) -> None:
        """Give back what was reserved."""
        for key, node in placed.items():
            self._index.remove(node, key)
        placed.clear()

    def partial(self, gang: Gang) -> tuple[Placed, Pod | None]:
        """As many of the gang's pods as fit, hardest first, reserved; and the first one that does not fit.

        The caller must `undo` it.
        """
        placed: Placed = {}
        missing: Pod | None = None
        unplaceable: set[PodSpec] = set()
        for pod in self.order(gang):
            if pod.spec in unplaceable:
                continue
            node = self._choice.best(pod)
            if node is None:
                missing = missing or pod
                unplaceable.add(pod.spec)
            else:
                self._reserve(pod, node, placed)
        return placed, missing

    def order(self, gang: Gang) -> list[Pod]:
        """The pods, the hardest to place first.

        Pods that want to be near others come last, large ones before small ones, and of equal ones those
        that few nodes accept.
        """
        pods = [
            Pod(
                pod.key,
                self._templates.spec_of(pod.template, pod.namespace, pod.owner),
                gang.priority,
                self.now,
                never_preempts=not pod.template.preempts,
            )
            for pod in gang.pods
        ]
        specs = {pod.spec for pod in pods}
        for spec in specs:
            self._index.register(spec)
        if len(specs) > 1:
            rank = {spec: (bool(spec.affinity), spec.size, self._accepting(spec)) for spec in specs}
            pods.sort(key=lambda pod: rank[pod.spec])
        return pods

    def _accepting(self, spec: PodSpec) -> int:
        allowed = self._index.allowed(spec)
        if allowed is not None:
            return len(allowed)
        return sum(len(node_class.members) for node_class, _ in self._index.plans(spec))

    def _reserve(self, pod: Pod, node: NodeState, placed: Placed) -> None:
        self._index.place(node, pod)
        placed[pod.key] = node

    def _hardest_first(self, pods: list[Pod], prefer: Mapping[Hashable, str], placed: Placed) -> bool:
        """Place each pod on its preferred, else on its best node; whether all found one."""
        for pod in pods if prefer else ():
            wanted = self._index.nodes.get(prefer.get(pod.key, ""))
            if wanted is not None and self._choice.takes(wanted, pod):
                self._reserve(pod, wanted, placed)
        for pod in pods:
            if pod.key not in placed:
                node = self._choice.best(pod)
                if node is None:
                    return False
                self._reserve(pod, node, placed)
        return True

    def _search(self, pods: list[Pod], placed: Placed) -> bool:
        """Look for a placement that the best node of each pod has missed.

        Only gangs of unlike pods, or of pods that look at each other, can have one: other pods take from each
        other nothing but places of equal worth. Nor has a gang one whose pods of one spec do not fit alone.
        """
        index, choice = self._index, self._choice
        counts = Counter(pod.spec for pod in pods)
        tied = any(spec.needs_neighbours for spec in counts) or not all(map(choice.is_independent, counts))
        if len(counts) < 2 and not tied:
            return False
        if index.too_little_for(counts) or any(index.room(spec, n) < n for spec, n in counts.items()):
            return False
        restrictions = [orders for spec in counts if (orders := index.allowed(spec)) is not None]

        def candidates(pod: Pod) -> list[NodeState]:
            return choice.feasible(pod) if tied else index.candidates(pod.spec, restrictions)

        limit = index.stats.nodes + SEARCH_LIMIT
        # One entry per pod placed so far: the nodes still to be tried for it.
        stack = [candidates(pods[0])]
        while stack:
            pod = pods[len(stack) - 1]
            if pod.key in placed:
                index.remove(placed.pop(pod.key), pod.key)
            if not stack[-1] or index.stats.nodes > limit:
                stack.pop()
                continue
            self._reserve(pod, stack[-1].pop(), placed)
            if len(stack) == len(pods):
                return True
            stack.append(candidates(pods[len(stack)]))
        return False
