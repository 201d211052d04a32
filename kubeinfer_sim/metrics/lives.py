"""The life of every instance and pod, cut into named stages that add up to it.

A pod's spans follow one another without gap from its creation until it is gone (or the run ends), so
whatever is charged to stages adds up to the time that passed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from kubeinfer_sim.cluster.records import (
    ContainerBackOff,
    ContainerDied,
    ContainerKilling,
    ContainersRunning,
    EngineStarted,
    GangPending,
    GangScheduled,
    ImagePullFailed,
    ImagePullRetried,
    InstanceRef,
    PodBound,
    PodCreated,
    PodDeleting,
    PodGone,
    PodNotReady,
    PodReady,
    PodRef,
    SetUpContinued,
    TransferDone,
)
from kubeinfer_sim.cluster.stages import (
    BACK_OFF,
    BARRIER,
    BIND,
    CREATE,
    HANGING,
    NOT_READY,
    PENDING,
    PROBES,
    PULL_BACK_OFF,
    RESTART,
    SERVING,
    TERMINATING,
    WEIGHTS,
    Stage,
    StageName,
)
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDegraded,
    InstanceDeleting,
    InstanceFailed,
    InstanceGone,
    InstanceReady,
    InstanceRestarting,
    InstanceRestored,
    PeersLost,
    PodRebuilding,
    RoleRebuilding,
)
from kubeinfer_sim.engine.meter import End, Handlers


class Span(NamedTuple):
    """A stretch of a pod's life in ms; `cut`: something else happened before it was over."""

    stage: StageName
    since: int
    until: int
    regime: str = ""
    cut: bool = False


@dataclass(slots=True)
class PodLife:
    """One pod.

    Attributes:
        ready: when it was ready first; None when it never was.
        restarts: how often the kubelet restarted a container of it.
        trouble: the last reason something failed (ImagePullBackOff, StartupProbeFailed, exit code …).
    """

    pod: PodRef
    created: int
    node: str = ""
    ready: int | None = None
    deleting: int | None = None
    gone: int | None = None
    restarts: int = 0
    trouble: str = ""
    spans: list[Span] = field(default_factory=list)
    _since: int = 0
    _plan: tuple[Stage, ...] = ()
    # None: it is gone.
    _then: StageName | None = PENDING
    _endless: StageName | None = None

    def enter(self, at: int, then: StageName, plan: tuple[Stage, ...] = ()) -> None:
        """From `at` on it goes through `plan`, one stage after the other, and stays in `then` afterwards."""
        self.close(at)
        self._since, self._plan, self._then = at, plan, then
        self._endless = None
        for stage in plan:
            if stage.duration is None:
                self._endless = stage.name
                break

    def close(self, at: int, *, over: bool = False) -> None:
        """Write down what it went through until `at`; `over`: the stage that had no length ended there."""
        since = self._since
        for stage in self._plan:
            if since >= at:
                break
            until = at if stage.duration is None else min(at, since + stage.duration)
            cut = not over if stage.duration is None else since + stage.duration > at
            if until > since:
                self.spans.append(Span(stage.name, since, until, stage.regime, cut))
            since = until
        if since < at and self._then is not None:
            self.spans.append(Span(self._then, since, at))
        self._since, self._plan = at, ()

    @property
    def stage(self) -> StageName | None:
        """What it is in at the end of the run, or bound to get stuck in; None when it is gone."""
        if self.gone is not None:
            return None
        return self._endless or (self.spans[-1].stage if self.spans else None)

    def start_up(self) -> list[Span]:
        """The spans from its creation until it was ready first, or until its deletion or the end."""
        end = self.ready if self.ready is not None else self.deleting
        return self.spans if end is None else [span for span in self.spans if span.until <= end]


@dataclass(slots=True)
class InstanceLife:
    """One instance, by uid: an ordinal may be used again.

    Attributes:
        ran_at_start: it ran already when the simulation began.
        ready: when it was ready first.
        was_ready: ms for which it was ready in all.
        deleting: when the controller began to delete it, and `delete_reason` why.
        restarts: how often recovery rebuilt it or a part of it; `concerning`: how often it lost readiness.
        pending: the scheduler's last word while its gang has no place.
        given_up: pods it gave up for others of its own; `degraded` for how many ms it lacked some, in all,
            and `degraded_since` when it still does.
        pods: all pods that ever stood in it.
    """

    instance: InstanceRef
    revision: str
    created: int
    ran_at_start: bool = False
    ready: int | None = None
    was_ready: int = 0
    ready_since: int | None = None
    deleting: int | None = None
    delete_reason: str = ""
    gone: int | None = None
    restarts: int = 0
    concerning: int = 0
    given_up: int = 0
    degraded: int = 0
    degraded_since: int | None = None
    failed: str = ""
    pending: GangPending | None = None
    pods: list[PodLife] = field(default_factory=list)

    @property
    def state(self) -> str:
        """What it is at the end of the run, in a word."""
        if self.gone is not None:
            return "gone"
        if self.deleting is not None:
            return "terminating"
        if self.failed:
            return "failed"
        if self.ready_since is not None:
            return "ready"
        if self.pending is not None or (self.pods and not self.pods[-1].node):
            return "pending"
        return "starting" if self.ready is None else "concerning"

    @property
    def pace(self) -> PodLife | None:
        """The pod that set the pace: the one whose readiness made the instance ready, or one still not ready.

        Of several not ready, one that is in trouble before one that only waits for the others.
        """
        ready = self.ready
        if ready is not None:
            there = [pod for pod in self.pods if pod.ready is not None and pod.ready <= ready]
            return max(there, key=lambda pod: pod.ready or 0, default=None)
        waiting = [pod for pod in self.pods if pod.ready is None and pod.gone is None] or self.pods
        return min(waiting, key=lambda pod: (not pod.trouble, _waits(pod)), default=None)

    @property
    def container_restarts(self) -> int:
        """Containers the kubelet restarted, over all its pods."""
        return sum(pod.restarts for pod in self.pods)


