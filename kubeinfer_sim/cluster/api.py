"""The API server: the objects of nodes and pods, and the only way in which the cluster's components hear of each other.

Whoever changes an object writes the change here; whoever follows objects is told in the instant in which it is
written, the writer included. The order is declared in one place: the watchers are told in the order in which
`Api.watch` was given them where the simulation is put together, the kubelets first (what happens to a pod happens on
its node before others conclude from it). A pod's owner is told of Ready, and of its loss, before the watchers; of the
end of the pod's object after them, since it may make another pod in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from kubeinfer_sim.cluster.admission import Admission
from kubeinfer_sim.cluster.node import NO_EXECUTE, Node, Ready
from kubeinfer_sim.cluster.pod import FinalPhase, Pod, PodState
from kubeinfer_sim.cluster.records import (
    FinalizersRemoved,
    GangScheduled,
    GateSet,
    InstanceRef,
    NodeCordoned,
    NodeJoined,
    NodeReadyChanged,
    NodeRemoved,
    NodeTainted,
    PodCreated,
    PodFinished,
    PodGone,
    PodHeld,
    PodNotReady,
    PodReady,
    PodRemoved,
    ZoneStateChanged,
)
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import NO_CAUSE, History
from kubeinfer_sim.manifest.accelerators import accelerator_count
from kubeinfer_sim.scenario.cluster.model import ClusterObject, ObjectKey, Taint


class Api:
    """The store.

    Attributes:
        admission: what becomes of pods' templates; without another one, what a plain cluster makes of them.
        nodes: by name.
        objects: those that own no pods, as far as anything is known of them; others are taken to be there, unless they
            are `absent`.
        machines: the nodes that there are or have been, by name: a machine goes on when its object is deleted.
        npus_in_use: NPUs of pods that have been given a node.
        became_ready: how often pods have.
    """

    def __init__(self, clock: Clock, history: History, admission: Admission | None = None) -> None:
        self._clock = clock
        self._history = history
        self.admission = Admission() if admission is None else admission
        self.nodes: dict[str, Node] = {}
        self.machines: dict[str, Node] = {}
        self.objects: dict[ObjectKey, ClusterObject] = {}
        self.absent: set[ObjectKey] = set()
        self.npus_in_use = 0
        self.became_ready = 0
        self._pods: dict[str, dict[Pod, None]] = {}
        self._unfinished: dict[str, dict[Pod, None]] = {}
        self._created = 0
        self._uids = 0
        self.watch()

    def watch(self, *watchers: Watcher) -> None:
        """These are told of all changes from now on, in this order, and nobody else."""

        def told(event: str) -> list[Callable[..., Any]]:
            silent = getattr(Watcher, event)
            return [getattr(each, event) for each in watchers if getattr(type(each), event) is not silent]

        self._node_added = told("node_added")
        self._node_removed = told("node_removed")
        self._node_silent = told("node_silent")
        self._node_ready_changed = told("node_ready_changed")
        self._node_spec_changed = told("node_spec_changed")
        self._node_labels_changed = told("node_labels_changed")
        self._allocatable_changed = told("allocatable_changed")
        self._pod_created = told("pod_created")
        self._pod_gates_open = told("pod_gates_open")
        self._pod_condition_changed = told("pod_condition_changed")
        self._pod_bound = told("pod_bound")
        self._pod_ready_changed = told("pod_ready_changed")
        self._pod_overruled = told("pod_overruled")
        self._pod_terminating = told("pod_terminating")
        self._pod_removed = told("pod_removed")
        self._pod_finished = told("pod_finished")
        self._pod_gone = told("pod_gone")
        self._npus_isolated = told("npus_isolated")
        self._object_put = told("object_put")
        self._object_deleted = told("object_deleted")
        self._engine_stopped = told("engine_stopped")

    def new_uid(self) -> int:
        """A number for an instance that was never given before."""
        self._uids += 1
        return self._uids - 1

    # -- nodes ---------------------------------------------------------------------------------------------

    def add(self, node: Node) -> None:
        """Create a node object."""
        self._take_in(node)
        self._tell_added(node)

    def join(self, node: Node, cause: int = NO_CAUSE) -> None:
        """A node joins while it runs: its kubelet creates its object."""
        self._take_in(node)
        node.last = self._history.append(NodeJoined(self._clock.now, cause, node.name, *self._totals()))
        self._tell_added(node)

    def _take_in(self, node: Node) -> None:
        node.number = self._created
        self._created += 1
        self.nodes[node.name] = self.machines[node.name] = node
        self.npus_in_use += self._npus_held_on(node)

    def _tell_added(self, node: Node) -> None:
        for tell in self._node_added:
            tell(node)

    def remove_node(self, name: str, cause: int = NO_CAUSE) -> None:
        """Delete a node object, and its lease with it; the machine and its pods go on, and count no more."""
        node = self.nodes.pop(name)
        self.npus_in_use -= self._npus_held_on(node)
        for tell in self._node_removed:
            tell(node)
        # Others than the simulated pods counted on it, too, which the scheduler has forgotten by now.
        node.last = self._history.append(NodeRemoved(self._clock.now, cause, name, *self._totals()))

    def _totals(self) -> tuple[int, int, int]:
        """Nodes, NPUs and those in use; looks at every node, as few join and leave."""
        npus = sum(accelerator_count(node.spec.allocatable) for node in self.nodes.values())
        return len(self.nodes), npus, self.npus_in_use

    def has(self, node: Node) -> bool:
        """Whether the node's object exists: else nothing can be written to it."""
        return self.nodes.get(node.name) is node

    def _npus_held_on(self, node: Node) -> int:
        return sum(pod.npus for pod in self._pods.get(node.name, ()) if pod.holds_place)

    def set_node_ready(self, node: Node, status: Ready) -> None:
        """Write a node's Ready condition."""
        if node.ready != status and self.has(node):
            node.ready = status
            node.last = self._history.append(
                NodeReadyChanged(self._clock.now, node.last, node.name, str(status), node.zone)
            )
            for tell in self._node_ready_changed:
                tell(node)

    def change_taints(self, node: Node, add: Iterable[Taint] = (), remove: Iterable[Taint] = ()) -> None:
        """Add and remove taints in one write; what is there, or is not, stays as it is."""
        new = [taint for taint in add if taint not in node.taints]
        old = [taint for taint in remove if taint in node.taints]
        if not self.has(node) or (not new and not old):
            return
        before = _evicting(node)
        node.taints.update(dict.fromkeys(new))
        for taint in old:
            del node.taints[taint]
        if (evicting := _evicting(node)) != before:
            node.last = self._history.append(NodeTainted(self._clock.now, node.last, node.name, evicting))
        for tell in self._node_spec_changed:
            tell(node)

    def zone_changed(
        self, zone: str, state: str, *, ready: int, nodes: int, evicts: bool, cause: int
    ) -> None:
        """The node lifecycle controller says in its log that a zone is in another state."""
        self._history.append(ZoneStateChanged(self._clock.now, cause, zone, state, ready, nodes, evicts))

    def cordon(self, node: Node, unschedulable: bool, cause: int = NO_CAUSE) -> None:
        """Write spec.unschedulable."""
        if not self.has(node):
            return
        self._history.append(NodeCordoned(self._clock.now, cause, node.name, not unschedulable))
        node.unschedulable = unschedulable
        for tell in self._node_spec_changed:
            tell(node)

    def set_labels(self, node: Node, labels: Mapping[str, str]) -> None:
        """Write the node's labels, all of them."""
        node.labels = labels
        for tell in self._node_labels_changed:
            tell(node)

    def set_allocatable(self, node: Node, resource: str, amount: int, *, ring: int | None = None) -> None:
        """Write how much of a resource a node offers; the change is in this `ring` of its NPUs."""
        node.allocatable = {**node.allocatable, resource: amount}
        for tell in self._allocatable_changed if self.has(node) else ():
            tell(node, resource, ring)

    def silent(self, node: Node) -> None:
        """No more heartbeats come from a node."""
        for tell in self._node_silent if self.has(node) else ():
            tell(node)

    def pods_on(self, node: str) -> list[Pod]:
        """The pods bound to a node, in the order in which they came; also of a node that is gone."""
        return list(self._pods.get(node, ()))

    def unfinished_on(self, node: str) -> list[Pod]:
        """Those of them that their node still has to do with: finished ones stay until somebody deletes them."""
        return list(self._unfinished.get(node, ()))

    # -- objects that own no pods: written by people -------------------------------------------------------

    def put(self, written: ClusterObject) -> None:
        """Create the object, or store another version of it."""
        self.objects[written.key] = written
        self.absent.discard(written.key)
        self.admission.object_put(written)
        for tell in self._object_put:
            tell(written)

    def delete_object(self, written: ClusterObject) -> None:
        """Delete it."""
        self.objects.pop(written.key, None)
        self.absent.add(written.key)
        self.admission.object_deleted(written)
        for tell in self._object_deleted:
            tell(written)

    # -- pods that come: written by their owners -----------------------------------------------------------

    def create(self, pod: Pod, cause: int) -> None:
        """Create the pod's object."""
        pod.last = self._history.append(PodCreated(self._clock.now, cause, pod.ref, pod.revision))
        if self.admission.quotas is not None:
            self.admission.quotas.pod_created(pod.namespace, pod.template)
        for tell in self._pod_created:
            tell(pod)

    # -- gates and finalizers: written by whoever watches over them -----------------------------------------

    def open_gate(self, pod: Pod, gate: str, cause: int) -> None:
        """Take a scheduling gate away; nothing happens where it is not there."""
        if gate not in pod.scheduling_gates:
            return
        pod.scheduling_gates = tuple(each for each in pod.scheduling_gates if each != gate)
        pod.last = self._history.append(GateSet(self._clock.now, cause, pod.ref, gate))
        if not pod.scheduling_gates:
            for tell in self._pod_gates_open:
                tell(pod)

    def set_condition(self, pod: Pod, gate: str, status: bool, cause: int) -> None:
        """Set the condition that a readiness gate names."""
        pod.conditions = {**pod.conditions, gate: status}
        pod.last = self._history.append(
            GateSet(self._clock.now, cause, pod.ref, gate, status, readiness=True)
        )
        for tell in self._pod_condition_changed:
            tell(pod)

    def remove_finalizers(self, pod: Pod, names: Collection[str], cause: int) -> None:
        """Take finalizers away; with the last of them a pod goes of which only the object is left."""
        removed = tuple(each for each in pod.finalizers if each in names)
        if not removed:
            return
        pod.finalizers = tuple(each for each in pod.finalizers if each not in names)
        pod.last = self._history.append(FinalizersRemoved(self._clock.now, cause, pod.ref, removed))
        if pod.held and not pod.finalizers:
            self.gone(pod)

    # -- where pods go: written by the scheduler -----------------------------------------------------------

    def schedule(self, instance: InstanceRef, nodes: Mapping[Any, str], cause: int) -> None:
        """Pods of an instance have been given nodes, all at once: what they ask for there is theirs from now on."""
        npus = sum([pod.npus for pod in nodes])
        self.npus_in_use += npus
        names = tuple([(pod.ref, name) for pod, name in nodes.items()])
        number = self._history.append(
            GangScheduled(self._clock.now, cause, instance, names, npus, self.npus_in_use)
        )
        for pod in nodes:
            pod.placed = True
            pod.last = number

    def others_hold(self, npus: int) -> None:
        """Pods that are not played hold so many NPUs more; with a negative number less."""
        self.npus_in_use += npus

    def bind(self, pod: Pod, node: Node, rings: tuple[int, ...] = (), *, running: bool = False) -> None:
        """Write the pod's node, and how many NPUs it gets of each ring there.

        With `running` it ran and was ready there long before the simulation began.
        """
        pod.rings = rings
        pod.node = node
        pod.state = PodState.RUNNING if running else PodState.PULLING
        self._pods.setdefault(node.name, {})[pod] = None
        self._unfinished.setdefault(node.name, {})[pod] = None
        if pod.placed and not self.has(node):
            self.npus_in_use -= pod.npus
        for tell in self._pod_bound:
            tell(pod)

    # -- what becomes of pods: written by their kubelets ---------------------------------------------------

    def ready(self, pod: Pod) -> None:
        """The pod's Ready condition turns true."""
        pod.ready = True
        pod.failure = ""
        self.became_ready += 1
        pod.last = self._history.append(PodReady(self._clock.now, pod.last, pod.ref))
        pod.owner.pod_ready(pod)
        for tell in self._pod_ready_changed:
            tell(pod)

    def unready(self, pod: Pod, reason: str) -> None:
        """It turns false."""
        pod.ready = False
        pod.last = self._history.append(PodNotReady(self._clock.now, pod.last, pod.ref, reason))
        pod.owner.pod_unready(pod, reason)
        for tell in self._pod_ready_changed:
            tell(pod)

    def stuck(self, pod: Pod, failure: str) -> None:
        """The pod will not become ready by itself, for this reason (Kubernetes' word)."""
        pod.failure = failure
        pod.owner.pod_stuck(pod)

    def container_died(self, pod: Pod, reason: str, exit_code: int) -> None:
        """A container is dead; `reason` of an init container is an `InitReason`."""
        pod.owner.container_died(pod, reason, exit_code)

    def engine_stopped(self, pod: Pod) -> None:
        """The process of the pod's engine has ended, however."""
        for tell in self._engine_stopped:
            tell(pod)

    def finish(self, pod: Pod, phase: FinalPhase, reason: str = "", message: str = "") -> None:
        """The pod's phase is final: what it held is free, while its object stays; said again it is no news."""
        if pod.final_phase is not None:
            return
        if pod.ready:
            self.unready(pod, "PodFailed" if phase == "Failed" else "PodCompleted")
        npus = self._release(pod)
        pod.final_phase = phase
        if self.admission.quotas is not None:
            self.admission.quotas.pod_finished(pod.namespace, pod.template)
        if pod.state is not PodState.DELETING:
            pod.state = PodState.FINISHED
            pod.failure = reason
            self._done_with(pod)
        pod.last = self._history.append(
            PodFinished(self._clock.now, pod.last, pod.ref, phase, reason, message, npus, self.npus_in_use)
        )
        for tell in self._pod_finished:
            tell(pod)
        pod.owner.pod_finished(pod, reason)

    def _release(self, pod: Pod) -> int:
        """How many NPUs the pod gives back: all it holds, once."""
        npus = pod.npus if pod.holds_place and (pod.node is None or self.has(pod.node)) else 0
        self.npus_in_use -= npus
        return npus

    def gone(self, pod: Pod) -> None:
        """Nothing of the pod is left: its object goes unless finalizers keep it, and what it held is free."""
        if pod.finalizers:
            self._hold(pod)
            return
        npus = self._release(pod)
        pod.state = PodState.GONE
        if (quotas := self.admission.quotas) is not None:
            if pod.final_phase is None:
                quotas.pod_finished(pod.namespace, pod.template)
            quotas.pod_gone(pod.namespace)
        if pod.node is not None:
            self._pods[pod.node.name].pop(pod, None)
            self._done_with(pod)
        pod.last = self._history.append(PodGone(self._clock.now, pod.last, pod.ref, npus, self.npus_in_use))
        for tell in self._pod_gone:
            tell(pod)
        pod.owner.pod_gone(pod)

    def _hold(self, pod: Pod) -> None:
        if pod.held:
            return
        pod.held = True
        if pod.node is not None and pod.final_phase is None:
            self.finish(pod, "Failed")
        self._done_with(pod)
        pod.last = self._history.append(PodHeld(self._clock.now, pod.last, pod.ref, pod.finalizers))

    def _done_with(self, pod: Pod) -> None:
        if pod.node is not None:
            self._unfinished[pod.node.name].pop(pod, None)

    # -- what others do to pods ----------------------------------------------------------------------------

    def delete(self, pod: Pod, reason: str, cause: int, *, grace: int | None = None) -> None:
        """Delete a pod (pkg/registry/core/pod/strategy.go, CheckGracefulDelete).

        `grace` in seconds, its template's by default; less than 0 counts as 1. With 0 its object goes at once. A second
        deletion can shorten what its object says, to 0 at most; its kubelet goes on as it has begun.
        """
        if pod.state is PodState.GONE:
            return
        if grace is not None and grace < 0:
            grace = 1
        if grace == 0:
            self.remove(pod, reason, cause)
        elif pod.state is PodState.DELETING:
            if grace is not None and pod.deletion_grace is not None:
                pod.deletion_grace = min(pod.deletion_grace, grace)
        else:
            pod.deletion_grace = pod.template.termination_grace_period_seconds if grace is None else grace
            for tell in self._pod_terminating:
                tell(pod, reason, cause)

    def evict(self, pod: Pod, reason: str, cause: int, grace: int | None = None) -> None:
        """Somebody who does not own the pod deletes it: its owner sees to that, and to what follows."""
        pod.owner.evict(pod, reason, cause, grace)

    def remove(self, pod: Pod, reason: str, cause: int) -> None:
        """Remove the pod's object at once (grace period 0, force); what it held counts as free."""
        if pod.state is PodState.GONE or pod.held:
            return
        for tell in self._pod_removed:
            tell(pod)
        pod.last = self._history.append(PodRemoved(self._clock.now, cause, pod.ref, reason))
        self.gone(pod)

    def isolate_npus(self, pod: Pod, cause: int) -> None:
        """Have the NPUs that the pod holds kept from new pods."""
        for tell in self._npus_isolated:
            tell(pod, cause)

    def overrule(self, pod: Pod, cause: int) -> None:
        """Set the pod's Ready condition False, whatever its containers do, until its kubelet puts it right."""
        if pod.overruled or pod.final_phase is not None or pod.state is PodState.GONE:
            return
        pod.overruled = True
        if pod.ready:
            pod.last = cause
            self.unready(pod, "NodeNotReady")
        self.stuck(pod, "NodeNotReady")
        for tell in self._pod_overruled:
            tell(pod)


def _evicting(node: Node) -> tuple[str, ...]:
    """The keys of its NoExecute taints, without those it had from the beginning."""
    own = node.spec.taints
    return tuple(taint.key for taint in node.taints if taint.effect == NO_EXECUTE and taint not in own)
