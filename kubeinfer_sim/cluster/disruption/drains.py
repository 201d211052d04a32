"""Maintenance: drains of nodes under the disruption budgets of their pods.

`drain.py` is kubectl, `eviction.py` the API server, `disruption.py` the budgets' controller; here they meet the
simulated pods. A drain that is refused tries again every 5 s for ever; carried out is only a try that can succeed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from kubeinfer_sim.cluster.disruption.controller import Budget, BudgetSpec
from kubeinfer_sim.cluster.disruption.drain import Drain, DrainedPod, DrainOptions
from kubeinfer_sim.cluster.disruption.eviction import Answer, Code, PodView, evict
from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import DrainEnded, DrainHeld, NodeDrained
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.manifest.kubernetes.labels import matches_all
from kubeinfer_sim.scenario.cluster.model import DisruptionBudget


@dataclass(frozen=True, slots=True)
class Owner:
    """What owns pods, with the number it wants of them."""

    replicas: int


class Budgets(Watcher):
    """The budgets and the pods that stand under them."""

    def __init__(self, budgets: Iterable[DisruptionBudget]) -> None:
        self._budgets = [
            (
                budget.selector,
                Budget(
                    f"{budget.name} ({budget.where})" if budget.where else budget.name,
                    BudgetSpec(
                        budget.min_available,
                        budget.max_unavailable,
                        "AlwaysAllow" if budget.always_allow_unhealthy else "IfHealthyBudget",
                    ),
                ),
            )
            for budget in budgets
        ]
        self._owners: dict[Hashable, Owner] = {}

    def of(self, pod: Pod) -> list[Budget]:
        """The budgets whose selector matches the pod."""
        labels = pod.template.labels
        return [budget for selector, budget in self._budgets if matches_all(selector, labels)]

    def pod_bound(self, pod: Pod) -> None:
        """The pod is bound to its node."""
        self._changed(pod)

    def pod_ready_changed(self, pod: Pod) -> None:
        """Its Ready condition has changed."""
        self._changed(pod)

    def pod_terminating(self, pod: Pod, reason: str, cause: int) -> None:
        """It has a deletion timestamp."""
        self._changed(pod)

    def pod_gone(self, pod: Pod) -> None:
        """Its object is gone."""
        for budget in self.of(pod):
            budget.pod_gone(pod)

    def _changed(self, pod: Pod) -> None:
        for budget in self.of(pod):
            key = pod.ref.instance
            owner, wanted = self._owners.get(key), pod.owner.pods_wanted(pod)
            if owner is None or owner.replicas != wanted:
                owner = self._owners[key] = Owner(wanted)
            budget.pod_changed(pod, owner, ready=pod.ready, terminating=pod.state is PodState.DELETING)


class Drains(Watcher):
    """`kubectl drain` at work: one node after the other."""

    def __init__(
        self,
        env: Environment,
        budgets: Budgets,
    ) -> None:
        self._clock = env.clock
        self._history = env.history
        self._api = env.api
        self._budgets = budgets
        self._gone: dict[Pod, list[Callable[[], None]]] = {}

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
        if names:
            _OneNode(self, names, options, cause).begin()

    def pod_gone(self, pod: Pod) -> None:
        """Tell the drains that wait for it."""
        for callback in self._gone.pop(pod, ()):
            callback()


class _OneNode:
    """The drain of one node (`drain.DrainedCluster`)."""

    def __init__(self, drains: Drains, names: deque[str], options: DrainOptions, cause: int) -> None:
        self._drains = drains
        self._names = names
        self._options = options
        self._cause = cause
        self._node = names.popleft()
        self._told = ""

    def begin(self) -> None:
        drains = self._drains
        self._last = drains._history.append(NodeDrained(drains._clock.now, self._cause, self._node))
        self._drain = Drain(
            drains._clock,
            self,
            [
                DrainedPod(pod, pod.ref.name, empty_dir=_has_empty_dir(pod))
                for pod in drains._api.pods_on(self._node)
            ],
            self._options,
            self._finished,
        )
        self._drain.start()
        self._tell_held()

    def evict(self, key: Hashable) -> Answer | None:
        """Ask the API server."""
        assert isinstance(key, Pod)
        pod = key
        if pod.state is PodState.GONE:
            return None

        def delete(_: int | None) -> Code:
            self._drains._api.evict(pod, "Drained", self._last)
            return Code.CREATED

        phase = "Pending" if pod.state in (PodState.PENDING, PodState.PULLING) else "Running"
        view = PodView(phase, pod.ready, terminating=pod.state is PodState.DELETING)
        answer = evict(lambda: view, delete, self._drains._budgets.of(pod))
        if answer.code is Code.TOO_MANY_REQUESTS:
            self._drains._clock.after(0, self._tell_held)
        return answer

    def when_gone(self, key: Hashable, callback: Callable[[], None]) -> None:
        """Call back when the pod's object is gone."""
        assert isinstance(key, Pod)
        if key.state is PodState.GONE:
            callback()
        else:
            self._drains._gone.setdefault(key, []).append(callback)

    def _tell_held(self) -> None:
        held = self._drain.verdict()
        if held and held != self._told:
            self._last = self._drains._history.append(
                DrainHeld(self._drains._clock.now, self._last, self._node, held)
            )
        self._told = held

    def _finished(self, drain: Drain) -> None:
        record = DrainEnded(self._drains._clock.now, self._last, self._node, tuple(drain.errors))
        self._last = self._drains._history.append(record)
        # kubectl goes on with the next node, whatever became of this one.
        self._drains._next(self._names, self._options, self._cause)


def _has_empty_dir(pod: Pod) -> bool:
    volumes = pod.template.raw.get("spec", {}).get("volumes") or ()
    return any("emptyDir" in volume for volume in volumes)
