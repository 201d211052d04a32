"""Follows instances and pods through their lives (`lives.py`), from stage to stage."""

from __future__ import annotations

from kubeinfer_sim.cluster.fault_records import FaultCleared, FaultInjected, PodSlowed
from kubeinfer_sim.cluster.reasons import CLOSED_GATE, CRASH_LOOP, NO_KEY, NO_NODE, PROBE_KILLS, InitReason
from kubeinfer_sim.cluster.records import (
    ContainerBackOff,
    ContainerCrashed,
    ContainerDied,
    ContainerKilling,
    ContainersRunning,
    EngineStarted,
    FinalizersRemoved,
    GangPending,
    GangScheduled,
    GatesAwaited,
    GateSet,
    ImagePullFailed,
    ImagePullRetried,
    InstanceRef,
    NodeMissing,
    NodeTaintEdited,
    ObjectMissing,
    PodBound,
    PodCreated,
    PodDeleting,
    PodFinished,
    PodGone,
    PodHeld,
    PodNotReady,
    PodReady,
    PodRef,
    PodRejected,
    PodRemoved,
    PodStopping,
    RejectionsGoOn,
    SetUpContinued,
    TransferDone,
)
from kubeinfer_sim.cluster.stages import (
    BACK_OFF,
    BIND,
    COMMUNICATOR,
    CREATE,
    HANGING,
    NOT_READY,
    PROBES,
    PULL_BACK_OFF,
    RESTART,
    SERVING,
    TERMINATING,
    WEIGHTS,
)
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDegraded,
    InstanceDeleting,
    InstanceFailed,
    InstanceGone,
    InstanceReady,
    InstanceRefused,
    InstanceRestarting,
    InstanceRestored,
    PeersLost,
    PodRebuilding,
    RoleRebuilding,
)
from kubeinfer_sim.engine.history import NO_CAUSE, Record
from kubeinfer_sim.engine.meter import End, Handlers
from kubeinfer_sim.metrics.lives import InstanceLife, PodLife, ReadinessLoss


def _ran_at_start(life: InstanceLife, pod: PodLife) -> None:
    """A pod of an instance that ran when the simulation began was ready all along."""
    pod.created = pod.ready = pod.since = life.created
    pod.then = SERVING


