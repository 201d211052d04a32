"""Gangs: pods that are placed together or not at all, as Volcano's gang plugin does.

A gang holds nothing while it waits, so two gangs can never wait for each other's nodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.nodes import NodeIndex, accepts
from kubeinfer_sim.cluster.scheduler.objects import Templates
from kubeinfer_sim.cluster.scheduler.pods import PodSpec
from kubeinfer_sim.manifest.model import PodTemplate

#: Nodes tried before the search for places for unlike pods is given up.
SEARCH_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class GangPod:
    """A pod of a gang; `key` is how the caller names it."""

    key: Hashable
    template: PodTemplate
    namespace: str = "default"


@dataclass(slots=True)
class Gang:
    """Pods to be placed all or none. A higher `priority` is placed first."""

    key: Hashable
    pods: tuple[GangPod, ...]
    priority: int = 0


#: What decides whether a gang fits: how many pods it has of each spec. Equal signatures fit equally.
Signature = frozenset[tuple[PodSpec, int]]


def signature_of(gang: Gang, templates: Templates) -> Signature:
    """The signature of a gang."""
    return frozenset(Counter(templates.spec_of(pod.template, pod.namespace) for pod in gang.pods).items())


class GangPlacer:
    """Finds nodes for a gang and reserves them, or leaves everything as it was."""

    def __init__(self, index: NodeIndex, templates: Templates) -> None:
        self._index = index
        self._templates = templates

    def place(self, gang: Gang, prefer: Mapping[Hashable, str]) -> dict[Hashable, str] | None:
        """Reserve a node for each pod of the gang.

        Args:
            gang: none of its pods is placed yet.
            prefer: pod key → name of the node to take if the pod fits there.

        Returns:
            Pod key → node name in the order of the gang's pods; None when the gang does not fit.
        """
        index = self._index
        index.stats.attempts += 1
        placed, missing = self._largest_first(gang, prefer)
        if missing is not None and not self._search(gang, placed):
            self.undo(placed)
            return None
        return {pod.key: placed[pod.key].name for pod in gang.pods}

    def undo(self, placed: dict[Hashable, NodeState]) -> None:
        """Give back what was reserved."""
        for key, node in placed.items():
            self._index.remove(node, key)
        placed.clear()

    def partial(self, gang: Gang) -> tuple[dict[Hashable, NodeState], GangPod | None]:
        """As many of the gang's pods as fit, largest first, reserved; and the first one that does not fit.

        The caller must `undo` it.
        """
        placed, missing = self._largest_first(gang, {}, go_on=True)
        return placed, missing

    def order(self, gang: Gang) -> list[tuple[GangPod, PodSpec]]:
        """The pods with their specs, the hardest first: the largest, then those few nodes accept."""
        pods = [(pod, self._templates.spec_of(pod.template, pod.namespace)) for pod in gang.pods]
        specs = {spec for _, spec in pods}
        for spec in specs:
            self._index.learn(spec)
        if len(specs) > 1:
            choice = {spec: self._accepting(spec) for spec in specs}
            pods.sort(key=lambda item: (_size(item[1]), choice[item[1]]))
        return pods

    def _accepting(self, spec: PodSpec) -> int:
        allowed = self._index.allowed(spec)
        if allowed is not None:
            return len(allowed)
        return sum(len(c.members) for c in self._index.classes if self._index.plan(c, spec) is not None)

    def _largest_first(
        self, gang: Gang, prefer: Mapping[Hashable, str], *, go_on: bool = False
    ) -> tuple[dict[Hashable, NodeState], GangPod | None]:
        index = self._index
        placed: dict[Hashable, NodeState] = {}
        missing: GangPod | None = None
        hopeless: PodSpec | None = None
        pods = self.order(gang)
        for pod, spec in pods if prefer else ():
            wanted = index.nodes.get(prefer.get(pod.key, ""))
            if wanted is not None and accepts(wanted, spec) and wanted.fits(spec):
                index.place(wanted, pod.key, spec)
                placed[pod.key] = wanted
        for pod, spec in pods:
            if spec is hopeless or pod.key in placed:
                continue
            node = index.best(spec)
            if node is not None:
                index.place(node, pod.key, spec)
                placed[pod.key] = node
                continue
            missing = missing or pod
            if not go_on:
                break
            hopeless = spec
        return placed, missing

    def _search(self, gang: Gang, placed: dict[Hashable, NodeState]) -> bool:
        """Look for a placement that taking the largest pods first on the best node each has missed.

        Only gangs of unlike pods can have one: like pods take from each other nothing but places of equal
        worth. Nor has a gang one whose pods of one spec do not fit alone.
        """
        index = self._index
        self.undo(placed)
        pods = self.order(gang)
        counts = Counter(spec for _, spec in pods)
        if len(counts) < 2 or any(index.room(spec, count) < count for spec, count in counts.items()):
            return False
        restrictions = [orders for spec in counts if (orders := index.allowed(spec)) is not None]
        budget = SEARCH_LIMIT
        # One entry per pod placed so far: the nodes still to be tried for it.
        stack: list[list[NodeState]] = [index.candidates(pods[0][1], restrictions)]
        while stack:
            pod, spec = pods[len(stack) - 1]
            if pod.key in placed:
                index.remove(placed.pop(pod.key), pod.key)
            if not stack[-1] or budget <= 0:
                stack.pop()
                continue
            budget -= 1
            node = stack[-1].pop()
            index.place(node, pod.key, spec)
            placed[pod.key] = node
            if len(stack) == len(pods):
                return True
            stack.append(index.candidates(pods[len(stack)][1], restrictions))
        return False


def _size(spec: PodSpec) -> tuple[tuple[int, str, int], ...]:
    """Sort key by size, larger first: accelerators before cpu before memory."""
    return tuple(
        (-1 if "/" in name else 0, name, -amount)
        for name, amount in zip(spec.resources, spec.amounts, strict=True)
    )
