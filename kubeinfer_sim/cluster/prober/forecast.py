"""What the probes of an ordinary start will find, computed once for all containers that start alike.

What a start comes to is computed by a `ContainerProber`. Containers of one template start alike if they are set up,
started and serving at the same moments but for a common shift. Where there is a startup probe they need not even be
that: nothing happens between its ticks, so starts are alike that lie between the same ticks; the time that a check
takes only comes on top. A container whose start turns out otherwise (its health changes, it dies) gets a
`ContainerProber` of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.cluster.prober.container import ContainerProber, Transition
from kubeinfer_sim.cluster.prober.health import Health, Outcome, Segment
from kubeinfer_sim.cluster.prober.probes import Probes
from kubeinfer_sim.manifest.releases import Release
from kubeinfer_sim.scenario.units import Millis

_FAILING = Segment(0, Outcome.FAIL)
#: From the first check that succeeds on, so many begin one at the end of the other at most: that of the startup probe,
#: then two of the readiness probe, the second of which the first result of its worker brings about.
_CHAIN = 3
#: So many starts are remembered: many more than are alike in one run, and a few MB over any number of them.
MOST_KNOWN = 4096
#: In place of the latency of a start: whatever is so short that such a chain ends before the next tick.
ANY_LATENCY = -1


class Start(NamedTuple):
    """How a container starts; times relative to its pod's set-up.

    Attributes:
        second: set-up modulo 1 s, since initial delays count from start times cut to whole seconds; 0 without any.
        started, serving: when the container runs, and when its engine answers (None: not in sight).
        latency: how long a successful check takes; None when it hangs.
        hook: how long its postStart hook took, before which its process began.
        relist: how long after its start the kubelet's relist brings another sync.
    """

    second: Millis
    started: Millis
    serving: Millis | None
    latency: Millis | None
    hook: Millis = 0
    relist: Millis = 0

    def health(self, added_at: Millis) -> Health:
        """The answers of a container set up at `added_at` that starts like this."""
        if self.serving is None:
            return Health.alike(_FAILING)
        outcome = Outcome.HANG if self.latency is None else Outcome.SUCCESS
        return Health.alike(_FAILING, Segment(added_at + self.serving, outcome, self.latency or 0))


class Foreseen(NamedTuple):
    """A transition, and how many times the latency of a check comes on top of its time."""

    transition: Transition
    latencies: int = 0


class Forecast(Struct, frozen=True):
    """All transitions of a start up to its first kill; their times are relative to so long (ms) after set-up."""

    path: tuple[Foreseen, ...]
    shift: Millis = 0


@lru_cache(maxsize=256)
def forecasts_for(probes: Probes, kubernetes: Release) -> Forecasts:
    """Those of these probes in this release; they are the same in every run of a process."""

    def prober(added_at: Millis) -> ContainerProber:
        return ContainerProber(probes, added_at=added_at, kubernetes=kubernetes)

    return Forecasts(probes, prober)


class Forecasts:
    """The forecasts for the containers that have these probes. `open_prober` makes a prober for a time of set-up."""

    def __init__(self, probes: Probes, open_prober: Callable[[Millis], ContainerProber]) -> None:
        self._open = open_prober
        self._known: dict[Start, tuple[Foreseen, ...]] = {}
        given = [each for each in probes if each is not None]
        self._startup = None if any(each.initial_delay_seconds for each in given) else probes.startup
        periods = [1000 * each.period_seconds for each in given]
        # All ticks are multiples of a step after set-up, and fall in each cycle as in the one before.
        self._step, self._cycle = math.gcd(*periods), math.lcm(*periods)
        self._shortest_timeout = min(1000 * each.timeout_seconds for each in given)

    def of(self, start: Start) -> Forecast:
        """What comes of such a start."""
        typical, shift = self._typical(start)
        path = self._known.get(typical)
        if path is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            path = self._known[typical] = (
                self._for_any_latency(typical)
                if typical.latency == ANY_LATENCY
                else tuple([Foreseen(each) for each in self._compute(typical)])
            )
        return Forecast(path, shift)

    def _typical(self, start: Start) -> tuple[Start, Millis]:
        """A start of which the same comes, so long (ms) before; where no ticks say so, itself."""
        latency, serving = start.latency, start.serving
        if self._startup is None or latency is None or latency > self._shortest_timeout:
            return start, 0
        period = 1000 * self._startup.period_seconds
        first = (start.started // period + 1) * period
        last = first + (self._startup.failure_threshold - 1) * period
        succeeds = serving is not None and serving <= last
        decisive = max(first, -(-serving // period) * period) if serving is not None and succeeds else last
        if decisive <= start.started + start.relist:
            return start, 0  # the sync after that may wake the readiness probe once more
        shift = start.started // self._cycle * self._cycle
        started = start.started // self._step * self._step - shift
        if not succeeds:
            return Start(0, started, None, 0), shift
        # Once each worker has seen the container it does not matter how many more checks fail.
        shift += max(0, (decisive - start.started) // self._cycle - 1) * self._cycle
        if 0 < _CHAIN * latency < self._step:
            latency = ANY_LATENCY
        return Start(0, started, decisive - shift, latency), shift

    def _for_any_latency(self, start: Start) -> tuple[Foreseen, ...]:
        """Each time is so many latencies after a fixed one: they lie on a line, of which two points are known."""
        one, two = (self._compute(start._replace(latency=latency)) for latency in (1, 2))
        return tuple(
            [
                Foreseen(replace(each, at=each.at - (other.at - each.at)), other.at - each.at)
                for each, other in zip(one, two, strict=True)
            ]
        )

    def _compute(self, start: Start) -> list[Transition]:
        prober = self._open(start.second)
        begins = start.second + start.started
        prober.container_started(begins, start.health(start.second), begins - start.hook, relist=start.relist)
        transitions: list[Transition] = []
        while (due := prober.next_at()) is not None:
            for each in prober.advance(due):
                first = None if each.first_call_at is None else each.first_call_at - start.second
                transitions.append(replace(each, at=each.at - start.second, first_call_at=first))
                if each.kind == "kill":
                    return transitions
        return transitions


class Follower:
    """Goes along a forecast as a `ContainerProber` would find it."""

    __slots__ = (
        "_added_at",
        "_due",
        "_forecasts",
        "_index",
        "_origin",
        "_path",
        "_start",
        "ready",
        "started",
    )

    def __init__(self, forecasts: Forecasts, start: Start, added_at: Millis) -> None:
        self._forecasts = forecasts
        self._added_at = added_at
        self._index = 0
        self.started = False
        self.ready = False
        self._follow(start)

    def serving(self, serving_at: Millis | None, latency: Millis | None) -> None:
        """The engine's start is now in sight; it fails its checks until then, as it did so far."""
        serving = None if serving_at is None else serving_at - self._added_at
        second, started, _, _, hook, relist = self._start
        self._follow(Start(second, started, serving, latency, hook, relist))

    def _follow(self, start: Start) -> None:
        forecast = self._forecasts.of(start)
        self._start = start
        self._path = forecast.path
        self._origin = self._added_at + forecast.shift
        self._due = self._at(self._index)

    def _at(self, index: int) -> Millis | None:
        """When a transition comes; None where there are not so many."""
        if index >= len(self._path):
            return None
        transition, latencies = self._path[index]
        return self._origin + transition.at + latencies * (self._start.latency or 0)

    def next_at(self) -> Millis | None:
        """When the next transition comes; None: never."""
        return self._due

    def advance(self, to: Millis) -> list[Transition]:
        """The transitions due up to and including `to`; `started` and `ready` follow them.

        Of their times only those of a kill count, and only as differences: when it comes, and from which calls.
        """
        passed = []
        while self._due is not None and self._due <= to:
            transition = self._path[self._index].transition
            self._index += 1
            self._due = self._at(self._index)
            if transition.kind == "started":
                self.started = transition.value
            elif transition.kind == "ready":
                self.ready = transition.value
            passed.append(transition)
        return passed

    def becomes(self, kind: Literal["started", "ready"]) -> float:
        """From when on it is started, or ready; infinity when it never will be."""
        if self.started if kind == "started" else self.ready:
            return self._added_at
        return self._first(lambda transition: transition.kind == kind and transition.value)

    def suffers_at(self) -> float:
        """When it is killed, or loses what it has; infinity when that is not in sight."""
        return self._first(lambda transition: transition.kind == "kill" or not transition.value)

    def _first(self, fits: Callable[[Transition], bool]) -> float:
        """When the first transition comes from now on that fits."""
        for index in range(self._index, len(self._path)):
            if fits(self._path[index].transition) and (at := self._at(index)) is not None:
                return at
        return math.inf

    def exact(self, prober: ContainerProber, now: Millis) -> ContainerProber:
        """Bring a new prober of this container to where this one stands."""
        begins = self._added_at + self._start.started
        start = self._start
        prober.container_started(
            begins, start.health(self._added_at), begins - start.hook, relist=start.relist
        )
        prober.advance(now)
        return prober
