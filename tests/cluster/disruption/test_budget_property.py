"""A budget kept up to date pod by pod has the status that a count of everything gives."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from hypothesis import given, settings
from hypothesis import strategies as st

from kubeinfer_sim.cluster.disruption.controller import Budget, BudgetSpec, BudgetStatus
from kubeinfer_sim.manifest.model import IntOrPercent


@dataclass(eq=False)
class Owner:
    replicas: int
    resource: str = "deployments.apps"


@dataclass
class CountedPod:
    owner: Owner | None
    ready: bool
    terminating: bool = False


def of_total(value: IntOrPercent, total: int) -> int:
    return ceil(Fraction(value.value, 100) * total) if value.percent else value.value


def counted(spec: BudgetSpec, pods: dict[int, CountedPod]) -> BudgetStatus:
    """trySync of pkg/controller/disruption/disruption.go, from all pods there are."""
    owners = {id(pod.owner): pod.owner for pod in pods.values() if pod.owner is not None}
    scales = sum(owner.replicas for owner in owners.values())
    if spec.max_unavailable is not None:
        expected = scales
        desired = max(0, scales - of_total(spec.max_unavailable, scales))
    else:
        assert spec.min_available is not None
        expected = scales if spec.min_available.percent else len(pods)
        desired = of_total(spec.min_available, expected)
    healthy = sum(pod.ready and not pod.terminating for pod in pods.values())
    allowed = healthy - desired if expected > 0 and healthy > desired else 0
    return BudgetStatus(expected, desired, healthy, allowed)


VALUES = st.integers(0, 7).map(IntOrPercent) | st.integers(0, 100).map(
    lambda n: IntOrPercent(n, percent=True)
)
SPECS = VALUES.map(BudgetSpec) | VALUES.map(lambda value: BudgetSpec(None, value))
EVENTS = st.tuples(
    st.sampled_from(["new", "ready", "unready", "terminating", "gone", "scale"]),
    st.integers(0, 9),
    st.integers(0, 3),
)


@settings(max_examples=300, deadline=None)
@given(SPECS, st.lists(st.integers(0, 9), min_size=3, max_size=3), st.lists(EVENTS, max_size=30))
def test_the_status_is_that_of_a_count_after_the_last_event_of_a_pod(
    spec: BudgetSpec, replicas: list[int], events: list[tuple[str, int, int]]
) -> None:
    owners: list[Owner | None] = [*(Owner(each) for each in replicas), None]
    budget, pods = Budget("b", spec), dict[int, CountedPod]()
    want = counted(spec, pods)
    for event, number, which in events:
        pod, owner = pods.get(number), owners[which]
        match event:
            case "scale":
                if owner is not None:
                    owner.replicas = number
                continue  # nobody looks at the budget for that
            case "new" if pod is None:
                pod = pods[number] = CountedPod(owner, ready=number % 2 == 0)
            case "gone" if pod is not None:
                del pods[number]
                budget.pod_gone(number)
                want = counted(spec, pods)
                continue
            case "ready" | "unready" if pod is not None:
                pod.ready = event == "ready"
            case "terminating" if pod is not None:
                pod.terminating = True
            case _:
                budget.pod_gone(number + 100)  # not one of its pods
                continue
        assert pod is not None
        budget.pod_changed(number, pod.owner, ready=pod.ready, terminating=pod.terminating)
        want = counted(spec, pods)
        assert budget.status == want
    assert budget.status == want
