"""`kubectl drain`: evict a node's pods and wait until they are gone.

The rules of kubectl's pkg/drain (drain.go, filters.go): pods are checked first and nothing is evicted if one
of them forbids it; then all are evicted at once; an eviction refused by a budget is tried again every 5 s;
an accepted one is followed up every 1 s until the pod object is gone. Without a timeout it goes on for ever.

A drain that a budget holds costs no events: a refusal stays a refusal until the budget's status changes, so
the next try is computed then, on the 5 s grid it would have been made on anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from enum import Enum
from typing import Protocol

from msgspec import Struct

from kubeinfer_sim.cluster.disruption.controller import Budget, holding
from kubeinfer_sim.cluster.disruption.eviction import Answer, Code
from kubeinfer_sim.engine.clock import Clock, Phase, Timer

RETRY_PERIOD = 5_000
POLL_PERIOD = 1_000


class DrainOptions(Struct, frozen=True):
    """The flags of `kubectl drain`; `timeout` in ms, None for ever (`--timeout=0`)."""

    ignore_daemon_sets: bool = False
    delete_empty_dir_data: bool = False
    force: bool = False
    timeout: int | None = None


class DrainedPod(Struct, frozen=True):
    """A pod on the node, as the filters see it; `key` is whatever the cluster knows it by."""

    key: Hashable
    name: str
    mirror: bool = False
    daemon_set: bool = False
    controlled: bool = True
    empty_dir: bool = False
    finished: bool = False


def select(pods: Sequence[DrainedPod], options: DrainOptions) -> tuple[list[DrainedPod], list[str]]:
    """The pods to evict, and why the drain cannot go ahead (all reasons; empty if it can).

    Mirror pods are left alone, pods of DaemonSets too if that is asked for. Unless told otherwise kubectl
    refuses to lose emptyDir data or pods nobody will create again; finished pods may always go.
    """
    chosen, daemon_sets, unmanaged, local = [], [], [], []
    for pod in pods:
        if pod.mirror:
            continue
        if pod.daemon_set and not pod.finished:
            if not options.ignore_daemon_sets:
                daemon_sets.append(pod.name)
            continue
        if pod.empty_dir and not pod.finished and not options.delete_empty_dir_data:
            local.append(pod.name)
        if not pod.controlled and not pod.finished and not options.force:
            unmanaged.append(pod.name)
        chosen.append(pod)
    reasons = [
        f"cannot delete {what} (use {flag} to {verb}): {', '.join(names)}"
        for names, what, flag, verb in (
            (daemon_sets, "DaemonSet-managed Pods", "--ignore-daemonsets", "ignore"),
            (local, "Pods with local storage", "--delete-emptydir-data", "override"),
            (unmanaged, "Pods that declare no controller", "--force", "override"),
        )
        if names
    ]
    return chosen, reasons


class DrainedCluster(Protocol):
    """What a drain asks of the cluster."""

    def evict(self, pod: Hashable) -> Answer | None:
        """Ask the eviction API (`eviction.evict`); None when the pod is gone already."""
        ...

    def when_gone(self, pod: Hashable, callback: Callable[[], None]) -> None:
        """Call back when the pod's object is gone."""
        ...


class State(Enum):
    """Where a drain is."""

    EVICTING = "evicting"
    DONE = "done"
    FAILED = "failed"


class Drain:
    """One running `kubectl drain` of one node; `start` it after the node is cordoned.

    Attributes:
        finished: called once when it is over; `state` and `errors` say how.
        held: the pods an eviction was refused for, with the budgets that refused, in order of first refusal.
        errors: what went wrong, one sentence each.
    """

    def __init__(
        self,
        clock: Clock,
        cluster: DrainedCluster,
        pods: Sequence[DrainedPod],
        options: DrainOptions,
        finished: Callable[[Drain], None],
    ) -> None:
        self.clock = clock
        self.cluster = cluster
        self.pods = pods
        self.options = options
        self.finished = finished
        self.state = State.EVICTING
        self.held: dict[Hashable, tuple[Budget, ...]] = {}
        self.errors: list[str] = []
        self._left: dict[Hashable, DrainedPod] = {}
        self._tried: dict[Hashable, int] = {}
        self._timeout: Timer | None = None

    def start(self) -> None:
        """Check the pods and evict them all."""
        chosen, self.errors = select(self.pods, self.options)
        if self.errors:
            self._end()
            return
        self._left = {pod.key: pod for pod in chosen}
        if self.options.timeout is not None:
            self._timeout = self.clock.after(self.options.timeout, self._timed_out, phase=Phase.ACTION)
        for pod in chosen:
            self._evict(pod, self.clock.now)
        self._end_if_done()  # nothing to evict

    def verdict(self) -> str:
        """What the drain waits for, naming the budgets that hold it; empty when nothing is held."""
        budgets = {budget.name: budget for refusing in self.held.values() for budget in refusing}
        if not budgets:
            return ""
        names = ", ".join(self._left[key].name for key in self.held)
        return f"cannot evict {names}: {holding(budgets.values())}"

    def _evict(self, pod: DrainedPod, first: int) -> None:
        """Try to evict; `first` is when this pod's 5 s grid began."""
        if self.state is not State.EVICTING or pod.key not in self._left:
            return
        self._tried[pod.key] = self.clock.now
        answer = self.cluster.evict(pod.key)
        if answer is not None and answer.code is Code.TOO_MANY_REQUESTS:
            self.held[pod.key] = answer.budgets
            for budget in answer.budgets:
                budget.when_changed(lambda: self._try_again(pod, first))
            return
        self.held.pop(pod.key, None)
        if answer is None:
            self._forget(pod)
        elif answer.code is Code.CREATED:
            accepted = self.clock.now
            self.cluster.when_gone(pod.key, lambda: self._seen_gone(pod, accepted))
        else:
            self.errors.append(f"error when evicting pod {pod.name}: {answer.message}")
            self._forget(pod)
        self._end_if_done()

    def _try_again(self, pod: DrainedPod, first: int) -> None:
        # Each try comes some milliseconds later on the grid than the one before: after what happens at the point.
        now = self.clock.now
        when = first - (first - now) // RETRY_PERIOD * RETRY_PERIOD
        if when <= self._tried[pod.key]:
            when += RETRY_PERIOD
        self.clock.at(when, self._evict, pod, first, phase=Phase.ACTION)

    def _seen_gone(self, pod: DrainedPod, accepted: int) -> None:
        now = self.clock.now
        poll = now + (accepted - now) % POLL_PERIOD
        if poll == now:
            self._gone(pod)
        else:
            self.clock.at(poll, self._gone, pod, phase=Phase.ACTION)

    def _gone(self, pod: DrainedPod) -> None:
        self._forget(pod)
        self._end_if_done()

    def _forget(self, pod: DrainedPod) -> None:
        self._left.pop(pod.key, None)
        self.held.pop(pod.key, None)

    def _timed_out(self) -> None:
        names = ", ".join(pod.name for pod in self._left.values())
        held = self.verdict()
        self.errors.append(f"global timeout reached, pods left: {names}" + (f"; {held}" if held else ""))
        self._end()

    def _end_if_done(self) -> None:
        if not self._left:
            self._end()

    def _end(self) -> None:
        if self.state is not State.EVICTING:
            return
        self.state = State.FAILED if self.errors else State.DONE
        if self._timeout is not None:
            self._timeout.cancel()
        self.finished(self)
