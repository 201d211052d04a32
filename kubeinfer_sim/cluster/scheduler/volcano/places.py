"""The nodes as one cycle sees them: what is free, what is being released, and what was promised in this cycle.

Source: pkg/scheduler/actions/allocate/allocate.go (prioritizeNodes, allocateResourcesForTask), api/node_info.go
(FutureIdle): a pod goes to a node with room, else to one that will have room once pods that terminate there are gone.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from kubeinfer_sim.cluster.scheduler.choice import NodeChoice
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.pods import Pod, PodSpec

#: A node, and whether it has room now (else: once pods that terminate there are gone).
Place = tuple[NodeState, bool]


class Places:
    """Finds places and takes them; `close` leaves the nodes as if nothing had been looked at.

    Args:
        index: the nodes.
        choice: which of them a pod gets.
        releasing: pods that terminate and still hold what they hold, with their nodes.
    """

    def __init__(self, index: NodeIndex, choice: NodeChoice, releasing: Mapping[Hashable, NodeState]) -> None:
        self._index = index
        self._choice = choice
        self._releasing = dict(releasing)
        self._lifted: dict[Hashable, Pod] = {}
        # Specs that no node has room for now: whatever is given back, and until then.
        self._without_room: set[PodSpec] = set()
        self._without_room_yet: set[PodSpec] = set()
        self._tentative = 0

    def find(self, pod: Pod, prefer: str = "") -> Place | None:
        """Where a pod goes; None when no node has room for it, or will have."""
        wanted = self._index.nodes.get(prefer)
        if pod.spec not in self._without_room and pod.spec not in self._without_room_yet:
            self._lower()
            if wanted is not None and self._choice.takes(wanted, pod):
                pod.drawn = False
                return wanted, True
            node = self._choice.best(pod)
            if node is not None:
                return node, True
            if self._choice.is_independent(pod.spec):
                (self._without_room_yet if self._tentative else self._without_room).add(pod.spec)
        if not self._releasing:
            return None
        self._lift()
        if wanted is not None and self._choice.takes(wanted, pod):
            return wanted, False
        node = self._choice.best(pod)
        return None if node is None else (node, False)

    def take(self, pod: Pod, node: NodeState) -> None:
        """The pod counts on the node from now on, unless it is given back before all is kept."""
        self._index.place(node, pod)
        self._tentative += 1

    def keep(self) -> None:
        """What was taken since then is not given back before the end."""
        self._tentative = 0
        self._without_room |= self._without_room_yet
        self._without_room_yet.clear()

    def give_back(self, pod: Pod, node: NodeState) -> None:
        """It does not."""
        self._index.remove(node, pod.key)
        self._tentative -= 1
        self._without_room_yet.clear()

    def releases(self, pod: Pod, node: NodeState) -> None:
        """A pod there is to be evicted: what it holds will be free."""
        self._lower()
        self._releasing[pod.key] = node

    def keeps(self, pod: Pod) -> None:
        """It is not."""
        self._lower()
        del self._releasing[pod.key]

    def will_have_room(self, node: NodeState, pod: Pod) -> bool:
        """Whether a node has room for a pod once those that terminate there are gone."""
        self._lift()
        return self._choice.takes(node, pod)

    def close(self) -> None:
        """No more is looked for."""
        self._lower()

    def _lift(self) -> None:
        """Look at the nodes without what terminates there."""
        if not self._lifted:
            for key, node in self._releasing.items():
                self._lifted[key] = self._index.remove(node, key)

    def _lower(self) -> None:
        for key, pod in self._lifted.items():
            self._index.place(self._releasing[key], pod, back=True)
        self._lifted.clear()

    def __contains__(self, pod: object) -> bool:
        return pod in self._releasing