def _waits(pod: PodLife) -> bool:
    spans = pod.start_up()
    return bool(spans) and spans[-1].stage == BARRIER


def _ran_at_start(life: InstanceLife, pod: PodLife) -> None:
    """A pod of an instance that ran when the simulation began was ready all along."""
    pod.created = pod.ready = pod._since = life.created
    pod._then = SERVING


class Lives:
    """Follows instances and pods, of all workloads."""

    def __init__(self) -> None:
        self._instances: dict[int, InstanceLife] = {}
        self._pods: dict[PodRef, PodLife] = {}

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            InstanceCreated: self._instance_created,
            InstanceReady: self._instance_ready,
            InstanceConcerning: self._concerning,
            InstanceRestarting: self._restarting,
            InstanceDeleting: self._deleting,
            InstanceFailed: self._failed,
            InstanceGone: self._instance_gone,
            PodRebuilding: self._rebuilding,
            RoleRebuilding: self._rebuilding,
            InstanceDegraded: self._degraded,
            InstanceRestored: self._restored,
            PeersLost: self._peers_lost,
            GangPending: self._pending,
            GangScheduled: self._scheduled,
            PodCreated: self._pod_created,
            PodBound: lambda r: self._pod(r.pod, r.at).enter(r.at, CREATE, r.stages),
            ImagePullFailed: self._pull_failed,
            ImagePullRetried: lambda r: self._pod(r.pod, r.at).enter(r.at, CREATE, r.stages),
            SetUpContinued: self._continued,
            TransferDone: self._transferred,
            ContainersRunning: self._running,
            EngineStarted: lambda r: self._pod(r.pod, r.at).enter(r.at, PROBES, r.stages),
            PodReady: self._pod_ready,
            PodNotReady: lambda r: self._pod(r.pod, r.at).enter(r.at, NOT_READY),
            ContainerKilling: self._killing,
            ContainerDied: self._died,
            ContainerBackOff: self._backing_off,
            PodDeleting: self._pod_deleting,
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
        return list(self._instances.values())

    def _instance(self, ref: InstanceRef, at: int) -> InstanceLife:
        life = self._instances.get(ref.uid)
        if life is None:
            life = self._instances[ref.uid] = InstanceLife(ref, "", at)
        return life

    def _pod(self, ref: PodRef, at: int, *, created: bool = False) -> PodLife:
        life = self._pods.get(ref)
        if life is None:
            owner = self._instance(ref.instance, at)
            life = self._pods[ref] = PodLife(ref, at, _since=at)
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
        self._unready(record.instance, record.at).concerning += 1

    def _restarting(self, record: InstanceRestarting) -> None:
        life = self._unready(record.instance, record.at)
        life.restarts += 1
        self._whole_again(life, record.at)

    def _rebuilding(self, record: PodRebuilding | RoleRebuilding) -> None:
        self._instance(record.instance, record.at).restarts += 1

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

    def _pull_failed(self, record: ImagePullFailed) -> None:
        pod = self._pod(record.pod, record.at)
        pod.trouble = f"ImagePullBackOff: {record.message or record.image}"
        pod.enter(record.at, PULL_BACK_OFF)

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
        pod.restarts = max(pod.restarts, record.restarts)
        if pod.trouble.startswith("Init:"):
            pod.trouble = ""
        pod.enter(record.at, BARRIER)

    def _pod_ready(self, record: PodReady) -> None:
        pod = self._pod(record.pod, record.at)
        if pod.ready is None:
            pod.ready = record.at
        pod.trouble = ""
        pod.enter(record.at, SERVING)

    def _killing(self, record: ContainerKilling) -> None:
        self._pod(record.pod, record.at).trouble = f"{record.reason}: {record.detail}".removesuffix(": ")

    def _died(self, record: ContainerDied) -> None:
        pod = self._pod(record.pod, record.at)
        if pod.deleting is None:
            if record.init and record.exit_code:
                pod.trouble = f"Init:{record.reason}: {record.container}, exit code {record.exit_code}"
            elif not record.init:
                pod.trouble = pod.trouble or f"{record.reason}, exit code {record.exit_code}"
            pod.enter(record.at, RESTART)

    def _backing_off(self, record: ContainerBackOff) -> None:
        pod = self._pod(record.pod, record.at)
        if record.init:
            pod.trouble = f"Init:CrashLoopBackOff: {pod.trouble.partition(': ')[2]}"
        pod.enter(record.at, BACK_OFF)

    def _pod_deleting(self, record: PodDeleting) -> None:
        pod = self._pod(record.pod, record.at)
        pod.deleting = record.at
        pod.enter(record.at, TERMINATING, record.stages)

    def _pod_gone(self, record: PodGone) -> None:
        pod = self._pod(record.pod, record.at)
        pod.close(record.at)
        pod.gone, pod._then = record.at, None
