"""A prober that fires every tick: slow, and plain enough to be checked against worker.go by eye.

Three workers with a ticker each, the results managers' updates and the part of the kubelet's loop that reacts to
them. Nothing is computed ahead and nothing is skipped. At one millisecond ticks of all workers come first, then the
ends of calls: startup, liveness, readiness. It has the verbs of `ContainerProber` and beside them records what the
golden traces show: calls, results, syncs.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from math import floor, log1p
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from kubeinfer_sim.cluster.prober import (
    PROBE_KINDS,
    Circumstances,
    Health,
    Outcome,
    ProbeKind,
    Probes,
    Segment,
    Transition,
)
from kubeinfer_sim.cluster.prober.probes import ORDINARY
from kubeinfer_sim.manifest.model import Probe
from kubeinfer_sim.manifest.releases import LATEST, Release
from kubeinfer_sim.scenario.timings.distribution import RandomSource

INITIAL = {"startup": "unknown", "liveness": "success", "readiness": "failure"}
TICK = 0
END = {"startup": 1, "liveness": 2, "readiness": 3}


class Status(Struct):
    """One container's status as the status manager holds it. `age_origin` is StartedAt, whole seconds."""

    phase: str = "Pending"
    container: str | None = None
    state: Literal["waiting", "running", "terminated"] | None = "waiting"
    started: bool = False
    ready: bool = False
    age_origin: float = 0
    restarted: bool = False  # the kubelet is more than 10 s newer than the container
    pod_ready: bool = False  # as the API server had it when such a kubelet began


class Worker(Struct, eq=False):
    """worker.go's `worker`; `spec` is the probe, the rest its fields."""

    kind: ProbeKind
    spec: Probe
    holds_success: bool = True
    restart_policy: str = "Always"
    deleted: bool = False
    container: str = ""
    cached: str | None = None
    last_result: str = "success"
    result_run: int = 0
    run_starts: list[int] = field(default_factory=list)  # when the calls of the run began
    on_hold: bool = False
    tick_waits: bool = False
    trigger_waits: bool = False
    asleep: bool = False
    calling: bool = False
    ticker: int = 0  # generation: a reset ticker's old ticks are void
    gap: int | None = None
    gap_probability: float = 0.0
    publish: Callable[[Worker, str], None] = lambda worker, result: None

    def cache(self, result: str) -> None:
        """The cached result; one that is another than before is published."""
        if self.cached != result:
            self.cached = result
            self.publish(self, result)

    def round_begins(self, status: Status | None, now: float) -> Literal["exit", "go on", "call"]:
        """DoProbe up to the call of the handler."""
        if status is None:
            return "go on"
        if status.phase in ("Failed", "Succeeded"):
            return "exit"
        if status.state is None or not status.container:
            return "go on"
        if status.container != self.container:
            self.cached = None
            self.container = status.container
            if not status.restarted:
                self.cache(INITIAL[self.kind])
            self.on_hold = False
        if self.on_hold:
            return "go on"
        if status.state != "running":
            self.cache("failure")
            gone = status.state == "terminated" and self.restart_policy == "Never"
            return "exit" if gone else "go on"
        if self.deleted and self.kind in ("liveness", "startup"):
            self.cache("success")
            return "exit"
        if int((now - status.age_origin) / 1000) < self.spec.initial_delay_seconds:
            return "go on"
        if status.started:
            return "go on" if self.kind == "startup" else "call"
        return "call" if self.kind == "startup" else "go on"

    def round_ends(self, result: str, began: int) -> None:
        """The rest of doProbe, with the result of the handler (never an error)."""
        if self.last_result != result or self.result_run == 0:
            self.run_starts = []
        self.run_starts.append(began)
        if self.last_result == result:
            self.result_run += 1
        else:
            self.last_result = result
            self.result_run = 1
        if result == "failure" and self.result_run < self.spec.failure_threshold:
            return
        if result == "success" and self.result_run < self.spec.success_threshold:
            return
        self.cache(result)
        if (self.kind in ("liveness", "startup") and result == "failure") or (
            self.kind == "startup" and result == "success" and self.holds_success
        ):
            self.on_hold = True
            self.result_run = 0


