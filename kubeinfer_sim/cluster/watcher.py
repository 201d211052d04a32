"""Who follows the objects of the API server."""

from __future__ import annotations

from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.scenario.cluster.model import ClusterObject


class Watcher:
    """Told of changes right after they are stored; overrides what it cares for, and costs nothing else."""

    def node_added(self, node: Node) -> None:
        """A node object appeared."""

    def node_removed(self, node: Node) -> None:
        """A node object is gone; the pods bound to it are not."""

    def node_silent(self, node: Node) -> None:
        """The node's heartbeats have ceased: nobody can know, but from now on it can be told when they will."""

    def node_ready_changed(self, node: Node) -> None:
        """The node's Ready condition has another status."""

    def node_spec_changed(self, node: Node) -> None:
        """The node was tainted, untainted, cordoned or uncordoned."""

    def node_labels_changed(self, node: Node) -> None:
        """The node has other labels."""

    def allocatable_changed(self, node: Node, resource: str, ring: int | None) -> None:
        """The node offers another amount of a resource, in this `ring` of its NPUs (None: it has no rings)."""

    def object_put(self, written: ClusterObject) -> None:
        """An object that owns no pods was created or changed."""

    def object_deleted(self, written: ClusterObject) -> None:
        """It is gone."""

    def pod_created(self, pod: Pod) -> None:
        """The pod's object exists; it has no node yet."""

    def pod_gates_open(self, pod: Pod) -> None:
        """The last scheduling gate of the pod was opened."""

    def pod_condition_changed(self, pod: Pod) -> None:
        """A condition that a readiness gate of the pod names was set."""

    def pod_bound(self, pod: Pod) -> None:
        """The pod is bound to its node."""

    def pod_ready_changed(self, pod: Pod) -> None:
        """The pod's Ready condition has changed."""

    def pod_overruled(self, pod: Pod) -> None:
        """Somebody else than the pod's kubelet has set its Ready condition False."""

    def pod_terminating(self, pod: Pod, reason: str, cause: int) -> None:
        """The pod has a deletion timestamp."""

    def pod_removed(self, pod: Pod) -> None:
        """The pod's object is about to go without its kubelet's leave (grace period 0, force)."""

    def pod_finished(self, pod: Pod) -> None:
        """The pod's phase is final (Succeeded, Failed), though its object is there: what it held is free."""

    def pod_gone(self, pod: Pod) -> None:
        """The pod's object is gone."""

    def npus_isolated(self, pod: Pod, cause: int) -> None:
        """Recovery wants the NPUs that the pod holds kept from new pods."""

    def engine_stopped(self, pod: Pod) -> None:
        """The process of the pod's inference engine has ended, however."""
