"""One probe worker of the kubelet (pkg/kubelet/prober/worker.go), advanced by arithmetic instead of ticks.

A worker loops: one round, then wait for the next tick or a manual trigger. Most rounds change nothing but a
counter. `walk` skips whole stretches of them: in a stretch of constant health all calls are alike, so the one that
crosses a threshold is found by division. Everything that does change something outside the worker (the cached
result is set or changes) is a *decision*; `walk` stops there and the prober takes over.

Order of events is a key: 4 * milliseconds + phase, phase 0 for ticks, 1, 2, 3 for the ends of startup, liveness and
readiness calls. So at one millisecond ticks come before ends, and ends in the order of the kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from kubeinfer_sim.cluster.prober.health import FlapDraws, Outcome, ProbeKind, Segment, segment_at
from kubeinfer_sim.manifest.model import Probe
from kubeinfer_sim.scenario.model import Millis

#: A key or a time that is never reached.
NEVER = 1 << 60
#: Calls of a round that ends in errors (pkg/kubelet/prober/prober.go maxProbeRetries).
TRIES = 3
#: A look into an endless future of flapping stops after this many draws.
DRAWS_PER_WALK = 256


class Result(Enum):
    """A worker's cached result (pkg/kubelet/prober/results)."""

    UNKNOWN = "unknown"
    SUCCESS = "success"
    FAILURE = "failure"


SUCCESS, FAILURE, UNKNOWN = Result.SUCCESS, Result.FAILURE, Result.UNKNOWN
_INITIAL = {"startup": UNKNOWN, "liveness": SUCCESS, "readiness": FAILURE}
_PHASE = {"startup": 1, "liveness": 2, "readiness": 3}


class View:
    """The container status as the status manager has it; what a round reads. Never changed, only replaced.

    Attributes:
        container: number of the container instance (its ID); 0 before the first one.
        running, started: the fields of the status.
        started_at: start of the instance, cut to the whole wall-clock second as the API's times are.
    """

    __slots__ = ("container", "running", "started", "started_at")

    def __init__(self, container: int, running: bool, started: bool, started_at: Millis) -> None:
        self.container = container
        self.running = running
        self.started = started
        self.started_at = started_at


class WorkerSpec:
    """What of a worker never changes. Times in milliseconds.

    Attributes:
        resets_ticker: a manual trigger restarts the ticker (1.32 and later).
        holds_success: the startup worker stops after success, too (1.32 and later).
        trigger_first: which one is taken when a tick and a trigger are both waiting; the real worker's `select`
            picks at random.
    """

    __slots__ = (
        "delay",
        "draws",
        "failure_threshold",
        "holds_success",
        "initial",
        "kind",
        "period",
        "phase",
        "resets_ticker",
        "success_threshold",
        "timeout",
        "trigger_first",
    )

    def __init__(
        self,
        kind: ProbeKind,
        probe: Probe,
        draws: FlapDraws,
        *,
        resets_ticker: bool = True,
        holds_success: bool = True,
        trigger_first: bool = True,
    ) -> None:
        self.kind = kind
        self.phase = _PHASE[kind]
        self.initial = _INITIAL[kind]
        self.delay = probe.initial_delay_seconds * 1000
        self.period = probe.period_seconds * 1000
        self.timeout = probe.timeout_seconds * 1000
        self.success_threshold = probe.success_threshold
        self.failure_threshold = probe.failure_threshold
        self.draws = draws
        self.resets_ticker = resets_ticker
        self.holds_success = holds_success and kind == "startup"
        self.trigger_first = trigger_first

    def holds(self, result: Result) -> bool:
        """Whether the worker stops after this verdict until there is a new container."""
        if result is FAILURE:
            return self.kind != "readiness"
        return self.holds_success


