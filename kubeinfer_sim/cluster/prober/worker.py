"""One probe worker of the kubelet (pkg/kubelet/prober/worker.go), advanced by arithmetic instead of ticks.

A worker loops: one round, then wait for the next tick or a manual trigger. Most rounds change nothing but a
counter. In a stretch of constant health all calls are alike, so the one that crosses a threshold is found by
division and the calls before it are skipped. What can be noticed outside the worker is a *decision*: the cached
result changes. A worker stops there and the prober takes over.

Order of events is a key: 4 * milliseconds + phase, phase 0 for ticks, 1, 2, 3 for the ends of startup, liveness and
readiness calls. So at one millisecond ticks come before ends, and ends in the order of the kinds.
"""

from __future__ import annotations

from enum import Enum

from kubeinfer_sim.cluster.prober.health import PROBE_KINDS, FlapDraws, Health, Outcome, ProbeKind, segment_at
from kubeinfer_sim.manifest.model import Probe
from kubeinfer_sim.scenario.units import Millis

#: A key or a time that is never reached.
NEVER = 1 << 60
#: Calls of a round that ends in errors (pkg/kubelet/prober/prober.go maxProbeRetries).
TRIES = 3
#: A look into an endless future of flapping stops after this many draws.
DRAWS_PER_LOOK = 256


class Result(Enum):
    """A worker's cached result (pkg/kubelet/prober/results)."""

    UNKNOWN = "unknown"
    SUCCESS = "success"
    FAILURE = "failure"


SUCCESS, FAILURE = Result.SUCCESS, Result.FAILURE
_INITIAL = (Result.UNKNOWN, SUCCESS, FAILURE)


class Incarnation:
    """One container instance: what a container ID stands for.

    Attributes:
        answers: what it answers to the probes; the only thing that may change.
        started_at: its start, cut to the whole wall-clock second as times of the API are.
        known: the kubelet is newer than it, and until a probe has found something goes by the status that the API
            server has (worker.go doProbe; since 1.35): whether its pod is Ready. None: an ordinary one.
    """

    __slots__ = ("answers", "known", "started_at")

    def __init__(self, answers: Health, started_at: Millis, *, known: bool | None = None) -> None:
        self.answers = answers
        self.started_at = started_at
        self.known = known


class View:
    """The container status as a round reads it. Never changed, only replaced.

    Attributes:
        incarnation: the container ID; None before the first container.
        running, started: the fields of the status.
        since: when the status came to be so. Ticks up to then were taken under the one before.
    """

    __slots__ = ("incarnation", "running", "since", "started")

    def __init__(self, incarnation: Incarnation | None, running: bool, started: bool, since: Millis) -> None:
        self.incarnation = incarnation
        self.running = running
        self.started = started
        self.since = since


