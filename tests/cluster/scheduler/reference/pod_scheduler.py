"""kube-scheduler for single pods, with its queue: what plays the recorded scripts on the filters, scores and preemption.

No run uses it: there a gang is tried again as soon as a change may help it, and waits for no back-off (docs/semantics.md,
Scheduling). Times are milliseconds; an attempt takes no time. Source: pkg/scheduler/schedule_one.go, eventhandlers.go.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from cluster.scheduler.reference.pod_queue import PodQueue, QueuedPod
from cluster.scheduler.reference.queueing_hints import Change, NodeChange, OwnChange, PodChange, helps
from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.cluster.scheduler import framework
from kubeinfer_sim.cluster.scheduler.framework import DEFAULT_PROFILE, Profile, Verdict
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins import node_affinity
from kubeinfer_sim.cluster.scheduler.plugins.interface import Cluster
from kubeinfer_sim.cluster.scheduler.pods import Pod
from kubeinfer_sim.cluster.scheduler.preemption import Budget, Candidate, preempt


class Attempt(Struct, frozen=True):
    """One scheduling attempt.

    Attributes:
        node: where the pod was bound; None when it failed.
        message: why it failed, as the pod's PodScheduled condition says.
        evicted: the choice of victims it made.
    """

    at: int
    pod: Hashable
    node: str | None
    message: str = ""
    evicted: Candidate | None = None


class PodScheduler:
    """Schedules pods one by one.

    Call `advance` to a time, then report what changed at it; whatever can be tried is tried at once.

    Attributes:
        attempts: all attempts so far.
        on_evict: called with the victims of a preemption; they are to be marked terminating, and deleted when they
            are gone.
    """

    def __init__(
        self,
        *,
        profile: Profile = DEFAULT_PROFILE,
        queue: PodQueue | None = None,
        cluster: Cluster | None = None,
        budgets: Sequence[Budget] = (),
        now: int = 0,
    ) -> None:
        self.now = now
        self.attempts: list[Attempt] = []
        self.on_evict: Callable[[Sequence[Pod]], None] = lambda victims: None
        self._profile = profile
        self._queue = PodQueue() if queue is None else queue
        self._cluster = Cluster([]) if cluster is None else cluster
        self._budgets = budgets
        self._nodes = {node.name: node for node in self._cluster.nodes}
        self._where = {key: node for node in self._cluster.nodes for key in node.pods}
        self._gated: dict[Hashable, Pod] = {}
        self._nominated: dict[Hashable, tuple[Pod, str]] = {}

    # -- time ---------------------------------------------------------------------------------------------

    def advance(self, until: int) -> None:
        """Let time pass up to and including a moment."""
        while (due := self._queue.next_tick(self.now)) is not None and due <= until:
            self.now = due
            self._queue.tick(due)
            self._schedule()
        self.now = max(self.now, until)

    # -- nodes --------------------------------------------------------------------------------------------

    def add_node(self, node: NodeState) -> None:
        """A node appears."""
        self._nodes[node.name] = node
        self._cluster.nodes = list(self._nodes.values())
        self._changed(NodeChange(None, node))

    def update_node(self, node: NodeState) -> None:
        """A node has other properties; the pods on it stay."""
        old = self._nodes[node.name]
        before = replace(old)
        old.labels, old.taints, old.images = node.labels, node.taints, node.images
        old.allocatable, old.unlimited = node.allocatable, node.unlimited
        old.unschedulable = node.unschedulable
        self._changed(NodeChange(before, old))

    def delete_node(self, name: str) -> None:
        """A node is gone, and its pods with it as far as the scheduler is concerned."""
        node = self._nodes.pop(name)
        self._cluster.nodes = list(self._nodes.values())
        for key in node.pods:
            del self._where[key]
        self._changed(NodeChange(node, None))

    # -- pods ---------------------------------------------------------------------------------------------

    def add_pod(self, pod: Pod) -> None:
        """A pod appears: one that names its node is there already, a gated one waits for its gates to go."""
        if pod.spec.node_name:
            self._nodes[pod.spec.node_name].add(pod)
            self._where[pod.key] = self._nodes[pod.spec.node_name]
            self._changed(self._pod_change(None, pod))
        elif pod.spec.gates:
            self._gated[pod.key] = pod
        else:
            self._queue.add(pod, self.now)
            self._schedule()

    def update_pod(self, pod: Pod) -> None:
        """A pod was changed, on its node or waiting."""
        node = self._where.get(pod.key)
        if node is not None:
            old = node.discard(pod.key)
            node.add(pod)
            self._changed(self._pod_change(old, pod))
        elif pod.key in self._gated:
            del self._gated[pod.key]
            self.add_pod(pod)
        elif (queued := self._queue.get(pod.key)) is not None:
            change = OwnChange(queued.pod.spec, pod.spec)
            queued.pod = pod
            self._queue.wake(lambda other: other is queued and self._useful(queued, change), self.now)
            self._schedule()

    def delete_pod(self, key: Hashable) -> None:
        """A pod is gone, or has ended."""
        self._nominated.pop(key, None)
        self._gated.pop(key, None)
        self._queue.remove(key)
        node = self._where.pop(key, None)
        if node is not None:
            self._changed(self._pod_change(node.discard(key), None))

    def _pod_change(self, old: Pod | None, new: Pod | None) -> PodChange:
        return PodChange(old, new, self._cluster.namespaces)

    # -- attempts -----------------------------------------------------------------------------------------

    def _changed(self, change: Change) -> None:
        self._queue.wake(lambda queued: self._useful(queued, change), self.now)
        self._schedule()

    @staticmethod
    def _useful(queued: QueuedPod, change: Change) -> bool:
        return any(helps(plugin, queued.pod, change) for plugin in queued.plugins)

    def _schedule(self) -> None:
        while (queued := self._queue.pop()) is not None:
            self._attempt(queued)

    def _attempt(self, queued: QueuedPod) -> None:
        pod = queued.pod
        verdict = self._judge(pod)
        if verdict.feasible:
            node = self._choose(pod, verdict)
            self._nominated.pop(pod.key, None)
            node.add(pod)
            self._where[pod.key] = node
            self.attempts.append(Attempt(self.now, pod.key, node.name))
            change = self._pod_change(None, pod)
            self._queue.wake(lambda other: self._useful(other, change), self.now)
            return
        nominated = self._nominated.get(pod.key)
        where = None if nominated is None else self._nodes.get(nominated[1])
        result = preempt(pod, self._cluster, verdict, self._budgets, nominated=where)
        message = " ".join(part for part in (verdict.message(), result.message) if part)
        self.attempts.append(Attempt(self.now, pod.key, None, message, result.choice))
        self._queue.turned_down(queued, _plugins(verdict), self.now)
        if result.choice is not None:
            self._nominated[pod.key] = (pod, result.choice.node.name)
            self.on_evict(result.choice.victims)

    def _choose(self, pod: Pod, verdict: Verdict) -> NodeState:
        nominated = self._nominated.get(pod.key)
        if nominated is not None:
            for node in verdict.feasible:
                if node.name == nominated[1]:
                    return node
        return framework.best(pod, self._cluster, verdict.feasible, self._profile)[0]

    def _judge(self, pod: Pod) -> Verdict:
        """The filters' verdict with, and without, the pods of no lower priority that places were made for."""
        others = [
            (other, self._nodes[name])
            for key, (other, name) in self._nominated.items()
            if key != pod.key and other.priority >= pod.priority and name in self._nodes
        ]
        if not others:
            return framework.judge(pod, self._cluster)
        for other, node in others:
            node.add(other)
        verdict = framework.judge(pod, self._cluster)
        for other, node in others:
            node.discard(other.key)
        without = framework.judge(pod, self._cluster)
        verdict.feasible = [node for node in verdict.feasible if node in without.feasible]
        verdict.rejections = {**without.rejections, **verdict.rejections}
        return verdict


def _plugins(verdict: Verdict) -> frozenset[str]:
    """The plugins that turned nodes down, whose judgement decides what could help."""
    if verdict.whole_pod:
        return frozenset((node_affinity.NAME,))
    return frozenset(
        node_affinity.NAME if rejection.plugin == framework.PRE_FILTER_RESULT else rejection.plugin
        for rejection in verdict.rejections.values()
    )
