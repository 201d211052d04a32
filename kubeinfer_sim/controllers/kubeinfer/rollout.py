"""InstanceRollingUpdate: which instances are created and deleted now.

The numbers in brackets are the rules of section 2 of the semantics page. One pass decides creates and deletes
from one view of the state (6), so that an event between two passes never spends a budget twice.
"""

from __future__ import annotations

from heapq import heappop
from typing import NamedTuple

from kubeinfer_sim.controllers.kubeinfer.budget import Budget
from kubeinfer_sim.controllers.kubeinfer.instance import Instance, InstanceState
from kubeinfer_sim.controllers.kubeinfer.instances import Instances
from kubeinfer_sim.scenario.model import Assumptions


class Step(NamedTuple):
    """How many instances to create, and which to delete for which reason."""

    creates: int
    victims: list[tuple[Instance, str]]


def next_step(instances: Instances, budget: Budget, assumptions: Assumptions) -> Step:
    """One pass over the state as it is."""
    ceiling = budget.ceiling if instances.old else budget.replicas  # rule 2
    live = len(instances.by_ordinal)
    active = live - instances.terminating
    if assumptions.replacement == "TerminationStarted":
        live = active
    creates = max(0, min(ceiling - live, budget.replicas - instances.new_active))  # rule 3
    victims: list[tuple[Instance, str]] = []
    if active > ceiling:
        victims += [(instance, "ScaleIn") for instance in _scale_in_victims(instances, active - ceiling)]
    if instances.old:
        taken = {instance for instance, _ in victims}
        victims += [(instance, "NotReady") for instance in _overdue_victims(instances, taken)]
        ready = instances.ready - sum(instance.ready for instance in taken)
        victims += [
            (instance, "Rollout")
            for instance in _budget_victims(instances, ready - budget.min_available, taken)
        ]
    return Step(creates, victims)


def _scale_in_victims(instances: Instances, count: int) -> list[Instance]:
    """Concerning first, then old revision, then highest ordinal (rule 10)."""
    candidates = [instance for instance in instances.by_ordinal.values() if not instance.terminating]
    candidates.sort(
        key=lambda instance: (
            instance.state is not InstanceState.CONCERNING,
            not instances.is_old(instance),
            -instance.ref.ordinal,
        )
    )
    return candidates[:count]


def _overdue_victims(instances: Instances, taken: set[Instance]) -> list[Instance]:
    """Old instances that were never ready, or have not been for long: free of budget (rule 4)."""
    return sorted(
        (instance for instance in instances.overdue_old if instance not in taken),
        key=lambda instance: -instance.ref.ordinal,
    )


def _budget_victims(instances: Instances, count: int, taken: set[Instance]) -> list[Instance]:
    """Old instances whose going leaves enough ready ones: not ready first, then highest ordinal (rule 5).

    Those that are not ready cost nothing of the budget of `count`, since it counts ready ones: they go along while one
    may go. kthena comes to the same with live - (R - U) - new ones not ready, spent on those not running first
    (model_serving_controller.go): that is `count` and the old ones not ready. With no ready one to spare, they wait
    for rule 4, where kthena takes them at once.
    """
    if count <= 0:
        return []
    unready: list[Instance] = []
    victims: list[Instance] = []
    if instances.in_grace:
        unready = sorted(
            (
                instance
                for instance in instances.by_ordinal.values()
                if instance.grace_timer is not None
                and instances.is_old(instance)
                and not instance.terminating
                and instance not in taken
            ),
            key=lambda instance: -instance.ref.ordinal,
        )
    while len(victims) < count and instances.ready_old:
        candidate = instances.by_ordinal.get(-heappop(instances.ready_old))
        if (
            candidate is not None
            and candidate.ready
            and instances.is_old(candidate)
            and candidate not in taken
            and candidate not in victims
        ):
            victims.append(candidate)
    return unready + victims
