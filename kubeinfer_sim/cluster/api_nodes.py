"""Node objects as the API server stores them, the pods bound to them, and who watches.

The controllers of node failures share nothing but this: they write conditions, taints and deletions here and
are told of every change, their own included, in the instant in which it happens.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from kubeinfer_sim.manifest.model import Toleration
from kubeinfer_sim.scenario.model import Taint

if TYPE_CHECKING:
    from kubeinfer_sim.cluster.nodes.heartbeat import Heartbeat

#: Status of the Ready condition; a node without any has None.
Ready = Literal["True", "False", "Unknown"]

NO_SCHEDULE, NO_EXECUTE = "NoSchedule", "NoExecute"

# Well-known taint keys (staging/src/k8s.io/api/core/v1/well_known_taints.go).
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


@dataclass(slots=True, eq=False)
class NodeObject:
    """A node.

    Attributes:
        zone: value of its zone label, "" without one.
        heartbeat: what its kubelet sends; None when none ever will.
        counted: counts for the health of its zone (not labelled `node.kubernetes.io/exclude-disruption`).
        ready: its Ready condition.
        taints: in the order in which they were added.
        created: creation time, ms.
        number: given by the API, counting up.
    """

    name: str
    zone: str = ""
    heartbeat: Heartbeat | None = None
    counted: bool = True
    ready: Ready | None = "True"
    taints: dict[Taint, None] = field(default_factory=dict)
    unschedulable: bool = False
    created: int = 0
    number: int = field(default=0, init=False)


@dataclass(slots=True, eq=False)
class BoundPod:
    """A pod bound to a node, as far as the failure of nodes is concerned; `key` is its owner's."""

    key: Hashable
    node: str
    tolerations: tuple[Toleration, ...] = ()
    terminating: bool = False


class Watcher:
    """Told of changes right after they are stored; overrides what it cares for."""

    def node_added(self, node: NodeObject) -> None:
        """A node object appeared."""

    def node_removed(self, node: NodeObject) -> None:
        """A node object is gone; the pods bound to it are not."""

    def ready_changed(self, node: NodeObject) -> None:
        """The Ready condition has another status."""

    def spec_changed(self, node: NodeObject) -> None:
        """The node was tainted, untainted, cordoned or uncordoned."""

    def pod_bound(self, pod: BoundPod) -> None:
        """A pod is bound to a node."""

    def pod_terminating(self, pod: BoundPod) -> None:
        """A pod has a deletion timestamp now."""

    def pod_gone(self, pod: BoundPod) -> None:
        """A pod's object is gone."""


class PodWriter(Protocol):
    """What the controllers do to pods; carried out by the rest of the cluster."""

    def mark_not_ready(self, pod: BoundPod) -> None:
        """Set the pod's Ready condition False, whatever its containers do."""

    def restore_ready(self, pod: BoundPod) -> None:
        """Its kubelet reports again: Ready is what its containers say."""

    def delete(self, pod: BoundPod) -> None:
        """Delete the pod with its grace period (nothing happens if it is terminating already)."""

    def remove(self, pod: BoundPod) -> None:
        """Remove the pod's object at once, as with grace period 0."""


class NodeApi:
    """The store.

    Attributes:
        nodes: by name.
        watchers: told of changes in this order.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, NodeObject] = {}
        self.watchers: list[Watcher] = []
        self._pods: dict[str, dict[Hashable, BoundPod]] = {}
        self._created = 0

    def pods_on(self, node: str) -> list[BoundPod]:
        """The pods bound to a node, in the order in which they came; also of a node that is gone."""
        return list(self._pods.get(node, {}).values())

    def add(self, node: NodeObject) -> None:
        """Create a node object."""
        node.number = self._created
        self._created += 1
        self.nodes[node.name] = node
        for watcher in self.watchers:
            watcher.node_added(node)

    def remove(self, name: str) -> None:
        """Delete a node object, and its lease with it."""
        node = self.nodes.pop(name)
        for watcher in self.watchers:
            watcher.node_removed(node)

    def set_ready(self, node: NodeObject, status: Ready) -> None:
        """Write the Ready condition."""
        if node.ready != status:
            node.ready = status
            for watcher in self.watchers:
                watcher.ready_changed(node)

    def change_taints(
        self, node: NodeObject, add: Iterable[Taint] = (), remove: Iterable[Taint] = ()
    ) -> None:
        """Add and remove taints in one write; what is there, or is not, stays as it is."""
        new = [taint for taint in add if taint not in node.taints]
        old = [taint for taint in remove if taint in node.taints]
        if not new and not old:
            return
        node.taints.update(dict.fromkeys(new))
        for taint in old:
            del node.taints[taint]
        for watcher in self.watchers:
            watcher.spec_changed(node)

    def cordon(self, node: NodeObject, unschedulable: bool) -> None:
        """Write spec.unschedulable."""
        if node.unschedulable != unschedulable:
            node.unschedulable = unschedulable
            for watcher in self.watchers:
                watcher.spec_changed(node)

    def bind(self, pod: BoundPod) -> None:
        """A pod is bound to its node."""
        self._pods.setdefault(pod.node, {})[pod.key] = pod
        for watcher in self.watchers:
            watcher.pod_bound(pod)

    def terminate(self, pod: BoundPod) -> None:
        """A pod gets its deletion timestamp."""
        if not pod.terminating:
            pod.terminating = True
            for watcher in self.watchers:
                watcher.pod_terminating(pod)

    def forget(self, pod: BoundPod) -> None:
        """A pod's object is gone."""
        pods = self._pods[pod.node]
        del pods[pod.key]
        if not pods:
            del self._pods[pod.node]
        for watcher in self.watchers:
            watcher.pod_gone(pod)