class WorkerSpec:
    """What of a worker never changes. Times in milliseconds.

    Attributes:
        wake: end of the start jitter, -1 when there is none.
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
        "index",
        "kind",
        "period",
        "phase",
        "resets_ticker",
        "success_threshold",
        "timeout",
        "trigger_first",
        "wake",
    )

    def __init__(
        self,
        kind: ProbeKind,
        probe: Probe,
        draws: FlapDraws,
        *,
        wake: Millis = -1,
        resets_ticker: bool = True,
        holds_success: bool = True,
        trigger_first: bool = True,
    ) -> None:
        self.kind = kind
        self.index = PROBE_KINDS.index(kind)
        self.phase = self.index + 1
        self.delay = probe.initial_delay_seconds * 1000
        self.period = probe.period_seconds * 1000
        self.timeout = probe.timeout_seconds * 1000
        self.success_threshold = probe.success_threshold
        self.failure_threshold = probe.failure_threshold
        self.draws = draws
        self.wake = wake
        self.resets_ticker = resets_ticker
        self.holds_success = holds_success and kind == "startup"
        self.trigger_first = trigger_first

    def holds(self, result: Result) -> bool:
        """Whether the worker stops after this verdict until there is a new container."""
        if result is FAILURE:
            return self.index != 2
        return self.holds_success


class Worker:
    """State of a worker. Advancing makes a new one, so that a prober can look ahead and come back.

    Attributes:
        container: the instance that the cached result is about; None before any was seen.
        cached: the cached result, None before any was set.
        last, run: last result of a call and how many in a row; they survive restarts of the container.
        since, latest: start of the first and of the last call of the run.
        spacing: time between the starts of its calls; 0 while there is one, -1 when it was not the same for all.
        verdict_calls: length of the run at the last verdict.
        hold: verdict given, no more calls for this instance.
        tick: the next tick, or a past one: waiting, if a call is under way, else without effect.
        trigger: a manual trigger waits.
        end: when the call in flight ends, None when there is none; `begun`, `outcome`, `tries` belong to it.
        key: the last event.
        published: the changes of the cached result at a decision, in order, each with its container.
        gap, gap_probability: flapping calls that still get the usual answer; -1 when not drawn.
        cursor: how many random numbers have been drawn.
    """

    __slots__ = (
        "begun",
        "cached",
        "container",
        "cursor",
        "end",
        "gap",
        "gap_probability",
        "hold",
        "key",
        "last",
        "latest",
        "outcome",
        "published",
        "run",
        "since",
        "spacing",
        "spec",
        "tick",
        "tries",
        "trigger",
        "verdict_calls",
    )

    def __init__(self, spec: WorkerSpec, added_at: Millis) -> None:
        self.spec = spec
        self.container: Incarnation | None = None
        self.cached: Result | None = None
        self.last = SUCCESS
        self.run = 0
        self.since = self.latest = added_at
        self.spacing = 0
        self.verdict_calls = 0
        self.hold = False
        self.tick = spec.wake if spec.wake >= 0 else added_at + spec.period
        self.trigger = False
        self.end: Millis | None = None
        self.begun = added_at
        self.outcome = Outcome.SUCCESS
        self.tries = 0
        self.key = 4 * added_at
        self.published: tuple[tuple[Incarnation, Result], ...] = ()
        self.gap = -1
        self.gap_probability = 0.0
        self.cursor = 0

    def _copy(self) -> Worker:
        new = Worker.__new__(Worker)
        new.spec = self.spec
        new.container = self.container
        new.cached = self.cached
        new.last = self.last
        new.run = self.run
        new.since = self.since
        new.latest = self.latest
        new.spacing = self.spacing
        new.verdict_calls = self.verdict_calls
        new.hold = self.hold
        new.tick = self.tick
        new.trigger = self.trigger
        new.end = self.end
        new.begun = self.begun
        new.outcome = self.outcome
        new.tries = self.tries
        new.key = self.key
        new.published = ()
        new.gap = self.gap
        new.gap_probability = self.gap_probability
        new.cursor = self.cursor
        return new

    def decided(self, view: View) -> Worker | None:
        """This worker right after its next decision, at `key`, if the status stays as it is; None: no decision.

        While a container flaps without consequence there may be nothing published.
        """
        if self.end is None and self._next_round(view) >= NEVER:
            return None
        new = self._copy()
        return new if new._advance(view, NEVER) else None

    def settled(self, view: View, limit: int) -> Worker:
        """This worker after all its events with keys up to `limit`, among which there is no decision."""
        if 4 * self._next_round(view) > limit if self.end is None else 4 * self.end + self.spec.phase > limit:
            return self
        new = self._copy()
        new._advance(view, limit)
        return new

    def triggered(self, view: View, key: int) -> Worker:
        """This worker after a manual trigger. While a round is under way it waits; more than one are one."""
        new = self._copy()
        at = key >> 2
        if new.end is not None or at < new.spec.wake:
            new.trigger = True
            return new
        new.key = key
        if new.spec.resets_ticker:
            new.tick = at + new.spec.period
        elif new.tick <= at:
            new._tick_after(at)
        new._round(view)
        return new

    def _advance(self, view: View, limit: int) -> bool:
        """Goes through the events with keys up to `limit`; True at the first decision."""
        spec = self.spec
        drawn = self.cursor
        while True:
            if self.end is None:
                tick = self._next_round(view)
                if 4 * tick > limit:
                    return False
                self.key = 4 * tick
                self.tick = tick
            else:
                key = 4 * self.end + spec.phase
                if key > limit:
                    return False
                self.key = key
                self._call_ends()
            while self.end is None and (self.trigger or self.tick <= self.key >> 2):
                if not self._select(view, limit):
                    return False
            if self.published or (limit >= NEVER and self.cursor - drawn > DRAWS_PER_LOOK):
                return True

    def _next_round(self, view: View) -> Millis:
        """The next tick whose round does something, for a worker that waits."""
        if self.trigger:
            return self.tick  # it came before the first wake
        earliest = self._earliest_round(view)
        if earliest >= NEVER:
            return NEVER
        if earliest <= view.since:
            earliest = view.since + 1
        if earliest <= self.tick:
            return self.tick
        period = self.spec.period
        return self.tick - (self.tick - earliest) // period * period

    def _earliest_round(self, view: View) -> Millis:
        """From when on a round does something: at the earliest after what it sees has come about."""
        incarnation = view.incarnation
        if incarnation is not self.container:
            return view.since
        if incarnation is None or self.hold:
            return NEVER
        if not view.running:
            return NEVER if self.cached is FAILURE else view.since
        if view.started == (self.spec.index == 0):
            return NEVER
        return incarnation.started_at + self.spec.delay

    def _tick_after(self, at: Millis) -> None:
        period = self.spec.period
        self.tick += ((at - self.tick) // period + 1) * period

    def _select(self, view: View, limit: int) -> bool:
        """Takes the waiting tick or trigger and does its round; False when nothing follows for ever."""
        spec = self.spec
        at = self.key >> 2
        if self.trigger and self.tick != spec.wake and (spec.trigger_first or self.tick > at):
            self.trigger = False
            if spec.resets_ticker:
                self.tick = at + spec.period
        else:
            self._tick_after(at)
            probes = view.running and view.incarnation is self.container and not self.published
            if probes and self._earliest_round(view) <= at and not self._skip(limit):
                return False
        self._round(view)
        return True

    def _round(self, view: View) -> None:
        """One round (doProbe) up to the call of the handler, if it comes to that."""
        incarnation = view.incarnation
        if incarnation is None:
            return
        spec = self.spec
        if incarnation is not self.container:
            self.container = incarnation
            self.hold = False
            self.cached = None
            if incarnation.known is None:
                self._cache(_INITIAL[spec.index])
        if self.hold:
            return
        if not view.running:
            self._cache(FAILURE)
        elif self.key >> 2 >= incarnation.started_at + spec.delay and view.started != (spec.index == 0):
            self.tries = 0
            self._call()

    def _cache(self, result: Result) -> None:
        if self.cached is not result:
            assert self.container is not None
            self.cached = result
            self.published += ((self.container, result),)

    def _call(self) -> None:
        """Begins one call of the handler."""
        assert self.container is not None
        at = self.key >> 2
        segments = self.container.answers.of(self.spec.kind)
        segment = segments[segment_at(segments, at)]
        outcome, latency = segment.outcome, segment.latency_ms
        if segment.flap_probability > 0.0:
            if self._draw_gap(segment.flap_probability) == 0:
                outcome, latency = segment.flap_outcome, segment.flap_latency_ms
            self.gap -= 1
        if outcome is Outcome.HANG or latency > self.spec.timeout:
            outcome, latency = Outcome.HANG, self.spec.timeout
        self.begun = at
        self.outcome = outcome
        self.end = at + latency

    def _draw_gap(self, probability: float) -> int:
        """How many flapping calls still get the usual answer. Redrawn for a new probability: it has no memory."""
        if self.gap < 0 or self.gap_probability != probability:
            self.gap_probability = probability
            self.gap = self.spec.draws.gap(self.cursor, probability)
            self.cursor += 1
        return self.gap

    def _call_ends(self) -> None:
        self.end = None
        self.tries += 1
        if self.outcome is not Outcome.ERROR:
            self.count(SUCCESS if self.outcome is Outcome.SUCCESS else FAILURE)
        elif self.tries < TRIES:
            self._call()

    def count(self, result: Result) -> None:
        """Counts the result of a call, and gives a verdict when a threshold is reached."""
        if result is not self.last:
            self.last = result
            self.run = 0
        begun = self.begun
        if self.run == 0:
            self.since = begun
            self.spacing = 0
        elif self.run == 1:
            self.spacing = begun - self.latest
        elif self.spacing != begun - self.latest:
            self.spacing = -1
        self.latest = begun
        self.run += 1
        spec = self.spec
        if self.run >= (spec.failure_threshold if result is FAILURE else spec.success_threshold):
            self.verdict_calls = self.run
            self._cache(result)
            if spec.holds(result):
                self.hold = True
                self.run = 0

    def _skip(self, limit: int) -> bool:
        """Skips the calls from now on that are alike and decide nothing; False when these are all, for ever."""
        assert self.container is not None
        spec, at, period = self.spec, self.key >> 2, self.spec.period
        segments = self.container.answers.of(spec.kind)
        index = segment_at(segments, at)
        segment = segments[index]
        until = segments[index + 1].from_ms if index + 1 < len(segments) else NEVER
        outcome, latency = segment.outcome, segment.latency_ms
        if outcome is Outcome.HANG or latency > spec.timeout:
            outcome, latency = Outcome.HANG, spec.timeout
        tries = TRIES if outcome is Outcome.ERROR else 1
        calls = NEVER
        if segment.flap_probability > 0.0:
            calls = self._draw_gap(segment.flap_probability) // tries
        result = SUCCESS if outcome is Outcome.SUCCESS else FAILURE
        if outcome is Outcome.ERROR:
            if until < NEVER:
                until -= (tries - 1) * latency  # all calls of a round are to be alike
            latency *= tries
        elif self.cached is not result or spec.holds(result):
            threshold = spec.failure_threshold if result is FAILURE else spec.success_threshold
            calls = min(calls, threshold - 1 - (self.run if self.last is result else 0))
        if latency >= period:  # at each end a tick is waiting already: back to back
            step, phase, tick_steps = latency, spec.phase, False
        elif self.tick == at + period and not self.trigger:
            step, phase, tick_steps = period, 0, True
        else:
            return True
        if limit < NEVER:
            calls = min(calls, (limit - phase - 4 * at) // (4 * step))
        if until < NEVER:
            calls = min(calls, (until - at + step - 1) // step)
        if calls >= NEVER:
            return False
        if calls <= 0:
            return True
        if outcome is not Outcome.ERROR:
            if self.last is not result:
                self.last = result
                self.run = 0
            if self.run == 0:
                self.since = at
                self.spacing = step if calls > 1 else 0
            else:
                alike = (self.run == 1 or self.spacing == at - self.latest) and (
                    calls == 1 or step == at - self.latest
                )
                self.spacing = at - self.latest if alike else -1
            self.latest = at + (calls - 1) * step
            self.run += calls
        if segment.flap_probability > 0.0:
            self.gap -= calls * tries
        at += calls * step
        self.key = 4 * at + phase
        if tick_steps:
            self.tick = at + period
        else:
            self._tick_after(at)
        return True
