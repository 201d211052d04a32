"""The kubelets of all nodes: a pod's life from the moment it has a node until it is gone.

Set-up, image pulls, containers, the engine's start behind the gang's barrier, probes, kills, restarts in
place, termination. A pod costs a handful of timers in its whole life: each stage is computed when it begins,
and the prober says which of its ticks will matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from kubeinfer_sim.cluster.backoff import (
    Backoff,
    BackoffLimits,
    ContainerBackoff,
    ImageBackoff,
    PodWorkerRetry,
)
from kubeinfer_sim.cluster.image_manager import ImageManager, Registry
from kubeinfer_sim.cluster.image_pull import next_attempt
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.prober import (
    KINDS,
    ContainerProber,
    Health,
    Outcome,
    ProbeKind,
    Segment,
    Transition,
)
from kubeinfer_sim.cluster.prober.forecast import Follower, Forecasts, Start
from kubeinfer_sim.cluster.records import (
    ContainerBackOff,
    ContainerDied,
    ContainerKilling,
    ContainersRunning,
    EngineStarted,
    HealthChanged,
    ImagePullFailed,
    ImagePullRetried,
    PodBound,
    PodDeleting,
    PodGone,
    PodNotReady,
    PodReady,
    PodRemoved,
    PodStarted,
    Stage,
    TransferDone,
)
from kubeinfer_sim.cluster.shared_link import SharedLink
from kubeinfer_sim.cluster.start_stages import SHARED_STORAGE, StageDraws, end_of, interrupt
from kubeinfer_sim.cluster.termination import kill_grace_seconds, kill_stages, pod_stop_stages
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import History
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.manifest.model import Container
from kubeinfer_sim.scenario.model import CrashBackOff, RandomSource, Transfers

#: How long before time 0 the pods that run at the start were set up: long enough for any probe to have settled.
RUNNING_SINCE = -86_400_000

#: Why the kubelet kills a container on its own.
PROBE_KILLS = ("StartupProbeFailed", "LivenessProbeFailed")


@dataclass(slots=True)
class ContainerRuns:
    """The restarts of one container: its back-off, and when its newest run ended (ms)."""

    backoff: ContainerBackoff
    retry: PodWorkerRetry
    finished: int | None = None

    def start_after(self, now: int, *, seen: bool) -> int:
        """When the container that died at `now` starts again.

        `seen`: the sync that starts it knows of this death. After a kill by a probe it knows only of the run
        before: kill and start happen in one sync (kuberuntime_manager.go, computePodActions and doBackOff).
        """
        known = now if seen else self.finished
        self.finished = now
        if known is None:
            return now
        start_at = now
        if self.backoff.next_start(known, now) > now:
            # The wait counts from the newest death, which the next sync does see.
            start_at = self.backoff.restart_at(now, now, self.retry)
            known = now
        self.backoff.record_start(known, start_at)
        return start_at


class PodListener(Protocol):
    """Who follows the pods: the controller."""

    def pod_ready(self, pod: Pod) -> None:
        """The pod's Ready condition turned true."""

    def pod_unready(self, pod: Pod, reason: str) -> None:
        """It turned false."""

    def pod_stuck(self, pod: Pod) -> None:
        """The pod will not become ready by itself; `pod.failure` says why."""

    def container_died(self, pod: Pod, reason: str) -> bool:
        """A container of the pod is dead. True: the pod is being replaced, so the kubelet leaves it alone."""
        ...

    def pod_gone(self, pod: Pod) -> None:
        """The pod's object is gone and its devices are free."""


class PodWatcher(Protocol):
    """Who else wants to know which pods stand on which node: what looks after failing nodes and budgets."""

    def pod_bound(self, pod: Pod) -> None:
        """The pod is bound to its node."""

    def pod_ready_changed(self, pod: Pod) -> None:
        """Its Ready condition has changed."""

    def pod_terminating(self, pod: Pod) -> None:
        """It has a deletion timestamp."""

    def pod_gone(self, pod: Pod) -> None:
        """Its object is gone."""


