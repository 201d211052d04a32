"""The disruption budgets of a run and the pods that stand under them.

The rules are in `controller.py`; here they meet the simulated pods.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from kubeinfer_sim.cluster.disruption.controller import Budget, BudgetSpec
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.manifest.kubernetes.labels import matches_all
from kubeinfer_sim.scenario.cluster.model import DisruptionBudget


@dataclass(frozen=True, slots=True)
class Owner:
    """What owns pods, with the number it wants of them."""

    replicas: int


class Budgets(Watcher):
    """All of them."""

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
