"""InstanceRollingUpdate: which instances are created and deleted now.

The numbers in brackets are the rules of section 2 of the semantics page. One pass decides creates and deletes
from one view of the state (6), so that an event between two passes never spends a budget twice.
"""

from __future__ import annotations

from collections.abc import Iterable
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
    if assumptions.ordinals == "fixed":
        creates, going = _fixed(instances, budget)
    else:
        creates, going = _counted(instances, budget, assumptions)
    victims = [(instance, "ScaleIn") for instance in going]
    if instances.old:
        taken, ready = set(going), instances.ready
        if instances.overdue_old:
            overdue = _overdue_victims(instances, taken, assumptions)
            victims += [(instance, "NotReady") for instance in overdue]
        if taken:
            ready -= sum(instance.ready for instance in taken)
        if assumptions.replaced_at_once == "budget" or not (creates or instances.replacing):
            count = ready - budget.min_available
            victims += _budget_victims(instances, count, taken, assumptions)
    return Step(creates, victims)


def _counted(instances: Instances, budget: Budget, assumptions: Assumptions) -> tuple[int, list[Instance]]:
    """How many to create, and which are too many: whatever their ordinals are (rules 2, 3 and 10)."""
    ceiling = budget.ceiling if instances.old else budget.replicas  # rule 2
    live = len(instances.by_ordinal)
    active = live - instances.terminating
    if assumptions.replacement == "TerminationStarted":
        live = active
    creates = max(0, min(ceiling - live, budget.replicas - instances.new_active))  # rule 3
    if active <= ceiling:
        return creates, []
    victims = _scale_in_order(instances, old_first=assumptions.scale_in == "oldFirst")
    return creates, victims[: active - ceiling]


def _fixed(instances: Instances, budget: Budget) -> tuple[int, list[Instance]]:
    """The same where ordinals are fixed: those below R stay, and from R on there are surge instances for a while.

    As LeaderWorkerSet does it: maxSurge of them; once no more ordinals below R than that are unfinished (old, missing,
    not ready), as many as maxUnavailable does not cover. When nothing is old any more none is added, and those there
    are stay until all below are ready. An ordinal is free when its last pod is gone.
    """
    replicas = budget.replicas
    above = [
        instance
        for ordinal in range(replicas, instances.next_ordinal)
        if (instance := instances.by_ordinal.get(ordinal)) is not None
    ]
    there = [instance for instance in above if not instance.terminating]
    surge = budget.surge
    finished = instances.new_ready - sum(each.ready and not instances.is_old(each) for each in there)
    if (unfinished := replicas - finished) <= surge:
        surge = max(unfinished - budget.unavailable, 0)
    if not instances.old:
        surge = min(surge, len(there))
    end = replicas + surge
    missing = end - (len(instances.by_ordinal) - sum(each.ref.ordinal >= end for each in above))
    return missing, [each for each in reversed(there) if each.ref.ordinal >= end]


def _scale_in_order(instances: Instances, *, old_first: bool) -> list[Instance]:
    """Concerning first, then old revision, then highest ordinal (rule 10); or that alone."""
    there = _from_the_top(each for each in instances.by_ordinal.values() if not each.terminating)
    if old_first:
        there.sort(key=lambda each: (each.state is not InstanceState.CONCERNING, not instances.is_old(each)))
    return there


def _overdue_victims(
    instances: Instances, taken: set[Instance], assumptions: Assumptions
) -> Iterable[Instance]:
    """Old instances that were never ready, or have not been for long: free of budget (rule 4)."""
    return _from_the_top(
        instance
        for instance in instances.overdue_old
        if instance not in taken and not _waits_for_its_turn(instance, assumptions)
    )


def _waits_for_its_turn(instance: Instance, assumptions: Assumptions) -> bool:
    """Whether an old instance that is not ready goes in the order of all, and not before."""
    if instance.was_ready:
        return assumptions.unready_old == "inOrder"
    return assumptions.middle_revision == "finished"


def _from_the_top(instances: Iterable[Instance]) -> list[Instance]:
    return sorted(instances, key=lambda instance: -instance.ref.ordinal)


def _budget_victims(
    instances: Instances, count: int, taken: set[Instance], assumptions: Assumptions
) -> list[tuple[Instance, str]]:
    """Old instances whose going leaves enough ready ones: not ready first, then highest ordinal (rule 5).

    Those that are not ready cost nothing of the budget of `count`, since it counts ready ones: they go along while one
    may go. kthena comes to the same with live - (R - U) - new ones not ready, spent on those not running first
    (model_serving_controller.go): that is `count` and the old ones not ready. With no ready one to spare, they wait
    for rule 4, where kthena takes them at once.

    Under switches some that are not ready wait until none of a higher ordinal is left, and then go whatever the budget
    says (LeaderWorkerSet, whose StatefulSet goes down the ordinals), or only one of all goes.
    """
    in_order = assumptions.unready_old == "inOrder"
    if count <= 0 and not in_order and not instances.overdue_old:
        return []
    unready = _unready_in_grace(instances) if count > 0 or in_order else []
    in_grace = [each for each in unready if each not in taken]
    waiting = [
        each
        for each in (*instances.overdue_old, *in_grace)
        if each not in taken and _waits_for_its_turn(each, assumptions)
    ]
    if count <= 0 and not waiting:
        return []
    turns = _from_the_top(waiting)
    most = 1 if assumptions.replaced_at_once == "one" else len(instances.by_ordinal)
    victims: list[tuple[Instance, str]] = []
    if count > 0:
        victims += [(each, "Rollout") for each in _from_the_top(in_grace) if each not in waiting][:most]
    while len(victims) < most:
        highest = _highest_ready_old(instances, taken)
        if turns and (highest is None or turns[0].ref.ordinal > highest.ref.ordinal):
            victims.append((turns.pop(0), "NotReady"))
        elif highest is not None and count > 0:
            heappop(instances.ready_old)
            taken.add(highest)
            victims.append((highest, "Rollout"))
            count -= 1
        else:
            break
    return victims


def _unready_in_grace(instances: Instances) -> list[Instance]:
    """Old instances that are not ready, and not yet for as long as rule 4 waits."""
    if not instances.in_grace:
        return []
    return [
        instance
        for instance in instances.by_ordinal.values()
        if instance.grace_timer is not None and instances.is_old(instance) and not instance.terminating
    ]


def _highest_ready_old(instances: Instances, taken: set[Instance]) -> Instance | None:
    """The ready old instance of the highest ordinal, which stays in the heap; stale entries go."""
    heap = instances.ready_old
    while heap:
        candidate = instances.by_ordinal.get(-heap[0])
        if (
            candidate is not None
            and candidate.ready
            and instances.is_old(candidate)
            and candidate not in taken
        ):
            return candidate
        heappop(heap)
    return None
