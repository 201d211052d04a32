"""Disruption budgets and evictions against Kubernetes' tables and recorded traces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from kubeinfer_sim.cluster.disruption.controller import Budget, BudgetSpec, BudgetStatus
from kubeinfer_sim.cluster.disruption.eviction import Code, PodView, evict
from kubeinfer_sim.manifest.model import IntOrPercent


def int_or_percent(value: int | str | None) -> IntOrPercent | None:
    if value is None:
        return None
    return (
        IntOrPercent(int(value.rstrip("%")), percent=True) if isinstance(value, str) else IntOrPercent(value)
    )


@pytest.mark.vectors("k8s_pdb_status")
def test_the_status_of_a_budget(case: dict[str, Any]) -> None:
    spec = BudgetSpec(
        int_or_percent(case["spec"].get("minAvailable")), int_or_percent(case["spec"].get("maxUnavailable"))
    )
    status = spec.status(
        scales=case["sum_of_controller_scales"], pods=case["matching_pods"], healthy=case["current_healthy"]
    )
    assert status == BudgetStatus(
        case["expected_expected_pods"],
        case["expected_desired_healthy"],
        case["current_healthy"],
        case["expected_disruptions_allowed"],
    )


@dataclass(eq=False)
class Owner:
    replicas: int
    resource: str = "deployments.apps"


@pytest.mark.vectors("golden_pdb")
def test_the_recorded_statuses(case: dict[str, Any]) -> None:
    spec = BudgetSpec(int_or_percent(case.get("min_available")), int_or_percent(case.get("max_unavailable")))
    budget = Budget(case["id"], spec)
    owners = [None if o["kind"] == "none" else Owner(o.get("replicas", 0)) for o in case["owners"]]
    owner_of = {
        pod: owner for o, owner in zip(case["owners"], owners, strict=True) for pod in o["pods"] or ()
    }
    ready = {pod: pod in (case["ready"] or ()) for pod in owner_of}
    terminating = dict.fromkeys(owner_of, False)

    def changed(pod: int) -> None:
        if pod in ready:
            budget.pod_changed(pod, owner_of[pod], ready=ready[pod], terminating=terminating[pod])

    for pod in owner_of:
        changed(pod)
    for step in case["steps"]:
        match step["do"], step.get("arg", 0):
            case "start", _:
                pass
            case "scale", replicas:
                if owners[0] is not None:
                    owners[0].replicas = replicas
            case ("ready" | "unready") as do, pod:
                if pod in ready:
                    ready[pod] = do == "ready"
                changed(pod)
            case "terminating", pod:
                terminating[pod] = True
                changed(pod)
            case "gone", pod:
                ready.pop(pod, None)
                budget.pod_gone(pod)
        want = (step["expected"], step["desired_healthy"], step["current_healthy"], step["allowed"])
        assert budget.status == BudgetStatus(*want), step
        assert budget.status.condition == step["condition"]


class Store:
    """A pod in a store that does what the name of the case says, as the store of Kubernetes' own test does.

    In a race the pod is written twice meanwhile: before the first delete, which fails whatever it insists on, and
    before the second, which fails if it insists on the version read after the first.
    """

    def __init__(self, case: dict[str, Any]) -> None:
        self.pod = PodView(case["pod_phase"] or "", bool(case["pod_ready"]), case["pod_terminating"])
        self.calls = 0
        name = case["name"]
        self.always = "always conflict" in name
        self.races = "conflict" in name
        self.becomes_running = "becomes running" in name
        self.error = Code.BAD_REQUEST if "other error on delete" in name else None

    def read(self) -> PodView:
        return self.pod

    def delete(self, version: int | None) -> Code:
        self.calls += 1
        if self.error:
            return self.error
        outdated = self.races and self.calls > 1 and version not in (None, 2)
        if self.always or outdated or (self.races and self.calls == 1):
            phase = "Running" if self.becomes_running else self.pod.phase
            self.pod = replace(self.pod, phase=phase, resource_version=min(2, self.calls))
            return Code.CONFLICT
        assert version in (None, self.pod.resource_version)
        return Code.CREATED


ERRORS = {
    "TooManyRequests": Code.TOO_MANY_REQUESTS,
    "BadRequest": Code.BAD_REQUEST,
    "Operation cannot be fulfilled": Code.CONFLICT,
}


@pytest.mark.vectors("k8s_eviction_pdb")
def test_the_answer_to_an_eviction(case: dict[str, Any]) -> None:
    if case["bad_name_in_url"]:
        pytest.skip("about the URL of the request: nothing is sent over HTTP here")
    for policy in case["unhealthy_policies_covered"]:
        budgets = []
        for row in case["pdbs"]:
            if row["selector"].items() <= case["pod_labels"].items():
                spec = BudgetSpec(IntOrPercent(0), unhealthy_pod_eviction_policy=policy or "IfHealthyBudget")
                budget = Budget("foo", spec)
                budget.status = BudgetStatus(
                    0, row["desired_healthy"], row["current_healthy"], row["disruptions_allowed"]
                )
                budgets.append(budget)
        store = Store(case)
        insists = case["delete_grace_seconds"] == "resourceVersion precondition"
        answer = evict(store.read, store.delete, budgets, expected_version=0 if insists else None)
        error = case["expected_error"]
        want = (
            next((c for text, c in ERRORS.items() if error.startswith(text)), None) if error else Code.CREATED
        )
        assert answer.code == want, (policy, answer)
        assert bool(answer.message) == (want is not Code.CREATED), "who is refused is told why"
        if case["expected_delete_calls"] is not None:
            assert store.calls == case["expected_delete_calls"]
        if case["expected_deleted"] is not None:
            assert (answer.code is Code.CREATED) == case["expected_deleted"]