class Kubelet:
    """All kubelets. `release` is told of each pod that is gone: NPUs it gives back, NPUs then in use."""

    def __init__(
        self,
        clock: Clock,
        history: History,
        streams: Streams,
        *,
        broken_images: frozenset[str],
        kubernetes_version: str,
        transfers: Transfers,
        release: Callable[[Pod], tuple[int, int]],
        crash_back_off: CrashBackOff,
    ) -> None:
        self._clock = clock
        self._history = history
        self._streams = streams
        self._crash = crash_back_off
        self._draws = StageDraws(streams, kubernetes_version)
        self._registry = Registry(broken_images)
        # Pods whose image cannot be had: which, and when that was first found.
        self._imageless: dict[Pod, tuple[str, int]] = {}
        self._version = kubernetes_version
        self._release = release
        self._transfers = transfers
        self._images = ImageManager(clock, transfers)
        storage = transfers.storage
        self._storage = None if storage is None else SharedLink(clock, storage.bandwidth, storage.per_client)
        self._minor = int(kubernetes_version.split(".")[1])
        self._forecasts = Forecasts(
            lambda startup, liveness, readiness, added_at: ContainerProber(
                startup, liveness, readiness, added_at=added_at, kubernetes_version=kubernetes_version
            )
        )
        self._runs: dict[tuple[Pod, int], ContainerRuns] = {}
        self.listener: PodListener
        self.watchers: list[PodWatcher] = []
        # What a node that cannot be reached has yet to do: pods it has not heard of, and pods to stop.
        self._unheard: dict[Pod, None] = {}
        self._to_stop: dict[Pod, PodState] = {}

    # -- start ---------------------------------------------------------------------------------------------

    def add_pod(self, pod: Pod, node: Node) -> None:
        """A pod was bound to a node; its kubelet sets it up as soon as it hears of it."""
        pod.node, pod.state = node, PodState.PULLING
        node.pods[pod] = None
        if node.reachable:
            self._set_up(pod, node)
        else:
            self._unheard[pod] = None
            pod.last = self._history.append(PodBound(self._clock.now, pod.last, pod.ref, node.name, ()))
        for watcher in self.watchers:
            watcher.pod_bound(pod)

    def _set_up(self, pod: Pod, node: Node) -> None:
        """The kubelet begins with a pod: its probes' ticks are counted from now."""
        now = pod.added_at = self._clock.now
        failure = self._image_failure(pod, node)
        shared = self._images.shares_registry
        stages, pull = ((), None) if failure else self._draws.containers(pod, node, now, shared=shared)
        pod.last = self._history.append(PodBound(now, pod.last, pod.ref, node.name, stages))
        if failure is None:
            self._go_through(pod, stages, pull)
            return
        # The kubelet retries for ever; nothing comes of it until somebody changes the image, so no event does.
        reason, image, message = failure
        self._imageless[pod] = image, now
        self._stuck(pod, reason)
        pod.last = self._history.append(ImagePullFailed(now, pod.last, pod.ref, image, message))

    def _image_failure(self, pod: Pod, node: Node) -> tuple[str, str, str] | None:
        """Reason, image and message of the first image the pod cannot have; None when it can have all."""
        for container in (*pod.template.init_containers, *pod.template.containers):
            image, policy = container.image, container.image_pull_policy
            present = image in node.images
            if policy == "Never":
                if not present:
                    return "ErrImageNeverPull", image, "it is not on the node, and its pull policy is Never"
            elif (policy == "Always" or not present) and (why := self._registry.refuses(image)):
                return "ImagePullBackOff", image, why
        return None

    def break_images(self, images: Iterable[str], *, broken: bool) -> None:
        """Pulls of these images (none given: of all) fail from now on, or succeed again."""
        self._registry.set(images, broken=broken)
        now = self._clock.now
        for pod, (image, since) in list(self._imageless.items()):
            if pod.failure == "ImagePullBackOff" and not self._registry.refuses(image):
                retry = PodWorkerRetry(self._minor, self._streams.named(f"pull/{pod.stream_name}"))
                when = next_attempt(since, now, ImageBackoff(), retry)
                pod.timer = self._clock.at(when, self._try_again, pod)

    def throttle_storage(self, factor: float) -> None:
        """The storage that all nodes share goes at this part of its speed; nothing happens where there is none."""
        if self._storage is not None:
            self._storage.throttle(factor)

    def _try_again(self, pod: Pod) -> None:
        """The next attempt of a pod whose image could not be pulled, after its back-off."""
        pod.timer = None
        assert pod.node is not None
        _, since = self._imageless.pop(pod)
        if (failure := self._image_failure(pod, pod.node)) is not None:
            self._imageless[pod] = failure[1], since
            return
        pod.failure = ""
        shared = self._images.shares_registry
        stages, pull = self._draws.containers(pod, pod.node, self._clock.now, shared=shared)
        pod.last = self._history.append(
            ImagePullRetried(self._clock.now, pod.last, pod.ref, pod.node.name, stages)
        )
        self._go_through(pod, stages, pull)

    def _go_through(self, pod: Pod, stages: tuple[Stage, ...], pull: int | None) -> None:
        """The pod is in these stages of its set-up; with `pull`, the last one pulls that container's image."""
        if pull is not None:
            before = end_of(stages[:-1], 0)
            if before == 0:
                self._pull(pod, pull)
            elif before is not None:
                pod.timer = self._clock.after(before, self._pull, pod, pull)
            return
        length = end_of(stages, 0)
        if length is None:
            endless = next(stage.name for stage in stages if stage.duration is None)
            self._stuck(pod, "ImagePullNeverEnds" if endless.startswith("image ") else "InitNeverEnds")
        else:
            pod.timer = self._clock.after(length, self._containers_run, pod)

    def _pull(self, pod: Pod, index: int) -> None:
        """Pull the image of one container (init containers counted first) over the shared registry."""
        pod.timer = None
        assert pod.node is not None
        containers = (*pod.template.init_containers, *pod.template.containers)
        image = containers[index].image
        self._images.pull(pod.node, image, lambda: self._pulled(pod, index, image))

    def _pulled(self, pod: Pod, index: int, image: str) -> None:
        if pod.state is not PodState.PULLING or pod.node is None:
            return
        now = self._clock.now
        stages, pull = self._draws.containers(pod, pod.node, now, shared=True, first=index, pulled=True)
        pod.last = self._history.append(
            TransferDone(now, pod.last, pod.ref, f"image {image}", self._images.size(image), stages)
        )
        self._go_through(pod, stages, pull)

    def adopt(self, pod: Pod, node: Node) -> None:
        """The pod ran and was ready long before the simulation began."""
        pod.node, pod.state = node, PodState.RUNNING
        pod.added_at = pod.serving_at = pod.weights_at = RUNNING_SINCE
        pod.started = pod.ready = pod.was_ready = True
        node.pods[pod] = None
        for container in (*pod.template.init_containers, *pod.template.containers):
            node.images.setdefault(container.image, RUNNING_SINCE)
        node.page_cache[pod.weights_key] = RUNNING_SINCE
        node.graphs[pod.revision, pod.ref.role] = RUNNING_SINCE
        pod.barrier.arrive(pod)
        for watcher in self.watchers:
            watcher.pod_bound(pod)

    def _containers_run(self, pod: Pod) -> None:
        """All containers of the pod run for the first time: the probes begin, the barrier may open."""
        pod.timer = None
        pod.state = PodState.RUNNING
        pod.last = self._history.append(ContainersRunning(self._clock.now, pod.last, pod.ref, pod.restarts))
        for other in self._arrive(pod):
            if other is not pod:
                self._in_sight(other)
        for index, container in enumerate(pod.containers):
            if container.startup_probe or container.liveness_probe or container.readiness_probe:
                pod.probers[index] = self._first_prober(pod, index, container)
        self._follow(pod)

    def _arrive(self, pod: Pod) -> list[Pod]:
        """The pod stands at its gang's barrier; returns the pods whose engines start now."""
        released = pod.barrier.arrive(pod)
        for other in released:
            self._start_engine(other)
        return released

    def _in_sight(self, pod: Pod) -> None:
        """The barrier let the pod's engine start, so its probes' findings can be foreseen."""
        prober = pod.probers.get(pod.engine)
        if isinstance(prober, Follower):
            prober.serving(pod.serving_at, self._latency(pod))
            self._follow(pod)
        elif prober is not None:
            self._health_changed(pod)

    def _start_engine(self, pod: Pod) -> None:
        """The barrier let the engine start: everything up to the first answer, as far as it can be foreseen."""
        now = self._clock.now
        node = pod.node
        assert node is not None
        stages = self._draws.before_weights(pod)
        begins = end_of(stages, now)
        if begins is not None:
            weights = self._draws.weights(pod, node, begins, shared=self._storage is not None)
            stages = (*stages, weights)
            loaded = end_of((weights,), begins)
            if loaded is not None:
                stages += self._draws.after_weights(pod, node, loaded)
            elif self._storage is not None and weights.regime == SHARED_STORAGE:
                pod.timers["weights"] = self._clock.at(begins, self._read_weights, pod)
        pod.last = self._history.append(EngineStarted(now, pod.last, pod.ref, stages))
        if pod.serving_at is None and "weights" not in pod.timers:
            self._stuck(pod, "EngineNeverReady")

    def _read_weights(self, pod: Pod) -> None:
        """Read the weights over the storage that all nodes share."""
        del pod.timers["weights"]
        assert self._storage is not None
        transfers = self._transfers
        size = transfers.weights_sizes.get(pod.ref.role, transfers.default_weights_size)
        pod.reading = self._storage.start(size, lambda: self._weights_read(pod, size))

    def _weights_read(self, pod: Pod, size: int) -> None:
        now = self._clock.now
        pod.reading = None
        assert pod.node is not None
        stages = self._draws.after_weights(pod, pod.node, now)
        pod.last = self._history.append(TransferDone(now, pod.last, pod.ref, "weights", size, stages))
        if pod.serving_at is None:
            self._stuck(pod, "EngineNeverReady")
        self._in_sight(pod)

    # -- probes --------------------------------------------------------------------------------------------

    def _latency(self, pod: Pod) -> int | None:
        """How long a check of the pod's takes that succeeds; None when it hangs."""
        return self._draws.draw(pod.timings.probe_latency, pod, "probe")

    def _follower(self, pod: Pod, index: int, container: Container) -> Follower:
        added_at = pod.added_at
        started = self._clock.now - added_at
        serving: int | None = started
        if index == pod.engine:
            serving = None if pod.serving_at is None else pod.serving_at - added_at
        start = Start(
            container.startup_probe,
            container.liveness_probe,
            container.readiness_probe,
            added_at % 1000,
            started,
            serving,
            self._latency(pod),
        )
        return Follower(self._forecasts, start, added_at)

    def _first_prober(self, pod: Pod, index: int, container: Container) -> Follower | ContainerProber:
        """The prober of a container that just started for the first time; its own if it is sick from birth.

        A sidecar has run for a while by then.
        """
        if not pod.sick and index not in pod.sidecars:
            return self._follower(pod, index, container)
        prober = self._prober(pod, container)
        prober.container_started(pod.sidecars.get(index, self._clock.now), self._health(pod, index))
        return prober

    def _exact(self, pod: Pod, index: int) -> ContainerProber:
        """The prober of a container, from now on its own."""
        prober = pod.probers[index]
        if isinstance(prober, Follower):
            own = self._prober(pod, pod.containers[index])
            prober = pod.probers[index] = prober.exact(own, self._clock.now)
        return prober

    def _prober(self, pod: Pod, container: Container, *, kubelet_age_ms: int = 3_600_000) -> ContainerProber:
        def stream(kind: ProbeKind) -> RandomSource:
            return self._streams.named(f"probe/{kind}/{pod.stream_name}/{container.name}")

        return ContainerProber(
            container.startup_probe,
            container.liveness_probe,
            container.readiness_probe,
            added_at=pod.added_at,
            kubelet_age_ms=kubelet_age_ms,
            kubernetes_version=self._version,
            source=stream,
        )

    def _health(self, pod: Pod, index: int) -> Health:
        """What the container's health check answers from now on, as far as it is known now."""
        latency = self._latency(pod)
        outcome = Outcome.HANG if latency is None else Outcome.SUCCESS
        failing = Segment(0, Outcome.FAIL)
        serving: tuple[Segment, ...] = (failing,)
        if index != pod.engine or (pod.serving_at is not None and pod.serving_at <= self._clock.now):
            serving = (Segment(0, outcome, latency or 0),)
        elif pod.serving_at is not None:
            serving = (failing, Segment(pod.serving_at, outcome, latency or 0))
        if not pod.sick:
            return Health(serving, serving, serving)
        startup, liveness, readiness = ((pod.sick[kind],) if kind in pod.sick else serving for kind in KINDS)
        return Health(startup, liveness, readiness)

    def _health_changed(self, pod: Pod) -> None:
        now = self._clock.now
        for index in pod.probers:
            self._exact(pod, index).health_changed(now, self._health(pod, index))
        self._follow(pod)

    def _follow(self, pod: Pod) -> None:
        """Apply what the probes have found by now and wake up when they will find something new."""
        now = self._clock.now
        if pod.timer is not None:
            pod.timer.cancel()
            pod.timer = None
        following: int | None = None
        for index, prober in pod.probers.items():
            due = prober.next_at()
            if due is not None and due <= now:
                for transition in prober.advance(now):
                    if transition.kind == "kill":
                        self._kill(pod, index, transition)
                due = prober.next_at()
            if due is not None and (following is None or due < following):
                following = due
        self._update_conditions(pod)
        if following is not None and pod.state is PodState.RUNNING:
            pod.timer = self._clock.at(following, self._follow, pod)

    def _update_conditions(self, pod: Pod) -> None:
        """Started and Ready of the pod follow from its containers', as far as the API server hears of them."""
        if pod.state is not PodState.RUNNING or (pod.node is not None and not pod.node.reachable):
            return
        now = self._clock.now
        probers = pod.probers.values()
        if not pod.started and not pod.dead and all(prober.started for prober in probers):
            pod.started = True
            pod.last = self._history.append(PodStarted(now, pod.last, pod.ref))
        # Killed and started again within one sync, a dead container is still ready in the API's eyes; not in ours.
        ready = not pod.dead and not pod.overruled and all(prober.ready for prober in probers)
        if ready and not pod.ready:
            pod.ready = pod.was_ready = True
            pod.failure = ""
            pod.last = self._history.append(PodReady(now, pod.last, pod.ref))
            self.listener.pod_ready(pod)
            for watcher in self.watchers:
                watcher.pod_ready_changed(pod)
        elif not ready and pod.ready:
            self._unready(pod, "ReadinessProbeFailed")

    def _unready(self, pod: Pod, reason: str) -> None:
        pod.ready = False
        pod.last = self._history.append(PodNotReady(self._clock.now, pod.last, pod.ref, reason))
        self.listener.pod_unready(pod, reason)
        for watcher in self.watchers:
            watcher.pod_ready_changed(pod)

    def set_health(
        self, pods: Iterable[Pod], answer: Segment | None, probes: tuple[str, ...], *, cause: int
    ) -> None:
        """The check behind these probes answers so from now on; None: as the container's state has it."""
        now = self._clock.now
        for pod in pods:
            for kind in probes:
                pod.sick.pop(kind, None)
                if answer is not None:
                    pod.sick[kind] = answer
            pod.last = self._history.append(HealthChanged(now, cause, pod.ref, answer is None, probes))
            if pod.state is PodState.RUNNING:
                if not pod.probers:
                    self._probe_running(pod)
                self._health_changed(pod)

    def _probe_running(self, pod: Pod) -> None:
        """Give a pod that ran before the simulation began its probers, as they stand now.

        Where its ticks fall is not known: the phase is drawn from a stream of the pod's own.
        """
        phase = int(self._streams.named(f"probe-phase/{pod.stream_name}").random() * 10_000)
        pod.added_at = RUNNING_SINCE - phase
        for index, container in enumerate(pod.containers):
            if container.startup_probe or container.liveness_probe or container.readiness_probe:
                prober = pod.probers[index] = self._prober(pod, container)
                prober.container_started(pod.added_at, Health.alike(Segment(0, Outcome.SUCCESS)))
                prober.advance(self._clock.now - 1)

    # -- death of containers -------------------------------------------------------------------------------

    def _kill(self, pod: Pod, index: int, transition: Transition) -> None:
        """A startup or liveness probe has failed for good: stop the container within its grace period."""
        now = self._clock.now
        container = pod.containers[index]
        startup = transition.probe == "startup"
        reason = PROBE_KILLS[not startup]
        probe = container.startup_probe if startup else container.liveness_probe
        assert probe is not None
        grace = kill_grace_seconds(
            pod=pod.template.termination_grace_period_seconds, probe=probe.termination_grace_period_seconds
        )
        pod.last = self._history.append(
            ContainerKilling(
                now,
                pod.last,
                pod.ref,
                container.name,
                reason,
                f"{probe.failure_threshold} failures in a row, one every {probe.period_seconds} s",
            )
        )
        stages = kill_stages(pod, container, grace, self._draws)
        length = end_of(stages, 0)
        if length is not None:
            code = 137 if stages[-1].regime == "SIGKILL" else 143
            pod.timers[index] = self._clock.after(length, self._died, pod, index, reason, code)

    def crash(
        self, pod: Pod, reason: str, exit_code: int, *, container: int | None = None, cause: int
    ) -> None:
        """A container's process (by default the engine) ends by itself; nothing happens if it does not run."""
        index = pod.engine if container is None else container
        if pod.state is not PodState.RUNNING or index in pod.dead:
            return
        if pod.node is not None and not pod.node.alive:
            return
        if (timer := pod.timers.pop(index, None)) is not None:
            timer.cancel()
        if not pod.probers:
            self._probe_running(pod)
        pod.last = cause
        self._died(pod, index, reason, exit_code)

    def _died(self, pod: Pod, index: int, reason: str, exit_code: int) -> None:
        """A container is dead: somebody replaces the pod, or the kubelet starts the container again."""
        pod.timers.pop(index, None)
        pod.dead.add(index)
        known = pod.node is None or pod.node.reachable
        name = pod.containers[index].name
        pod.last = self._history.append(
            ContainerDied(self._clock.now, pod.last, pod.ref, name, reason, exit_code)
        )
        if index == pod.engine:
            self._interrupt(pod)
        if not known:
            # Nobody but its kubelet knows: what the API server has not heard cannot cause a rebuild.
            self._restart(pod, index, exit_code, probe_kill=reason in PROBE_KILLS)
            return
        if pod.ready:
            self._unready(pod, reason)
        self._stuck(pod, reason)
        if not self.listener.container_died(pod, reason):
            self._restart(pod, index, exit_code, probe_kill=reason in PROBE_KILLS)

    def _restart(self, pod: Pod, index: int, exit_code: int, *, probe_kill: bool) -> None:
        """Start a dead container again, after its back-off (CrashLoopBackOff)."""
        now = self._clock.now
        policy = "Always" if index >= len(pod.template.containers) else pod.template.restart_policy
        if policy == "Never" or (policy == "OnFailure" and exit_code == 0):
            return
        runs = self._runs.get((pod, index))
        if runs is None:
            source = self._streams.named(f"restart/{pod.stream_name}/{index}")
            limits = BackoffLimits.of_kubelet(
                minor=self._minor, reduced=self._crash.reduced, maximum=self._crash.maximum
            )
            runs = ContainerRuns(ContainerBackoff(Backoff(limits)), PodWorkerRetry(self._minor, source))
            self._runs[pod, index] = runs
        start_at = runs.start_after(now, seen=not probe_kill)
        pod.started = False
        pod.restarts += 1
        # Killed and started within one sync, nobody sees the container dead; else the wait shows it.
        hidden = probe_kill and start_at == now
        if index in pod.probers:
            prober = self._exact(pod, index)
            if not hidden:
                prober.container_died(now)
        if start_at > now:
            pod.failure = "CrashLoopBackOff"
            name = pod.containers[index].name
            pod.last = self._history.append(ContainerBackOff(now, pod.last, pod.ref, name, start_at))
        create = self._draws.draw(pod.timings.create, pod, "create")
        if create is not None:
            when = start_at + create
            pod.timers[index] = self._clock.at(when, self._runs_again, pod, index, hidden)
        self._follow(pod)

    def _runs_again(self, pod: Pod, index: int, hidden: bool) -> None:
        now = self._clock.now
        del pod.timers[index]
        pod.dead.discard(index)
        pod.last = self._history.append(ContainersRunning(now, pod.last, pod.ref, pod.restarts))
        for other in self._arrive(pod) if index == pod.engine else ():
            if other is not pod:
                self._in_sight(other)
        if index in pod.probers:
            prober, health = self._exact(pod, index), self._health(pod, index)
            if hidden:
                prober.container_replaced(now, health)
            else:
                prober.container_started(now, health)
        self._follow(pod)

    # -- termination ---------------------------------------------------------------------------------------

    def delete(self, pod: Pod, reason: str, cause: int) -> None:
        """Delete the pod gracefully; nothing happens if that is under way."""
        if pod.state in (PodState.DELETING, PodState.GONE):
            return
        state, pod.state = pod.state, PodState.DELETING
        pod.ready = False
        stages: tuple[Stage, ...] = ()
        reachable = pod.node is None or pod.node.reachable
        if reachable:
            stages = self._stop(pod, state)
        else:
            # It stays Terminating until the node is back or somebody removes it.
            self._to_stop[pod] = PodState.PENDING if pod in self._unheard else state
        pod.last = self._history.append(PodDeleting(self._clock.now, cause, pod.ref, reason, stages))
        for watcher in self.watchers:
            watcher.pod_terminating(pod)
        if reachable:
            self._gone_after(pod, stages)

    def _stop(self, pod: Pod, state: PodState) -> tuple[Stage, ...]:
        """The kubelet stops a pod that was in this state; returns what that takes."""
        self._forget_timers(pod)
        self._interrupt(pod)
        if state is PodState.PENDING:
            return ()
        if state is PodState.PULLING:
            return (Stage("cleanup", self._draws.draw(pod.timings.cleanup, pod, "cleanup")),)
        return pod_stop_stages(pod, pod.template.termination_grace_period_seconds, self._draws)

    def _gone_after(self, pod: Pod, stages: tuple[Stage, ...]) -> None:
        length = end_of(stages, 0)
        if length is not None:
            pod.timer = self._clock.after(length, self._stopped, pod)

    def _stopped(self, pod: Pod) -> None:
        """Nothing of the pod is left on its node; its object goes as soon as the kubelet can say so."""
        pod.timer = None
        if pod.node is None or pod.node.reachable:
            self._gone(pod)
        else:
            self._to_stop[pod] = PodState.GONE

    @staticmethod
    def _forget_timers(pod: Pod) -> None:
        if pod.timer is not None:
            pod.timer.cancel()
            pod.timer = None
        for timer in pod.timers.values():
            timer.cancel()
        pod.timers.clear()

    def _gone(self, pod: Pod) -> None:
        pod.state = PodState.GONE
        self._unheard.pop(pod, None)
        self._to_stop.pop(pod, None)
        self._imageless.pop(pod, None)
        if pod.node is not None:
            pod.node.pods.pop(pod, None)
        for index in range(len(pod.containers)) if pod.restarts else ():
            self._runs.pop((pod, index), None)
        npus, in_use = self._release(pod)
        pod.last = self._history.append(PodGone(self._clock.now, pod.last, pod.ref, npus, in_use))
        for watcher in self.watchers:
            watcher.pod_gone(pod)
        self.listener.pod_gone(pod)

    def _interrupt(self, pod: Pod) -> None:
        """The engine stops: it leaves the barrier, and what it had not finished is not on the node."""
        pod.barrier.leave(pod)
        if (waiting := pod.timers.pop("weights", None)) is not None:
            waiting.cancel()
        if pod.reading is not None and self._storage is not None:
            self._storage.cancel(pod.reading)
            pod.reading = None
        if pod.node is not None:
            interrupt(pod, pod.node, self._clock.now)
        pod.serving_at = pod.weights_at = None

    def _stuck(self, pod: Pod, failure: str) -> None:
        pod.failure = failure
        self.listener.pod_stuck(pod)

    # -- nodes that fail -----------------------------------------------------------------------------------

    def go_down(self, node: Node) -> None:
        """The machine is dead, and all that ran on it; the API server knows nothing of that."""
        node.alive = node.reachable = False
        self._images.give_up(node)
        for pod in node.pods:
            stopping = pod.state is PodState.DELETING
            self._forget_timers(pod)
            self._interrupt(pod)
            pod.probers.clear()
            if stopping:
                self._to_stop[pod] = PodState.PULLING  # nothing runs any more
        node.lose_memory(self._clock.now)

    def cut_off(self, node: Node) -> None:
        """The machine runs on, but its kubelet and the API server do not hear of each other."""
        node.reachable = False

    def come_back(self, node: Node) -> None:
        """The kubelet talks to the API server again; what ran on a dead machine is started anew."""
        rebooted = not node.alive
        node.alive = node.reachable = True
        for pod in list(node.pods):
            if pod in self._to_stop:
                state = self._to_stop.pop(pod)
                if state is PodState.GONE:
                    self._gone(pod)
                else:
                    self._gone_after(pod, self._stop(pod, PodState.PULLING if rebooted else state))
            elif pod in self._unheard or (rebooted and pod.state is PodState.PULLING):
                self._unheard.pop(pod, None)
                self._set_up(pod, node)
            elif rebooted:
                self._boot(pod)
            elif pod.state is PodState.RUNNING:
                self._follow(pod)

    def _boot(self, pod: Pod) -> None:
        """The machine is up again: the kubelet, new itself, finds the pod's containers dead."""
        pod.added_at = self._clock.now
        for index, container in enumerate(pod.containers):
            if container.startup_probe or container.liveness_probe or container.readiness_probe:
                pod.probers[index] = self._prober(pod, container, kubelet_age_ms=0)
        for index in range(len(pod.containers)):
            if pod.state is PodState.RUNNING:
                self._died(pod, index, "NodeRebooted", 137)

    def mark_not_ready(self, pod: Pod, cause: int) -> None:
        """The node lifecycle controller writes Ready: False, whatever the containers do."""
        pod.overruled = True
        if pod.ready:
            pod.last = cause
            self._unready(pod, "NodeNotReady")
        self._stuck(pod, "NodeNotReady")

    def restore_ready(self, pod: Pod) -> None:
        """The pod's kubelet reports again: Ready is what its containers say."""
        pod.overruled = False
        if pod.state is PodState.RUNNING:
            self._follow(pod)

    def remove(self, pod: Pod, reason: str, cause: int) -> None:
        """Remove the pod's object at once (grace period 0, force); what it held counts as free."""
        if pod.state is PodState.GONE:
            return
        self._forget_timers(pod)
        self._interrupt(pod)
        pod.last = self._history.append(PodRemoved(self._clock.now, cause, pod.ref, reason))
        self._gone(pod)
