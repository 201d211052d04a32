"""The probes of all containers, followed from their start on (pkg/kubelet/prober/prober_manager.go)."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Literal

from kubeinfer_sim.cluster.kubelet.check_faults import CheckFaults
from kubeinfer_sim.cluster.kubelet.container import Container
from kubeinfer_sim.cluster.kubelet.flap_limit import FlapLimit
from kubeinfer_sim.cluster.kubelet.pod_layout import ContainerLayout
from kubeinfer_sim.cluster.kubelet.pod_worker import PodWorker
from kubeinfer_sim.cluster.kubelet.stage_draws import StageDraws
from kubeinfer_sim.cluster.prober import (
    PROBE_KINDS,
    Checks,
    ContainerProber,
    Health,
    Outcome,
    ProbeKind,
    Segment,
    overlaid,
)
from kubeinfer_sim.cluster.prober.forecast import Follower, Forecasts, Start, forecasts_for
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.manifest.releases import Release
from kubeinfer_sim.scenario.timings.distribution import RandomSource

#: How long before time 0 the pods that run at the start were set up: long enough for any probe to have settled.
RUNNING_SINCE = -86_400_000


class ProbeManager:
    """Opens probers, tells them what happens to their containers, and says when one will find something new."""

    def __init__(
        self,
        clock: Clock,
        streams: Streams,
        draws: StageDraws,
        kubernetes: Release,
        faults: CheckFaults | None,
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._streams = streams
        self._draws = draws
        self._kubernetes = kubernetes
        self._forecasts: dict[ContainerLayout, Forecasts] = {}
        self._flaps = FlapLimit(clock)

    # -- what containers answer ----------------------------------------------------------------------------

    def latency(self, worker: PodWorker) -> int | None:
        """How long a check of the pod's takes that succeeds; None when it hangs."""
        pod, known = worker.pod, worker.latency
        if known is None or known[0] != pod.restarts:
            length = self._draws.draw(pod.timings.probe_latency, pod, "probe")
            worker.latency = known = pod.restarts, length
        return known[1]

    def health(self, worker: PodWorker, container: Container) -> Health:
        """What the container's health check answers from now on, as far as it is known now."""
        latency = self.latency(worker)
        outcome = Outcome.HANG if latency is None else Outcome.SUCCESS
        failing = Segment(0, Outcome.FAIL)
        serving: tuple[Segment, ...] = (failing,)
        serving_at = worker.serving_at if container.is_engine else container.serving_at
        if serving_at is not None and serving_at <= self._clock.now:
            serving = (Segment(0, outcome, latency or 0),)
        elif serving_at is not None:
            serving = (failing, Segment(serving_at, outcome, latency or 0))
        if not worker.answers and not container.troubles:
            return Health(serving, serving, serving)
        ordered, name = worker.answers, container.spec.name
        answers = [ordered.get(Checks(kind, name)) or ordered.get(Checks(kind)) for kind in PROBE_KINDS]
        of_kind: dict[str, Sequence[Segment]] = {
            kind: serving if each is None else (each,)
            for kind, each in zip(PROBE_KINDS, answers, strict=True)
        }
        by_hand = {kind for kind, each in zip(PROBE_KINDS, answers, strict=True) if each is not None}
        for probe, answer, since, until in container.troubles:
            if probe not in by_hand:
                of_kind[probe] = overlaid(of_kind[probe], answer, since, until)
        return Health(*of_kind.values())

    def run_begins(self, worker: PodWorker, container: Container, at: int) -> None:
        """A process has begun in the container: what its checks will get, beside what others make them."""
        pod, spec = worker.pod, container.spec
        if not container.is_engine:
            container.serving_at = self._draws.own_start(pod, spec, at)
        if self._faults is not None:
            probes = [kind for kind, probe in zip(PROBE_KINDS, container.probes, strict=True) if probe]
            container.troubles = self._faults.of_run(pod, spec.name, at, probes)

    @staticmethod
    def asks(worker: PodWorker, container: Container, probes: Collection[str]) -> bool:
        """Whether a container that runs has a check behind one of these probes that is not over."""
        kinds = {kind for kind, probe in zip(PROBE_KINDS, container.probes, strict=True) if probe}
        if worker.pod.started or (container.prober is not None and container.prober.started):
            kinds.discard("startup")
        return not kinds.isdisjoint(probes)

    def health_changed(self, worker: PodWorker) -> None:
        """The containers of the pod may answer otherwise from now on."""
        now = self._clock.now
        for container in worker.probed:
            self.exact(worker, container).health_changed(now, self.health(worker, container))

    # -- probers -------------------------------------------------------------------------------------------

    def open(self, worker: PodWorker, container: Container) -> ContainerProber:
        """A prober for a container that does not run yet."""
        prober = self._new(worker, container)
        if container.prober is None:
            worker.probed.append(container)
        container.prober = prober
        return prober

    def first_start(self, worker: PodWorker, container: Container) -> None:
        """All containers of the pod run for the first time: its prober goes by a forecast, if the pod is not sick.

        A sidecar has run for a while by then.
        """
        since = self._clock.now if container.since is None else container.since
        self.run_begins(worker, container, container.began(since))
        added_at = worker.added_at
        if worker.answers or container.troubles or since < added_at or container.longest > worker.kubelet_age:
            self._open_running(worker, container, since, started=True)
            return
        started = since - added_at
        serving_at = worker.serving_at if container.is_engine else container.serving_at
        serving = None if serving_at is None else serving_at - added_at
        second = added_at % 1000
        if second and not container.delayed:
            second = 0  # so that more containers start alike
        start = Start(
            second,
            started,
            serving,
            self.latency(worker),
            0 if container.began_at is None else since - container.began_at,
            self._draws.relist(worker.pod, container.spec),
        )
        container.prober = Follower(self._forecasts_of(container), start, added_at)
        worker.probed.append(container)

    def _forecasts_of(self, container: Container) -> Forecasts:
        forecasts = self._forecasts.get(container.layout)
        if forecasts is None:
            forecasts = forecasts_for(container.probes, self._kubernetes)
            self._forecasts[container.layout] = forecasts
        return forecasts

    def watch(self, worker: PodWorker, container: Container, since: int) -> None:
        """Follow a sidecar of a pod that is being set up, which was started at `since`."""
        self.run_begins(worker, container, since)
        if container.probed:
            started = container.spec.startup_probe is None
            self._open_running(worker, container, since, started=started).advance(self._clock.now)

    def _open_running(
        self, worker: PodWorker, container: Container, since: int, *, started: bool
    ) -> ContainerProber:
        """A prober of its own for a container that was started at `since`.

        If that was by a kubelet before this one, it has `started` as far as the API server knows.
        """
        prober, health = self.open(worker, container), self.health(worker, container)
        if since < worker.added_at:
            prober.container_adopted(self._clock.now, health, since=since, started=started, pod_ready=False)
        else:
            relist = self._draws.relist(worker.pod, container.spec)
            prober.container_started(since, health, container.began(since), relist=relist)
        return prober

    def exact(self, worker: PodWorker, container: Container) -> ContainerProber:
        """The prober of a container, which from now on goes by no forecast."""
        prober = container.prober
        if isinstance(prober, Follower):
            container.prober = prober = prober.exact(self._new(worker, container), self._clock.now)
        assert prober is not None
        return prober

    def engine_in_sight(self, worker: PodWorker) -> None:
        """When the pod's engine will answer is known now."""
        prober = worker.engine.prober
        if isinstance(prober, Follower):
            prober.serving(worker.serving_at, self.latency(worker))
        elif prober is not None:
            self.health_changed(worker)

    def probe_long_running(self, worker: PodWorker) -> None:
        """Give a pod that ran before the simulation began its probers, as they stand now.

        Where its ticks fall is not known: the phase is drawn from a stream of the pod's own.
        """
        phase = int(self._streams.named(f"probe-phase/{worker.pod.stream_name}").random() * 10_000)
        worker.added_at = RUNNING_SINCE - phase
        for container in worker.containers:
            if container.probed:
                prober = self.open(worker, container)
                prober.container_started(worker.added_at, Health.alike(Segment(0, Outcome.SUCCESS)))
                prober.advance(self._clock.now - 1)

    def reboot(self, worker: PodWorker) -> None:
        """The machine is up again: a new kubelet probes containers that do not run."""
        worker.added_at = self._clock.now
        for container in worker.containers:
            if container.probed:
                container.prober = self._new(worker, container)
                worker.probed.append(container)

    def adopt(self, worker: PodWorker) -> None:
        """A new kubelet finds the containers running: new workers, each beginning at a random part of its period."""
        now = worker.added_at = self._clock.now
        for container in worker.probed:
            before = self.exact(worker, container)
            container.prober = prober = self._new(worker, container)
            since = before.running_since
            if since is not None and not container.dead:
                prober.container_adopted(
                    now,
                    self.health(worker, container),
                    since=since,
                    # Since 1.35 what runs counts as started, also where its startup probe has yet to succeed: SyncPod
                    # makes the status before it adds the workers, so it finds no startup worker to ask.
                    started=self._kubernetes.new_kubelet_keeps_readiness or before.started,
                    pod_ready=worker.pod.ready,
                )

    def _new(self, worker: PodWorker, container: Container) -> ContainerProber:
        # Each kubelet that takes the pod over draws anew.
        by = "" if worker.node.kubelet_since is None else f"/{worker.added_at}"
        name, pod = container.spec.name, worker.pod

        def stream(kind: ProbeKind) -> RandomSource:
            return self._flaps.source(self._streams.named(f"probe/{kind}/{pod.stream_name}/{name}{by}"))

        return ContainerProber(
            container.probes,
            added_at=worker.added_at,
            kubelet_age_ms=worker.kubelet_age,
            kubernetes=self._kubernetes,
            source=stream,
        )

    # -- when to look --------------------------------------------------------------------------------------

    def next_change(self, worker: PodWorker, soonest: int) -> int | None:
        """When the pod's conditions change next, or a container is killed; None when that is not in sight.

        Of several containers only the last to start, and the last to be ready, changes what the pod is. That can be
        known where all follow a forecast; elsewhere it is the `soonest` change of any of them.
        """
        kind: Literal["ready", "started"] = "ready" if worker.pod.started else "started"
        change, suffers = -math.inf, math.inf
        for container in worker.probed:
            prober = container.prober
            if not isinstance(prober, Follower):
                return soonest
            change = max(change, prober.becomes(kind))
            suffers = min(suffers, prober.suffers_at())
        if change <= self._clock.now:
            change = math.inf
        change = min(change, suffers)
        return None if change == math.inf else int(change)
