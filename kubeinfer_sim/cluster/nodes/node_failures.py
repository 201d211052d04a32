"""Nodes that fail: machines that die, are cut off, reboot, come back, and what the control plane makes of it.

Puts together the components that know nothing of each other but the API's objects: the kubelets' heartbeats,
the node lifecycle controller, the taint eviction controller, the pod garbage collector. Their clocks have phases
that nobody knows (when does a pass come after a machine has died?); each is drawn from a stream of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubeinfer_sim.cluster.api import PodWatcher
from kubeinfer_sim.cluster.api_nodes import (
    NO_EXECUTE,
    OUT_OF_SERVICE,
    UNSCHEDULABLE,
    BoundPod,
    NodeApi,
    NodeObject,
    Watcher,
)
from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.nodes.heartbeat import Heartbeat, StatusReporter
from kubeinfer_sim.cluster.nodes.node_lifecycle import NodeLifecycleController, NodeLifecycleSettings
from kubeinfer_sim.cluster.nodes.pod_gc import PodGarbageCollector, PodGcSettings
from kubeinfer_sim.cluster.nodes.taint_eviction import TaintEvictionController, with_default_tolerations
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import (
    NodeFailed,
    NodeOutOfService,
    NodeReadyChanged,
    NodeReturned,
    NodeTainted,
)
from kubeinfer_sim.cluster.scheduler.gang_scheduling import GangScheduling
from kubeinfer_sim.cluster.scheduler.scheduler import Scheduler
from kubeinfer_sim.engine.clock import Clock, Timer
from kubeinfer_sim.engine.history import NO_CAUSE, History
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.scenario.actions.model import FailureMode
from kubeinfer_sim.scenario.model import NodeLifecycle, Taint

#: Label that puts a node into a zone (well_known_labels.go).
ZONE_LABEL = "topology.kubernetes.io/zone"
#: Label that keeps a node out of its zone's counts.
EXCLUDE_LABEL = "node.kubernetes.io/exclude-disruption"


class BoundPods(PodWatcher):
    """Tells the node API of the pods that come and go."""

    def __init__(self, api: NodeApi, toleration_seconds: int) -> None:
        self._api = api
        self._toleration_seconds = toleration_seconds
        self._bound: dict[Pod, BoundPod] = {}

    def pod_bound(self, pod: Pod) -> None:
        """The pod is bound to its node."""
        assert pod.node is not None
        tolerations = with_default_tolerations(pod.template.tolerations, self._toleration_seconds)
        bound = self._bound[pod] = BoundPod(pod, pod.node.name, tolerations)
        self._api.bind(bound)

    def pod_terminating(self, pod: Pod) -> None:
        """It has a deletion timestamp."""
        if pod in self._bound:
            self._api.terminate(self._bound[pod])

    def pod_gone(self, pod: Pod) -> None:
        """Its object is gone."""
        if pod in self._bound:
            self._api.forget(self._bound.pop(pod))


class NodeFailures(Watcher):
    """All nodes as the API server knows them, and everybody who acts on what it knows.

    Attributes:
        pods: tells the nodes' API of pods.
    """

    def __init__(
        self,
        clock: Clock,
        history: History,
        streams: Streams,
        nodes: Mapping[str, Node],
        scheduler: Scheduler,
        scheduling: GangScheduling,
        kubelet: Kubelet,
        settings: NodeLifecycle,
    ) -> None:
        self._clock = clock
        self._history = history
        self._nodes = nodes
        self._scheduler = scheduler
        self._scheduling = scheduling
        self._kubelet = kubelet
        #: The newest record about each node that is not well: the cause of what follows.
        self._last: dict[str, int] = {}
        self._returns: dict[str, Timer] = {}
        self._taints: dict[str, tuple[str, ...]] = {}
        self.api = NodeApi()
        for node in nodes.values():
            self.api.add(self._object(node, streams))
        self.api.watchers.append(self)
        self._lifecycle = NodeLifecycleController(
            clock,
            self.api,
            self,
            NodeLifecycleSettings(
                first_pass=_phase(streams, "node-lifecycle/first-pass", 5_000), grace=settings.grace
            ),
        )
        self._reporter = StatusReporter(clock, self.api, self)
        TaintEvictionController(clock, self.api, self)
        PodGarbageCollector(
            clock,
            self.api,
            self,
            PodGcSettings(first_pass=_phase(streams, "pod-gc/first-pass", 20_000)),
        )
        self.pods = BoundPods(self.api, settings.toleration_seconds)

    def _object(self, node: Node, streams: Streams) -> NodeObject:
        spec = node.spec
        source = streams.named(f"heartbeat/{spec.name}")
        lease, status = (int(source.random() * 10_000) for _ in range(2))
        posted = status - 10_000 * (1 + int(source.random() * 30))
        return NodeObject(
            spec.name,
            spec.labels.get(ZONE_LABEL, ""),
            Heartbeat(lease, status, posted),
            EXCLUDE_LABEL not in spec.labels,
            taints=dict.fromkeys(spec.taints),
        )

    # -- what happens to machines --------------------------------------------------------------------------

    def fail(self, name: str, mode: FailureMode, *, until: int | None = None, cause: int = NO_CAUSE) -> None:
        """A machine fails; `until` is when it is back by itself.

        One that is dead stays so, one that fails otherwise may still die; nothing else happens to it.
        """
        node, known = self._nodes[name], self.api.nodes[name]
        assert known.heartbeat is not None
        dies = mode in ("silent", "reboot")
        if not node.alive or not (dies or (node.reachable and known.heartbeat.ready)):
            return
        if (timer := self._returns.pop(name, None)) is not None:
            timer.cancel()
        now = self._clock.now
        self._note(name, NodeFailed(now, cause, name, mode, known.heartbeat.heard(now)))
        if mode == "notReady":
            self._reporter.becomes(known, ready=False)
        else:
            if mode == "cutOff":
                self._kubelet.cut_off(node)
            elif mode == "kubeletRestart":
                self._kubelet.stop_kubelet(node)
            else:
                self._kubelet.go_down(node)
            if known.heartbeat.alive_since is not None:
                self._reporter.silent(known)
                self._lifecycle.silent(known)
            for pod in node.pods if mode != "kubeletRestart" else ():
                pod.owner.engine_silent(pod, self._last[name])
        if until is not None:
            self._returns[name] = self._clock.at(until, self.restore, name)

    def restore(self, name: str) -> None:
        """A machine that failed is well again; nothing happens to one that is."""
        node, known = self._nodes[name], self.api.nodes[name]
        timer = self._returns.pop(name, None)
        if timer is not None:
            timer.cancel()
        assert known.heartbeat is not None
        if not node.reachable:
            rebooted = not node.alive
            self._note(name, NodeReturned(self._clock.now, self._last[name], name, rebooted))
            restarted = rebooted or not node.kubelet_runs
            if node.kubelet_runs:
                self._kubelet.come_back(node)
            else:
                self._kubelet.start_kubelet(node, self._last[name])
            known.heartbeat.ready = True
            self._reporter.back(known, restarted=restarted)
        elif not known.heartbeat.ready:
            self._note(name, NodeReturned(self._clock.now, self._last[name], name, False))
            self._reporter.becomes(known, ready=True)

    def out_of_service(self, name: str, *, ended: bool, cause: int = NO_CAUSE) -> None:
        """Somebody who knows the machine is dead says so: its pods are removed without waiting for it."""
        known = self.api.nodes[name]
        taint = Taint(OUT_OF_SERVICE, "nodeshutdown", NO_EXECUTE)
        self._note(name, NodeOutOfService(self._clock.now, cause, name, ended))
        if ended:
            self.api.change_taints(known, remove=[taint])
        else:
            self.api.change_taints(known, add=[taint])

    def force_delete(self, pods: Iterable[Pod], cause: int) -> None:
        """`kubectl delete pod --grace-period=0 --force`: the objects go at once."""
        for pod in list(pods):
            if pod.state not in (PodState.DELETING, PodState.GONE):
                pod.owner.evict(pod, "ForceDeleted", cause)
            self._kubelet.remove(pod, "ForceDeleted", cause)

    def cordon(self, name: str, *, cordon: bool) -> None:
        """Somebody writes spec.unschedulable."""
        self.api.cordon(self.api.nodes[name], cordon)

    def _note(
        self, name: str, record: NodeFailed | NodeReturned | NodeOutOfService | NodeReadyChanged
    ) -> None:
        self._last[name] = self._history.append(record)

    # -- what the API server tells (Watcher) ---------------------------------------------------------------

    def ready_changed(self, node: NodeObject) -> None:
        """The Ready condition has another status."""
        cause = self._last.get(node.name, NO_CAUSE)
        self._note(node.name, NodeReadyChanged(self._clock.now, cause, node.name, str(node.ready)))

    def spec_changed(self, node: NodeObject) -> None:
        """Taints came or went: the scheduler sees them."""
        taints = tuple(taint for taint in node.taints if taint.key != UNSCHEDULABLE)
        self._scheduler.set_taints(node.name, taints)
        self._scheduling.wake()
        own = set(self._nodes[node.name].spec.taints)
        shown = tuple(t.key for t in taints if t.effect == NO_EXECUTE and t not in own)
        if shown != self._taints.get(node.name, ()):
            self._taints[node.name] = shown
            cause = self._last.get(node.name, NO_CAUSE)
            self._last[node.name] = self._history.append(
                NodeTainted(self._clock.now, cause, node.name, shown)
            )

    # -- what the controllers do to pods (PodWriter) -------------------------------------------------------

    def mark_not_ready(self, pod: BoundPod) -> None:
        """The node is not ready, so none of its pods is."""
        found = self._pod(pod)
        if found.state is not PodState.GONE and not found.overruled:
            self._kubelet.mark_not_ready(found, self._last.get(pod.node, NO_CAUSE))
            self._reporter.overwritten(pod)

    def restore_ready(self, pod: BoundPod) -> None:
        """The kubelet is back and puts right what was written in its absence."""
        self._kubelet.restore_ready(self._pod(pod))

    def delete(self, pod: BoundPod) -> None:
        """The taint eviction controller deletes a pod."""
        if not pod.terminating:
            found = self._pod(pod)
            found.owner.evict(found, "TaintManagerEviction", self._last.get(pod.node, NO_CAUSE))

    def remove(self, pod: BoundPod) -> None:
        """The pod garbage collector removes a pod."""
        self._kubelet.remove(self._pod(pod), "PodGC", self._last.get(pod.node, NO_CAUSE))

    @staticmethod
    def _pod(pod: BoundPod) -> Pod:
        assert isinstance(pod.key, Pod)
        return pod.key


def _phase(streams: Streams, name: str, period: int) -> int:
    return int(streams.named(name).random() * period)
