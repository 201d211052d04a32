"""PodDisruptionBudgets: how many of their pods may be evicted now.

The disruption controller of kube-controller-manager (pkg/controller/disruption/disruption.go). It looks at a
budget again when one of its pods changes; changing the replicas of the pods' owner alone does not make it
look. What a budget answers to an eviction is decided in `eviction.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from kubeinfer_sim.manifest.model import IntOrPercent


class BudgetStatus(NamedTuple):
    """status.expectedPods, desiredHealthy, currentHealthy and disruptionsAllowed of a budget."""

    expected: int
    desired_healthy: int
    current_healthy: int
    allowed: int

    @property
    def condition(self) -> str:
        """The DisruptionAllowed condition as `status/reason`."""
        return "True/SufficientPods" if self.allowed else "False/InsufficientPods"


@dataclass(frozen=True, slots=True)
class BudgetSpec:
    """A budget: exactly one of `min_available` and `max_unavailable`."""

    min_available: IntOrPercent | None = None
    max_unavailable: IntOrPercent | None = None
    unhealthy_pod_eviction_policy: Literal["IfHealthyBudget", "AlwaysAllow"] = "IfHealthyBudget"

    def status(self, *, scales: int, pods: int, healthy: int) -> BudgetStatus:
        """The status of a budget.

        Percentages round up, those of `max_unavailable` too. A plain `min_available` expects the pods there
        are; every other form expects what the pods' owners should have.

        Args:
            scales: the replicas of the matching pods' owners together.
            pods: how many pods match, terminating ones included.
            healthy: how many of them are Ready and not terminating.
        """
        if self.min_available is not None:
            expected = scales if self.min_available.percent else pods
            desired = self.min_available.of(expected, round_up=True)
        else:
            assert self.max_unavailable is not None
            expected = scales
            desired = max(0, expected - self.max_unavailable.of(expected, round_up=True))
        allowed = max(0, healthy - desired) if expected > 0 else 0
        return BudgetStatus(expected, desired, healthy, allowed)


class Scaled(Protocol):
    """Who owns pods and says how many there should be (a Deployment, an instance's role …)."""

    @property
    def replicas(self) -> int:
        """spec.replicas."""
        ...


class Budget:
    """A budget and its matching pods, kept up to date one change at a time.

    Attributes:
        status: as the controller last wrote it; an eviction takes one off `allowed` at once.
    """

    def __init__(self, name: str, spec: BudgetSpec) -> None:
        self.name = name
        self.spec = spec
        self.status = spec.status(scales=0, pods=0, healthy=0)
        self._pods: dict[Hashable, tuple[Scaled | None, bool]] = {}
        self._owned: dict[int, tuple[Scaled, int]] = {}
        self._healthy = 0
        self._waiting: list[Callable[[], None]] = []

    def pod_changed(self, pod: Hashable, owner: Scaled | None, *, ready: bool, terminating: bool) -> None:
        """A matching pod appeared or changed; `owner` is None for a pod nothing controls."""
        self._drop(pod)
        healthy = ready and not terminating
        self._pods[pod] = (owner, healthy)
        self._healthy += healthy
        if owner is not None:
            self._owned[id(owner)] = (owner, self._owned.get(id(owner), (owner, 0))[1] + 1)
        self._sync()

    def pod_gone(self, pod: Hashable) -> None:
        """A pod's object is gone, or matches no more."""
        if self._drop(pod):
            self._sync()

    def use(self) -> None:
        """An eviction was granted: one disruption less is allowed until the pod is seen terminating."""
        self.status = self.status._replace(allowed=self.status.allowed - 1)

    def when_changed(self, callback: Callable[[], None]) -> None:
        """Call back once, at the next change of the status: until then a refused eviction stays refused."""
        self._waiting.append(callback)

    def _drop(self, pod: Hashable) -> bool:
        if pod not in self._pods:
            return False
        owner, healthy = self._pods.pop(pod)
        self._healthy -= healthy
        if owner is not None:
            _, count = self._owned.pop(id(owner))
            if count > 1:
                self._owned[id(owner)] = (owner, count - 1)
        return True

    def _sync(self) -> None:
        before = self.status
        scales = sum(owner.replicas for owner, _ in self._owned.values())
        self.status = self.spec.status(scales=scales, pods=len(self._pods), healthy=self._healthy)
        if self.status != before:
            waiting, self._waiting = self._waiting, []
            for callback in waiting:
                callback()


def holding(budgets: Iterable[Budget]) -> str:
    """What holds an eviction back, in words, as the API server's refusal puts it."""
    return "; ".join(
        f"The disruption budget {budget.name} needs {budget.status.desired_healthy} healthy pods"
        f" and has {budget.status.current_healthy} currently"
        for budget in budgets
    )
