"""Maintenance: drains of nodes, one after the other.

`drain.py` is kubectl, `eviction.py` the API server, `budgets.py` holds what may refuse an eviction; here they meet the
simulated pods. A drain that is refused tries again every 5 s for ever; carried out is only a try that can succeed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence

from kubeinfer_sim.cluster.disruption.budgets import Budgets, unhealthy_pods
from kubeinfer_sim.cluster.disruption.drain import Drain, DrainedPod, DrainOptions, State
from kubeinfer_sim.cluster.disruption.eviction import Answer, Code
from kubeinfer_sim.cluster.disruption.requests import request_eviction
from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import DrainEnded, DrainGoesOn, DrainHeld, NodeDrained
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.engine.clock import Phase
from kubeinfer_sim.engine.history import NO_CAUSE

_Held = tuple[str, tuple[str, ...], bool]
_HELD_BY_NOTHING: _Held = ("", (), False)


class Drains(Watcher):
    """`kubectl drain` at work."""

    def __init__(self, env: Environment, budgets: Budgets) -> None:
        self._env = env
        self._budgets = budgets
        self._waiting: dict[Pod, list[Callable[[], None]]] = {}

    def start(
        self,
        names: Sequence[str],
        options: DrainOptions,
        cordon: Callable[[str], None],
        cause: int = NO_CAUSE,
    ) -> None:
        """Drain nodes in this order; `cordon` is asked to cordon each of them first, all at once as kubectl does."""
        for name in names:
            cordon(name)
        self._next(deque(names), options, cause)

    def _next(self, names: deque[str], options: DrainOptions, cause: int) -> None:
        """Drain the next node; kubectl goes on, whatever became of the one before."""
        if names:
            drain = NodeDrain(self._env, self._budgets, names.popleft(), self._waiting)
            drain.start(options, cause, lambda: self._next(names, options, cause))

    def pod_gone(self, pod: Pod) -> None:
        """Tell the drains that wait for it."""
        for callback in self._waiting.pop(pod, ()):
            callback()


class NodeDrain:
    """The drain of one node (`drain.DrainedCluster`); `waiting` is called with the end of a pod's object."""

    def __init__(
        self, env: Environment, budgets: Budgets, node: str, waiting: dict[Pod, list[Callable[[], None]]]
    ) -> None:
        self._clock = env.clock
        self._history = env.history
        self._api = env.api
        self._budgets = budgets
        self._node = node
        self._waiting = waiting
        # What holds it, the pods that its budgets lack, and whether more pods help: as told last.
        self._told: _Held = _HELD_BY_NOTHING
        self._asked = False

    def start(self, options: DrainOptions, cause: int, finished: Callable[[], None]) -> None:
        """Begin; `finished` is called when it is over."""
        self._last = self._history.append(NodeDrained(self._clock.now, cause, self._node))
        pods = [_drained(pod) for pod in self._api.pods_on(self._node)]
        self._drain = Drain(self._clock, self, pods, options, lambda drain: self._end(drain, finished))
        self._drain.start()
        self._tell_held()

    def evict(self, key: Hashable) -> Answer | None:
        """Ask the API server."""
        assert isinstance(key, Pod)
        if key.state is PodState.GONE:
            return None
        answer = request_eviction(self._api, self._budgets, key, "Drained", self._last)
        if (self._told != _HELD_BY_NOTHING or answer.code is Code.TOO_MANY_REQUESTS) and not self._asked:
            self._asked = True
            self._clock.after(0, self._tell_held, phase=Phase.OBSERVER)
        return answer

    def when_gone(self, key: Hashable, callback: Callable[[], None]) -> None:
        """Call back when the pod's object is gone."""
        assert isinstance(key, Pod)
        if key.state is PodState.GONE:
            callback()
        else:
            self._waiting.setdefault(key, []).append(callback)

    def _tell_held(self) -> None:
        self._asked = False
        told = self._held()
        if self._drain.state is not State.EVICTING or told == self._told:
            return
        held, unhealthy, pods_help = self._told = told
        if not held:
            self._last = self._history.append(DrainGoesOn(self._clock.now, self._last, self._node))
        else:
            self._last = self._history.append(
                DrainHeld(self._clock.now, self._last, self._node, held, unhealthy, pods_help)
            )

    def _held(self) -> _Held:
        held = self._drain.verdict()
        if not held:
            return _HELD_BY_NOTHING
        budgets = [budget for each in self._drain.held.values() for budget in each]
        unhealthy = unhealthy_pods(budgets)
        synced = not any(budget.status.failure for budget in budgets)
        pods_help = synced and (bool(unhealthy) or all(each.spec.counts_pods for each in budgets))
        return held, unhealthy, pods_help

    def _end(self, drain: Drain, finished: Callable[[], None]) -> None:
        self._last = self._history.append(
            DrainEnded(self._clock.now, self._last, self._node, tuple(drain.errors))
        )
        finished()


def _drained(pod: Pod) -> DrainedPod:
    """A pod as kubectl's filters see it."""
    controller = pod.owner.controller_of(pod)
    return DrainedPod(
        pod,
        pod.ref.name,
        daemon_set=controller is not None and controller.resource == "daemonsets.apps",
        controlled=controller is not None,
        empty_dir=_has_empty_dir(pod),
        finished=pod.final_phase is not None,
    )


def _has_empty_dir(pod: Pod) -> bool:
    volumes = pod.template.raw.get("spec", {}).get("volumes") or ()
    return any("emptyDir" in volume for volume in volumes)