class Call(Struct):
    """One call of a handler, as the golden traces have it; times in ms."""

    start: int
    end: int
    outcome: Outcome
    incarnation: int


class Recording(Struct):
    """All that happened, visible or not: calls of each probe, results that were cached, syncs."""

    calls: dict[ProbeKind, list[Call]] = field(default_factory=dict)
    results: list[tuple[int, str, str, int]] = field(default_factory=list)
    syncs: list[int] = field(default_factory=list)


class ReferenceProber:
    """The verbs of `ContainerProber`, one event per tick. `next_at` is the next event, visible or not."""

    def __init__(
        self,
        probes: Probes,
        *,
        added_at: int,
        kubelet_age_ms: int = 3_600_000,
        kubernetes: Release = LATEST,
        source: Callable[[ProbeKind], RandomSource] | None = None,
        circumstances: Circumstances = ORDINARY,
    ) -> None:
        first_wake_ms = circumstances.first_wake_ms
        self.resets_ticker = kubernetes.readiness_round_restarts_ticker
        self.carries_started = kubernetes.replacement_inherits_started
        self.tie = circumstances.tie
        self.trigger_sees = circumstances.trigger_sees
        self.wall_offset = circumstances.wall_offset_ms
        self.now = added_at
        self.status = Status()
        self.written = self.status  # what a worker woken by a trigger sees
        self.healths: list[Health] = []
        self.killing = self.terminating = False
        self.transitions: list[Transition] = []
        self.recording = Recording(syncs=[added_at])
        #: (time, phase, kind, order of scheduling, what)
        self.events: list[tuple[int, int, int, int, Callable[[], None]]] = []
        self.order = 0
        self.updates: list[tuple[Worker, str, str]] = []
        self.workers: dict[ProbeKind, Worker] = {}
        self.sources: dict[ProbeKind, RandomSource] = {}
        for kind, probe in zip(PROBE_KINDS, probes, strict=True):
            if probe is None:
                continue
            worker = Worker(
                kind, probe, holds_success=kubernetes.startup_probe_rests, publish=self._published
            )
            self.workers[kind] = worker
            self.recording.calls[kind] = []
            if source is not None:
                self.sources[kind] = source(kind)
            period = probe.period_seconds * 1000
            wake = None
            if first_wake_ms is not None and kind in first_wake_ms:
                wake = first_wake_ms[kind]
            elif period > kubelet_age_ms:
                wake = added_at + int(self.sources[kind].random() * period)
            if wake is None:
                self._first_wake(worker)
            else:
                worker.asleep = True
                self._at(wake, TICK, kind, partial(self._first_wake, worker))
        self._settle_updates()

    # -- what happens to the container ---------------------------------------------------------------------

    def container_started(self, at: int, health: Health) -> None:
        """A new container runs, and a sync sees it."""
        self._arrive(at)
        self._new_container(at, health)

    def container_replaced(self, at: int, health: Health) -> None:
        """The container was killed and the next one started within one sync."""
        self._arrive(at)
        self.killing = False
        self._new_container(at, health)

    def _new_container(self, at: int, health: Health) -> None:
        self.healths.append(health)
        self._pod_sync(
            fresh=Status(
                phase="Running",
                container=f"c{len(self.healths) - 1}",
                state="running",
                started=self.status.started,
                age_origin=(at + self.wall_offset) // 1000 * 1000 - self.wall_offset,
            )
        )

    def container_adopted(
        self, at: int, health: Health, *, since: int, started: bool, pod_ready: bool
    ) -> None:
        """A new kubelet finds the container running, and a sync sees it."""
        self._arrive(at)
        self.healths.append(health)
        whole_second = (since + self.wall_offset) // 1000 * 1000 - self.wall_offset
        fresh = Status("Running", f"c{len(self.healths) - 1}", "running", started, age_origin=whole_second)
        if self.carries_started and whole_second < at - 10_000:
            fresh.restarted, fresh.pod_ready = True, pod_ready
        self._pod_sync(fresh=fresh)

    def container_died(self, at: int) -> None:
        """The container is dead, and a sync sees it."""
        self._arrive(at)
        self.killing = False
        self._pod_sync(fresh=replace(self.status, state="terminated"), while_terminating=True)

    def health_changed(self, at: int, health: Health) -> None:
        """From now on the container answers otherwise."""
        self._arrive(at)
        if self.healths:
            self.healths[-1] = health

    def pod_terminating(self, at: int) -> None:
        """The pod is being terminated: one last sync, then only readiness is probed."""
        self._arrive(at)
        self._pod_sync(kills=False)
        self.terminating = True
        for kind in ("startup", "liveness"):
            worker = self.workers.pop(kind, None)
            if worker is not None:
                worker.publish = lambda worker, result: None

    def sync(self, at: int) -> None:
        """A sync of the pod for any other reason."""
        self._arrive(at)
        self._pod_sync()

    # -- time ----------------------------------------------------------------------------------------------

    def _at(self, when: int, phase: int, kind: ProbeKind, action: Callable[[], None]) -> None:
        self.order += 1
        heapq.heappush(self.events, (when, phase, PROBE_KINDS.index(kind), self.order, action))

    def next_at(self) -> int | None:
        """When something happens next that nobody calls for."""
        if self.transitions:
            return self.transitions[0].at
        return self.events[0][0] if self.events else None

    def advance(self, to: int) -> list[Transition]:
        """What others can see of all that happens up to and including `to`, in order."""
        self._arrive(to)
        transitions, self.transitions = self.transitions, []
        return transitions

    def _arrive(self, to: int) -> None:
        while self.events and self.events[0][0] <= to:
            self.now, phase, _, _, action = heapq.heappop(self.events)
            action()
            # All ticks of an instant come before the loop looks at any result of that instant.
            if not (phase == TICK and self.events and self.events[0][:2] == (self.now, TICK)):
                self._settle_updates()
        self.now = to

    # -- workers -------------------------------------------------------------------------------------------

    def _first_wake(self, worker: Worker) -> None:
        worker.asleep = False
        self._restart_ticker(worker)
        self._round(worker)

    def _restart_ticker(self, worker: Worker) -> None:
        worker.ticker += 1
        worker.tick_waits = False
        self._next_tick(worker, worker.ticker, self.now)

    def _next_tick(self, worker: Worker, ticker: int, last: int) -> None:
        when = last + worker.spec.period_seconds * 1000

        def tick() -> None:
            if worker.ticker == ticker:
                self._next_tick(worker, ticker, when)
                worker.tick_waits = True
                self._select(worker)

        self._at(when, TICK, worker.kind, tick)

    def _trigger(self, worker: Worker) -> None:
        worker.trigger_waits = True
        self._select(worker)

    def _select(self, worker: Worker) -> None:
        """The worker's `select`, if it is there: takes what waits and does a round."""
        if worker.calling or worker.asleep:
            return
        if worker.trigger_waits and (self.tie == "trigger" or not worker.tick_waits):
            worker.trigger_waits = False
            if self.resets_ticker:
                self._restart_ticker(worker)
        elif worker.tick_waits:
            worker.tick_waits = False
        else:
            return
        self._round(worker)

    def _round(self, worker: Worker) -> None:
        if worker.round_begins(self.written, self.now) == "call":
            self._call(worker, 1)
        else:
            self._select(worker)

    def _call(self, worker: Worker, attempt: int) -> None:
        incarnation = int(worker.container[1:])
        outcome, latency = self._answer(worker, self.healths[incarnation])
        timeout = worker.spec.timeout_seconds * 1000
        if outcome is Outcome.HANG or latency > timeout:
            outcome, latency = Outcome.HANG, timeout
        worker.calling = True
        call = Call(self.now, self.now + latency, outcome, incarnation)
        self.recording.calls[worker.kind].append(call)

        def end() -> None:
            worker.calling = False
            if outcome is Outcome.ERROR:
                if attempt < 3:
                    self._call(worker, attempt + 1)
                    return
            else:
                worker.round_ends("success" if outcome is Outcome.SUCCESS else "failure", call.start)
            self._select(worker)

        self._at(call.end, END[worker.kind], worker.kind, end)

    def _answer(self, worker: Worker, health: Health) -> tuple[Outcome, int]:
        segments = health.of(worker.kind)
        segment = segments[0]
        for later in segments:
            if later.from_ms <= self.now:
                segment = later
        if segment.flap_probability > 0 and self._flaps(worker, segment):
            return segment.flap_outcome, segment.flap_latency_ms
        return segment.outcome, segment.latency_ms

    def _flaps(self, worker: Worker, segment: Segment) -> bool:
        """One call's draw: how many more usual answers there are before the next flap is drawn when it is needed."""
        p = segment.flap_probability
        if worker.gap is None or worker.gap_probability != p:
            u = self.sources[worker.kind].random()
            worker.gap = floor(log1p(-u) / log1p(-p)) if p < 1 else 0
            worker.gap_probability = p
        if worker.gap == 0:
            worker.gap = None
            return True
        worker.gap -= 1
        return False

    # -- the kubelet's loop --------------------------------------------------------------------------------

    def _published(self, worker: Worker, result: str) -> None:
        self.recording.results.append((self.now, worker.kind, result, int(worker.container[1:])))
        self.updates.append((worker, worker.container, result))

    def _settle_updates(self) -> None:
        updates, self.updates = self.updates, []
        for worker, container, result in sorted(
            updates, key=lambda update: PROBE_KINDS.index(update[0].kind)
        ):
            if worker.kind == "startup":
                self._set_field("started", container, result == "success")
                self._pod_sync()
            elif worker.kind == "readiness":
                self._set_field("ready", container, result == "success")
                self._pod_sync()
            elif result == "failure":
                self._pod_sync()
            self._settle_updates()

    def _set_field(self, name: Literal["started", "ready"], container: str, value: bool) -> None:
        """SetContainerStartup, SetContainerReadiness."""
        if self.status.container == container:
            self._write(replace(self.status, **{name: value}))

    def _write(self, status: Status) -> None:
        for name in ("started", "ready"):
            if getattr(status, name) != getattr(self.status, name):
                self.transitions.append(Transition(self.now, name, getattr(status, name)))
        self.status = self.written = status

    def _pod_sync(
        self, fresh: Status | None = None, *, kills: bool = True, while_terminating: bool = False
    ) -> None:
        """A pod sync: fresh status, UpdatePodStatus, SetPodStatus, and the runtime's decision."""
        if self.killing or (self.terminating and not while_terminating):
            return
        self.recording.syncs.append(self.now)
        status = replace(fresh or self.status, ready=False)
        startup, liveness, readiness = (self.workers.get(kind) for kind in PROBE_KINDS)
        if status.state != "running":
            status.started = False
        elif startup is not None:
            if startup.container == status.container and startup.cached is not None:
                status.started = startup.cached == "success"
            elif not self.carries_started:
                status.started = False
        else:
            status.started = True
        triggered = False
        if status.started:
            if readiness is None or (
                readiness.container == status.container and readiness.cached == "success"
            ):
                status.ready = True
            else:
                triggered = True
                known = readiness.container == status.container and readiness.cached is not None
                status.ready = status.restarted and not known and status.pod_ready
        before = self.status
        self._write(status)
        if triggered:
            assert readiness is not None
            if self.trigger_sees == "old":
                self.written = before
            self._trigger(readiness)
            self.written = self.status
        if kills and status.state == "running":
            for worker in (liveness, startup):
                if worker is not None and worker.container == status.container and worker.cached == "failure":
                    self.killing = True
                    starts = worker.run_starts
                    steps = {after - before for before, after in pairwise(starts)}
                    spacing = 0 if not steps else steps.pop() if len(steps) == 1 else -1
                    self.transitions.append(
                        Transition(self.now, "kill", True, worker.kind, len(starts), starts[0], spacing)
                    )
                    break
        self._settle_updates()
