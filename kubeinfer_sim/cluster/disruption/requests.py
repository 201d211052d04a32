"""Requests to the eviction API about pods of the simulation."""

from __future__ import annotations

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.disruption.budgets import Budgets
from kubeinfer_sim.cluster.disruption.eviction import Answer, Code, PodView, evict
from kubeinfer_sim.cluster.pod import Pod, PodState


def request_eviction(api: Api, budgets: Budgets, pod: Pod, reason: str, cause: int) -> Answer:
    """Ask for the eviction of a pod; granted, it is deleted for this reason and cause."""

    def delete(_: int | None) -> Code:
        api.evict(pod, reason, cause)
        return Code.CREATED

    phase = "Pending" if pod.state in (PodState.PENDING, PodState.PULLING) else "Running"
    view = PodView(phase, pod.ready, terminating=pod.terminating)
    return evict(lambda: view, delete, budgets.of(pod))
