"""What the history tells of each pod that its object's status needs: when its conditions changed, how runs ended."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field

from kubeinfer_sim.cluster.fault_records import DevicePluginRegistered
from kubeinfer_sim.cluster.pod_printing import ShownContainer
from kubeinfer_sim.cluster.records import (
    ContainerBackOff,
    ContainerDied,
    ContainersRunning,
    EvictionAnswered,
    GangPending,
    GangScheduled,
    ImagePullFailed,
    ImagePullRetried,
    InstanceRef,
    NodeFailed,
    NodeReturned,
    ObjectMissing,
    PodBound,
    PodCreated,
    PodDeleting,
    PodGone,
    PodNotReady,
    PodReady,
    PodRef,
    PodRejected,
    PodStopping,
    SetUpContinued,
    TransferDone,
)
from kubeinfer_sim.cluster.stages import CLEANUP, Stage, StageKind
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceDegraded,
    InstanceDeleting,
    InstanceGone,
    InstanceRestarting,
    PodRebuilding,
    RestartContinued,
    RoleRebuilding,
)
from kubeinfer_sim.engine.meter import Handlers

#: Reasons of a deletion that put the condition DisruptionTarget on the pod, with the reason and the message there:
#: pkg/controller/tainteviction, pkg/registry/core/pod/storage/eviction.go, pkg/scheduler/framework/preemption.
DISRUPTIONS = {
    "TaintManagerEviction": ("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint"),
    "Drained": ("EvictionByEvictionAPI", "Eviction API: evicting"),
    "Evicted": ("EvictionByEvictionAPI", "Eviction API: evicting"),
    "Preempted": (
        "PreemptionByScheduler",
        "default-scheduler: preempting to accommodate a higher priority pod",
    ),
}

#: What the eviction API answers when it has the pod deleted, or finds it so.
CREATED = 201


class RunFacts(Struct):
    """The runs of one container: how the last one that ended did, and what the kubelet waits for.

    Attributes:
        restarts: how often it was started again.
        before: when the run before the present one ended (ms).
        died: when the last one ended, with its `reason` and `exit_code`; None while it runs.
        back_off: the kubelet waits before it starts it again; the status says so from then on (ms).
    """

    restarts: int = 0
    before: int | None = None
    died: int | None = None
    reason: str = ""
    exit_code: int = 0
    back_off: int | None = None

    def started_again(self) -> None:
        """It runs again."""
        self.restarts += 1
        self.before, self.died, self.back_off = self.died, None, None


class PodFacts(Struct):
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
        unset: the container whose environment lacks something, why it waits ("" of none).
        init: the init container that ended last, if it ended badly.
        rejected: when its kubelet, new itself, did not take it any more.
        deleting: when it got its deletion timestamp, `deletion` why.
        disrupted: when it was disrupted, `disruption` why.
        stopping: when its kubelet began to stop it.
        stopped: when its containers will have ended; those `killed` by SIGKILL: sidecars by name, "" for the others.
        reported: its containers as they were when its node was last heard of, while it is not.
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
    unset: str = ""
    init: str = ""
    rejected: int | None = None
    deleting: int | None = None
    deletion: str = ""
    disruption: str = ""
    disrupted: int | None = None
    stopping: int | None = None
    stopped: int | None = None
    killed: frozenset[str] = frozenset()
    reported: tuple[ShownContainer, ...] = ()
    runs: dict[str, RunFacts] = field(default_factory=dict)

    def run(self, container: str) -> RunFacts:
        """The runs of a container."""
        return self.runs.setdefault(container, RunFacts())

    def synced(self, at: int) -> None:
        """Something has happened to a container of it: its status tells what any of them waits for."""
        for run in self.runs.values():
            if run.back_off is not None and run.back_off > at:
                run.back_off = at

    def planned(self, at: int, stages: Iterable[Stage]) -> None:
        """Its set-up goes on with these stages: when the last of its init containers is done with them."""
        for stage in stages:
            initializes = stage.name.kind in (StageKind.INIT, StageKind.SIDECAR)
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
        registered: when a node's device plugin registered last.
    """

    def __init__(self) -> None:
        self.pods: dict[PodRef, PodFacts] = {}
        self.down: dict[str, int] = {}
        self.returned: dict[str, int] = {}
        self.pending: dict[InstanceRef, GangPending] = {}
        self.registered: dict[str, int] = {}
        # The last record by which a controller had pods of an instance deleted.
        self._orders: dict[InstanceRef, int] = {}

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            PodCreated: self._created,
            PodGone: self._gone,
            NodeFailed: self._node_failed,
            NodeReturned: self._node_returned,
            GangPending: self._pending,
            GangScheduled: self._scheduled,
            PodBound: self._bound,
            PodRejected: self._rejected,
            DevicePluginRegistered: self._plugin_registered,
            ImagePullFailed: self._pull_failed,
            ObjectMissing: self._object_missing,
            TransferDone: self._set_up_goes_on,
            ImagePullRetried: self._set_up_goes_on,
            SetUpContinued: self._continued,
            ContainersRunning: self._running,
            ContainerDied: self._died,
            ContainerBackOff: self._back_off,
            PodReady: self._ready,
            PodNotReady: self._not_ready,
            PodDeleting: self._deleting,
            PodStopping: self._stopping,
            EvictionAnswered: self._evicted,
            InstanceRestarting: self._order,
            RestartContinued: self._order,
            PodRebuilding: self._order,
            RoleRebuilding: self._order,
            InstanceDegraded: self._order,
            InstanceDeleting: self._order,
            InstanceGone: self._instance_gone,
        }

    def _created(self, record: PodCreated) -> None:
        self.pods[record.pod] = PodFacts(record.at)

    def _rejected(self, record: PodRejected) -> None:
        self.pods[record.pod].rejected = record.at

    def _plugin_registered(self, record: DevicePluginRegistered) -> None:
        self.registered[record.node] = record.at

    def _gone(self, record: PodGone) -> None:
        self.pods.pop(record.pod, None)
        if not record.pod.instance.has_roles:
            self.pending.pop(record.pod.instance, None)

    def _node_failed(self, record: NodeFailed) -> None:
        if record.mode != "notReady":
            self.down[record.node] = record.at

    def _node_returned(self, record: NodeReturned) -> None:
        if self.down.pop(record.node, None) is not None:
            self.returned[record.node] = record.at

    def _pending(self, record: GangPending) -> None:
        self.pending[record.instance] = record

    def _scheduled(self, record: GangScheduled) -> None:
        for placed, _ in record.nodes:
            self.pods[placed].scheduled = record.at

    def _bound(self, record: PodBound) -> None:
        if (pod := self.pods.get(record.pod)) is None:
            return
        pod.bound = record.at if pod.bound is None else pod.bound
        if record.node not in self.down:
            pod.heard = pod.initialized = record.at
            pod.image, pod.init = None, ""
            pod.planned(record.at, record.stages)

    def _pull_failed(self, record: ImagePullFailed) -> None:
        if (pod := self.pods.get(record.pod)) is not None:
            pod.image = record

    def _object_missing(self, record: ObjectMissing) -> None:
        if (pod := self.pods.get(record.pod)) is not None:
            pod.unset = record.container

    def _set_up_goes_on(self, record: TransferDone | ImagePullRetried) -> None:
        if (pod := self.pods.get(record.pod)) is not None:
            pod.image = None
            pod.planned(record.at, record.stages)

    def _continued(self, record: SetUpContinued) -> None:
        if (pod := self.pods.get(record.pod)) is None:
            return
        pod.image, pod.unset = None, ""
        if record.container in ("", pod.init):
            pod.init = ""
        if record.container:
            pod.run(record.container).started_again()
        if pod.open_ended:
            pod.initialized, pod.open_ended = record.at, False
        pod.planned(record.at, record.stages)

    def _running(self, record: ContainersRunning) -> None:
        if (pod := self.pods.get(record.pod)) is not None:
            pod.synced(record.at)
            pod.ran, pod.init, pod.unset = True, "", ""
            if record.container:
                pod.run(record.container).started_again()

    def _died(self, record: ContainerDied) -> None:
        if (pod := self.pods.get(record.pod)) is None:
            return
        pod.synced(record.at)
        run = pod.run(record.container)
        if run.died is not None:
            run.started_again()  # and nobody saw it running, since its postStart hook failed
        run.died, run.reason, run.exit_code = record.at, record.reason, record.exit_code
        run.back_off = None
        pod.fell = record.at if pod.fell is None else pod.fell
        if record.init:
            pod.open_ended = True
            pod.init = record.container if record.exit_code else ""

    def _back_off(self, record: ContainerBackOff) -> None:
        if (pod := self.pods.get(record.pod)) is not None:
            pod.run(record.container).back_off = record.in_status_at

    def _ready(self, record: PodReady) -> None:
        if (pod := self.pods.get(record.pod)) is None:
            return
        told = pod.bound is not None or pod.unready is not None  # else it was ready before the beginning
        pod.ready = record.at if told else None
        if told and not pod.are_containers_ready:
            pod.containers_ready = record.at
        pod.are_containers_ready, pod.fell = True, None

    def _not_ready(self, record: PodNotReady) -> None:
        if (pod := self.pods.get(record.pod)) is None:
            return
        pod.unready = record.at
        if record.reason != "NodeNotReady":
            pod.containers_unready, pod.are_containers_ready = record.at, False

    def _order(
        self,
        record: InstanceRestarting
        | RestartContinued
        | PodRebuilding
        | RoleRebuilding
        | InstanceDegraded
        | InstanceDeleting,
    ) -> None:
        self._orders[record.instance] = record.id

    def _instance_gone(self, record: InstanceGone) -> None:
        self._orders.pop(record.instance, None)
        self.pending.pop(record.instance, None)

    def _deleting(self, record: PodDeleting) -> None:
        if (pod := self.pods.get(record.pod)) is None:
            return
        pod.deleting, pod.deletion = record.at, record.reason
        # The pods an instance loses with the one that was evicted are deleted by its controller, which says nothing.
        if record.reason in DISRUPTIONS and record.cause != self._orders.get(record.pod.instance):
            pod.disruption, pod.disrupted = record.reason, record.at
        if any(stage.name == CLEANUP for stage in record.stages):
            self._stopping(record)

    def _evicted(self, record: EvictionAnswered) -> None:
        """Also one that is deleted already gets the condition."""
        pod = self.pods.get(record.pod)
        if pod is not None and record.code == CREATED and not pod.disruption:
            pod.disruption, pod.disrupted = "Evicted", record.at

    def _stopping(self, record: PodDeleting | PodStopping) -> None:
        if (pod := self.pods.get(record.pod)) is None:
            return
        pod.stopping = record.at
        stop = [stage for stage in record.stages if stage.name != CLEANUP]
        # Nothing but the clean-up is left of one that has ended before its time.
        if (stop or pod.stopped is not None) and all(stage.duration is not None for stage in stop):
            pod.stopped = record.at + sum(stage.duration or 0 for stage in stop)
            pod.killed = frozenset(stage.name.about for stage in stop if stage.regime == "SIGKILL")
