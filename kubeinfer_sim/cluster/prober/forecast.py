"""What the probes of an ordinary start will find, computed once for all containers that start alike.

The pods of a rollout start alike: same probes, same stages. What their probes find is the same but for the
moment, so it is computed once, by a `ContainerProber`, and kept relative to the pod's set-up. A container
whose start turns out otherwise (its health changes, it dies) gets a `ContainerProber` of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

from kubeinfer_sim.cluster.prober.container import ContainerProber, Transition
from kubeinfer_sim.cluster.prober.health import Health, Outcome, Segment
from kubeinfer_sim.cluster.prober.probes import Probes
from kubeinfer_sim.scenario.units import Millis

_FAILING = Segment(0, Outcome.FAIL)


class Start(NamedTuple):
    """How a container starts: probes, and times relative to its pod's set-up.

    Attributes:
        second: set-up modulo 1 s, since initial delays count from start times cut to whole seconds; 0 without any.
        started, serving: when the container runs, and when its engine answers (None: not in sight).
        latency: how long a successful check takes; None when it hangs.
        hook: how long its postStart hook took, before which its process began.
        relist: how long after its start the kubelet's relist brings another sync.
    """

    probes: Probes
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


class Forecasts:
    """The forecasts of one simulation. `open_prober` makes a prober for probes and a time of set-up."""

    def __init__(self, open_prober: Callable[[Probes, Millis], ContainerProber]) -> None:
        self._open = open_prober
        self._known: dict[Start, tuple[Transition, ...]] = {}

    def of(self, start: Start) -> tuple[Transition, ...]:
        """All transitions of such a start, up to its first kill; times relative to set-up."""
        known = self._known.get(start)
        if known is None:
            known = self._known[start] = self._compute(start)
        return known

    def _compute(self, start: Start) -> tuple[Transition, ...]:
        prober = self._open(start.probes, start.second)
        begins = start.second + start.started
        prober.container_started(begins, start.health(start.second), begins - start.hook, relist=start.relist)
        transitions: list[Transition] = []
        while (due := prober.next_at()) is not None:
            for transition in prober.advance(due):
                first = transition.first_call_at
                transitions.append(
                    Transition(
                        transition.at - start.second,
                        transition.kind,
                        transition.value,
                        transition.probe,
                        transition.calls,
                        first if first is None else first - start.second,
                        transition.spacing,
                    )
                )
                if transition.kind == "kill":
                    return tuple(transitions)
        return tuple(transitions)


class Follower:
    """Goes along a forecast as a `ContainerProber` would find it."""

    __slots__ = ("_added_at", "_forecasts", "_index", "_path", "_start", "ready", "started")

    def __init__(self, forecasts: Forecasts, start: Start, added_at: Millis) -> None:
        self._forecasts = forecasts
        self._added_at = added_at
        self._start = start
        self._path = forecasts.of(start)
        self._index = 0
        self.started = False
        self.ready = False

    def serving(self, serving_at: Millis | None, latency: Millis | None) -> None:
        """The engine's start is now in sight; it fails its checks until then, as it did so far."""
        serving = None if serving_at is None else serving_at - self._added_at
        self._start = self._start._replace(serving=serving, latency=latency)
        self._path = self._forecasts.of(self._start)

    def next_at(self) -> Millis | None:
        """When the next transition comes; None: never."""
        return self._added_at + self._path[self._index].at if self._index < len(self._path) else None

    def advance(self, to: Millis) -> list[Transition]:
        """The transitions due up to and including `to`; `started` and `ready` follow them."""
        transitions = []
        while self._index < len(self._path) and self._added_at + self._path[self._index].at <= to:
            transition = self._path[self._index]
            self._index += 1
            if transition.kind == "started":
                self.started = transition.value
            elif transition.kind == "ready":
                self.ready = transition.value
            transitions.append(transition)
        return transitions

    def becomes(self, kind: Literal["started", "ready"]) -> float:
        """From when on it is started, or ready; infinity when it never will be."""
        if self.started if kind == "started" else self.ready:
            return self._added_at
        for transition in self._path[self._index :]:
            if transition.kind == kind and transition.value:
                return self._added_at + transition.at
        return math.inf

    def suffers_at(self) -> float:
        """When it is killed, or loses what it has; infinity when that is not in sight."""
        for transition in self._path[self._index :]:
            if transition.kind == "kill" or not transition.value:
                return self._added_at + transition.at
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
