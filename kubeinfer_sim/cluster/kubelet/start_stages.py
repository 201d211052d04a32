"""How long each stage of a pod's start takes, given what its node already has.

Image pulls come before the containers run; everything from the rank table to the warm-up after the start
barrier. Each duration is drawn from a stream named after the pod and the stage.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from kubeinfer_sim.cluster.kubelet.start_faults import Failure, StartFaults
from kubeinfer_sim.cluster.kubelet.termination import hook_seconds, kill_stages
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod, is_sidecar
from kubeinfer_sim.cluster.prober import ContainerProber, Health, Outcome, Segment
from kubeinfer_sim.cluster.stages import (
    COMMUNICATOR,
    CREATE,
    GRAPH,
    IMPORT,
    RANK_TABLE,
    WARM_UP,
    WEIGHTS,
    Stage,
    StageKind,
    StageName,
)
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.manifest.model import Container
from kubeinfer_sim.manifest.releases import LATEST, Release
from kubeinfer_sim.scenario.model import Distribution
from kubeinfer_sim.scenario.timings.distributions import Constant

#: Where weights come from that are neither in the page cache nor on the node's own disk.
SHARED_STORAGE = "cold, shared storage"
#: How an image is pulled whose pull takes as long as the registry that all nodes share needs.
SHARED_REGISTRY = "cold, shared registry"


class FailedHook(NamedTuple):
    """A postStart hook that fails, of the container at this place; the exit code is that of its being killed for it."""

    container: int
    exit_code: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class SetUpPlan:
    """A stretch of a pod's set-up that can be told beforehand.

    Attributes:
        stages: one after the other; the last has no duration when it never ends, or waits for the registry.
        places: which container each stage is for (init containers and containers, counted together).
        pull: the container whose image has to be asked for then; over a shared registry the last stage is that.
        failure: the init container of the last stage ends like this; None: all containers run after the stages.
        watched: the sidecar of the last stage is sick, so its probes say how long that lasts.
        hooks: containers (by place in `Pod.containers`) whose postStart hooks fail; they are dead after the stages.
    """

    stages: tuple[Stage, ...]
    places: tuple[int, ...]
    pull: int | None = None
    failure: Failure | None = None
    watched: int | None = None
    hooks: tuple[FailedHook, ...] = ()

    def now(self, elapsed: int) -> int | None:
        """The place in `stages` of what goes on so long (ms) after it began; None when all is over."""
        for index, stage in enumerate(self.stages):
            if stage.duration is None or elapsed < stage.duration:
                return index
            elapsed -= stage.duration
        return None

    def after(self, elapsed: int) -> tuple[Stage, ...]:
        """What is left of the stages so long (ms) after they began."""
        place = self.now(elapsed)
        if place is None:
            return ()
        stage = self.stages[place]
        if stage.duration is not None:
            done = elapsed - sum(each.duration or 0 for each in self.stages[:place])
            stage = stage._replace(duration=stage.duration - done)
        return (stage, *self.stages[place + 1 :])


class StageDraws:
    """Draws stage lengths; constants draw nothing."""

    __slots__ = ("_faults", "_kubernetes", "_streams")

    def __init__(
        self, streams: Streams, kubernetes: Release = LATEST, faults: StartFaults | None = None
    ) -> None:
        self._streams = streams
        self._kubernetes = kubernetes
        self._faults = faults

    def struck(self, pod: Pod, container: str, failure: Failure) -> None:
        """A run has ended as it was planned to fail."""
        if self._faults is not None:
            self._faults.count(pod, container, failure.fault)

    def draw(self, distribution: Distribution, pod: Pod, stage: str) -> int | None:
        """One length in ms of `stage` for `pod`; None when it never ends."""
        if isinstance(distribution, Constant):
            return distribution.value  # most stages of most scenarios: not even a stream is named
        return distribution.sample(self._streams.named(f"stage/{stage}/{pod.stream_name}/{pod.restarts}"))

    def containers(
        self,
        pod: Pod,
        node: Node,
        now: int,
        *,
        shared: bool,
        first: int = 0,
        pulled: tuple[Stage, ...] | None = None,
    ) -> SetUpPlan:
        """What comes before all containers run, one after the other as the kubelet does it.

        Each init container's image and run, a sidecar's only until it has started; then the images of the
        containers, sandbox and containers. Nothing is planned beyond an image that has to be pulled, for what comes
        of that depends on what else the node pulls then; nor beyond an init container that fails, or a sidecar whose
        checks do not answer as they should. `first` is the container to begin with, `pulled` how it gets its image
        when that is known already.
        """
        stages: list[Stage] = []
        places: list[int] = []
        at: int | None = now
        init = pod.template.init_containers
        every = (*init, *pod.template.containers)
        for index in range(first, len(every)):
            assert at is not None
            container = every[index]
            if pulled is not None and index == first:
                stages += pulled
            elif needs_pull(container, node, at):
                if shared:
                    regime = "warm" if container.image in node.images else SHARED_REGISTRY
                    stages.append(Stage(StageName(StageKind.IMAGE, container.image), None, regime))
                    places.append(index)
                return SetUpPlan(tuple(stages), tuple(places), index)
            elif all(stage.name != (StageKind.IMAGE, container.image) for stage in stages):
                name = StageName(StageKind.IMAGE, container.image)
                stages.append(Stage(name, self.image_warm(pod, container.image), "warm"))
            places += [index] * (len(stages) - len(places))
            at = end_of(stages, now)
            if at is None:
                return SetUpPlan(tuple(stages), tuple(places))
            if index < len(init):
                if is_sidecar(init[index]) and init[index].post_start is not None:
                    place = pod.containers.index(init[index], len(pod.template.containers))
                    hook, failed = self.post_start(pod, place, at)
                    stages += hook
                    places += [index] * len(hook)
                    at = end_of(hook, at)
                    if at is None or failed is not None:
                        return SetUpPlan(tuple(stages), tuple(places), hooks=(failed,) if failed else ())
                if pod.sick and is_sidecar(init[index]):
                    stages.append(Stage(StageName(StageKind.SIDECAR, init[index].name), None))
                    return SetUpPlan(tuple(stages), (*places, index), watched=index)
                stages.append(self._init(pod, init[index], at))
                places.append(index)
                failure = None
                if self._faults is not None and not is_sidecar(init[index]):
                    failure = self._faults.of("init", pod, init[index].name, at)
                at = end_of(stages[-1:], at)
                if at is None or failure is not None:
                    return SetUpPlan(tuple(stages), tuple(places), failure=failure)
        stages.append(Stage(CREATE, self.draw(pod.timings.create, pod, "create")))
        places.append(len(every) - 1)
        hooks = self._post_starts(pod, end_of(stages, now), stages) if pod.template.has_hooks else ()
        places += [len(every) - 1] * (len(stages) - len(places))
        return SetUpPlan(tuple(stages), tuple(places), hooks=hooks)

    def _post_starts(self, pod: Pod, at: int | None, stages: list[Stage]) -> tuple[FailedHook, ...]:
        """The hooks of the containers, one after the other: each holds up the start of the next container."""
        found = []
        for place, container in enumerate(pod.template.containers):
            if at is None:
                break
            if container.post_start is not None:
                hook, failed = self.post_start(pod, place, at)
                stages += hook
                at = end_of(hook, at)
                if failed is not None:
                    found.append(failed)
        return tuple(found)

    def post_start(self, pod: Pod, place: int, at: int) -> tuple[tuple[Stage, ...], FailedHook | None]:
        """The postStart hook of a container whose process begins at `at`, and its being killed when that fails.

        Until the hook has returned, the container is Waiting in its status and nothing else happens to the pod
        (pkg/kubelet/kuberuntime/kuberuntime_container.go, startContainer).
        """
        container = pod.containers[place]
        assert container.post_start is not None
        known = hook_seconds(container.post_start)
        name = StageName(StageKind.POST_START, container.name)
        length = self.draw(pod.timings.post_start, pod, str(name)) if known is None else known * 1000
        pod.began_at = {**(pod.began_at or {}), place: at}
        failure = self._faults.of("postStart", pod, container.name, at) if self._faults is not None else None
        if failure is None or length is None:
            return (Stage(name, length),), None
        sidecar = place >= len(pod.template.containers)
        grace = pod.template.termination_grace_period_seconds
        kill = kill_stages(pod, container, grace, self, sidecar=sidecar)
        code = 137 if kill[-1].regime == "SIGKILL" else 143
        return (Stage(name, length, "fails"), *kill), FailedHook(place, code, failure)

    def image_cold(self, pod: Pod, image: str) -> int | None:
        """How long a pull takes of an image that is not on the node."""
        return self.draw(pod.timings.image_cold, pod, f"image/{image}")

    def image_warm(self, pod: Pod, image: str) -> int | None:
        """How long it takes to see that the image is there."""
        return self.draw(pod.timings.image_warm, pod, f"image/{image}")

    def _init(self, pod: Pod, container: Container, at: int) -> Stage:
        """An init container's run; of a sidecar, until the next container may start."""
        if not is_sidecar(container):
            again = f"/{pod.init_restarts}" if pod.init_restarts else ""
            length = self.draw(pod.timings.init, pod, f"init/{container.name}{again}")
            return Stage(StageName(StageKind.INIT, container.name), length)
        pod.sidecars[pod.containers.index(container, len(pod.template.containers))] = at
        return Stage(StageName(StageKind.SIDECAR, container.name), self._until_started(pod, container, at))

    def _until_started(self, pod: Pod, container: Container, at: int) -> int | None:
        """How long a sidecar started at `at` takes until its startup probe has succeeded."""
        if container.startup_probe is None:
            return 0
        prober = ContainerProber(
            container.startup_probe, None, None, added_at=pod.added_at, kubernetes=self._kubernetes
        )
        latency = self.draw(pod.timings.probe_latency, pod, "probe")
        answer = Segment(0, Outcome.HANG) if latency is None else Segment(0, Outcome.SUCCESS, latency)
        prober.container_started(at, Health.alike(answer))
        while not prober.started:
            due = prober.next_at()
            if due is None:
                return None
            if any(each.kind == "kill" for each in prober.advance(due)):
                return None
            at_started = due
        return at_started - at

    def before_weights(self, pod: Pod) -> tuple[Stage, ...]:
        """From the start barrier until the engine reads its weights."""
        timings = pod.timings
        return (
            Stage(RANK_TABLE, self.draw(timings.rank_table, pod, "rankTable")),
            Stage(IMPORT, self.draw(timings.framework_import, pod, "import")),
            Stage(COMMUNICATOR, self.draw(timings.communicator, pod, "communicator")),
        )

    def weights(self, pod: Pod, node: Node, at: int, *, shared: bool) -> Stage:
        """Reading the weights from `at` on; no duration when they come over a `shared` storage."""
        timings = pod.timings
        if node.weights_ready(pod.weights_key, at):
            return Stage(WEIGHTS, self.draw(timings.weights_warm, pod, "weights"), "warm")
        if pod.template.weights_volume == "local":
            return Stage(WEIGHTS, self.draw(timings.weights_local, pod, "weights"), "cold, local disk")
        length = None if shared and pod.npus else self.draw(timings.weights_shared, pod, "weights")
        return Stage(WEIGHTS, length, SHARED_STORAGE)

    def after_weights(self, pod: Pod, node: Node, loaded: int) -> tuple[Stage, ...]:
        """From the end of the weights until the engine answers; notes what is warm on the node from when on."""
        timings = pod.timings
        pod.weights_at = loaded
        if loaded < node.page_cache.get(pod.weights_key, loaded + 1):
            node.page_cache[pod.weights_key] = loaded
        graph_key = (pod.revision, pod.ref.role)
        if node.graph_ready(graph_key, loaded):
            graph = Stage(GRAPH, self.draw(timings.graph_warm, pod, "graph"), "warm")
        else:
            graph = Stage(GRAPH, self.draw(timings.graph_cold, pod, "graph"), "cold")
        compiled = end_of((graph,), loaded)
        if compiled is not None and compiled < node.graphs.get(graph_key, compiled + 1):
            node.graphs[graph_key] = compiled
        warm_up = Stage(WARM_UP, self.draw(timings.warm_up, pod, "warmUp"))
        pod.serving_at = end_of((warm_up,), compiled)
        return graph, warm_up


def needs_pull(container: Container, node: Node, at: int) -> bool:
    """Whether the kubelet has to ask for the image at `at`: its policy says so, or it is not on the node.

    With policy Never it does not ask, but what is not there is an error (pkg/kubelet/images, imagePullPrecheck).
    """
    if container.image_pull_policy == "Always":
        return True
    there = node.images.get(container.image)
    return there is None or there > at


def interrupt(pod: Pod, node: Node, now: int) -> None:
    """The pod's start was cut short at `now`: what it had not finished is not on the node."""
    if pod.serving_at is None and pod.weights_at is None:
        return
    if node.page_cache.get(pod.weights_key, 0) > now:
        del node.page_cache[pod.weights_key]
    graph_key = (pod.revision, pod.ref.role)
    if node.graphs.get(graph_key, 0) > now:
        del node.graphs[graph_key]


def end_of(stages: Iterable[Stage], at: int | None) -> int | None:
    """When the last of the stages ends that begin at `at`; None if one never does."""
    for stage in stages:
        if at is None or stage.duration is None:
            return None
        at += stage.duration
    return at
