"""A pod object, where it is in its life, and what owns it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Literal, Protocol

from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.records import PodRef
from kubeinfer_sim.cluster.start_barrier import StartBarrier
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.manifest.model import Container, PodTemplate
from kubeinfer_sim.scenario.timings.model import StageTimings


def is_sidecar(container: Container) -> bool:
    """Whether an init container runs on beside the containers: a native sidecar (restartPolicy: Always)."""
    return container.restart_policy == "Always"


class PodState(Enum):
    """Where a pod is in its life."""

    PENDING = "pending"  # no node yet
    PULLING = "pulling"  # bound; images, sandbox, containers
    RUNNING = "running"  # all containers run
    FINISHED = "finished"  # Succeeded or Failed; the object stays until somebody deletes it
    DELETING = "deleting"  # has a deletion timestamp
    GONE = "gone"


#: A phase that never changes again.
FinalPhase = Literal["Succeeded", "Failed"]


class PlatformFault(Protocol):
    """A fault of hardware the platform tells of."""

    @property
    def kind(self) -> str:
        """Its name in the table of fault kinds."""
        ...

    @property
    def cleared(self) -> bool:
        """Whether it is over."""
        ...

    @property
    def struck(self) -> Sequence[PodRef]:
        """The pods that used the hardware when it broke."""
        ...


class Controller(Protocol):
    """What controls pods: where a pod's controller ownerReference leads, as the disruption controller follows it."""

    @property
    def resource(self) -> str:
        """What it is, as the API server names it: `deployments.apps`."""
        ...

    @property
    def replicas(self) -> int | None:
        """How many pods it should have; None: nothing tells, for it has no scale subresource."""
        ...


class Workload(Protocol):
    """What owns pods: makes them, and is told what becomes of them. A bare Pod is its own."""

    @property
    def namespace(self) -> str:
        """Its own, and that of all its pods."""
        ...

    @property
    def spec(self) -> Any:
        """The object as last applied."""
        ...

    @property
    def last_progress(self) -> int:
        """When it last came nearer to its end, in ms."""
        ...

    def start(self, *, running: bool) -> None:
        """It is created; with `running` it has run for long, as far as the cluster has room for it."""

    def apply(self, spec: Any, label: str) -> None:
        """The user applies another version of it; `label` says what that is."""

    def scale(self, replicas: int) -> None:
        """The user changes `spec.replicas` alone."""

    def delete(self) -> None:
        """The user deletes it, in the background: its pods are garbage collected, and it makes no others."""

    def pods(self) -> Iterator[Pod]:
        """All its pods that exist, in the order in which they were made."""
        ...

    def controller_of(self, pod: Pod) -> Controller | None:
        """What controls the pod: a Deployment, by its ReplicaSets, an instance of a KubeInfer; None: nothing."""
        ...

    def gang_placed(self, pods: Sequence[Pod]) -> None:
        """These pods, which were to be placed together, have got their nodes."""

    def gang_refused(self, pods: Sequence[Pod]) -> None:
        """The scheduler has looked at these pods for the first time and found no place for all of them.

        Only a scheduler tells that which does not look before the instant in which they came is over.
        """

    def pod_ready(self, pod: Pod) -> None:
        """The pod's Ready condition turned true."""

    def pod_unready(self, pod: Pod, reason: str) -> None:
        """It turned false."""

    def pod_stuck(self, pod: Pod) -> None:
        """The pod will not become ready by itself; `pod.failure` says why."""

    def container_died(self, pod: Pod, reason: str, exit_code: int) -> None:
        """A container of the pod is dead; its kubelet starts it again as its restart policy says."""

    def pod_finished(self, pod: Pod, reason: str) -> None:
        """The pod's phase is final and its devices are free: deleted, its object goes soon; else it stays.

        `reason`: why its kubelet failed it (OutOfcpu, UnexpectedAdmissionError …), or "".
        """

    def pod_gone(self, pod: Pod) -> None:
        """The pod's object is gone and its devices are free."""

    def evict(self, pod: Pod, reason: str, cause: int, grace: int | None = None) -> None:
        """Somebody else deletes the pod: a drain, a person, a preemptor; `grace` in seconds as for `Api.delete`."""

    def group(self, pod: Pod) -> Sequence[Pod]:
        """The pods whose engines compute each step together with this one's, itself included."""
        ...

    def ties_device_plugin(self, pod: Pod) -> bool:
        """Whether the device plugin acts for the pod: looks at its NPUs, resets them, asks for its recovery."""
        ...

    def engine_silent(self, pod: Pod, cause: int) -> None:
        """The pod's engine does not answer its peers any more, and the API server does not know."""

    def npu_fault(self, pod: Pod, fault: PlatformFault, cause: int) -> None:
        """The platform tells of a fault of an NPU the pod holds, or of its machine, that calls for recovery."""


