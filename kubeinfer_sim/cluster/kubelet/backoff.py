"""How long the kubelet waits before it starts a crashed container, or pulls an image, again.

Both waits are exponential back-offs of client-go (util/flowcontrol/backoff.go), used in different ways:

- a container's (`ContainerBackoff`; pkg/kubelet/kuberuntime/kuberuntime_manager.go, doBackOff) is advanced
  when a container is started *again* and counts from the moment the last one exited, so the first restart
  is immediate; the kubelet's housekeeping drops an entry that is too old, even while it still makes a
  container wait;
- an image's (`ImageBackoff`; pkg/kubelet/images/image_manager.go) is advanced when a pull fails and
  counts from that failure; nothing drops it but its age at the next failure.

No clock and no events in here: the caller says when things happened and gets back when the next thing may.
All times and durations are milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from msgspec import Struct, field

from kubeinfer_sim.manifest.releases import LATEST, Release

#: Period of the kubelet's housekeeping, which also cleans the table of container back-offs
#: (pkg/kubelet/kubelet.go, housekeepingPeriod; pkg/kubelet/kubelet_pods.go, HandlePodCleanups).
HOUSEKEEPING_PERIOD = 2_000

#: Period of the kubelet's sync ticker, which takes up pods whose retry is due (kubelet.go, syncLoop).
SYNC_PERIOD = 1_000

#: How often the kubelet asks the container runtime what has changed (kubelet.go, genericPlegRelistPeriod).
RELIST = 1_000


class RandomSource(Protocol):
    """Where a jitter is drawn from: a named stream, or `Constant`."""

    def random(self) -> float:
        """A number in [0, 1)."""
        ...


class Constant(Struct, frozen=True):
    """A source that always gives the same number; 0 takes every jitter away."""

    value: float = 0.0

    def random(self) -> float:
        """The number."""
        return self.value


class BackoffLimits(Struct, frozen=True):
    """The parameters of a back-off.

    Attributes:
        initial: the first wait.
        maximum: the longest wait; each wait is twice the one before it, up to this.
        expiry: an entry is forgotten when the next event comes *more* than this after its last update.
    """

    initial: int = 10_000
    maximum: int = 300_000
    expiry: int = 600_000

    @classmethod
    def of_kubelet(
        cls, *, kubernetes: Release = LATEST, reduced: bool = False, maximum: int | None = None
    ) -> BackoffLimits:
        """A kubelet's limits for containers (pkg/kubelet/kubelet.go, newCrashLoopBackOff).

        Args:
            kubernetes: says when an entry expires: after twice the maximum, or after 600 s whatever the maximum;
                with the default maximum that is the same.
            reduced: feature gate ReduceDefaultCrashLoopBackOffDecay (alpha, off): 1 s doubling to 60 s.
            maximum: the node's `crashLoopBackOff.maxContainerRestartPeriod` (feature gate
                KubeletCrashLoopBackOffMax, from 1.35); wins over `reduced`, and caps the first wait too.
        """
        initial, default = (1_000, 60_000) if reduced else (10_000, 300_000)
        longest = default if maximum is None else maximum
        return cls(
            min(initial, longest), longest, 600_000 if kubernetes.fixed_back_off_expiry else 2 * longest
        )


class Backoff(Struct):
    """One entry of client-go's back-off table.

    Attributes:
        delay: the wait in force, 0 when there is no entry.
        updated: when the entry was last advanced.
    """

    limits: BackoffLimits = field(default_factory=BackoffLimits)
    delay: int = 0
    updated: int = 0

    def next(self, event: int, now: int) -> None:
        """Start with the initial wait or double it, whichever is due for an event at `event`."""
        if self.delay and not self.expired(event):
            self.delay = min(2 * self.delay, self.limits.maximum)
        else:
            self.delay = self.limits.initial
        self.updated = now

    def expired(self, event: int) -> bool:
        """Whether an event comes so late that the entry no longer counts."""
        return event - self.updated > self.limits.expiry

    def waits_since(self, event: int, now: int) -> bool:
        """Whether the wait, counted from the event, still runs (IsInBackOffSince)."""
        return bool(self.delay) and not self.expired(event) and now - event < self.delay

    def waits_since_update(self, now: int) -> bool:
        """Whether the wait, counted from the last update, still runs (IsInBackOffSinceUpdate)."""
        return bool(self.delay) and not self.expired(now) and now - self.updated < self.delay


class PodWorkerRetry(Struct):
    """When the pod worker tries again a pod that is held by a back-off (pkg/kubelet/pod_workers.go).

    A failed sync is retried after 10 s or, in newer releases and where it failed for a container's back-off, when that
    ends but after 60 s at the latest; both stretched by up to half, and taken up by the next tick of the kubelet's 1 s
    sync ticker.

    Attributes:
        kubernetes: its release.
        source: where the stretching is drawn from.
        ticker_phase: when the sync ticker ticks, modulo 1 s; None leaves the ticker out.
    """

    kubernetes: Release = LATEST
    source: RandomSource = field(default_factory=Constant)
    ticker_phase: int | None = 0

    def next(self, now: int, remaining: int | None = None) -> int:
        """When a pod whose sync failed at `now` is tried again.

        `remaining`: of the container's back-off for which it failed, in ms; None: it failed for something else.
        """
        base = 10_000
        if remaining is not None and self.kubernetes.retries_when_back_off_ends:
            base = min(remaining, 60_000)
        due = now + round(base * (1 + 0.5 * self.source.random()))
        if self.ticker_phase is None:
            return due
        return due + (self.ticker_phase - due) % SYNC_PERIOD


class ContainerBackoff(Struct):
    """The CrashLoopBackOff of one container of one pod; a new pod, or a restarted kubelet, has a new one.

    Attributes:
        entry: the state.
        housekeeping_phase: when the kubelet's housekeeping runs, modulo 2 s; None for no clean-up at all.
    """

    entry: Backoff = field(default_factory=Backoff)
    housekeeping_phase: int | None = 0

    def forgotten_at(self) -> int | None:
        """When housekeeping drops the entry: its first round more than `expiry` after the last restart."""
        if self.housekeeping_phase is None or not self.entry.delay:
            return None
        earliest = self.entry.updated + self.entry.limits.expiry + 1
        return earliest + (self.housekeeping_phase - earliest) % HOUSEKEEPING_PERIOD

    def next_start(self, finished: int | None, now: int) -> int:
        """The earliest moment, not before `now`, at which the container may be started.

        Args:
            finished: when the newest exited run of the container ended, *as far as the status read at the
                beginning of the kubelet's sync says*; None when it says of none. A container killed by a
                probe is started again in the sync that killed it, whose status knows only of the run before.
            now: the time of the attempt.
        """
        self._forget(now)
        if finished is None or not self.entry.waits_since(finished, now):
            return now
        due = finished + self.entry.delay
        forgotten = self.forgotten_at()
        return due if forgotten is None else min(due, forgotten)

    def record_start(self, finished: int | None, now: int) -> None:
        """The container is started at `now`, after a run that ended at `finished` (None: the first start)."""
        self._forget(now)
        if finished is not None:
            self.entry.next(finished, now)

    def tries(self, finished: int, now: int, retry: PodWorkerRetry) -> Iterator[int]:
        """When the pod worker, first trying at `now`, tries: up to the first try when it may start the container."""
        yield now
        while self.next_start(finished, now) > now:
            now = retry.next(now, finished + self.entry.delay - now)
            yield now

    def _forget(self, now: int) -> None:
        forgotten = self.forgotten_at()
        if forgotten is not None and forgotten <= now:
            self.entry.delay = 0


class ImageBackoff(Struct):
    """The ImagePullBackOff of one image for one pod; a successful pull leaves it as it is."""

    entry: Backoff = field(default_factory=Backoff)

    def next_pull(self, now: int) -> int:
        """The earliest moment, not before `now`, at which the image may be pulled."""
        return self.entry.updated + self.entry.delay if self.entry.waits_since_update(now) else now

    def record_failure(self, now: int) -> None:
        """A pull failed at `now`."""
        self.entry.next(now, now)
