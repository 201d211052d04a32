"""The taint eviction controller: pods that do not tolerate a NoExecute taint are deleted, at once or later.

pkg/controller/tainteviction/taint_eviction.go. Its deletions are ordinary graceful ones; disruption budgets
have no say. A timer that runs is not moved by later taints, whatever they allow; it ends only when an
untolerated taint deletes the pod at once, when the pod is tolerated for ever, or when no NoExecute taint is
left on the node. Pods that have finished stay on their nodes and grow in number (what a kubelet rejects after each
reboot): those that tolerate the same have one timer.

What made a pod may make the next one at once, which may come to the same node: that goes on without end, and whoever
plays the run is asked after every `MANY` of them whether anything else is under way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.node import NO_EXECUTE, Node
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.engine.clock import Clock, Phase, Timer
from kubeinfer_sim.manifest.kubernetes.selectors import tolerates
from kubeinfer_sim.manifest.model import Toleration
from kubeinfer_sim.scenario.cluster.model import Taint

#: After so many pods that came to a tainted node and were evicted from it the clock is interrupted; so many are
#: remembered.
MANY, REMEMBERED = 1_000, 10_000


def min_toleration_seconds(seconds: Iterable[int | None]) -> int | None:
    """How long a pod may stay, from the tolerationSeconds of its matching tolerations; None for ever.

    Without any matching toleration it may not stay at all; a toleration without seconds sets no limit.
    """
    matching = list(seconds)
    if not matching:
        return 0
    limits = [max(0, limit) for limit in matching if limit is not None]
    return min(limits, default=None)


def toleration_of(taints: Iterable[Taint], tolerations: Sequence[Toleration]) -> tuple[bool, int | None]:
    """Whether all taints are tolerated, and for how many seconds together (None: for ever)."""
    used: list[int | None] = []
    for taint in taints:
        matching = [t.toleration_seconds for t in tolerations if tolerates(t, taint)]
        if not matching:
            return False, 0
        used += matching
    return True, min_toleration_seconds(used)


class InVain(Struct, frozen=True):
    """A pod was evicted at `at` (ms) from the node that it had come to in spite of its taint."""

    at: int
    node: str


class _Scheduled(Struct, frozen=True):
    since: int
    timer: Timer
    in_vain: bool


class _Finished(Struct):
    """Pods that have finished on a node and tolerate the same; all of them wait for `timer`, since `since` (ms)."""

    pods: dict[Pod, None] = field(default_factory=dict)
    timer: Timer | None = None
    since: int = 0

    def cancel(self) -> None:
        """Nothing evicts them any more."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class TaintEvictionController(Watcher):
    """The controller. It acts on changes only: nothing is looked at while no node is tainted.

    Nodes that the API holds when it is made may have come tainted.

    Attributes:
        in_vain: its latest evictions of pods that had come to a node with the very taints they were evicted for.
    """

    def __init__(self, clock: Clock, api: Api) -> None:
        self._clock = clock
        self._api = api
        self._tainted: dict[str, tuple[Taint, ...]] = {}
        self._scheduled: dict[Pod, _Scheduled] = {}
        # By node and tolerations; and those that finished while their node was tainted, each with its own timer.
        self._finished: dict[str, dict[tuple[Toleration, ...], _Finished]] = {}
        self._finished_tainted: dict[str, dict[Pod, None]] = {}
        self.in_vain: deque[InVain] = deque(maxlen=REMEMBERED)
        self._uncounted = 0
        for node in api.nodes.values():
            self.node_added(node)

    def many(self) -> bool:
        """Whether the clock is interrupted for another `MANY` in vain, who are then counted anew."""
        interrupted = self._uncounted >= MANY
        if interrupted:
            self._uncounted = 0
        return interrupted

    def will_evict(self, pod: Pod) -> bool:
        """Whether the pod tolerates a taint of its node for a time, which is not over."""
        return pod in self._scheduled

    def node_added(self, node: Node) -> None:
        """A node may come tainted."""
        self.node_spec_changed(node)

    def node_removed(self, node: Node) -> None:
        """Timers of its pods go on."""
        self._tainted.pop(node.name, None)

    def node_spec_changed(self, node: Node) -> None:
        """NoExecute taints came or went."""
        taints = tuple(taint for taint in node.taints if taint.effect == NO_EXECUTE)
        if set(taints) == set(self._tainted.get(node.name, ())):
            return
        if taints:
            self._tainted[node.name] = taints
        else:
            del self._tainted[node.name]
        late = self._finished_tainted.get(node.name, {})
        for pod in [*self._api.unfinished_on(node.name), *late]:
            self._process(pod, taints)
        for tolerations, finished in self._finished.get(node.name, {}).items():
            self._process_finished(finished, taints, tolerations)
        if not taints:
            for pod in self._finished_tainted.pop(node.name, ()):
                self.pod_finished(pod)

    def pod_bound(self, pod: Pod) -> None:
        """A pod came to a node that may be tainted already: whoever makes it, and names its node, counts it first."""
        assert pod.node is not None
        if pod.node.name in self._tainted:
            self._clock.after(0, self._came, pod, phase=Phase.CONTROLLER)

    def _came(self, pod: Pod) -> None:
        assert pod.node is not None
        if pod.state is not PodState.GONE:
            self._process(pod, self._tainted.get(pod.node.name, ()), came=True)

    def pod_finished(self, pod: Pod) -> None:
        """Its object stays on its node, and there is one of many from now on."""
        if pod.node is None or pod.terminating:
            return
        name = pod.node.name
        alike = self._finished.setdefault(name, {}).setdefault(pod.template.tolerations, _Finished())
        if name in self._tainted or alike.timer is not None:
            self._finished_tainted.setdefault(name, {})[pod] = None
        else:
            alike.pods[pod] = None

    def pod_gone(self, pod: Pod) -> None:
        """Nothing left to delete."""
        self._cancel(pod)
        if pod.final_phase is not None and pod.node is not None:
            name = pod.node.name
            self._finished_tainted.get(name, {}).pop(pod, None)
            if (alike := self._finished.get(name, {}).get(pod.template.tolerations)) is not None:
                alike.pods.pop(pod, None)

    def _process(self, pod: Pod, taints: tuple[Taint, ...], *, came: bool = False) -> None:
        """What the taints mean for a pod now (processPodOnNode); `came`: it was not there before them."""
        if not taints:
            self._cancel(pod)
            return
        now = self._clock.now
        tolerated, seconds = toleration_of(taints, pod.template.tolerations)
        if not tolerated:
            self._cancel(pod)
            self._delete(pod, in_vain=came)
            return
        if seconds is None:
            self._cancel(pod)
            return
        running = self._scheduled.get(pod)
        if running is not None and running.since < now:
            return
        self._cancel(pod)
        if pod.terminating:
            return
        if seconds == 0:
            self._delete(pod, in_vain=came)
            return
        timer = self._clock.at(now + seconds * 1000, self._evict, pod, phase=Phase.CONTROLLER)
        self._scheduled[pod] = _Scheduled(now, timer, came)

    def _process_finished(
        self, finished: _Finished, taints: tuple[Taint, ...], tolerations: tuple[Toleration, ...]
    ) -> None:
        """The same of all that have finished and tolerate so much."""
        now = self._clock.now
        tolerated, seconds = toleration_of(taints, tolerations) if taints else (True, None)
        if tolerated and seconds is not None and finished.timer is not None and finished.since < now:
            return
        finished.cancel()
        if seconds == 0:
            self._evict_finished(finished)
        elif seconds is not None and finished.pods:
            finished.since = now
            finished.timer = self._clock.at(
                now + seconds * 1000, self._evict_finished, finished, phase=Phase.CONTROLLER
            )

    def _evict_finished(self, finished: _Finished) -> None:
        finished.timer = None
        for pod in list(finished.pods):
            self._delete(pod, in_vain=False)

    def _evict(self, pod: Pod) -> None:
        self._delete(pod, in_vain=self._scheduled.pop(pod).in_vain)

    def _delete(self, pod: Pod, *, in_vain: bool) -> None:
        if pod.terminating:
            return
        assert pod.node is not None
        if in_vain:
            self.in_vain.append(InVain(self._clock.now, pod.node.name))
            self._uncounted += 1
            if self._uncounted >= MANY:
                self._clock.interrupt()
        self._api.evict(pod, "TaintManagerEviction", pod.node.last)

    def _cancel(self, pod: Pod) -> None:
        scheduled = self._scheduled.pop(pod, None)
        if scheduled is not None:
            scheduled.timer.cancel()
