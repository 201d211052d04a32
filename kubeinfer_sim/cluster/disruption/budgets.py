"""The budgets of a cluster and the pods that stand under them.

`controller.py` is the disruption controller's arithmetic for one budget; here it is told of the simulated pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kubeinfer_sim.cluster.disruption.controller import Budget, BudgetSpec
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.manifest.kubernetes.labels import Requirement, matches_all
from kubeinfer_sim.scenario.cluster.model import ClusterObject, DisruptionBudget

KIND = "PodDisruptionBudget"


class Budgets(Watcher):
    """All budgets. A budget counts and holds pods of its own namespace alone; an empty selector means all of them."""

    def __init__(self, budgets: Iterable[DisruptionBudget]) -> None:
        self._by_namespace: dict[str, dict[str, tuple[tuple[Requirement, ...], Budget]]] = {}
        self._of: dict[Pod, list[Budget]] = {}
        # All pods that exist, by namespace: a budget may come after them.
        self._pods: dict[str, dict[Pod, None]] = {}
        for budget in budgets:
            self._add(budget)

    def _add(self, budget: DisruptionBudget) -> None:
        named = f"{budget.name} ({budget.where})" if budget.where else budget.name
        spec = BudgetSpec(
            budget.min_available,
            budget.max_unavailable,
            "AlwaysAllow" if budget.always_allow_unhealthy else "IfHealthyBudget",
        )
        made = Budget(named, spec)
        self._by_namespace.setdefault(budget.namespace, {})[budget.name] = budget.selector, made
        for pod in self._pods.get(budget.namespace, ()):
            if matches_all(budget.selector, pod.template.labels):
                self._of.setdefault(pod, []).append(made)
                _tell(made, pod)

    def object_put(self, written: ClusterObject) -> None:
        """A budget holds from the instant in which it is there."""
        if written.kind != KIND:
            return
        before = self._take_out(written)
        if isinstance(written.content, DisruptionBudget):  # without a selector it matches no pod
            self._add(written.content)
        if before is not None:
            before.call_back()

    def object_deleted(self, written: ClusterObject) -> None:
        """Evictions that it has refused may be granted at their next try."""
        if written.kind == KIND and (before := self._take_out(written)) is not None:
            before.call_back()

    def _take_out(self, written: ClusterObject) -> Budget | None:
        entry = self._by_namespace.get(written.namespace, {}).pop(written.name, None)
        if entry is None:
            return None
        _, budget = entry
        for held in [pod for pod, budgets in self._of.items() if budget in budgets]:
            self._of[held].remove(budget)
        return budget

    def allowances(self) -> Iterator[tuple[str, tuple[Requirement, ...], int]]:
        """Namespace, selector and disruptions allowed now of each budget."""
        for namespace, budgets in self._by_namespace.items():
            for selector, budget in budgets.values():
                yield namespace, selector, budget.status.allowed

    def of(self, pod: Pod) -> Sequence[Budget]:
        """The budgets that a pod stands under."""
        return self._of.get(pod, ())

    def pod_created(self, pod: Pod) -> None:
        """A pod counts from its creation on."""
        labels = pod.template.labels
        self._pods.setdefault(pod.namespace, {})[pod] = None
        of_namespace = self._by_namespace.get(pod.namespace, {}).values()
        budgets = [budget for selector, budget in of_namespace if matches_all(selector, labels)]
        if budgets:
            self._of[pod] = budgets
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
        self._pods[pod.namespace].pop(pod, None)
        for budget in self._of.pop(pod, ()):
            budget.pod_gone(pod)

    def _changed(self, pod: Pod) -> None:
        for budget in self._of.get(pod, ()):
            _tell(budget, pod)


def unhealthy_pods(budgets: Iterable[Budget]) -> tuple[str, ...]:
    """The names of the pods under these budgets that are not Ready, or terminating: they lack these."""
    pods = dict.fromkeys(pod for budget in budgets for pod in budget.unhealthy)
    return tuple(sorted(pod.ref.name for pod in pods if isinstance(pod, Pod)))


def _tell(budget: Budget, pod: Pod) -> None:
    controller = pod.owner.controller_of(pod)
    budget.pod_changed(pod, controller, ready=pod.ready, terminating=pod.state is PodState.DELETING)
