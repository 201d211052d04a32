"""What the history tells of each pod that its object's status needs: when its conditions changed, how runs ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kubeinfer_sim.cluster.records import (
    ContainerBackOff,
    ContainerDied,
    ContainersRunning,
    GangPending,
    GangScheduled,
    ImagePullFailed,
    ImagePullRetried,
    InstanceRef,
    NodeFailed,
    NodeReturned,
    PodBound,
    PodCreated,
    PodDeleting,
    PodGone,
    PodNotReady,
    PodReady,
    PodRef,
    SetUpContinued,
    Stage,
    TransferDone,
)
from kubeinfer_sim.engine.history import NO_CAUSE, History, Record

#: Reasons of a deletion that put the condition DisruptionTarget on the pod, with the reason and the message there:
#: pkg/controller/tainteviction, pkg/registry/core/pod/storage/eviction.go, pkg/scheduler/framework/preemption.
DISRUPTIONS = {
    "TaintManagerEviction": ("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint"),
    "Drained": ("EvictionByEvictionAPI", "Eviction API: evicting"),
    "Preempted": ("PreemptionByScheduler", "the scheduler made room for pods of higher priority"),
}


@dataclass(slots=True)
class RunFacts:
    """The runs of one container: how the last one that ended did, and what the kubelet waits for.

    Attributes:
        restarts: how often it was started again.
        before: when the run before the present one ended (ms).
        died: when the last one ended, with its `reason` and `exit_code`; None while it runs.
        back_off: the kubelet waits before it starts it again.
    """

    restarts: int = 0
    before: int | None = None
    died: int | None = None
    reason: str = ""
    exit_code: int = 0
    back_off: bool = False

    def started_again(self) -> None:
        """It runs again."""
        self.restarts += 1
        self.before, self.died, self.back_off = self.died, None, False


@dataclass(slots=True)
class PodFacts:
    """One pod. Times in ms; None: not (yet), or before the simulation began.

    Attributes:
        scheduled, bound: when its gang got nodes, and when it was bound.
        heard: when the kubelet of its node took it up.
        initialized: when its init containers were, or will be, done, as far as can be told.
        open_ended: when its init containers are done is not known beforehand.
        ran: its containers have run.
        ready, unready: when Ready turned true and false last.
        containers_ready, containers_unready: the same of ContainersReady, as far as it was told.
        fell: when a container of it ended first since it was ready last.
        image: what could not be pulled, since when, and why.
        init: the init container that ended last, if it ended badly.
        deleting: when it got its deletion timestamp, `deletion` why; `disruption` why it was disrupted.
        stopped: when its containers will have ended, `killed`: by SIGKILL.
    """

    created: int
    scheduled: int | None = None
    bound: int | None = None
    heard: int | None = None
    initialized: int | None = None
    open_ended: bool = False
    ran: bool = False
    ready: int | None = None
    unready: int | None = None
    containers_ready: int | None = None
    containers_unready: int | None = None
    are_containers_ready: bool = False
    fell: int | None = None
    image: ImagePullFailed | None = None
    init: str = ""
    deleting: int | None = None
    deletion: str = ""
    disruption: str = ""
    stopped: int | None = None
    killed: bool = False
    runs: dict[str, RunFacts] = field(default_factory=dict)

    def run(self, container: str) -> RunFacts:
        """The runs of a container."""
        return self.runs.setdefault(container, RunFacts())

    def planned(self, at: int, stages: Iterable[Stage]) -> None:
        """Its set-up goes on with these stages: when the last of its init containers is done with them."""
        for stage in stages:
            initializes = stage.name.startswith(("init ", "sidecar "))
            if stage.duration is None:
                self.open_ended = initializes
                return
            at += stage.duration
            if initializes:
                self.initialized = at


class PodLedger:
    """Keeps the facts of all pods that exist.

    Attributes:
        pods: by reference.
        down: nodes that are not heard of, with since when.
        returned: when a node that was not heard of was heard of again last.
        pending: what the scheduler says of a gang that waits.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self.pods: dict[PodRef, PodFacts] = {}
        self.down: dict[str, int] = {}
        self.returned: dict[str, int] = {}
        self.pending: dict[InstanceRef, str] = {}

    def follow(self, record: Record) -> None:
        """Take the next record."""
        match record:
            case PodCreated():
                self.pods[record.pod] = PodFacts(record.at)
            case PodGone():
                self.pods.pop(record.pod, None)
            case NodeFailed() if record.mode != "notReady":
                self.down[record.node] = record.at
            case NodeReturned():
                if self.down.pop(record.node, None) is not None:
                    self.returned[record.node] = record.at
            case GangPending():
                self.pending[record.instance] = record.message
            case GangScheduled():
                for placed, _ in record.nodes:
                    self.pods[placed].scheduled = record.at
            case _:
                ref = getattr(record, "pod", None)
                if isinstance(ref, PodRef) and ref in self.pods:
                    self._of_pod(self.pods[ref], record)

    def _of_pod(self, pod: PodFacts, record: Record) -> None:
        match record:
            case PodBound():
                self._bound(pod, record)
            case ImagePullFailed():
                pod.image = record
            case TransferDone() | ImagePullRetried():
                pod.image = None
                pod.planned(record.at, record.stages)
            case SetUpContinued():
                self._continued(pod, record)
            case ContainersRunning():
                pod.ran, pod.init = True, ""
                if record.container:
                    pod.run(record.container).started_again()
            case ContainerDied():
                run = pod.run(record.container)
                run.died, run.reason, run.exit_code = record.at, record.reason, record.exit_code
                run.back_off = False
                pod.fell = record.at if pod.fell is None else pod.fell
                if record.init:
                    pod.open_ended = True
                    pod.init = record.container if record.exit_code else ""
            case ContainerBackOff():
                pod.run(record.container).back_off = True
            case PodReady():
                told = (
                    pod.bound is not None or pod.unready is not None
                )  # else it was ready before the beginning
                pod.ready = record.at if told else None
                if told and not pod.are_containers_ready:
                    pod.containers_ready = record.at
                pod.are_containers_ready, pod.fell = True, None
            case PodNotReady():
                pod.unready = record.at
                if record.reason != "NodeNotReady":
                    pod.containers_unready, pod.are_containers_ready = record.at, False
            case PodDeleting():
                self._deleting(pod, record)

    def _bound(self, pod: PodFacts, record: PodBound) -> None:
        pod.bound = record.at if pod.bound is None else pod.bound
        if record.node not in self.down:
            pod.heard = pod.initialized = record.at
            pod.image, pod.init = None, ""
            pod.planned(record.at, record.stages)

    @staticmethod
    def _continued(pod: PodFacts, record: SetUpContinued) -> None:
        pod.image = None
        if record.container in ("", pod.init):
            pod.init = ""
        if record.container:
            pod.run(record.container).started_again()
        if pod.open_ended:
            pod.initialized, pod.open_ended = record.at, False
        pod.planned(record.at, record.stages)

    def _deleting(self, pod: PodFacts, record: PodDeleting) -> None:
        pod.deleting, pod.deletion = record.at, record.reason
        cause = None if record.cause == NO_CAUSE else self._history[record.cause]
        # The pods an instance loses with the one that was evicted are deleted by its controller, which says nothing.
        if record.reason in DISRUPTIONS and not hasattr(cause, "instance"):
            pod.disruption = record.reason
        stop = [stage for stage in record.stages if stage.name != "cleanup"]
        if stop and all(stage.duration is not None for stage in stop):
            pod.stopped = record.at + sum(stage.duration or 0 for stage in stop)
            pod.killed = any(stage.regime == "SIGKILL" for stage in stop)