class LivesMeter:
    """Follows instances and pods, of all workloads."""

    def __init__(self) -> None:
        self._instances: dict[int, InstanceLife] = {}
        self._pods: dict[PodRef, PodLife] = {}
        # Of pods with readiness gates: whether the condition that each names is True, as far as that was told.
        self._gates: dict[PodRef, dict[str, bool]] = {}
        # Pods whose engines have started on a broken device, by what has broken it.
        self._on_broken: dict[str, list[PodLife]] = {}
        # The faults of devices that pods held as they began, by the record's id.
        self._faults: dict[int, str] = {}
        # What losses of readiness come of, by the id of the record at their root, where that is not all to say: crashes
        # that come again with the next run are one cause, and a taint for which pods are evicted is none.
        self._causes: dict[int, int | None] = {}

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            InstanceCreated: self._instance_created,
            InstanceReady: self._instance_ready,
            InstanceConcerning: self._concerning,
            InstanceRestarting: self._restarting,
            InstanceDeleting: self._deleting,
            InstanceFailed: self._failed,
            InstanceRefused: self._refused,
            InstanceGone: self._instance_gone,
            PodRebuilding: self._rebuilding,
            RoleRebuilding: self._rebuilding,
            InstanceDegraded: self._degraded,
            InstanceRestored: self._restored,
            PeersLost: self._peers_lost,
            GangPending: self._pending,
            GangScheduled: self._scheduled,
            PodCreated: self._pod_created,
            NodeTaintEdited: self._tainted,
            NodeMissing: self._node_missing,
            PodBound: lambda r: self._pod(r.pod, r.at).enter(r.at, CREATE, r.stages),
            ImagePullFailed: self._pull_failed,
            ObjectMissing: self._object_missing,
            ImagePullRetried: lambda r: self._pod(r.pod, r.at).enter(r.at, CREATE, r.stages),
            SetUpContinued: self._continued,
            TransferDone: self._transferred,
            ContainersRunning: self._running,
            EngineStarted: self._engine_started,
            FaultInjected: self._fault_injected,
            FaultCleared: self._fault_cleared,
            PodSlowed: self._slowed,
            PodReady: self._pod_ready,
            GatesAwaited: self._gates_awaited,
            GateSet: self._gate_set,
            PodNotReady: self._pod_not_ready,
            ContainerCrashed: self._crashed,
            ContainerKilling: self._killing,
            ContainerDied: self._died,
            ContainerBackOff: self._backing_off,
            PodDeleting: self._pod_deleting,
            PodStopping: lambda r: self._pod(r.pod, r.at).enter(r.at, TERMINATING, r.stages),
            PodRejected: self._pod_rejected,
            RejectionsGoOn: self._pod_rejected,
            PodFinished: self._pod_finished,
            PodRemoved: self._pod_removed,
            PodHeld: self._pod_held,
            FinalizersRemoved: self._finalizers_removed,
            PodGone: self._pod_gone,
        }

    def finish(self, ended_at: int, end: End) -> list[InstanceLife]:
        """All instances, and the pods of Deployments, by creation; what is still open ends with the run."""
        for pod in self._pods.values():
            pod.close(ended_at)
        for life in self._instances.values():
            if life.ready_since is not None:
                life.was_ready += ended_at - life.ready_since
            if life.degraded_since is not None:
                life.degraded += (ended_at if life.gone is None else life.gone) - life.degraded_since
            if end == "quiet":
                life.given_up_at(ended_at)
            elif end == "horizon":
                life.cut_at(ended_at)
        return list(self._instances.values())

    def _instance(self, ref: InstanceRef, at: int) -> InstanceLife:
        try:  # nearly always there, and then without a call
            return self._instances[ref.uid]
        except KeyError:
            life = self._instances[ref.uid] = InstanceLife(ref, "", at)
            return life

    def _pod(self, ref: PodRef, at: int, *, created: bool = False) -> PodLife:
        try:
            return self._pods[ref]
        except KeyError:
            owner = self._instance(ref.instance, at)
            life = self._pods[ref] = PodLife(ref, at, since=at)
            owner.pods.append(life)
            if not created and owner.ran_at_start and owner.ready == owner.created:
                _ran_at_start(owner, life)
            return life

    def _instance_created(self, record: InstanceCreated) -> None:
        life = self._instance(record.instance, record.at)
        life.revision, life.ran_at_start = record.revision, record.running

    def _instance_ready(self, record: InstanceReady) -> None:
        life = self._instance(record.instance, record.at)
        life.pending = None
        if life.ready is None:
            life.ready = record.at
            if life.ran_at_start and record.at == life.created:
                for pod in life.pods:
                    _ran_at_start(life, pod)
        if life.ready_since is None:
            life.ready_since = record.at

    def _unready(self, ref: InstanceRef, at: int) -> InstanceLife:
        life = self._instance(ref, at)
        if life.ready_since is not None:
            life.was_ready += at - life.ready_since
            life.ready_since = None
        return life

    def _concerning(self, record: InstanceConcerning) -> None:
        since = self._instance(record.instance, record.at).ready_since
        life = self._unready(record.instance, record.at)
        life.concerning += 1
        life.loses_readiness(self._loss(record, 0 if since is None else record.at - since))

    def _restarting(self, record: InstanceRestarting) -> None:
        life = self._unready(record.instance, record.at)
        life.is_rebuilt(record.at, self._cause(record))
        self._whole_again(life, record.at)

    def _rebuilding(self, record: PodRebuilding | RoleRebuilding) -> None:
        self._instance(record.instance, record.at).is_rebuilt(record.at, self._cause(record))

    def _degraded(self, record: InstanceDegraded) -> None:
        life = self._instance(record.instance, record.at)
        life.given_up += sum(pods for _, pods in record.given_up)
        if life.degraded_since is None:
            life.degraded_since = record.at

    def _restored(self, record: InstanceRestored) -> None:
        self._whole_again(self._instance(record.instance, record.at), record.at)

    def _peers_lost(self, record: PeersLost) -> None:
        for ref in record.survivors:
            self._pod(ref, record.at).enter(record.at, HANGING)

    def _whole_again(self, life: InstanceLife, at: int) -> None:
        if life.degraded_since is not None:
            life.degraded += at - life.degraded_since
            life.degraded_since = None

    def _deleting(self, record: InstanceDeleting) -> None:
        life = self._unready(record.instance, record.at)
        life.deleting, life.delete_reason, life.pending = record.at, record.reason, None

    def _failed(self, record: InstanceFailed) -> None:
        self._unready(record.instance, record.at).failed = record.reason

    def _refused(self, record: InstanceRefused) -> None:
        self._instance(record.instance, record.at).refused = record.refusal

    def _instance_gone(self, record: InstanceGone) -> None:
        self._unready(record.instance, record.at).gone = record.at

    def _pending(self, record: GangPending) -> None:
        self._instance(record.instance, record.at).pending = record

    def _scheduled(self, record: GangScheduled) -> None:
        self._instance(record.instance, record.at).pending = None
        for ref, node in record.nodes:
            pod = self._pod(ref, record.at)
            pod.node = node
            if pod.ready is None:
                pod.enter(record.at, BIND)

    def _pod_created(self, record: PodCreated) -> None:
        self._pod(record.pod, record.at, created=True)
        life = self._instance(record.pod.instance, record.at)
        life.refused, life.revision = None, record.revision

    def _node_missing(self, record: NodeMissing) -> None:
        pod = self._pod(record.pod, record.at)
        pod.node = record.node
        pod.fails(NO_NODE, words=f"node {record.node} does not exist")

    def _pull_failed(self, record: ImagePullFailed) -> None:
        pod = self._pod(record.pod, record.at)
        image, message = record.image, record.message
        what = message if image in message else f"{image}: {message}" if message else image
        pod.fails(record.reason, message or image, words=f"{record.reason}: {what}")
        pod.enter(record.at, PULL_BACK_OFF)

    def _object_missing(self, record: ObjectMissing) -> None:
        pod = self._pod(record.pod, record.at)
        words = f"{record.reason}: {record.message}"
        pod.fails(NO_KEY if record.key else record.reason, record.message, words=words)
        pod.enter(record.at, CREATE)

    def _transferred(self, record: TransferDone) -> None:
        """What had no length beforehand is over; what follows is planned."""
        pod = self._pod(record.pod, record.at)
        pod.close(record.at, over=True)
        pod.enter(record.at, PROBES if record.stage == WEIGHTS else CREATE, record.stages)

    def _continued(self, record: SetUpContinued) -> None:
        pod = self._pod(record.pod, record.at)
        pod.close(record.at, over=True)
        pod.enter(record.at, CREATE, record.stages)

    def _running(self, record: ContainersRunning) -> None:
        pod = self._pod(record.pod, record.at)
        if pod.deleting is not None:
            pod.enter(record.at, TERMINATING)  # it was deleted while this container was being started
            return
        if record.restarts > pod.restarts:
            pod.restarts = record.restarts
        pod.recovers("init")
        if record.engine:
            pod.waits_for_gang(record.at)
        else:
            pod.load_on(record.at)

    def _slowed(self, record: PodSlowed) -> None:
        life = self._pod(record.pod, record.at)
        if record.factor:
            life.hangs_until(record.at)
            life.idle_since = None
        elif life.idle_since is None:
            life.idle_since, life.was_idle = record.at, True

    def _pod_ready(self, record: PodReady) -> None:
        pod = self._pod(record.pod, record.at)
        pod.is_ready(record.at)
        pod.broken_by = ""
        pod.enter(record.at, SERVING)

    def _pod_not_ready(self, record: PodNotReady) -> None:
        pod = self._pod(record.pod, record.at)
        if record.reason == "ReadinessProbeFailed":
            pod.fails(record.reason)
            self._is_broken(pod, self._faults.get(record.root, ""))
        else:
            pod.hangs_until(record.at)
        lasted = pod.loses_readiness(record.at)
        pod.enter(record.at, NOT_READY)
        if not record.pod.instance.has_roles:
            self._instance(record.pod.instance, record.at).loses_readiness(self._loss(record, lasted))

    def _loss(self, record: InstanceConcerning | PodNotReady, lasted: int) -> ReadinessLoss:
        of = None if record.reason == "ReadinessProbeFailed" else self._cause(record)
        return ReadinessLoss(record.at, lasted, of)

    def _cause(self, record: Record) -> int | None:
        return self._causes.get(record.root, record.root)

    def _crashed(self, record: ContainerCrashed) -> None:
        if record.again:
            self._causes[record.id] = NO_CAUSE

    def _tainted(self, record: NodeTaintEdited) -> None:
        self._causes[record.id] = None

    def _gates_awaited(self, record: GatesAwaited) -> None:
        gates = self._gates.setdefault(record.pod, {})
        for gate in record.gates:
            gates.setdefault(gate, False)
        self._tell_gates(record)

    def _gate_set(self, record: GateSet) -> None:
        if record.readiness:
            self._gates.setdefault(record.pod, {})[record.gate] = record.status
            self._tell_gates(record)

    def _tell_gates(self, record: GatesAwaited | GateSet) -> None:
        pod = self._pod(record.pod, record.at)
        closed = [gate for gate, status in self._gates[record.pod].items() if not status]
        if closed:
            words = f"the condition of its readiness gate {closed[0]} is not True"
            pod.fails(CLOSED_GATE, words=words, of="gate")
        else:
            pod.recovers("gate")

    def _engine_started(self, record: EngineStarted) -> None:
        pod, last = self._pod(record.pod, record.at), record.stages[-1]
        pod.load(record.at, record.stages)
        self._is_broken(pod, last.regime if last.name == COMMUNICATOR else "")

    def _is_broken(self, pod: PodLife, by: str) -> None:
        pod.broken_by = by
        if by:
            self._on_broken.setdefault(by, []).append(pod)

    def _fault_injected(self, record: FaultInjected) -> None:
        if record.pod is not None and record.where != record.pod.name:  # a device that a pod holds
            self._faults[record.id] = f"{record.kind} of {record.where}"

    def _fault_cleared(self, record: FaultCleared) -> None:
        self._faults.pop(record.root, None)
        for pod in self._on_broken.pop(f"{record.kind} of {record.where}", ()):
            pod.broken_by = ""

    def _killing(self, record: ContainerKilling) -> None:
        self._pod(record.pod, record.at).fails(record.reason, record.detail)

    def _died(self, record: ContainerDied) -> None:
        pod = self._pod(record.pod, record.at)
        if pod.deleting is None:
            if not record.init and pod.reason not in PROBE_KILLS:
                pod.hangs_until(record.at)
            if record.init and record.exit_code:
                what = f"{record.container}, exit code {record.exit_code}"
                pod.fails(InitReason.of(record.reason), what, of="init")
            elif not record.init and not pod.trouble:
                pod.fails(record.reason, words=f"{record.reason}, exit code {record.exit_code}")
            pod.enter(record.at, RESTART)

    def _backing_off(self, record: ContainerBackOff) -> None:
        pod = self._pod(record.pod, record.at)
        if record.init:
            pod.fails(InitReason.of(CRASH_LOOP), pod.detail, of="init")
        pod.enter(record.at, BACK_OFF)

    def _pod_deleting(self, record: PodDeleting) -> None:
        pod = self._pod(record.pod, record.at)
        pod.hangs_until(record.at)
        pod.deleting, pod.deletion = record.at, record.reason
        pod.enter(record.at, TERMINATING, record.stages)
        life = self._instance(record.pod.instance, record.at)
        if life.pending is not None and all(each.node or not each.stays for each in life.pods):
            life.pending = None  # nothing of it waits for a place any more

    def _pod_removed(self, record: PodRemoved) -> None:
        """Its object goes without its kubelet: of what was not being deleted that is the deletion."""
        pod = self._pod(record.pod, record.at)
        if pod.deleting is None:
            pod.deleting, pod.deletion = record.at, record.reason
            pod.enter(record.at, TERMINATING)

    def _pod_rejected(self, record: PodRejected | RejectionsGoOn) -> None:
        pod = self._pod(record.pod, record.at)
        pod.rejected = True
        pod.fails(record.reason, record.message)

    def _pod_finished(self, record: PodFinished) -> None:
        pod = self._pod(record.pod, record.at)
        if pod.deleting is None:
            if not record.reason:
                pod.fails(record.phase)
            pod.finished = record.at
            pod.enter(record.at, NOT_READY)

    def _pod_held(self, record: PodHeld) -> None:
        self._pod(record.pod, record.at).held = record.finalizers

    def _finalizers_removed(self, record: FinalizersRemoved) -> None:
        pod = self._pod(record.pod, record.at)
        pod.held = tuple(each for each in pod.held if each not in record.finalizers)

    def _pod_gone(self, record: PodGone) -> None:
        pod = self._pod(record.pod, record.at)
        pod.close(record.at)
        pod.gone, pod.then = record.at, None
