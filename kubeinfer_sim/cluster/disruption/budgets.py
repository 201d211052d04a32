"""The budgets of a cluster and the pods that stand under them.

`controller.py` is the disruption controller's arithmetic for one budget; here it is told of the simulated pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kubeinfer_sim.cluster.disruption.controller import Budget, BudgetSpec
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.manifest.kubernetes.labels import Requirement, matches_all
from kubeinfer_sim.scenario.cluster.model import DisruptionBudget


class Budgets(Watcher):
    """All budgets. A budget counts and holds pods of its own namespace alone; an empty selector means all of them."""

    def __init__(self, budgets: Iterable[DisruptionBudget]) -> None:
        self._by_namespace: dict[str, list[tuple[tuple[Requirement, ...], Budget]]] = {}
        self._of: dict[Pod, list[Budget]] = {}
        for budget in budgets:
            named = f"{budget.name} ({budget.where})" if budget.where else budget.name
            spec = BudgetSpec(
                budget.min_available,
                budget.max_unavailable,
                "AlwaysAllow" if budget.always_allow_unhealthy else "IfHealthyBudget",
            )
            self._by_namespace.setdefault(budget.namespace, []).append((budget.selector, Budget(named, spec)))

    def allowances(self) -> Iterator[tuple[str, tuple[Requirement, ...], int]]:
        """Namespace, selector and disruptions allowed now of each budget."""
        for namespace, budgets in self._by_namespace.items():
            for selector, budget in budgets:
                yield namespace, selector, budget.status.allowed

    def of(self, pod: Pod) -> Sequence[Budget]:
        """The budgets that a pod stands under."""
        return self._of.get(pod, ())

    def pod_created(self, pod: Pod) -> None:
        """A pod counts from its creation on."""
        labels = pod.template.labels
        of_namespace = self._by_namespace.get(pod.namespace, ())
        found = [budget for selector, budget in of_namespace if matches_all(selector, labels)]
        if found:
            self._of[pod] = found
            self._changed(pod)

    def pod_bound(self, pod: Pod) -> None:
        """A pod that ran before the simulation began is ready once it has its node."""
        if pod.ready:
            self._changed(pod)

    def pod_ready_changed(self, pod: Pod) -> None:
        """Its Ready condition has changed."""
        self._changed(pod)

    def pod_terminating(self, pod: Pod, reason: str, cause: int) -> None:
        """It has a deletion timestamp."""
        self._changed(pod)

    def pod_gone(self, pod: Pod) -> None:
        """Its object is gone."""
        for budget in self._of.pop(pod, ()):
            budget.pod_gone(pod)

    def _changed(self, pod: Pod) -> None:
        for budget in self._of.get(pod, ()):
            controller = pod.owner.controller_of(pod)
            budget.pod_changed(pod, controller, ready=pod.ready, terminating=pod.state is PodState.DELETING)
