"""Pods with a place of their own, an ordinal or a node, from their creation until they are gone.

Stands between the controllers of StatefulSets and DaemonSets, which know which places want a pod, and scheduler and
kubelets, which run it. Each pod is placed by itself, and starts its engine without waiting for others.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.kubelet import RUNNING_SINCE
from kubeinfer_sim.cluster.pod import Pod, Workload
from kubeinfer_sim.cluster.reasons import Refusal
from kubeinfer_sim.cluster.records import InstanceRef, PodReady, PodRef
from kubeinfer_sim.cluster.scheduler.pod_gang import PodGang
from kubeinfer_sim.cluster.start_barrier import StartBarrier
from kubeinfer_sim.controllers.deployment.records import PodEvicted, PodsRefused
from kubeinfer_sim.manifest.kubernetes.names import LABEL_VALUE_MAX, byte_length
from kubeinfer_sim.manifest.kubernetes.updates import invalid
from kubeinfer_sim.manifest.kubernetes.well_known_labels import CONTROLLER_REVISION_HASH
from kubeinfer_sim.manifest.model import KUBE_SCHEDULER, DaemonSet, PodTemplate, StatefulSet
from kubeinfer_sim.manifest.names_apart import in_namespace
from kubeinfer_sim.scenario.timings.model import Timings


class Member:
    """One pod, as its controller sees it.

    Attributes:
        revision: of the template it was made from.
        node: of a DaemonSet's pod: which node it is for.
        ready_since: when Ready turned true, in ms, whole seconds as on the wire; None while it is not.
        failed: its phase is final, though its object is there.
    """

    __slots__ = ("failed", "gang", "node", "pod", "ready_since", "revision")

    def __init__(self, pod: Pod, gang: PodGang, revision: str, node: str) -> None:
        self.pod = pod
        self.gang = gang
        self.revision = revision
        self.node = node
        self.ready_since: int | None = None
        self.failed = False

    @property
    def ordinal(self) -> int:
        """Its number."""
        return self.pod.ref.instance.ordinal

    @property
    def terminating(self) -> bool:
        """It has a deletion timestamp."""
        return self.pod.terminating

    @property
    def ready(self) -> bool:
        """It counts as ready."""
        return self.ready_since is not None and not self.terminating and not self.failed

    def available(self, now: int, min_ready: int) -> bool:
        """Whether it has been ready for so many ms."""
        return self.ready and self.ready_since is not None and self.ready_since + min_ready <= now


def _too_long(name: str, template: PodTemplate) -> Refusal | None:
    """Why the API server calls a pod of a StatefulSet invalid: its name, or its revision's, is too long for a label.

    pkg/controller/statefulset/stateful_set_utils.go (updateIdentity, setPodRevision) makes labels and a host name of
    them. The real hash has 10 characters, rarely fewer; the one here always has 10.
    """
    words = f"must be no more than {LABEL_VALUE_MAX} characters"
    labels = (template.labels[CONTROLLER_REVISION_HASH], name)
    too_long = [each for each in labels if byte_length(each) > LABEL_VALUE_MAX]
    errors = [f'metadata.labels: Invalid value: "{each}": {words}' for each in too_long]
    if name in too_long:
        errors.append(f'spec.hostname: Invalid value: "{name}": {words}')
    return Refusal("name", invalid("Pod", name, errors)) if errors else None


class Members:
    """The pods of one workload, by creation.

    Attributes:
        refused: the API server has refused one in this sync.
    """

    def __init__(
        self,
        cluster: Cluster,
        owner: Workload,
        spec: StatefulSet | DaemonSet,
        timings: Timings,
        *,
        preemption: bool,
    ) -> None:
        """Start without any; `preemption`: whether other schedulers than kube-scheduler preempt."""
        self._clock = cluster.env.clock
        self._history = cluster.env.history
        self._api = cluster.env.api
        self._scheduling = cluster.scheduling
        self._owner = owner
        self._timings = timings.of(spec.name)
        self._preemption = preemption
        self._members: dict[Pod, Member] = {}
        # Those without a node yet, by creation.
        self._waiting: dict[Member, None] = {}
        self._told_of: Member | None = None
        self.refused = self._was_refused = False
        self._refusal: Refusal | None = None

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members.values())

    def __contains__(self, member: Member) -> bool:
        return member.pod in self._members

    @property
    def pods(self) -> Iterator[Pod]:
        """Their objects."""
        return iter(self._members)

    def of(self, pod: Pod) -> Member:
        """The pod as a member."""
        return self._members[pod]

    def create(
        self,
        ordinal: int,
        spec: StatefulSet | DaemonSet,
        template: PodTemplate,
        cause: int,
        *,
        generation: int = 0,
        node: str = "",
        running: bool = False,
    ) -> Member | None:
        """A new pod, which waits to be placed; None where the API server refuses it.

        With `running` it has run for long, if the cluster has room for it.
        """
        template = self._api.admission.admit(template, spec.namespace)
        if self._refuses(ordinal, spec, template, cause):
            return None
        ref = InstanceRef(self._api.new_uid(), spec.name, ordinal, spec.kind)
        pod = Pod(
            self._owner,
            PodRef(ref, spec.name, 0, generation),
            template,
            self._timings,
            spec.revision,
            spec.weights_key,
            StartBarrier(1),
        )
        self._api.create(pod, cause)
        preempts = self._preemption or template.scheduler_name == KUBE_SCHEDULER
        gang = PodGang(ref, (pod,), pod.last, preempts, annotations=spec.annotations)
        member = self._members[pod] = Member(pod, gang, spec.revision, node)
        if running and self._scheduling.adopt(gang):
            pod.last = self._history.append(PodReady(self._clock.now, pod.last, pod.ref))
            member.ready_since = RUNNING_SINCE
        else:
            self._waiting[member] = None
            self._scheduling.submit(gang)
        return member

    def _refuses(
        self, ordinal: int, spec: StatefulSet | DaemonSet, template: PodTemplate, cause: int
    ) -> bool:
        """Whether the API server does not take another pod, which is recorded once."""
        name = f"{in_namespace(spec.name)}-{ordinal}"
        refusal = _too_long(name, template) if spec.kind == "StatefulSet" else None
        refusal = refusal or self._api.admission.refusal(spec.namespace, [(name, template)])
        if refusal is None:
            return False
        if not self.refused and not (self._was_refused and refusal == self._refusal):
            self._refusal = refusal
            self._history.append(PodsRefused(self._clock.now, cause, spec.name, refusal, spec.kind))
        self.refused = True
        return True

    def begin_sync(self) -> None:
        """Their controller looks again what there should be."""
        self._was_refused, self.refused = self.refused, False

    def placed(self, pod: Pod) -> None:
        """It has got its node."""
        self._waiting.pop(self._members[pod], None)

    def delete(self, member: Member, reason: str, cause: int) -> None:
        """Its controller deletes it."""
        self._scheduling.withdraw(member.gang)
        self._api.delete(member.pod, reason, cause)

    def evict(self, pod: Pod, reason: str, cause: int, grace: int | None) -> int | None:
        """Somebody else deletes the pod; the record of that, None where it is being deleted already."""
        member = self._members[pod]
        if member.terminating:
            return None
        ref = pod.ref.instance
        number = self._history.append(
            PodEvicted(self._clock.now, cause, ref.owner, pod.ref.name, reason, ref.kind)
        )
        self._scheduling.withdraw(member.gang)
        self._api.delete(pod, reason, number, grace=grace)
        return number

    def collect(self, cause: int) -> None:
        """Their owner is gone: the garbage collector deletes them all."""
        for member in list(self):
            if not member.terminating:
                self.delete(member, "GarbageCollected", cause)

    def ready(self, pod: Pod) -> None:
        """Its Ready condition turned true."""
        now = self._clock.now
        self._members[pod].ready_since = now - now % 1000

    def unready(self, pod: Pod) -> None:
        """It turned false."""
        self._members[pod].ready_since = None

    def gone(self, pod: Pod) -> Member:
        """Its object is gone."""
        member = self._members.pop(pod)
        self._waiting.pop(member, None)
        if member is self._told_of:
            self._told_of = None
        return member

    @property
    def to_explain(self) -> bool:
        """Whether a pod waits for a node, and nothing has been told of why."""
        return self._told_of is None and any(self._refused())

    def _refused(self) -> Iterator[Member]:
        """Those that wait though they have been looked at."""
        return (each for each in self._waiting if not self._scheduling.is_untried(each.gang))

    def diagnose(self) -> None:
        """Record why the first pod that waits for a node waits, node by node, unless that has been told."""
        if self.to_explain:
            self._told_of = next(self._refused())
            self._scheduling.diagnose(self._told_of.gang, self._told_of.pod.last)
