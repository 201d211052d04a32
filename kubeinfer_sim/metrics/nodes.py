"""What became of nodes that failed and of drains, and when the control plane noticed and acted."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from kubeinfer_sim.cluster.records import (
    DrainEnded,
    DrainGoesOn,
    DrainHeld,
    GangScheduled,
    NodeDrained,
    NodeFailed,
    NodeJoined,
    NodeReadyChanged,
    NodeRemoved,
    NodeReturned,
    NodeTainted,
    PodDeleting,
    PodGone,
    PodRef,
    ZoneStateChanged,
)
from kubeinfer_sim.engine.meter import End, Handlers


class NodeOutage(Struct):
    """One failure of a machine; times in ms, None for what never came.

    Attributes:
        heard: the last heartbeat before it.
        noticed: its Ready condition was not True any more.
        tainted: it got a NoExecute taint.
        evicted: the first of its pods was deleted.
        returned: its kubelet was heard again.
        removed: somebody deleted the node's object meanwhile.
    """

    node: str
    mode: str
    at: int
    heard: int | None = None
    noticed: int | None = None
    tainted: int | None = None
    evicted: int | None = None
    returned: int | None = None
    removed: int | None = None


class NodeChange(Struct, frozen=True):
    """A node joined, or was removed; the cluster has so many nodes and NPUs then."""

    node: str
    at: int
    joined: bool
    nodes: int
    npus: int


class DrainRun(Struct):
    """One drain of a node.

    Attributes:
        held: what holds it back, "" when nothing does; `held_since` when something did first, ms.
        unhealthy: the pods that the budget which holds it lacks.
        pods_help: whether more healthy pods would let it go on.
        repeated: it failed, and a later one has emptied the node.
    """

    node: str
    at: int
    ended: int | None = None
    held: str = ""
    held_since: int | None = None
    unhealthy: tuple[str, ...] = ()
    pods_help: bool = False
    errors: tuple[str, ...] = ()
    repeated: bool = False

    @property
    def complaint(self) -> str:
        """Why it has not emptied the node; "" when it has."""
        if self.ended is None:
            return self.held or "its pods do not go"
        return "; ".join(self.errors)

    @property
    def in_vain(self) -> bool:
        """Whether neither it nor a later one has emptied the node."""
        return bool(self.complaint) and not self.repeated


class StrandedPod(Struct, frozen=True):
    """A pod on a node that is down at the end.

    Attributes:
        down: since when its node is, ms.
        terminating: since when the pod is; None: nobody has deleted it.
        halted: why the node gets no NoExecute taint: the state of its zone; None where that is not why.
    """

    node: str
    down: int
    terminating: int | None
    halted: ZoneStateChanged | None


class NodeDisturbances(Struct, frozen=True):
    """What disturbed nodes.

    Attributes:
        outages, drains, changes: in order of time.
        stranded: the pods on nodes that are down.
    """

    outages: tuple[NodeOutage, ...]
    drains: tuple[DrainRun, ...]
    changes: tuple[NodeChange, ...]
    stranded: Mapping[PodRef, StrandedPod]


class Nodes:
    """Follows nodes that fail, and drains."""

    def __init__(self) -> None:
        self._outages: list[NodeOutage] = []
        self._drains: list[DrainRun] = []
        self._changes: list[NodeChange] = []
        self._down: dict[str, NodeOutage] = {}
        self._draining: dict[str, list[DrainRun]] = {}
        self._node: dict[PodRef, str] = {}
        self._terminating: dict[PodRef, int] = {}
        self._tainted_nodes: set[str] = set()
        self._zone: dict[str, str] = {}
        self._halted: dict[str, ZoneStateChanged] = {}

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            NodeFailed: self._failed,
            NodeReadyChanged: self._ready_changed,
            NodeTainted: self._tainted,
            NodeReturned: self._returned,
            NodeJoined: self._joined,
            NodeRemoved: self._removed,
            NodeDrained: self._drained,
            DrainHeld: self._held,
            DrainGoesOn: self._goes_on,
            DrainEnded: self._ended,
            GangScheduled: self._scheduled,
            PodDeleting: self._deleting,
            PodGone: self._gone,
            ZoneStateChanged: self._zone_changed,
        }

    def finish(self, ended_at: int, end: End) -> NodeDisturbances:
        """What became of them."""
        stranded = {
            pod: StrandedPod(node, outage.at, self._terminating.get(pod), self._halts(outage))
            for pod, node in (self._node.items() if self._down else ())
            if (outage := self._down.get(node)) is not None and outage.removed is None
        }
        return NodeDisturbances(tuple(self._outages), tuple(self._drains), tuple(self._changes), stranded)

    def _halts(self, outage: NodeOutage) -> ZoneStateChanged | None:
        """The zone that keeps a node from its taint."""
        tainted = outage.noticed is None or outage.node in self._tainted_nodes
        return None if tainted else self._halted.get(self._zone[outage.node])

    def _zone_changed(self, record: ZoneStateChanged) -> None:
        self._halted.pop(record.zone, None)
        if not record.evicts:
            self._halted[record.zone] = record

    def _failed(self, record: NodeFailed) -> None:
        outage = self._down[record.node] = NodeOutage(record.node, record.mode, record.at, record.heard)
        self._outages.append(outage)

    def _ready_changed(self, record: NodeReadyChanged) -> None:
        self._zone[record.node] = record.zone
        outage = self._down.get(record.node)
        if outage is not None and outage.noticed is None and record.ready != "True":
            outage.noticed = record.at

    def _tainted(self, record: NodeTainted) -> None:
        (self._tainted_nodes.add if record.taints else self._tainted_nodes.discard)(record.node)
        outage = self._down.get(record.node)
        if outage is not None and outage.tainted is None and record.taints:
            outage.tainted = record.at

    def _returned(self, record: NodeReturned) -> None:
        outage = self._down.pop(record.node, None)
        if outage is not None:
            outage.returned = record.at

    def _joined(self, record: NodeJoined) -> None:
        self._changes.append(NodeChange(record.node, record.at, True, record.nodes, record.npus))

    def _removed(self, record: NodeRemoved) -> None:
        self._changes.append(NodeChange(record.node, record.at, False, record.nodes, record.npus))
        if (outage := self._down.get(record.node)) is not None:
            outage.removed = record.at

    def _drained(self, record: NodeDrained) -> None:
        drain = DrainRun(record.node, record.at)
        self._draining.setdefault(record.node, []).append(drain)
        self._drains.append(drain)

    def _held(self, record: DrainHeld) -> None:
        # Several drains of one node at once are held by the same budgets.
        for drain in self._draining[record.node]:
            drain.held, drain.unhealthy, drain.pods_help = record.detail, record.unhealthy, record.pods_help
            if drain.held_since is None:
                drain.held_since = record.at

    def _goes_on(self, record: DrainGoesOn) -> None:
        for drain in self._draining[record.node]:
            drain.held, drain.unhealthy, drain.pods_help = "", (), False

    def _ended(self, record: DrainEnded) -> None:
        drain = self._draining[record.node].pop(0)
        drain.ended, drain.errors = record.at, record.errors
        if not drain.errors:
            for each in self._drains:
                each.repeated |= each.node == record.node and bool(each.errors)

    def _scheduled(self, record: GangScheduled) -> None:
        self._node.update(record.nodes)

    def _deleting(self, record: PodDeleting) -> None:
        self._terminating[record.pod] = record.at
        outage = self._down.get(self._node.get(record.pod, ""))
        if outage is not None and outage.evicted is None:
            outage.evicted = record.at

    def _gone(self, record: PodGone) -> None:
        self._terminating.pop(record.pod, None)
        self._node.pop(record.pod, None)
