"""What the kubelet of a node knows of one pod (pkg/kubelet/pod_workers.go)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

from msgspec import Struct

from kubeinfer_sim.cluster.kubelet.backoff import ImageBackoff
from kubeinfer_sim.cluster.kubelet.container import Container
from kubeinfer_sim.cluster.kubelet.image_pull import ImageError
from kubeinfer_sim.cluster.kubelet.pod_layout import ContainerKind, PodLayout
from kubeinfer_sim.cluster.kubelet.set_up_plan import SetUpPlan
from kubeinfer_sim.cluster.kubelet.shared_link import Transfer
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.prober import Checks, Segment
from kubeinfer_sim.cluster.stages import Stage, StageKind
from kubeinfer_sim.engine.clock import Timer
from kubeinfer_sim.manifest.accelerators import accelerators_of

#: How long a kubelet has run (ms) that has not been started again in the run.
KUBELET_AGE = 3_600_000


class Sync(Enum):
    """What the pod's worker is doing, whatever the API server has heard of it, or wants."""

    UNHEARD = "unheard"  # the pod is bound, but its kubelet has yet to hear of it
    SETTING_UP = "settingUp"  # images, init containers, sandbox, containers
    RUNNING = "running"  # all its containers have been started
    TERMINATING = "terminating"  # its containers are stopped
    TERMINATED = "terminated"  # nothing is left of it, but the API server has yet to hear so


class ImageWait(Struct, frozen=True):
    """The container whose image cannot be had, since when (ms), and why."""

    container: Container
    since: int
    reason: ImageError


class ChecksChanged(Struct, frozen=True):
    """The last time that the pod's checks were made to answer otherwise, or to answer again (`healthy`).

    Attributes:
        record: id of what tells it.
        at: ms.
        before: id of the last record of the pod before it.
    """

    record: int
    at: int
    before: int
    healthy: bool


class Stopping(NamedTuple):
    """A pod is being stopped: since when (ms), in which stages, and the init container that ran then, if any."""

    since: int
    stages: tuple[Stage, ...]
    init: Container | None

    def left(self, now: int) -> Stopping:
        """What is not over by `now`, since when that goes on; the last stage at least."""
        since, stages, init = self
        while len(stages) > 1 and (length := stages[0].duration) is not None and since + length <= now:
            since, stages = since + length, stages[1:]
        return Stopping(since, stages, init)


