"""The probes of one container, with the pod syncs that their results cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from kubeinfer_sim.cluster.prober.health import PROBE_KINDS, FlapDraws, Health, ProbeKind
from kubeinfer_sim.cluster.prober.probes import ORDINARY, Circumstances, Probes
from kubeinfer_sim.cluster.prober.worker import (
    FAILURE,
    NEVER,
    SUCCESS,
    Incarnation,
    Result,
    View,
    Worker,
    WorkerSpec,
)
from kubeinfer_sim.errors import SimulatorFault
from kubeinfer_sim.manifest.releases import LATEST, Release
from kubeinfer_sim.scenario.timings.distribution import RandomSource
from kubeinfer_sim.scenario.units import Millis

_STARTUP, _LIVENESS, _READINESS = range(3)
#: A container that started longer than this (ms) before its kubelet is known from before the kubelet's restart
#: (prober_manager.go, kubeletRestartGracePeriod).
_RESTART_GRACE = 10_000
_Update = tuple[int, Incarnation, Result]  # index of the worker, container, new cached result
#: A look ahead that meets only flapping without consequence gives up after one walk, the next one after two, and so on
#: up to this many: what is found out is worth little as long as something else happens to the container all the time.
_LOOKS = 64


class Transition(Struct, frozen=True):
    """Something about the container that others can see has changed.

    Attributes:
        kind: `started`, `ready`: the field of the container status now has `value`. `kill`: the kubelet has decided
            to kill the container.
        probe: the probe whose result it was; None when the container's start or death was the cause.
        calls, first_call_at: for a probe's verdict: the calls in a row that gave it, and the start of the first.
        spacing: the time between their starts; 0 of a single call, -1 when it was not always the same.
    """

    at: Millis
    kind: Literal["started", "ready", "kill"]
    value: bool
    probe: ProbeKind | None = None
    calls: int = 0
    first_call_at: Millis | None = None
    spacing: Millis = 0


class ContainerProber:
    """Computes what the kubelet's probes of one container do. See the package for the contract.

    Args:
        probes: the container's.
        added_at: pod set-up, when the workers begin to tick.
        kubelet_age_ms: age of the kubelet process at `added_at`; a worker whose period is longer first sleeps a
            random part of it.
        kubernetes: its release.
        source: opens the stream of a kind's random numbers (jitter, flapping); asked for only when one is drawn.
        circumstances: what else there is to say of the kubelet.
    """

    __slots__ = (
        "_ahead",
        "_carries_started",
        "_decided",
        "_key",
        "_keys",
        "_killing",
        "_looks",
        "_out",
        "_ready",
        "_relist",
        "_terminating",
        "_trigger_sees_old",
        "_view",
        "_wall_offset",
        "_workers",
    )

    def __init__(
        self,
        probes: Probes,
        *,
        added_at: Millis,
        kubelet_age_ms: Millis = 3_600_000,
        kubernetes: Release = LATEST,
        source: Callable[[ProbeKind], RandomSource] | None = None,
        circumstances: Circumstances = ORDINARY,
    ) -> None:
        first_wake_ms = circumstances.first_wake_ms
        self._workers: list[Worker | None] = [None, None, None]
        for index, probe in enumerate(probes):
            if probe is None:
                continue
            kind = PROBE_KINDS[index]
            draws = FlapDraws(_opener(source, kind))
            wake, drawn = -1, 0
            if first_wake_ms is not None and kind in first_wake_ms:
                wake = first_wake_ms[kind]
            elif probe.period_seconds * 1000 > kubelet_age_ms:
                wake, drawn = added_at + int(draws.number(0) * probe.period_seconds * 1000), 1
            spec = WorkerSpec(
                kind,
                probe,
                draws,
                wake=wake,
                resets_ticker=kubernetes.readiness_round_restarts_ticker,
                holds_success=kubernetes.startup_probe_rests,
                trigger_first=circumstances.tie == "trigger",
            )
            worker = Worker(spec, added_at)
            worker.cursor = drawn
            self._workers[index] = worker
        #: Per worker: its next decision, its key; -1 where it has yet to be computed.
        self._decided: list[Worker | None] = [None, None, None]
        self._keys = [NEVER if worker is None else -1 for worker in self._workers]
        self._carries_started = kubernetes.replacement_inherits_started
        self._trigger_sees_old = circumstances.trigger_sees == "old"
        self._wall_offset = circumstances.wall_offset_ms
        self._view = View(None, False, False, added_at)
        self._ready = False
        self._killing = False
        self._terminating = False
        self._key = 4 * added_at
        self._relist = NEVER
        self._out: list[Transition] = []
        self._ahead: tuple[Millis | None, _State] | None = None
        self._looks = 1

    @property
    def started(self) -> bool:
        """`started` of the container status."""
        return self._view.started

    @property
    def ready(self) -> bool:
        """`ready` of the container status."""
        return self._ready

    def container_started(
        self, at: Millis, health: Health, since: Millis | None = None, *, relist: Millis = 0
    ) -> None:
        """A new container runs, and a sync sees it.

        `since`: when its process began, if not just now. The kubelet's next relist of its containers (PLEG), `relist`
        ms later, brings another sync; 0: none.
        """
        self._come(at)
        self._new_container(at, health, at if since is None else since, relist)

    def container_replaced(
        self, at: Millis, health: Health, since: Millis | None = None, *, relist: Millis = 0
    ) -> None:
        """The container was killed and the next one started within one sync: nobody saw it dead.

        Since 1.35 the new one inherits `started` until its startup worker's next tick. `since` and `relist` as above.
        """
        self._come(at)
        self._killing = False
        self._new_container(at, health, at if since is None else since, relist)

    def container_adopted(
        self, at: Millis, health: Health, *, since: Millis, started: bool, pod_ready: bool
    ) -> None:
        """A new kubelet finds the container running, and a sync sees it.

        Since 1.35 the container stays started, and ready where the API server has the pod Ready, until a probe finds
        otherwise; before it has to start and to become ready again (KEP-4781; prober_manager.go isContainerStarted,
        setReadyStateOnKubeletRestart).

        Args:
            at: now, the start of the kubelet.
            health: what the container answers.
            since: the container's start.
            started: `started` of its status, as the API server has it.
            pod_ready: Ready of its pod, likewise.
        """
        self._come(at)
        since = self._whole_second(since)
        known = pod_ready if self._carries_started and since < at - _RESTART_GRACE else None
        incarnation = Incarnation(health, since, known=known)
        self._sync(View(incarnation, True, started, at))

    @property
    def running_since(self) -> Millis | None:
        """The start of the container that runs, cut to the whole second; None when none does."""
        view = self._view
        return None if view.incarnation is None or not view.running else view.incarnation.started_at

    def container_died(self, at: Millis) -> None:
        """The container is dead (exited or killed), and a sync sees it."""
        self._come(at)
        self._killing = False
        view = self._view
        self._sync(View(view.incarnation, False, False, at))

    def health_changed(self, at: Millis, health: Health) -> None:
        """From now on the container answers differently than was said; calls in flight keep their outcome."""
        self._come(at)
        self._settle()
        if self._view.incarnation is not None:
            self._view.incarnation.answers = health

    def pod_terminating(self, at: Millis) -> None:
        """The pod is being terminated: one last sync, then only readiness is probed (prober_manager.go)."""
        self._come(at)
        if not self._busy:
            self._sync(kills=False)
        self._terminating = True
        for index in (_STARTUP, _LIVENESS):
            self._workers[index] = self._decided[index] = None
            self._keys[index] = NEVER

    def sync(self, at: Millis) -> None:
        """A pod sync for another reason (periodic resync, another container of the pod)."""
        self._come(at)
        if not self._busy:
            self._sync()

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

    @property
    def _busy(self) -> bool:
        return self._killing or self._terminating

    def _arrive(self, at: Millis) -> None:
        """Lets everything happen that is due up to and including `at`."""
        limit = 4 * at + 3
        if limit < self._key:
            raise SimulatorFault(f"prober: {at} ms is before {self._key >> 2} ms")
        if self._ahead is not None and (state := self._ahead[1]).key <= limit:
            self._ahead = None
            self._restore(state)
        while (key := self._next_key()) <= limit:
            self._decide(key)
        self._key = limit
        for worker in self._workers:
            if worker is not None and worker.cursor:
                worker.spec.draws.forget(worker.cursor)

    def _come(self, at: Millis) -> None:
        """Before something happens to the container at `at`: everything due by then is over."""
        self._arrive(at)
        self._ahead = None
        self._looks = 1
        for index, worker in enumerate(self._workers):
            if worker is not None:
                self._workers[index] = worker.settled(self._view, self._key)

    def _look_ahead(self) -> Millis | None:
        for _ in range(self._looks):
            key = self._next_key()
            if key >= NEVER:
                return None
            self._decide(key)
            if self._out:
                return self._out[0].at
        self._looks = min(2 * self._looks, _LOOKS)
        return self._key >> 2

    def _state(self) -> _State:
        return _State(
            self._workers[:],
            self._decided[:],
            self._keys[:],
            self._view,
            self._ready,
            self._killing,
            self._key,
            self._out[:],
            self._relist,
        )

    def _restore(self, state: _State) -> None:
        self._workers = state.workers
        self._decided = state.decided
        self._keys = state.keys
        self._view = state.view
        self._ready = state.ready
        self._killing = state.killing
        self._key = state.key
        self._out = state.out
        self._relist = state.relist

    def _next_key(self) -> int:
        """Key of the next decision of any worker."""
        keys = self._keys
        if -1 in keys:
            for index, worker in enumerate(self._workers):
                if keys[index] < 0 and worker is not None:
                    decided = self._decided[index] = worker.decided(self._view)
                    keys[index] = NEVER if decided is None else decided.key
        key = min(keys)
        return key if key < self._relist else self._relist

    def _decide(self, key: int) -> None:
        """All workers that decide at this key do, then the kubelet's loop takes their results, one by one."""
        self._key = key
        if key == self._relist:
            self._relist = NEVER
            if not self._busy:
                self._sync()
            return
        updates: list[_Update] = []
        for index, worker in enumerate(self._decided):
            if worker is not None and self._keys[index] == key:
                updates += self._put(index, worker)
        self._process(updates)

    def _put(self, index: int, worker: Worker) -> list[_Update]:
        """The worker's new state; returns the updates that it has published."""
        self._workers[index] = worker
        self._decided[index] = None
        self._keys[index] = -1
        return [(index, *result) for result in worker.published]

    def _process(self, updates: list[_Update]) -> None:
        """The kubelet's main loop (pkg/kubelet/kubelet.go syncLoopIteration): set the status field, sync the pod."""
        for index, incarnation, result in updates:
            worker = self._workers[index]
            if index == _LIVENESS:
                if result is not FAILURE:
                    continue
            elif incarnation is self._view.incarnation:
                if index == _STARTUP:
                    self._set_started(result is SUCCESS, worker)
                else:
                    self._set_ready(result is SUCCESS, worker)
            if not self._busy:
                self._sync()

    def _set_started(self, value: bool, by: Worker | None) -> None:
        view = self._view
        if view.started is not value:
            self._settle()
            self._view = View(view.incarnation, view.running, value, self._key >> 2)
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
            self._out.append(
                Transition(at, kind, value, by.spec.kind, by.verdict_calls, by.since, by.spacing)
            )

    def _new_container(self, at: Millis, health: Health, since: Millis, relist: Millis) -> None:
        self._relist = 4 * (at + relist) + 3 if relist else NEVER
        incarnation = Incarnation(health, self._whole_second(since))
        self._sync(View(incarnation, True, self._view.started, at))

    def _whole_second(self, at: Millis) -> Millis:
        return at - (at + self._wall_offset) % 1000

    def _settle(self) -> None:
        """Brings all workers to now, before what they read changes.

        A call that began at this very moment and takes no time is still under way.
        """
        limit = self._key - 1 if self._key & 3 else self._key
        for index, worker in enumerate(self._workers):
            if worker is not None:
                self._put(index, worker.settled(self._view, limit))

    def _sync(self, fresh: View | None = None, *, kills: bool = True) -> None:
        """One pod sync: status (prober_manager.go UpdatePodStatus), readiness trigger, decision to kill.

        Args:
            fresh: the status as the runtime reports it, when that has changed.
            kills: the sync looks for containers to kill (kuberuntime_manager.go computePodActions).
        """
        old = self._view
        view = old if fresh is None else fresh
        startup, liveness, readiness = self._workers
        started = view.running
        if started and startup is not None:
            if startup.container is view.incarnation and startup.cached is not None:
                started = startup.cached is SUCCESS
            else:
                started = view.started and self._carries_started
        answer = None
        if readiness is not None and readiness.container is view.incarnation:
            answer = readiness.cached
        ready = started and (readiness is None or answer is SUCCESS)
        trigger = started and not ready
        if trigger and answer is None and view.incarnation is not None and view.incarnation.known:
            ready = True
        if view is not old or started is not old.started:
            self._settle()
            self._view = view = View(view.incarnation, view.running, started, self._key >> 2)
            if started is not old.started:
                self._emit("started", started, None)
        self._set_ready(ready, None)
        updates: list[_Update] = []
        if trigger:
            updates = self._trigger(old if self._trigger_sees_old else view)
        if kills and view.running:
            for worker in (liveness, startup):
                if worker is not None and worker.container is view.incarnation and worker.cached is FAILURE:
                    self._killing = True
                    self._emit("kill", True, worker)
                    break
        self._process(updates)

    def _trigger(self, view: View) -> list[_Update]:
        """Wakes the readiness worker, or leaves it a trigger if it is under way."""
        limit = self._key - 1 if self._key & 3 else self._key
        worker = self._workers[_READINESS]
        assert worker is not None
        return self._put(_READINESS, worker.settled(self._view, limit).triggered(view, self._key))


class _State(Struct):
    """What changes as time goes on."""

    workers: list[Worker | None]
    decided: list[Worker | None]
    keys: list[int]
    view: View
    ready: bool
    killing: bool
    key: int
    out: list[Transition]
    relist: int


def _opener(
    source: Callable[[ProbeKind], RandomSource] | None, kind: ProbeKind
) -> Callable[[], RandomSource]:
    def open_source() -> RandomSource:
        if source is None:
            raise SimulatorFault(f"prober: the {kind} probe draws random numbers and has no source of them")
        return source(kind)

    return open_source
