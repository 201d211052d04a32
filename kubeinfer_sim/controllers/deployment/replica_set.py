"""ReplicaSets, those of Deployments and others: keep as many pods of one template as asked for, and report on them.

Source: pkg/controller/replicaset/replica_set.go and replica_set_utils.go. A sync compares the pods with the
wanted number, creates what is missing or deletes what is too much, and writes a status counted before it did
so; the pods' own events bring the next sync. Counts are kept up to date by each event, so a sync costs what
it creates or deletes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property, partial
from heapq import heappop, heappush
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from kubeinfer_sim.cluster.per_template import PerTemplate
from kubeinfer_sim.cluster.scheduler.pods import Owner
from kubeinfer_sim.controllers.deployment.deletion_ranking import Neighbours, ReadyPods, first_to_go
from kubeinfer_sim.controllers.deployment.replica_pod import ASSUMED, ReplicaPod
from kubeinfer_sim.manifest.kubernetes.labels import Requirement, label_selector
from kubeinfer_sim.manifest.kubernetes.well_known_labels import POD_TEMPLATE_HASH
from kubeinfer_sim.manifest.model import Deployment, PodTemplate, template_hash
from kubeinfer_sim.manifest.model import ReplicaSet as ReplicaSetSpec

#: Pods created or deleted in one sync at most (replica_set.go, BurstReplicas).
BURST_REPLICAS = 500
#: Reason of the condition ReplicaFailure where the API server refuses pods.
FAILED_CREATE = "FailedCreate"


class ReplicaSetStatus(Struct, frozen=True):
    """What a ReplicaSet's controller last wrote about its pods; terminating ones count in nothing else.

    `failure` is the reason of the condition ReplicaFailure, FailedCreate, while the API server refuses pods.
    """

    replicas: int = 0
    ready: int = 0
    available: int = 0
    terminating: int = 0
    observed_generation: int = 0
    failure: str = ""

    def differs(self, other: ReplicaSetStatus) -> bool:
        """Whether it says something else of the pods."""
        return (
            self.replicas != other.replicas
            or self.ready != other.ready
            or self.available != other.available
            or self.terminating != other.terminating
            or self.failure != other.failure
        )


class PodControl(Protocol):
    """Who makes and deletes pods for a ReplicaSet."""

    def create(self, replica_set: ReplicaSet) -> ReplicaPod | None:
        """A new pod of the ReplicaSet's template; None when the API server refuses it."""
        ...

    def refresh(self, pods: Iterable[ReplicaPod]) -> None:
        """Bring what pods are ranked by up to date: their nodes, phases and restarts."""

    def delete(self, pod: ReplicaPod) -> None:
        """Delete a pod gracefully; `ReplicaSet.pod_deleting` and `pod_gone` are called as that goes on."""
        ...


def slow_start_batch(count: int, initial: int, create: Callable[[], bool]) -> int:
    """Create `count` times in batches of 1, 2, 4 … and stop after a batch with a failure; returns the successes.

    So a quota or a webhook that refuses pods is asked a few times, not `count` times (slowStartBatch).
    """
    done, batch = 0, min(count, initial)
    while batch > 0:
        successes = sum([create() for _ in range(batch)])
        done += successes
        if successes < batch:
            break
        count -= batch
        batch = min(2 * batch, count)
    return done


@PerTemplate
def _labelled(template: PodTemplate) -> PodTemplate:
    """The template with a label that each template has another value of (getNewReplicaSet, deployment/sync.go).

    In nothing else are the values those of the real one.
    """
    return replace(template, labels={**template.labels, POD_TEMPLATE_HASH: template_hash(template)})


