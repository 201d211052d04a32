"""The queue of single pods: active, backing off, or set aside until something helps.

Times are milliseconds. The queue has no clock: it is told the time, and says when it next wants to be looked at.
Source: pkg/scheduler/backend/queue/scheduling_queue.go, backoff_queue.go.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator

from msgspec import Struct, field

from kubeinfer_sim.cluster.scheduler.pods import Pod

#: Back-off after the first failed attempt, and its limit.
INITIAL_BACKOFF, MAX_BACKOFF = 1_000, 10_000
#: How often pods whose back-off is over are taken out, and how often pods set aside for long.
BACKOFF_TICK, LEFTOVER_TICK = 1_000, 30_000
#: How long a pod is set aside before it is tried again without a reason.
MAX_SET_ASIDE = 300_000


def backoff(attempts: int, initial: int = INITIAL_BACKOFF, longest: int = MAX_BACKOFF) -> int:
    """How long a pod backs off after so many failed attempts: doubled each time, up to the limit."""
    if attempts <= 0:
        return 0
    return min(initial << min(attempts - 1, 64), longest)


class QueuedPod(Struct, eq=False):
    """A pod in the queue.

    Attributes:
        since: when it came to where it is; older ones of equal priority are tried first.
        failures: attempts in which plugins turned it down.
        errors: attempts in a row that ended without any plugin's judgement (a cluster without nodes).
        plugins: the plugins that turned it down last.
    """

    pod: Pod
    since: int
    arrival: int
    failures: int = 0
    errors: int = 0
    expires: int = 0
    plugins: frozenset[str] = field(default_factory=frozenset)

    @property
    def order(self) -> tuple[int, int, int]:
        """Sort key: higher priority, then longer in the queue."""
        return -self.pod.priority, self.since, self.arrival


class PodQueue:
    """Pods that want a node.

    Attributes:
        active: tried as soon as possible.
        backing_off: useful to try, but not before their back-off is over.
        failed: the same after attempts that ended without a judgement; these are never taken early.
        set_aside: wait for a change that helps.
    """

    def __init__(self, *, pop_early: bool = True, started: int = 0, window: int = 0) -> None:
        """Start empty.

        Args:
            pop_early: take a pod that backs off when nothing else waits (feature gate SchedulerPopFromBackoffQ,
                on since 1.33); back-off then ends at whole seconds.
            started: when the queue was started; ticks count from then.
            window: some whole second of the wall clock (any one will do).
        """
        self._pop_early = pop_early
        self._backoff_phase = (window if pop_early else started) % BACKOFF_TICK
        self._leftover_phase = started % LEFTOVER_TICK
        self._arrivals = 0
        self.active: dict[Hashable, QueuedPod] = {}
        self.backing_off: dict[Hashable, QueuedPod] = {}
        self.failed: dict[Hashable, QueuedPod] = {}
        self.set_aside: dict[Hashable, QueuedPod] = {}

    def __iter__(self) -> Iterator[QueuedPod]:
        for place in self._places():
            yield from place.values()

    def _places(self) -> tuple[dict[Hashable, QueuedPod], ...]:
        return self.active, self.backing_off, self.failed, self.set_aside

    def get(self, key: Hashable) -> QueuedPod | None:
        """A pod that waits anywhere in the queue."""
        return next((place[key] for place in self._places() if key in place), None)

    def add(self, pod: Pod, now: int) -> None:
        """A new pod."""
        self._arrivals += 1
        self.active[pod.key] = QueuedPod(pod, now, self._arrivals)

    def remove(self, key: Hashable) -> None:
        """A pod does not want a node any more."""
        for place in self._places():
            place.pop(key, None)

    def pop(self) -> QueuedPod | None:
        """The next pod to try; it is out of the queue then."""
        place = self.active
        if not place and self._pop_early:
            place = self.backing_off
            if not place:
                return None
            chosen = min(place.values(), key=lambda queued: (self._aligned(queued.expires), *queued.order))
        elif place:
            chosen = min(place.values(), key=lambda queued: queued.order)
        else:
            return None
        return place.pop(chosen.pod.key)

    def turned_down(self, queued: QueuedPod, plugins: frozenset[str], now: int) -> None:
        """An attempt failed: set the pod aside, or without any plugin's judgement let it back off."""
        queued.since, queued.plugins = now, plugins
        if plugins:
            queued.failures += 1
            queued.errors = 0
            queued.expires = now + backoff(queued.failures)
            self.set_aside[queued.pod.key] = queued
        else:
            queued.errors += 1
            queued.expires = now + backoff(queued.errors)
            self.failed[queued.pod.key] = queued

    def wake(self, useful: Callable[[QueuedPod], bool], now: int) -> None:
        """Move the pods set aside that a change is useful to where they can be tried."""
        for queued in list(self.set_aside.values()):
            if useful(queued):
                self._release(queued, now)

    def _release(self, queued: QueuedPod, now: int) -> None:
        del self.set_aside[queued.pod.key]
        place = self.backing_off if self._backs_off(queued, now) else self.active
        place[queued.pod.key] = queued

    def _aligned(self, time: int) -> int:
        if not self._pop_early:
            return time
        return time - (time - self._backoff_phase) % BACKOFF_TICK

    def _backs_off(self, queued: QueuedPod, now: int) -> bool:
        # Equal times still count as backing off: an attempt ends a little after it began.
        return self._aligned(queued.expires) >= self._aligned(now)

    def tick(self, now: int) -> None:
        """Take out what is due at a time `next_tick` named."""
        if (now - self._backoff_phase) % BACKOFF_TICK == 0:
            for place in (self.backing_off, self.failed):
                for queued in list(place.values()):
                    if not self._backs_off(queued, now):
                        self.active[queued.pod.key] = place.pop(queued.pod.key)
        if (now - self._leftover_phase) % LEFTOVER_TICK == 0:
            for queued in list(self.set_aside.values()):
                if now - queued.since > MAX_SET_ASIDE:
                    self._release(queued, now)

    def next_tick(self, now: int) -> int | None:
        """The first time after `now` at which `tick` has something to do; None when nothing waits for one."""
        due = [
            _next_tick(max(self._aligned(queued.expires), now), self._backoff_phase, BACKOFF_TICK)
            for place in (self.backing_off, self.failed)
            for queued in place.values()
        ]
        due += [
            _next_tick(max(queued.since + MAX_SET_ASIDE, now), self._leftover_phase, LEFTOVER_TICK)
            for queued in self.set_aside.values()
        ]
        return min(due, default=None)


def _next_tick(after: int, phase: int, period: int) -> int:
    """The first tick strictly after a time."""
    return after + period - (after - phase) % period