class Pod:
    """One pod object, from its creation to the moment it is gone.

    Its owner makes it, the scheduler places it, its kubelet writes its status; everybody else only reads. What its
    kubelet knows besides is the kubelet's own (`kubelet.pod_worker`).

    Attributes:
        owner: the workload that made it (its controller ownerReference).
        ref: its name in the history; `namespace` is where it is.
        timings: how long its stages take, of its engine's container where that matters.
        revision: hash of the role templates it was made from.
        weights_key: which weights its engine loads.
        barrier: where its engine waits for others; its size is the owner's to change.
        npus: how many it takes.
        stream_name: its part in the names of random streams.
        placed: the scheduler has given it a node, whether or not it is bound yet.
        rings: how many NPUs the scheduler has chosen of each ring of its node; empty where there are no rings.
        node: the node it is bound to.
        scheduling_gates: those that are still closed.
        conditions: what its readiness gates name, by type, as far as somebody has set it.
        finalizers: those that are left.
        held: nothing of it is left but its object, which its finalizers keep.
        final_phase: its phase, once that is final; it holds nothing then.
        deletion_grace: deletionGracePeriodSeconds, once it has a deletion timestamp.
        ready, started: its conditions, as the API server has them.
        rejected: its node's kubelet does not take it, and will say so.
        overruled: the node lifecycle controller has declared it not ready.
        restarts: how often containers of it were started again.
        failure: why it is not ready, in Kubernetes' word (ImagePullBackOff, StartupProbeFailed …), or "".
        last: id of the latest record about it, the cause of what follows from it.
    """

    __slots__ = (
        "_of_role",
        "barrier",
        "conditions",
        "deletion_grace",
        "failure",
        "final_phase",
        "finalizers",
        "held",
        "last",
        "namespace",
        "node",
        "npus",
        "overruled",
        "owner",
        "placed",
        "ready",
        "ref",
        "rejected",
        "restarts",
        "revision",
        "rings",
        "scheduling_gates",
        "started",
        "state",
        "stream_name",
        "template",
        "timings",
        "weights_key",
    )

    def __init__(
        self,
        owner: Workload,
        ref: PodRef,
        template: PodTemplate,
        timings: StageTimings,
        revision: str,
        weights_key: str,
        barrier: StartBarrier[Pod],
    ) -> None:
        self.owner = owner
        self.ref = ref
        self.namespace = owner.namespace
        self.template = template
        self._of_role = timings
        self.timings = timings
        if timings.images:
            self.timings = self.timings_of(template.engine.image)
        self.revision = revision
        self.weights_key = weights_key
        self.barrier = barrier
        self.npus = template.accelerators
        self.state = PodState.PENDING
        self.placed = False
        self.rings: tuple[int, ...] = ()
        self.node: Node | None = None
        self.scheduling_gates = template.scheduling_gates
        self.conditions: Mapping[str, bool] = {}
        self.finalizers = template.finalizers
        self.held = False
        self.final_phase: FinalPhase | None = None
        self.deletion_grace: int | None = None
        self.ready = self.started = self.overruled = self.rejected = False
        self.restarts = 0
        self.failure = ""
        self.last = NO_CAUSE
        instance = ref.instance
        kind_and_name = instance.owner if instance.has_roles else f"{instance.kind}/{instance.owner}"
        self.stream_name = f"{kind_and_name}/{instance.ordinal}/{ref.role}/{ref.replica}/{ref.generation}"

    def timings_of(self, image: str) -> StageTimings:
        """How long the stages of a container of it take that runs this image."""
        return self._of_role.images.get(image, self._of_role)

    def has_own_timings(self, image: str) -> bool:
        """Whether containers that run this image have timings of their own."""
        return image in self._of_role.images

    @property
    def gates_awaited(self) -> tuple[str, ...]:
        """The conditions that its readiness gates name and that are not True."""
        return tuple(gate for gate in self.template.readiness_gates if not self.conditions.get(gate, False))

    @property
    def holds_place(self) -> bool:
        """Whether it has room on a node, and its devices there."""
        return self.placed and self.final_phase is None

    @property
    def terminating(self) -> bool:
        """It has a deletion timestamp."""
        return self.state is PodState.DELETING
