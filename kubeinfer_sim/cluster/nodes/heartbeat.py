"""What a node's kubelet sends to say that it lives: lease renewals and status reports.

A living kubelet renews its node's lease and checks its status every 10 s, and posts the status when it
changed or after 5 minutes (pkg/kubelet/kubelet_node_status.go, component-helpers apimachinery/lease). None of
that is an event here: `Heartbeat` says when the newest one was, as a function of time. Only a report that
changes something, after the kubelet was silent or the controller wrote otherwise, is carried out.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubeinfer_sim.cluster.api_nodes import BoundPod, NodeApi, NodeObject, PodWriter, Watcher
from kubeinfer_sim.engine.clock import Clock, Timer

NEVER = -(2**62)


def last_tick(now: int, phase: int, period: int) -> int:
    """The last of the times `phase` + k x `period` that is not after `now`."""
    return now - (now - phase) % period


def next_tick(now: int, phase: int, period: int) -> int:
    """The first of the times `phase` + k x `period` that is not before `now`."""
    return now + (phase - now) % period


@dataclass(slots=True)
class Heartbeat:
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
    period: int = 10_000
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


class StatusReporter(Watcher):
    """The status reports of all kubelets that change something in the API."""

    def __init__(self, clock: Clock, api: NodeApi, pods: PodWriter) -> None:
        self._clock = clock
        self._api = api
        self._pods = pods
        self._timers: dict[str, Timer] = {}
        #: Nodes with pods whose Ready condition somebody else than their kubelet wrote.
        self._overwritten: dict[str, dict[BoundPod, None]] = {}
        api.watchers.append(self)

    def silent(self, node: NodeObject) -> None:
        """The kubelet sends nothing from now on (the machine is dead, hung or cut off)."""
        assert node.heartbeat is not None
        node.heartbeat.fall_silent(self._clock.now)
        timer = self._timers.pop(node.name, None)
        if timer is not None:
            timer.cancel()

    def back(self, node: NodeObject, *, restarted: bool = True) -> None:
        """The kubelet sends again."""
        assert node.heartbeat is not None
        node.heartbeat.come_back(self._clock.now, restarted=restarted)
        self._check_if_needed(node)

    def becomes(self, node: NodeObject, *, ready: bool) -> None:
        """The kubelet finds itself ready or not (its runtime or network died …) and posts that at once."""
        assert node.heartbeat is not None
        node.heartbeat.ready = ready
        if node.heartbeat.alive_since is not None:
            self._check(node)

    def overwritten(self, pod: BoundPod) -> None:
        """A controller wrote the pod's Ready condition; its kubelet will put it right when it can."""
        self._overwritten.setdefault(pod.node, {})[pod] = None
        node = self._api.nodes.get(pod.node)
        if node is not None:
            self._check_if_needed(node)

    def ready_changed(self, node: NodeObject) -> None:
        """Somebody wrote the Ready condition; the kubelet insists on its own view."""
        self._check_if_needed(node)

    def node_removed(self, node: NodeObject) -> None:
        """The machine is gone with its object."""
        if node.heartbeat is not None and node.heartbeat.alive_since is not None:
            self.silent(node)
        self._overwritten.pop(node.name, None)

    def pod_gone(self, pod: BoundPod) -> None:
        """Nothing to put right any more."""
        self._overwritten.get(pod.node, {}).pop(pod, None)

    def _check_if_needed(self, node: NodeObject) -> None:
        beat = node.heartbeat
        if beat is None or beat.alive_since is None or node.name in self._timers:
            return
        if node.ready != str(beat.ready) or (beat.ready and self._overwritten.get(node.name)):
            when = beat.next_check(self._clock.now)
            self._timers[node.name] = self._clock.at(when, self._check, node)

    def _check(self, node: NodeObject) -> None:
        """The kubelet's status check."""
        timer = self._timers.pop(node.name, None)
        if timer is not None:
            timer.cancel()
        beat = node.heartbeat
        assert beat is not None
        now = self._clock.now
        beat.posted = beat.reported(now)
        if node.ready != str(beat.ready):
            beat.posted = now
            self._api.set_ready(node, "True" if beat.ready else "False")
        if beat.ready:
            for pod in self._overwritten.pop(node.name, {}):
                if not pod.terminating:
                    self._pods.restore_ready(pod)
