"""A budget is spent when an eviction is granted, not when somebody has seen the pod go."""

from __future__ import annotations

from command_line import ROOT, sim

from kubeinfer_sim.cluster.disruption.controller import Budget, BudgetSpec
from kubeinfer_sim.cluster.disruption.eviction import Code, PodView, evict
from kubeinfer_sim.manifest.model import IntOrPercent


def test_two_evictions_before_the_controller_looks_again_do_not_spend_one_disruption_twice() -> None:
    budget = Budget("keep", BudgetSpec(min_available=IntOrPercent(2)))
    for pod in "abc":
        budget.pod_changed(pod, None, ready=True, terminating=False)

    def asked() -> Code:
        return evict(lambda: PodView("Running", ready=True), lambda version: Code.CREATED, [budget]).code

    assert asked() is Code.CREATED
    assert asked() is Code.TOO_MANY_REQUESTS
    budget.pod_changed("a", None, ready=True, terminating=True)
    assert asked() is Code.TOO_MANY_REQUESTS
    budget.pod_changed("d", None, ready=True, terminating=False)
    assert asked() is Code.CREATED


def test_a_budget_holds_no_pods_of_another_namespace() -> None:
    near = ROOT / "tests" / "mutation" / "near" / "budget-of-another-namespace.yaml"
    assert sim("run", str(near), "--quiet").returncode == 0
