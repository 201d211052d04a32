"""The probes of one container, with the pod syncs that their results cause."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from kubeinfer_sim.cluster.prober.health import KINDS, FlapDraws, Health, Outcome, ProbeKind, Segment
from kubeinfer_sim.cluster.prober.worker import (
    FAILURE,
    NEVER,
    SUCCESS,
    Result,
    View,
    Worker,
    WorkerSpec,
)
from kubeinfer_sim.errors import SimulatorFault
from kubeinfer_sim.manifest.model import Probe
from kubeinfer_sim.scenario.model import Millis, RandomSource

_STARTUP, _LIVENESS, _READINESS = range(3)
_Update = tuple[int, int, Result]  # index of the worker, container, new cached result
#: A look ahead that meets only flapping without consequence gives up after this many walks.
_LOOKS = 64


@dataclass(frozen=True, slots=True)
class Transition:
    """Something about the container that others can see has changed.

    Attributes:
        kind: `started`, `ready`: the field of the container status now has `value`. `kill`: the kubelet has decided
            to kill the container.
        probe: the probe whose result it was; None when the container's start or death was the cause.
        calls, first_call_at: for a probe's verdict: the calls in a row that gave it, and the start of the first.
    """

    at: Millis
    kind: Literal["started", "ready", "kill"]
    value: bool
    probe: ProbeKind | None = None
    calls: int = 0
    first_call_at: Millis | None = None


class ContainerProber:
    """Computes what the kubelet's probes of one container do. See the package for the contract.

    Args:
        startup, liveness, readiness: the probes of the manifest, None where there is none.
        added_at: pod set-up, when the workers begin to tick.
        wall_offset_ms: wall clock at simulated time 0, modulo 1000: start times are cut to whole seconds of it.
        kubelet_age_ms: age of the kubelet process at `added_at`; a worker whose period is longer first sleeps a
            random part of it.
        first_wake_ms: the wake from that sleep per kind, where it is known and not to be drawn (absolute).
        kubernetes_version: `1.29` to `1.36` and later.
        tie: what a worker takes first when a tick and a manual trigger are both waiting.
        trigger_sees: whether a readiness worker that a sync wakes reads the status this sync writes (`new`) or the
            one before (`old`); in a real kubelet a race.
        source: opens the stream of a kind's random numbers (jitter, flapping); asked for only when one is drawn.
    """

    __slots__ = (
        "_ahead",
        "_carries_started",
        "_health",
        "_key",
        "_killing",
        "_out",
        "_predicted",
        "_ready",
        "_terminating",
        "_trigger_sees_old",
        "_view",
        "_wall_offset",
        "_workers",
    )

    def __init__(
        self,
        startup: Probe | None,
        liveness: Probe | None,
        readiness: Probe | None,
        *,
        added_at: Millis,
        wall_offset_ms: Millis = 0,
        kubelet_age_ms: Millis = 3_600_000,
        first_wake_ms: Mapping[ProbeKind, Millis] | None = None,
        kubernetes_version: str = "1.36",
        tie: Literal["trigger", "tick"] = "trigger",
        trigger_sees: Literal["new", "old"] = "new",
        source: Callable[[ProbeKind], RandomSource] | None = None,
    ) -> None:
        minor = int(kubernetes_version.split(".")[1])
        workers: list[Worker | None] = []
        for kind, probe in zip(KINDS, (startup, liveness, readiness), strict=True):
            if probe is None:
                workers.append(None)
                continue
            draws = FlapDraws(_opener(source, kind))
            spec = WorkerSpec(
                kind,
                probe,
                draws,
                resets_ticker=minor >= 32,
                holds_success=minor >= 32,
                trigger_first=tie == "trigger",
            )
            worker = Worker(spec, added_at)
            if first_wake_ms is not None and kind in first_wake_ms:
                worker = Worker(spec, added_at, first_wake_ms[kind])
            elif spec.period > kubelet_age_ms:
                worker = Worker(spec, added_at, added_at + int(draws.number(0) * spec.period))
                worker.cursor = 1
            workers.append(worker)
        self._workers = workers
        self._predicted: list[Worker | None] = [None, None, None]
        self._carries_started = minor >= 35
        self._trigger_sees_old = trigger_sees == "old"
        self._wall_offset = wall_offset_ms
        self._health = _NO_HEALTH
        self._view = View(0, False, False, 0)
        self._ready = False
        self._killing = False
        self._terminating = False
        self._key = 4 * added_at
        self._out: list[Transition] = []
        self._ahead: tuple[Millis | None, _State] | None = None

    @property
    def started(self) -> bool:
        """`started` of the container status."""
        return self._view.started

    @property
    def ready(self) -> bool:
        """`ready` of the container status."""
        return self._ready

    def container_started(self, at: Millis, health: Health) -> None:
        """A new container runs, and a sync sees it."""
        self._arrive(at)
        self._new_container(at, health)

    def container_replaced(self, at: Millis, health: Health) -> None:
        """The container was killed and the next one started within one sync: nobody saw it dead.

        Since 1.35 the new one inherits `started` until its startup worker's next tick.
        """
        self._arrive(at)
        self._killing = False
        self._new_container(at, health)

    def container_died(self, at: Millis) -> None:
        """The container is dead (exited or killed), and a sync sees it."""
        self._arrive(at)
        self._killing = False
        view = self._view
        self._sync(None, View(view.container, False, False, view.started_at))

    def health_changed(self, at: Millis, health: Health) -> None:
        """From now on the container answers differently than was said; calls in flight keep their outcome."""
        self._arrive(at)
        self._settle()
        self._health = health

    def pod_terminating(self, at: Millis) -> None:
        """The pod is being terminated: one last sync, then only readiness is probed (prober_manager.go)."""
        self._arrive(at)
        if not self._busy:
            self._sync(None, kills=False)
        self._terminating = True
        self._workers[_STARTUP] = self._workers[_LIVENESS] = None
        self._predicted[_STARTUP] = self._predicted[_LIVENESS] = None

    def sync(self, at: Millis) -> None:
        """A pod sync for another reason (periodic resync, another container of the pod)."""
        self._arrive(at)
        if not self._busy:
            self._sync(None)

    def next_at(self) -> Millis | None:
        """When the next transition comes; None when there is none unless somebody calls.

        While a container flaps without consequence it may also be a time at which nothing is to be seen yet.
        """
        if self._out:
            return self._out[0].at
        if self._ahead is None:
            self._next_key()
            now = self._state()
            at = self._look_ahead()
            self._ahead = (at, self._state())
            self._restore(now)
        return self._ahead[0]

    def advance(self, to: Millis) -> list[Transition]:
        """Everything that happens up to and including `to`, in order."""
        self._arrive(to)
        out, self._out = self._out, []
        return out

    def streak(self, kind: ProbeKind) -> tuple[bool, int, Millis] | None:
        """The results of a kind's calls so far: last one, how many alike in a row, start of the first of them.

        None when there is no such probe or no call has ended since its last verdict.
        """
        worker = self._workers[KINDS.index(kind)]
        if worker is None:
            return None
        worker = worker.walk(self._view, self._health.of(kind), self._key)
        return (worker.last is SUCCESS, worker.run, worker.since) if worker.run else None

    @property
    def _busy(self) -> bool:
        return self._killing or self._terminating

    def _arrive(self, at: Millis) -> None:
        limit = 4 * at + 3
        if limit < self._key:
            raise SimulatorFault(f"prober: {at} ms is before {self._key >> 2} ms")
        if self._ahead is not None:
            state = self._ahead[1]
            self._ahead = None
            if state.key <= limit:
                self._restore(state)
        while (key := self._next_key()) <= limit:
            self._decide(key)
        self._key = limit
        for worker in self._workers:
            if worker is not None and worker.cursor:
                worker.spec.draws.forget(worker.cursor)

    def _look_ahead(self) -> Millis | None:
        for _ in range(_LOOKS):
            key = self._next_key()
            if key >= NEVER:
                return None
            self._decide(key)
            if self._out:
                return self._out[0].at
        return self._key >> 2

    def _state(self) -> _State:
        return _State(
            self._workers[:],
            self._predicted[:],
            self._view,
            self._ready,
            self._killing,
            self._key,
            self._out[:],
        )

    def _restore(self, state: _State) -> None:
        self._workers = state.workers
        self._predicted = state.predicted
        self._view = state.view
        self._ready = state.ready
        self._killing = state.killing
        self._key = state.key
        self._out = state.out

    def _next_key(self) -> int:
        """Key of the next decision of any worker."""
        best = NEVER
        predicted = self._predicted
        for index, worker in enumerate(self._workers):
            if worker is None:
                continue
            ahead = predicted[index]
            if ahead is None:
                segments = self._health.of(KINDS[index])
                ahead = predicted[index] = worker.walk(self._view, segments, NEVER)
            best = min(best, ahead.decided)
        return best

    def _decide(self, key: int) -> None:
        """All workers that decide at this key do, then the kubelet's loop takes their results, one by one."""
        self._key = key
        updates: list[_Update] = []
        for index, ahead in enumerate(self._predicted):
            if ahead is not None and ahead.decided == key:
                self._workers[index] = ahead
                self._predicted[index] = None
                updates += [(index, *result) for result in ahead.published]
        self._process(updates)

    def _process(self, updates: list[_Update]) -> None:
        """The kubelet's main loop (pkg/kubelet/kubelet.go syncLoopIteration): set the status field, sync the pod."""
        for index, container, result in updates:
            if index == _LIVENESS:
                if result is not FAILURE:
                    continue
            elif container == self._view.container:
                value = result is SUCCESS
                if index == _STARTUP:
                    self._set_started(value, self._workers[index])
                else:
                    self._set_ready(value, self._workers[index])
            if not self._busy:
                self._sync(self._workers[index])

    def _set_started(self, value: bool, by: Worker | None) -> None:
        view = self._view
        if view.started is not value:
            self._settle()
            self._view = View(view.container, view.running, value, view.started_at)
            self._emit("started", value, by)

    def _set_ready(self, value: bool, by: Worker | None) -> None:
        if self._ready is not value:
            self._ready = value
            self._emit("ready", value, by)

    def _emit(self, kind: Literal["started", "ready", "kill"], value: bool, by: Worker | None) -> None:
        at = self._key >> 2
        if by is None:
            self._out.append(Transition(at, kind, value))
        else:
            self._out.append(Transition(at, kind, value, by.spec.kind, by.verdict_calls, by.since))

    def _new_container(self, at: Millis, health: Health) -> None:
        view = self._view
        whole_second = at - (at + self._wall_offset) % 1000
        self._sync(None, View(view.container + 1, True, view.started, whole_second), health)

    def _settle(self) -> None:
        """Brings all workers to now, before what they read changes."""
        for index, worker in enumerate(self._workers):
            if worker is not None:
                self._predicted[index] = None
                segments = self._health.of(KINDS[index])
                self._workers[index] = worker.walk(self._view, segments, self._key)

    def _sync(
        self, by: Worker | None, fresh: View | None = None, health: Health | None = None, *, kills: bool = True
    ) -> None:
        """One pod sync: status (prober_manager.go UpdatePodStatus), readiness trigger, decision to kill.

        Args:
            by: the worker whose result caused the sync.
            fresh, health: the status as the runtime reports it, when that has changed.
            kills: the sync looks for containers to kill (kuberuntime_manager.go computePodActions).
        """
        old = self._view
        view = old if fresh is None else fresh
        startup, liveness, readiness = self._workers
        started = view.running
        if started and startup is not None:
            if startup.container == view.container:
                started = startup.cached is SUCCESS
            else:
                started = view.started and self._carries_started
        ready = started and (
            readiness is None or (readiness.container == view.container and readiness.cached is SUCCESS)
        )
        if fresh is not None or started is not old.started:
            self._settle()
            self._view = view = View(view.container, view.running, started, view.started_at)
            if health is not None:
                self._health = health
            if started is not old.started:
                self._emit("started", started, None)
        self._set_ready(ready, None)
        updates: list[_Update] = []
        if started and not ready:
            updates = self._trigger(old if self._trigger_sees_old else view)
        if kills and view.running:
            for worker in (liveness, startup):
                if worker is not None and worker.container == view.container and worker.cached is FAILURE:
                    self._killing = True
                    self._emit("kill", True, worker)
                    break
        self._process(updates)

    def _trigger(self, view: View) -> list[_Update]:
        """Wakes the readiness worker, or leaves it a trigger if it is under way."""
        worker = self._workers[_READINESS]
        if worker is None:
            return []
        segments = self._health.readiness
        # A call that takes no time may end in the very moment in which it began: its result counts too.
        walked = worker.walk(self._view, segments, self._key)
        worker = walked.triggered(view, segments, self._key)
        self._workers[_READINESS] = worker
        self._predicted[_READINESS] = None
        return [(_READINESS, *result) for result in (*walked.published, *worker.published)]


_NO_HEALTH = Health.alike(Segment(0, Outcome.FAIL))


@dataclass(slots=True)
class _State:
    """What changes as time goes on."""

    workers: list[Worker | None]
    predicted: list[Worker | None]
    view: View
    ready: bool
    killing: bool
    key: int
    out: list[Transition]


def _opener(
    source: Callable[[ProbeKind], RandomSource] | None, kind: ProbeKind
) -> Callable[[], RandomSource]:
    def open_source() -> RandomSource:
        if source is None:
            raise SimulatorFault(f"prober: the {kind} probe draws random numbers and has no source of them")
        return source(kind)

    return open_source
