"""PodDisruptionBudgets: how many of their pods may be evicted now.

The disruption controller of kube-controller-manager (pkg/controller/disruption/disruption.go). It looks at a
budget again when one of its pods changes; changing the replicas of the pods' owner alone does not make it
look. What a budget answers to an eviction is decided in `eviction.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.cluster.pod import Controller
from kubeinfer_sim.manifest.model import IntOrPercent


class BudgetStatus(Struct, frozen=True):
    """status.expectedPods, desiredHealthy, currentHealthy and disruptionsAllowed of a budget.

    `failure`: why the controller could not work them out. They are as they were before then, but that no disruption is
    allowed (failSafe).
    """

    expected: int
    desired_healthy: int
    current_healthy: int
    allowed: int
    failure: str = ""

    @property
    def condition(self) -> str:
        """The DisruptionAllowed condition as `status/reason`."""
        if self.failure:
            return "False/SyncFailed"
        return "True/SufficientPods" if self.allowed else "False/InsufficientPods"


class BudgetSpec(Struct, frozen=True):
    """A budget: exactly one of `min_available` and `max_unavailable`."""

    min_available: IntOrPercent | None = None
    max_unavailable: IntOrPercent | None = None
    unhealthy_pod_eviction_policy: Literal["IfHealthyBudget", "AlwaysAllow"] = "IfHealthyBudget"

    @property
    def counts_pods(self) -> bool:
        """Whether it expects the pods there are, whatever their controllers want: with a number of `min_available`."""
        return self.min_available is not None and not self.min_available.percent

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


class Budget:
    """A budget and its matching pods, kept up to date one change at a time.

    Attributes:
        status: as the controller last wrote it; an eviction takes one off `allowed` at once.
    """

    def __init__(self, name: str, spec: BudgetSpec) -> None:
        self.name = name
        self.spec = spec
        self.status = spec.status(scales=0, pods=0, healthy=0)
        self._pods: dict[Hashable, tuple[Controller | None, bool]] = {}
        # By identity of the controller, with the number of its pods.
        self._controllers: dict[int, tuple[Controller, int]] = {}
        self._healthy = 0
        self._waiting: list[Callable[[], None]] = []

    def pod_changed(
        self, pod: Hashable, controller: Controller | None, *, ready: bool, terminating: bool
    ) -> None:
        """A matching pod appeared or changed; `controller` is None for a pod nothing controls."""
        self._drop(pod)
        healthy = ready and not terminating
        self._pods[pod] = (controller, healthy)
        self._healthy += healthy
        if controller is not None:
            _, count = self._controllers.get(id(controller), (controller, 0))
            self._controllers[id(controller)] = (controller, count + 1)
        self._sync()

    def pod_gone(self, pod: Hashable) -> None:
        """A pod's object is gone, or matches no more."""
        if self._drop(pod):
            self._sync()

    @property
    def unhealthy(self) -> list[Hashable]:
        """The pods under it that are not Ready, or terminating."""
        return [pod for pod, (_, healthy) in self._pods.items() if not healthy]

    def use(self) -> None:
        """An eviction was granted: one disruption less is allowed until the pod is seen terminating."""
        self.status = replace(self.status, allowed=self.status.allowed - 1)

    def when_changed(self, callback: Callable[[], None]) -> None:
        """Call back once, at the next change of the status: until then a refused eviction stays refused."""
        self._waiting.append(callback)

    def call_back(self) -> None:
        """What it has refused may be tried again: its status has changed, or it is gone."""
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            callback()

    def _drop(self, pod: Hashable) -> bool:
        if pod not in self._pods:
            return False
        controller, healthy = self._pods.pop(pod)
        self._healthy -= healthy
        if controller is not None:
            _, count = self._controllers.pop(id(controller))
            if count > 1:
                self._controllers[id(controller)] = (controller, count - 1)
        return True

    def _sync(self) -> None:
        before = self.status
        self.status = self._worked_out()
        if self.status != before:
            self.call_back()

    def _worked_out(self) -> BudgetStatus:
        """The status (trySync): bare pods have no scale to count, a controller without one makes it fail."""
        scales = 0
        for controller, _ in self._controllers.values() if not self.spec.counts_pods else ():
            replicas = controller.replicas
            if replicas is None:
                failure = f"{controller.resource} does not implement the scale subresource"
                return replace(self.status, allowed=0, failure=failure)
            scales += replicas
        return self.spec.status(scales=scales, pods=len(self._pods), healthy=self._healthy)


def holding(budgets: Iterable[Budget]) -> str:
    """What holds an eviction back, in words, as the API server's refusal puts it."""
    return "; ".join(f"The disruption budget {budget.name} {_why(budget.status)}" for budget in budgets)


def _why(status: BudgetStatus) -> str:
    if status.failure:
        return f"does not allow evicting pods currently because it failed sync: {status.failure}"
    if status.current_healthy <= status.desired_healthy:
        return f"needs {status.desired_healthy} healthy pods and has {status.current_healthy} currently"
    return "does not allow evicting pods currently"
