"""Places that room is being made for: the nodes that the pods of a gang were nominated to when it had others evicted.

As kube-scheduler has it (`status.nominatedNodeName`; addNominatedPods in pkg/scheduler/framework/runtime): a nominated
pod counts on its node for every pod but those of higher priority, so that neither a victim's replacement nor anybody
else of no more importance takes what is made free for it, or what is free already and it will use. Pods of a higher
priority do not see it; where one of them takes the place, the nomination is void.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from kubeinfer_sim.cluster.scheduler.gang import Gang
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.pods import Pod


class Nomination(Struct, eq=False):
    """A gang that waits until its victims are gone.

    Attributes:
        places: what counts on the nodes meanwhile, one for each of its pods.
        nodes: pod key → node name.
        victims: keys of the pods that have yet to go.
    """

    gang: Gang
    places: list[tuple[Pod, NodeState]]
    nodes: dict[Hashable, str]
    victims: set[Hashable]


class Nominations:
    """The nominations in force.

    Attributes:
        in_force: by the key of the gang.
    """

    def __init__(self, index: NodeIndex) -> None:
        self._index = index
        self.in_force: dict[Hashable, Nomination] = {}

    def __contains__(self, gang_key: object) -> bool:
        return gang_key in self.in_force

    def nodes_of(self, gang_key: Hashable) -> dict[Hashable, str]:
        """Pod key → the node a gang's pod was nominated to; empty without a nomination."""
        nomination = self.in_force.get(gang_key)
        return {} if nomination is None else nomination.nodes

    def waits(self, gang_key: Hashable) -> bool:
        """Whether a gang was nominated, and some victim has yet to go."""
        nomination = self.in_force.get(gang_key)
        return nomination is not None and bool(nomination.victims)

    def due(self) -> list[Gang]:
        """The gangs whose victims are all gone, the most important first."""
        due = [each.gang for each in self.in_force.values() if not each.victims]
        return sorted(due, key=lambda gang: -gang.priority)

    def add(self, gang: Gang, pods: Sequence[tuple[Pod, NodeState]], victims: Collection[Hashable]) -> None:
        """Nominate a gang's pods, each to its node, where the victims still are."""
        places = [(Pod(("nominated", pod.key), pod.spec, pod.priority), node) for pod, node in pods]
        nodes = {pod.key: node.name for pod, node in pods}
        self.in_force[gang.key] = Nomination(gang, places, nodes, set(victims))
        for pod, node in places:
            self._index.place(node, pod)

    def on(self, node: str) -> list[Hashable]:
        """Keys of the gangs some of whose pods are nominated to a node."""
        return [key for key, each in self.in_force.items() if node in each.nodes.values()]

    def drop(self, gang_key: Hashable) -> list[NodeState]:
        """A gang does not want its places any more; returns their nodes."""
        nomination = self.in_force.pop(gang_key, None)
        return [] if nomination is None else self._lift(nomination)

    def gone(self, pod_key: Hashable) -> None:
        """A pod is gone, which may have been somebody's victim."""
        for nomination in self.in_force.values():
            nomination.victims.discard(pod_key)

    @contextmanager
    def unseen_by(self, gang: Gang) -> Iterator[None]:
        """What a gang does not see counts nowhere meanwhile: its own nomination, and those of less important ones."""
        lifted = [
            each for each in self.in_force.values() if each.gang is gang or each.gang.priority < gang.priority
        ]
        for nomination in lifted:
            self._lift(nomination)
        try:
            yield
        finally:
            for nomination in lifted:
                if self.in_force.get(nomination.gang.key) is nomination:
                    for pod, node in nomination.places:
                        self._index.place(node, pod, back=True)

    def taken(self, gang: Gang, nodes: Collection[str]) -> None:
        """A gang gets places on these nodes, while it sees what it may: what it did not see there is void."""
        void = [
            key
            for key, each in self.in_force.items()
            if each.gang is gang
            or (each.gang.priority < gang.priority and not set(nodes).isdisjoint(each.nodes.values()))
        ]
        for key in void:
            del self.in_force[key]

    def _lift(self, nomination: Nomination) -> list[NodeState]:
        for pod, node in nomination.places:
            self._index.remove(node, pod.key)
        return [node for _, node in nomination.places]