class PodWorker:
    """The state of one pod on its node.

    Attributes:
        sync: what it is about.
        layout: what its template says of its containers.
        every: all containers, in the order in which they are started.
        containers: those that run as long as the pod: its ordinary containers, then its sidecars.
        engine: the one of them that runs the inference engine.
        probed: those whose probes are followed.
        added_at: when the kubelet took the pod up; the probes' ticks are counted from here.
        answers: what its checks get by order of the scenario.
        checks_changed: when that changed last.
        deadline: when it has been on its node for as long as its activeDeadlineSeconds say, in ms.
        to_stop: its kubelet has heard of its deletion, and stops it when the sync under way is over.
        stopping: its kubelet stops it, or has stopped it.
        plan: what its set-up goes through and since when, while it does.
        awaits: the sidecar whose start the set-up waits for without knowing how long.
        image_wait: the image it cannot have.
        pull_back_offs: by image, of pulls that its node refused.
        init_restarts: how often one of its init containers was run again.
        in_place: how often all of its containers were started again in place.
        serving_at: when its engine answers (None: never, or not loading).
        latency: how long its checks take that succeed (ms; None: they hang), by the number of its restarts, once drawn.
        weights_at: when its engine has read the weights.
        compiled_at: when it has compiled its graph, if it has to.
        sigterm_at: when it gets SIGTERM, as a probe has its container killed.
        reading: its weights on their way over the shared storage, or about to be.
        timer: what the pod as a whole waits for: a result of its probes, or the end of its termination.
        timers: what parts of it wait for: containers that are killed or started, and (None) its set-up.
        held: the same while its kubelet does not run: each sets its timer again, given the time.
    """

    __slots__ = (
        "added_at",
        "answers",
        "awaits",
        "checks_changed",
        "compiled_at",
        "containers",
        "deadline",
        "engine",
        "every",
        "held",
        "image_wait",
        "in_place",
        "init_restarts",
        "latency",
        "layout",
        "node",
        "plan",
        "pod",
        "probed",
        "pull_back_offs",
        "reading",
        "serving_at",
        "sigterm_at",
        "stopping",
        "sync",
        "timer",
        "timers",
        "to_stop",
        "weights_at",
    )

    def __init__(self, pod: Pod, node: Node, layout: PodLayout) -> None:
        self.pod = pod
        self.node = node
        self.layout = layout
        self.sync = Sync.UNHEARD
        self.every = self.containers = tuple([Container(each) for each in layout.started])
        self.engine = self.every[layout.engine]
        if layout.init:
            sidecars = [each for each in self.every if each.kind is ContainerKind.SIDECAR]
            self.containers = (*self.every[layout.init :], *sidecars)
        self.probed: list[Container] = []
        self.added_at = 0
        self.answers: dict[Checks, Segment] = {}
        self.checks_changed: ChecksChanged | None = None
        self.deadline: int | None = None
        self.to_stop = False
        self.stopping: Stopping | None = None
        self.plan: tuple[int, SetUpPlan] | None = None
        self.awaits: Container | None = None
        self.image_wait: ImageWait | None = None
        self.pull_back_offs: dict[str, ImageBackoff] | None = None
        self.init_restarts = 0
        self.in_place = 0
        self.serving_at: int | None = None
        self.latency: tuple[int, int | None] | None = None
        self.weights_at: int | None = None
        self.compiled_at: int | None = None
        self.sigterm_at: int | None = None
        self.reading: Transfer | None = None
        self.timer: Timer | None = None
        self.timers: dict[Container | None, Timer] = {}
        self.held: Mapping[Container | None, Callable[[int], Timer]] | None = None

    def told_of_checks(self, record: int, at: int, *, healthy: bool) -> None:
        """This record tells that its checks are answered otherwise from now on."""
        before, known = self.pod.last, self.checks_changed
        if known is not None and known.record == before and known.healthy and healthy:
            before = known.before
        self.checks_changed = ChecksChanged(record, at, before, healthy)
        self.pod.last = record

    def calls_failed(self, since: int) -> None:
        """Calls have failed of which the first began at `since`: what mended the checks later is not why."""
        changed = self.checks_changed
        if changed is not None and changed.record == self.pod.last and since < changed.at:
            self.pod.last = changed.before

    def kill_over(self, killing: int) -> None:
        """A container has been killed by this decision: what its checks were made to answer since is not why."""
        changed = self.checks_changed
        if changed is not None and changed.record == self.pod.last:
            self.pod.last = killing

    @property
    def kubelet_age(self) -> int:
        """How long the pod's kubelet had run when it took the pod up, in ms."""
        since = self.node.kubelet_since
        return KUBELET_AGE if since is None else self.added_at - since

    @property
    def is_behind(self) -> bool:
        """Whether kubelet and API server have something to tell each other once they can."""
        if self.sync is Sync.TERMINATING or self.pod.state is PodState.FINISHED:
            return False
        return self.sync in (Sync.UNHEARD, Sync.TERMINATED) or self.pod.state is PodState.DELETING

    @property
    def asks_for_devices(self) -> bool:
        """Whether a container that takes devices does not run: a new kubelet has to give it some."""
        if self.sync is Sync.RUNNING and not any(each.dead for each in self.containers):
            return False
        return any(
            accelerators_of(each.spec.requests)
            for each in self.containers
            if each.dead or self.sync is not Sync.RUNNING
        )

    @property
    def ordinary(self) -> tuple[Container, ...]:
        """Its ordinary containers."""
        return self.every[self.layout.init :]

    def named(self, name: str) -> Container | None:
        """Its container of this name."""
        return next((each for each in self.every if each.spec.name == name), None)

    def runs_init(self, now: int) -> Container | None:
        """Which of its ordinary init containers runs now."""
        if self.sync is not Sync.SETTING_UP or self.plan is None or not self.node.alive:
            return None
        since, plan = self.plan
        step = plan.now(now - since)
        if step is None or not plan.is_init(step):
            return None
        return plan.containers[step]

    def pulls(self, now: int) -> Container | None:
        """For which container an image is being pulled, or a pull waits for its turn."""
        if self.sync is not Sync.SETTING_UP or self.plan is None:
            return None
        since, plan = self.plan
        step = plan.now(now - since)
        return (
            plan.containers[step]
            if step is not None and plan.stages[step].name.kind is StageKind.IMAGE
            else None
        )

    def in_sync(self, now: int) -> bool:
        """Whether its images are being pulled, or a container of it is being killed or started.

        A sync is not cut short by a deletion (pkg/kubelet/kubelet.go, SyncPod). It does not wait for back-offs, for
        init containers to end, nor for sidecars to have started.
        """
        if self.sync is Sync.SETTING_UP and self.plan is not None:
            since, plan = self.plan
            if plan.in_sync(now - since):
                return True
        return any(each.synced_from is not None and each.synced_from <= now for each in self.containers)

    def hold(self, part: Container | None, resume: Callable[[int], Timer]) -> None:
        """While its kubelet does not run, this is what it will see first of a part of it."""
        self.held = {**(self.held or {}), part: resume}

    def forget_timers(self) -> None:
        """Nothing it waited for will happen."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        timers = self.timers
        for each in timers:
            timers[each].cancel()
        if timers:
            timers.clear()
        for container in self.every:
            container.synced_from = None
            container.ended = False

    def forget_probers(self) -> None:
        """Nothing is probed any more."""
        for container in self.probed:
            container.prober = None
        self.probed.clear()