class ReplicaSet(Struct, eq=False, dict=True):
    """One ReplicaSet, of a Deployment or by itself.

    Attributes:
        number: counts the Deployment's ReplicaSets in order of creation, from 1.
        spec: the object whose template is the ReplicaSet's: the Deployment as it was when it was made, or itself.
        replicas: `spec.replicas`, what the Deployment controller (or the user) asks for.
        desired: annotation desired-replicas: the Deployment's replicas when this one was last scaled.
        maximum: annotation max-replicas: the same with surge; what proportional scaling counts from.
        revision: annotation revision: its place in the order of rollouts.
        min_ready: `spec.minReadySeconds`, in ms.
        hashed: its template carries a label with the template's hash, by which its Deployment knows it.
        neighbours: the active pods of all ReplicaSets of its Deployment; None for one by itself, whose pods are not
            told apart by how many are on a node.
    """

    number: int
    spec: Deployment | ReplicaSetSpec
    replicas: int
    desired: int | None = None
    maximum: int | None = None
    revision: int = 0
    min_ready: int = 0
    hashed: bool = True
    neighbours: Neighbours | None = None
    generation: int = 1
    status: ReplicaSetStatus = field(default_factory=ReplicaSetStatus)
    pods: dict[ReplicaPod, None] = field(default_factory=dict)
    active: int = 0
    ready: int = 0
    available: int = 0
    _waiting: list[tuple[int, int, ReplicaPod]] = field(default_factory=list)
    # Of the active pods those that are not ready; of these those that the scheduler has given a node that they may not
    # be bound to yet; and those that are ready.
    _unready: dict[ReplicaPod, None] = field(default_factory=dict)
    _binding: dict[ReplicaPod, None] = field(default_factory=dict)
    _ready_pods: ReadyPods = field(default_factory=ReadyPods)

    @cached_property
    def template(self) -> PodTemplate:
        """What its pods are made from: of a Deployment's, the Deployment's template with a label of its own."""
        template = self.spec.template
        return _labelled(template) if self.hashed else template

    @cached_property
    def owner(self) -> Owner | None:
        """What its pods' ownerReference leads to; None where nothing says how it knows its pods."""
        spec = self.spec
        selector = spec.raw.get("spec", {}).get("selector")
        if not selector:
            return None
        if not self.hashed:
            return Owner("ReplicaSet", spec.name, label_selector(selector))
        own = Requirement(POD_TEMPLATE_HASH, "in", (spec.revision,))
        return Owner("ReplicaSet", f"{spec.name}-{spec.revision}", label_selector(selector, [own]))

    @property
    def terminating(self) -> int:
        """Pods with a deletion time that are not gone."""
        return len(self.pods) - self.active

    # -- what the Deployment controller writes -------------------------------------------------------------

    def take(self, spec: ReplicaSetSpec) -> None:
        """The user has changed a ReplicaSet that is its own: what its pods are made from, and how many."""
        self.spec, self.replicas = spec, spec.replicas
        self.__dict__.pop("template", None)
        self.generation += 1

    def scale(self, replicas: int, desired: int, maximum: int) -> bool:
        """Set the size and the annotations beside it; whether anything changed (scaleReplicaSet)."""
        if (replicas, desired, maximum) == (self.replicas, self.desired, self.maximum):
            return False
        self.generation += replicas != self.replicas
        self.replicas, self.desired, self.maximum = replicas, desired, maximum
        return True

    def set_min_ready(self, min_ready: int, now: int) -> bool:
        """The Deployment's minReadySeconds changed: count again who is available."""
        if min_ready == self.min_ready:
            return False
        self.min_ready = min_ready
        self.generation += 1
        self._waiting = []
        self.available = 0
        for pod in self.pods:
            if pod.ready and not pod.deleting:
                self._await(pod, now)
        return True

    # -- what happens to its pods --------------------------------------------------------------------------

    def pod_created(self, pod: ReplicaPod) -> None:
        """The pod exists."""
        self.pods[pod] = None
        self.active += 1
        self._unready[pod] = None
        if pod.node:
            self._bound(pod)

    def pod_adopted(self, pod: ReplicaPod, since: int) -> None:
        """The pod has been there for long; if it has a node, it has been ready since then (ms)."""
        self.pod_created(pod)
        if pod.node:
            self.pod_ready(pod, since)

    def pod_placed(self, pod: ReplicaPod) -> None:
        """The scheduler has given the pod a node, to which it is bound by now or will be."""
        if not pod.deleting:
            self._binding[pod] = None

    def _bound(self, pod: ReplicaPod) -> None:
        self._binding.pop(pod, None)
        if self.neighbours is not None:
            self.neighbours.add(pod, self._ready_pods)

    def pod_ready(self, pod: ReplicaPod, now: int) -> None:
        """The pod's Ready condition turned true; API times are whole seconds, cut off (metav1.Time).

        Its node, phase and restarts are up to date.
        """
        since = now - now % 1000
        if pod.deleting:
            pod.ready, pod.ready_since = True, since
            return
        if pod in self._binding:
            self._bound(pod)
        del self._unready[pod]
        pod.ready, pod.ready_since = True, since
        self._ready_pods.add(pod)
        self.ready += 1
        self._await(pod, now)

    def pod_unready(self, pod: ReplicaPod) -> None:
        """It turned false: minReadySeconds begins again."""
        if pod.ready and not pod.deleting:
            self._uncount(pod)
            self._unready[pod] = None
        pod.ready = False

    def pod_deleting(self, pod: ReplicaPod) -> None:
        """The pod has a deletion time: to its ReplicaSet it is no more."""
        if not pod.deleting:
            pod.deleting = True
            self.active -= 1
            if pod.ready:
                self._uncount(pod)
            else:
                del self._unready[pod]
                self._binding.pop(pod, None)
            if self.neighbours is not None:
                self.neighbours.remove(pod)

    def pod_gone(self, pod: ReplicaPod) -> None:
        """The pod's phase is final, or its object is gone."""
        self.pod_deleting(pod)
        self.pods.pop(pod, None)

    def _await(self, pod: ReplicaPod, now: int) -> None:
        assert pod.ready_since is not None
        pod.available_at = pod.ready_since + self.min_ready
        if pod.available_at <= now:
            self.available += 1
        else:
            heappush(self._waiting, (pod.available_at, pod.number, pod))

    def _uncount(self, pod: ReplicaPod) -> None:
        self._ready_pods.remove(pod)
        self.ready -= 1
        waiting = (pod.available_at, pod.number, pod)
        if waiting in self._waiting:
            self._waiting.remove(waiting)
            self._waiting.sort()
        else:
            self.available -= 1

    def next_available_at(self) -> int | None:
        """When the next ready pod will have been ready for long enough."""
        return self._waiting[0][0] if self._waiting else None

    def advance(self, now: int) -> bool:
        """Count the pods that have been ready for long enough by now; whether there are new ones."""
        before = self.available
        while self._waiting and self._waiting[0][0] <= now:
            heappop(self._waiting)
            self.available += 1
        return self.available != before

    def _create(self, control: PodControl) -> bool:
        pod = control.create(self)
        if pod is not None:
            self.pod_created(pod)
        return pod is not None

    # -- its controller ------------------------------------------------------------------------------------

    def counted(self) -> ReplicaSetStatus:
        """The status as it would be written now."""
        active = self.active
        return ReplicaSetStatus(active, self.ready, self.available, len(self.pods) - active, self.generation)

    def sync(self, control: PodControl, siblings: list[ReplicaSet], now: int) -> bool:
        """Create or delete pods, then write the status counted before that; whether the status changed.

        Args:
            control: makes and deletes the pods.
            siblings: all ReplicaSets of its Deployment, itself included: a pod that shares its node with others of
                their pods goes first; none for one by itself, whose pods are not told apart so.
            now: the time, in ms.
        """
        status = self.counted()
        difference = self.active - self.replicas
        if difference < 0:
            wanted = min(-difference, BURST_REPLICAS)
            if slow_start_batch(wanted, 1, partial(self._create, control)) < wanted:
                status = replace(status, failure=FAILED_CREATE)
        elif difference > 0:
            for pod in self._first_to_go(control, siblings, min(difference, BURST_REPLICAS), now):
                self.pod_deleting(pod)
                control.delete(pod)
        changed, self.status = status != self.status, status
        return changed

    def _first_to_go(
        self, control: PodControl, siblings: list[ReplicaSet], count: int, now: int
    ) -> list[ReplicaPod]:
        """The pods to delete, in that order: those that are not ready, then as many ready ones as are left."""
        if count >= self.active:
            return [pod for pod in self.pods if not pod.deleting]
        assumed = sum([each._find_nodes(control) for each in siblings if each._binding])
        unready = sorted(self._unready, key=lambda pod: pod.number)
        control.refresh(unready)
        for pod in unready:
            if pod.node == ASSUMED:
                pod.rank = assumed
        chosen = first_to_go(unready, count, now)
        return chosen + self._ready_pods.first(count - len(chosen), now)

    def _find_nodes(self, control: PodControl) -> int:
        """See which pods have been bound to their nodes meanwhile; how many have been placed, but are not bound yet."""
        control.refresh(self._binding)
        for pod in [each for each in self._binding if each.node != ASSUMED]:
            self._bound(pod)
        return len(self._binding)
