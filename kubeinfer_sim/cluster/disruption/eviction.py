"""The eviction API: may this pod be deleted, given the disruption budgets it stands under?

The pods/eviction subresource of the API server (pkg/registry/core/pod/storage/eviction.go). Evictions are
what `kubectl drain` asks for; rollouts, scale-downs and taint evictions delete pods without asking.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum

from msgspec import Struct

from kubeinfer_sim.cluster.disruption.controller import Budget, holding

#: How often a delete that lost a race is tried (EvictionsRetry; 0.5 s apart).
DELETE_ATTEMPTS = 20


class Code(IntEnum):
    """HTTP status of the answer."""

    CREATED = 201
    BAD_REQUEST = 400
    CONFLICT = 409
    TOO_MANY_REQUESTS = 429
    INTERNAL_ERROR = 500


class Answer(Struct, frozen=True):
    """What the API server says; `budgets` are those that refused."""

    code: Code
    message: str = ""
    budgets: tuple[Budget, ...] = ()


class PodView(Struct, frozen=True):
    """The part of a pod an eviction looks at; `ready` is false also while there is no Ready condition."""

    phase: str
    ready: bool
    terminating: bool = False
    resource_version: int = 0

    @property
    def ignores_budgets(self) -> bool:
        """Whether deleting it disrupts nothing: it does not run yet, or not any more, or is on its way out."""
        return self.phase in ("Pending", "Succeeded", "Failed") or self.terminating


#: Deletes the pod (gracefully) if it still has the given resource version (None: whatever it has).
Delete = Callable[[int | None], Code]


def evict(
    read: Callable[[], PodView],
    delete: Delete,
    budgets: Sequence[Budget],
    *,
    expected_version: int | None = None,
) -> Answer:
    """Ask for the eviction of a pod.

    Args:
        read: the pod as it is stored now.
        delete: deletes it; called only when the eviction is granted. CREATED or the error.
        budgets: those whose selector matches the pod.
        expected_version: resource version the asker insists on; a lost race is then reported, not retried.
    """
    pod = read()
    attempts = 0
    while pod.ignores_budgets:
        # A terminating or finished pod stays one; a pending pod may start meanwhile and must not slip through.
        version = pod.resource_version if pod.phase == "Pending" and not pod.terminating else None
        code = delete(version if expected_version is None else expected_version)
        attempts += 1
        if code is not Code.CONFLICT or expected_version is not None or attempts == DELETE_ATTEMPTS:
            return Answer(code, "" if code is Code.CREATED else "the pod could not be deleted")
        pod = read()
    if len(budgets) > 1:
        return Answer(
            Code.INTERNAL_ERROR,
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
            tuple(budgets),
        )
    spared = False
    for budget in budgets:
        spared = not pod.ready and _spares_unready(budget)
        if not spared:
            if budget.status.allowed <= 0:
                return _refused(budget)
            budget.use()
    # A pod that needs no budget because it is not ready must still be the same pod when it is deleted.
    version = pod.resource_version if spared and expected_version is None else expected_version
    code = delete(version)
    if code is Code.CONFLICT and spared and expected_version is None:
        return _refused(budgets[0])
    return Answer(code, "" if code is Code.CREATED else "the pod could not be deleted")


def _spares_unready(budget: Budget) -> bool:
    """Whether a pod that is not ready may go without using the budget (unhealthyPodEvictionPolicy)."""
    if budget.spec.unhealthy_pod_eviction_policy == "AlwaysAllow":
        return True
    return budget.status.current_healthy >= budget.status.desired_healthy > 0


def _refused(budget: Budget) -> Answer:
    message = f"Cannot evict pod as it would violate the pod's disruption budget. {holding([budget])}"
    return Answer(Code.TOO_MANY_REQUESTS, message, (budget,))
