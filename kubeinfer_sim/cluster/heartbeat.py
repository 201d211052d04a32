"""What a node's kubelet sends to say that it lives: lease renewals and status reports.

A living kubelet renews its node's lease and checks its status every 10 s, and posts the status when it
changed or after 5 minutes (pkg/kubelet/kubelet_node_status.go, component-helpers apimachinery/lease). None of
that is an event here: `Heartbeat` says when the newest one was, as a function of time.
"""

from __future__ import annotations

from msgspec import Struct

from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.scenario.cluster.model import NodeSpec

NEVER = -(2**62)
#: Between two renewals of a lease, and between two looks at the status, in ms (nodeStatusUpdateFrequency).
PERIOD = 10_000


def last_tick(now: int, phase: int, period: int) -> int:
    """The last of the times `phase` + k x `period` that is not after `now`."""
    return now - (now - phase) % period


def next_tick(now: int, phase: int, period: int) -> int:
    """The first of the times `phase` + k x `period` that is not before `now`."""
    return now + (phase - now) % period


class Heartbeat(Struct):
    """One kubelet's signs of life; milliseconds.

    Attributes:
        lease_phase: leases are renewed at this time, modulo the period.
        status_phase: the status is checked at this time, modulo the period.
        posted: when the status was last posted.
        repost: an unchanged status is posted again at the first check after this long.
        alive_since: since when it sends; None while it is silent.
        ready: what the kubelet says of itself.
    """

    lease_phase: int = 0
    status_phase: int = 0
    posted: int = 0
    period: int = PERIOD
    repost: int = 300_000
    alive_since: int | None = NEVER
    ready: bool = True
    _renewed: int = NEVER

    def renewed(self, now: int) -> int:
        """The newest lease renewal up to `now`."""
        if self.alive_since is None:
            return self._renewed
        last = last_tick(now, self.lease_phase, self.period)
        return last if last >= self.alive_since else self._renewed

    def reported(self, now: int) -> int:
        """The newest status report up to `now`, counting those that only repeat an unchanged status."""
        if self.alive_since is not None:
            due = next_tick(max(self.posted + self.repost, self.alive_since), self.status_phase, self.period)
            if due <= now:
                # From one check on time to the next it is whole periods.
                step = next_tick(self.repost, 0, self.period)
                return due + (now - due) // step * step
        return self.posted

    def heard(self, now: int) -> int:
        """The newest sign of life up to `now`, of either kind."""
        return max(self.renewed(now), self.reported(now))

    def fall_silent(self, now: int) -> None:
        """Nothing is sent after `now`."""
        self._renewed, self.posted = self.renewed(now), self.reported(now)
        self.alive_since = None

    def come_back(self, now: int, *, restarted: bool) -> None:
        """It sends again; a restarted kubelet begins its periods anew, at once."""
        self.alive_since = now
        if restarted:
            self.lease_phase = self.status_phase = now

    def next_check(self, now: int) -> int:
        """When the status is checked next, `now` included."""
        return next_tick(now, self.status_phase, self.period)


def first_heartbeat(spec: NodeSpec, streams: Streams, now: int) -> Heartbeat:
    """The heartbeat of a node that joins now."""
    phase = now + int(streams.named(f"heartbeat/{spec.name}").random() * PERIOD)
    return Heartbeat(phase, phase, now, alive_since=now)


def heartbeat_of(spec: NodeSpec, streams: Streams) -> Heartbeat:
    """The heartbeat of a node that has run, or been silent, for long; the phases of its clocks are drawn."""
    source = streams.named(f"heartbeat/{spec.name}")
    lease, status = (int(source.random() * PERIOD) for _ in range(2))
    posted = status - PERIOD * (1 + int(source.random() * 30))
    alive_since = None if spec.ready == "Unknown" else NEVER
    return Heartbeat(lease, status, posted, alive_since=alive_since, ready=spec.ready == "True")