class Worker:
    """State of a worker. `walk` returns a new one, so a prober can look ahead and come back.

    Attributes:
        container: the instance the cached result is about; 0 before any was seen.
        cached: the cached result, None before any was set.
        last, run: last result of a call and how many in a row; they survive restarts of the container.
        since: start of the first call of the run.
        verdict_calls: length of the run at the last verdict.
        hold: verdict given, no more calls for this instance.
        tick: the next tick, or a past one that waits to be taken.
        asleep: before the first wake (start jitter).
        trigger: a manual trigger waits.
        end: when the call in flight ends, None when there is none; `begun`, `outcome`, `tries` belong to it.
        at, key: the last event.
        selecting: the round is over and something (tick or trigger) waits.
        decided: key of the decision `walk` stopped at, NEVER when there is none up to its limit.
        published: new cached results at that decision, in order, each with the container it is about.
    """

    __slots__ = (
        "asleep",
        "at",
        "begun",
        "cached",
        "container",
        "cursor",
        "decided",
        "drawn",
        "end",
        "gap",
        "gap_probability",
        "hold",
        "key",
        "last",
        "outcome",
        "published",
        "run",
        "selecting",
        "since",
        "spec",
        "tick",
        "tries",
        "trigger",
        "verdict_calls",
    )

    container: int
    cached: Result | None
    last: Result
    run: int
    since: Millis
    verdict_calls: int
    hold: bool
    tick: Millis
    asleep: bool
    trigger: bool
    end: Millis | None
    begun: Millis
    outcome: Outcome
    tries: int
    at: Millis
    key: int
    selecting: bool
    decided: int
    published: tuple[tuple[int, Result], ...]
    gap: int
    gap_probability: float
    cursor: int
    drawn: int

    def __init__(self, spec: WorkerSpec, added_at: Millis, first_wake: Millis | None = None) -> None:
        """`first_wake`: end of the start jitter; None when there is none."""
        self.spec = spec
        self.container = 0
        self.cached = None
        self.last = SUCCESS
        self.run = 0
        self.since = added_at
        self.verdict_calls = 0
        self.hold = False
        self.tick = added_at + spec.period if first_wake is None else first_wake
        self.asleep = first_wake is not None
        self.trigger = False
        self.end = None
        self.begun = added_at
        self.outcome = Outcome.SUCCESS
        self.tries = 0
        self.at = added_at
        self.key = 4 * added_at
        self.selecting = False
        self.decided = NEVER
        self.published = ()
        self.gap = -1
        self.gap_probability = 0.0
        self.cursor = 0
        self.drawn = 0

    def _copy(self) -> Worker:
        new = Worker.__new__(Worker)
        new.spec = self.spec
        new.container = self.container
        new.cached = self.cached
        new.last = self.last
        new.run = self.run
        new.since = self.since
        new.verdict_calls = self.verdict_calls
        new.hold = self.hold
        new.tick = self.tick
        new.asleep = self.asleep
        new.trigger = self.trigger
        new.end = self.end
        new.begun = self.begun
        new.outcome = self.outcome
        new.tries = self.tries
        new.at = self.at
        new.key = self.key
        new.selecting = self.selecting
        new.decided = NEVER
        new.published = ()
        new.gap = self.gap
        new.gap_probability = self.gap_probability
        new.cursor = self.cursor
        new.drawn = 0
        return new

    def walk(self, view: View, segments: Sequence[Segment], limit: int) -> Worker:
        """This worker after all its events with keys up to `limit`, or at its first decision if that comes before.

        The status and the health must not change meanwhile.
        """
        w = self._copy()
        while True:
            if w.selecting:
                if not w._select(view, segments, limit):
                    return w
            elif w.published:
                w.decided = w.key
                return w
            elif w.end is not None:
                key = 4 * w.end + w.spec.phase
                if key > limit:
                    return w
                w.key = key
                w._finish(segments)
            else:
                if not w._next_tick(view, limit):
                    return w
                continue
            if w.drawn > DRAWS_PER_WALK and limit >= NEVER and not w.selecting:
                w.decided = w.key
                return w

    def triggered(self, view: View, segments: Sequence[Segment], key: int) -> Worker:
        """This worker after a manual trigger. At most one waits while a round is under way."""
        w = self._copy()
        w.trigger = True
        if w.end is None and not w.asleep:
            at = key >> 2
            w.at, w.key = at, key
            w.trigger = False
            if w.spec.resets_ticker:
                w.tick = at + w.spec.period
            w.round(view, segments)
        return w

    def _next_tick(self, view: View, limit: int) -> bool:
        """Goes to the next tick whose round does something; False if that is after the limit."""
        earliest = self._earliest_round(view)
        tick, period = self.tick, self.spec.period
        if earliest < NEVER:
            if earliest > tick:
                tick -= (tick - earliest) // period * period
            if 4 * tick <= limit:
                self.tick = self.at = tick
                self.key = 4 * tick
                self.selecting = True
                return True
        if limit < NEVER and 4 * self.tick <= limit:
            self._tick_after(limit >> 2)
        return False

    def _tick_after(self, at: Millis) -> None:
        self.tick += ((at - self.tick) // self.spec.period + 1) * self.spec.period
        self.asleep = False

    def _earliest_round(self, view: View) -> Millis:
        """From when on a round does something at all."""
        if self.asleep and self.trigger:
            return 0
        if view.container == 0:
            return NEVER
        if view.container != self.container:
            return 0
        if self.hold:
            return NEVER
        if not view.running:
            return NEVER if self.cached is FAILURE else 0
        if view.started == (self.spec.kind == "startup"):
            return NEVER
        return view.started_at + self.spec.delay

    def _select(self, view: View, segments: Sequence[Segment], limit: int) -> bool:
        """Takes the waiting tick or trigger and does its round; False when nothing follows for ever."""
        tick_waits = self.tick <= self.at
        spec = self.spec
        if self.asleep:
            self.asleep = False
            self._tick_after(self.at)
            self.round(view, segments)
        elif self.trigger and (spec.trigger_first or not tick_waits):
            self.trigger = False
            if spec.resets_ticker:
                self.tick = self.at + spec.period
            self.round(view, segments)
        else:
            self._tick_after(self.at)
            alike = view.container == self.container and view.running and not self.published
            if alike and self._earliest_round(view) <= self.at and not self._skip(segments, limit):
                return False
            self.round(view, segments)
        return True

    def round(self, view: View, segments: Sequence[Segment]) -> None:
        """One round (doProbe) up to the call of the handler, if it comes to that."""
        spec = self.spec
        if view.container != 0:
            if view.container != self.container:
                self.container = view.container
                self.hold = False
                self.cached = None
                self._cache(spec.initial)
            if self.hold:
                pass
            elif not view.running:
                self._cache(FAILURE)
            elif self.at >= view.started_at + spec.delay and view.started != (spec.kind == "startup"):
                self.tries = 0
                self._call(segments)
        self.selecting = self.end is None and (self.trigger or self.tick <= self.at)

    def _cache(self, result: Result) -> None:
        if self.cached is not result:
            self.cached = result
            self.published += ((self.container, result),)

    def _call(self, segments: Sequence[Segment]) -> None:
        """Begins one call of the handler."""
        segment = segments[segment_at(segments, self.at)]
        outcome, latency = segment.outcome, segment.latency_ms
        if segment.flap_probability > 0.0:
            if self._gap(segment.flap_probability) == 0:
                self.gap = -1
                outcome, latency = segment.flap_outcome, segment.flap_latency_ms
            else:
                self.gap -= 1
        if outcome is Outcome.HANG or latency > self.spec.timeout:
            outcome, latency = Outcome.HANG, self.spec.timeout
        self.begun = self.at
        self.outcome = outcome
        self.end = self.at + latency

    def _gap(self, probability: float) -> int:
        """How many flapping calls still get the usual answer. Redrawn for a new probability (memoryless)."""
        if self.gap < 0 or self.gap_probability != probability:
            self.gap_probability = probability
            self.gap = self.spec.draws.gap(self.cursor, probability)
            self.cursor += 1
            self.drawn += 1
        return self.gap

    def _finish(self, segments: Sequence[Segment]) -> None:
        """The call in flight ends: count, and give a verdict when a threshold is reached."""
        assert self.end is not None
        self.at = self.end
        self.end = None
        self.tries += 1
        if self.outcome is Outcome.ERROR:
            if self.tries < TRIES:
                self._call(segments)
                return
        else:
            self.counted(SUCCESS if self.outcome is Outcome.SUCCESS else FAILURE)
        self.selecting = self.trigger or self.tick <= self.at

    def counted(self, result: Result) -> None:
        """One more result of a call."""
        if result is self.last:
            self.run += 1
            if self.run == 1:
                self.since = self.begun
        else:
            self.last = result
            self.run = 1
            self.since = self.begun
        spec = self.spec
        if self.run >= (spec.failure_threshold if result is FAILURE else spec.success_threshold):
            self.verdict_calls = self.run
            self._cache(result)
            if spec.holds(result):
                self.hold = True
                self.run = 0

    def _skip(self, segments: Sequence[Segment], limit: int) -> bool:
        """Skips the calls from now on that are alike and decide nothing; False when these are all, for ever."""
        spec, at, period = self.spec, self.at, self.spec.period
        index = segment_at(segments, at)
        segment = segments[index]
        until = segments[index + 1].from_ms if index + 1 < len(segments) else NEVER
        outcome, latency = segment.outcome, segment.latency_ms
        calls = NEVER
        if segment.flap_probability > 0.0:
            calls = self._gap(segment.flap_probability)
        if outcome is Outcome.HANG or latency > spec.timeout:
            outcome, latency = Outcome.HANG, spec.timeout
        if outcome is Outcome.ERROR:
            until -= (TRIES - 1) * latency
            latency *= TRIES
        else:
            result = SUCCESS if outcome is Outcome.SUCCESS else FAILURE
            if self.cached is not result or spec.holds(result):
                threshold = spec.failure_threshold if result is FAILURE else spec.success_threshold
                calls = min(calls, threshold - (self.run if self.last is result else 0) - 1)
        back_to_back = latency >= period  # at each end a tick is already waiting
        if back_to_back:
            step = latency
            reach = (limit - 4 * at - spec.phase) // (4 * step)
        elif self.tick == at + period and not self.trigger:
            step = period
            reach = (limit - 4 * at) // (4 * step)
        else:
            return True
        if limit >= NEVER:
            if until >= NEVER and calls >= NEVER:
                return False
            reach = NEVER
        count = min(calls, reach, (until - at + step - 1) // step)
        if count <= 0:
            return True
        if outcome is not Outcome.ERROR:
            if self.last is not result:
                self.last = result
                self.run = 0
            if self.run == 0:
                self.since = at
            self.run += count
        if segment.flap_probability > 0.0:
            self.gap -= count
        self.at = at + count * step
        if back_to_back:
            self.key = 4 * self.at + spec.phase
            self._tick_after(self.at)
        else:
            self.key = 4 * self.at
            self.tick = self.at + period
        return True
