"""DefaultPreemption: which pods of lower priority would have to go so that a pod fits.

Source: pkg/scheduler/framework/plugins/defaultpreemption/default_preemption.go,
pkg/scheduler/framework/preemption/preemption.go. The real one looks at a tenth of the candidate nodes (100 at
least) from a random one on; here all are looked at, in their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from kubeinfer_sim.cluster.scheduler import messages
from kubeinfer_sim.cluster.scheduler.framework import Verdict, first_rejection, prepare
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins.interface import Cluster, Rejection
from kubeinfer_sim.cluster.scheduler.pods import Pod, Selector, selects

NAME = "DefaultPreemption"
NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"
#: Added to each priority before they are summed up, so that fewer victims have the smaller sum whatever their signs.
_ABOVE_ALL_PRIORITIES = 2**31


class Budget(Struct, frozen=True):
    """A PodDisruptionBudget: how many of its pods may still be disrupted."""

    namespace: str
    selector: Selector
    allowed: int

    def covers(self, pod: Pod) -> bool:
        """Whether a pod stands under it; here an empty selector matches nothing (filterPodsWithPDBViolation)."""
        return (
            bool(pod.spec.labels and self.selector)
            and self.namespace == pod.spec.namespace
            and selects(self.selector, pod.spec.labels)
        )


class Candidate(Struct, frozen=True):
    """A node, and the pods that would have to leave it, the most important first.

    Attributes:
        violations: how many of the victims go against a budget.
    """

    node: NodeState
    victims: tuple[Pod, ...]
    violations: int = 0

    def rank(self) -> tuple[int, int, int, int, float]:
        """Sort key, the best first."""
        top = max(victim.priority for victim in self.victims)
        return (
            self.violations,
            top,
            sum(victim.priority + _ABOVE_ALL_PRIORITIES for victim in self.victims),
            len(self.victims),
            -min(victim.started for victim in self.victims if victim.priority == top),
        )


class Preemption(Struct, frozen=True):
    """What came of it: a choice, or why there is none.

    Attributes:
        choice: the node with its victims; None when preemption cannot help.
        message: what follows the reasons in the pod's condition; empty when there is a choice.
    """

    choice: Candidate | None
    message: str = ""


def preempt(
    pod: Pod,
    cluster: Cluster,
    verdict: Verdict,
    budgets: Sequence[Budget] = (),
    *,
    nominated: NodeState | None = None,
) -> Preemption:
    """Choose the victims for a pod no node takes.

    Args:
        pod: the pod.
        cluster: as it is; it is left so.
        verdict: what the filters said of it.
        budgets: disruption budgets, which are kept where that is possible.
        nominated: the node whose pods were chosen for it before, if any.
    """
    if verdict.whole_pod:
        return Preemption(None, "not found")  # the state its filters would have left is missing
    if not verdict.nodes:
        return Preemption(None)
    if pod.never_preempts:
        return Preemption(None, _message("not eligible due to preemptionPolicy=Never.", cluster))
    if nominated is not None:
        rejection = verdict.rejections.get(nominated.name)
        if not (rejection and rejection.unresolvable) and any(
            other.terminating and other.priority < pod.priority for other in nominated.pods.values()
        ):
            text = "not eligible due to a terminating pod on the nominated node."
            return Preemption(None, _message(text, cluster))
    counts: Counter[str] = Counter()
    candidates: list[Candidate] = []
    for node in cluster.nodes:
        rejection = verdict.rejections.get(node.name)
        if rejection is None or rejection.unresolvable:
            counts[NOT_HELPFUL] += 1
            continue
        outcome = victims_on(pod, node, cluster, budgets)
        if isinstance(outcome, Candidate):
            candidates.append(outcome)
        else:
            counts.update(outcome.reasons)
    if candidates:
        return Preemption(min(candidates, key=Candidate.rank))
    return Preemption(None, _message(messages.nodes_available(verdict.nodes, counts), cluster))


def _message(text: str, cluster: Cluster) -> str:
    # Dynamic resource allocation, on by default since 1.34, has its say before.
    before = "no new claims to deallocate, " if cluster.kubernetes.claims_in_preemption else ""
    return f"{before}preemption: {text}"


def victims_on(
    pod: Pod, node: NodeState, cluster: Cluster, budgets: Sequence[Budget] = ()
) -> Candidate | Rejection:
    """The fewest and least important pods that have to leave a node: all of lower priority are taken off, then
    put back one by one if the pod still fits, those a budget protects first, then by importance.
    """
    lower = sorted((other for other in node.pods.values() if other.priority < pod.priority), key=_importance)
    if not lower:
        return Rejection(NAME, (NO_VICTIMS,), True)
    for other in lower:
        node.discard(other.key)
    victims: list[Pod] = []
    violations = 0
    try:
        rejection = first_rejection(prepare(pod, cluster), node)
        if rejection is not None:
            return rejection
        protected = _protected(lower, budgets)
        for other in sorted(lower, key=lambda other: other.key not in protected):
            node.add(other, back=True)
            if first_rejection(prepare(pod, cluster), node) is not None:
                node.discard(other.key)
                victims.append(other)
                violations += other.key in protected
    finally:
        for other in lower:
            if other.key not in node.pods:
                node.add(other, back=True)
    return Candidate(node, tuple(sorted(victims, key=_importance)), violations)


def _importance(pod: Pod) -> tuple[int, float]:
    """Sort key, the most important first: higher priority, then earlier start."""
    return -pod.priority, pod.started


def _protected(pods: Iterable[Pod], budgets: Sequence[Budget]) -> set[object]:
    """Keys of the pods whose eviction, after those before them, would go against a budget."""
    left = [budget.allowed for budget in budgets]
    protected: set[object] = set()
    for pod in pods:
        for i, budget in enumerate(budgets):
            if budget.covers(pod):
                left[i] -= 1
                if left[i] < 0:
                    protected.add(pod.key)
    return protected
