"""One pod at a time, every node looked at: kube-scheduler's cycle of filters and scores.

This is the exact scheduler, held to the recorded traces; the indexed one (`node_index.py`) is its fast form for pods
that do not look at their neighbours. Source: pkg/scheduler/schedule_one.go, framework/runtime/framework.go; the order
of the plugins is that of apis/config/v1/default_plugins.go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct, field

from kubeinfer_sim.cluster.scheduler import messages
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins import (
    balanced_allocation,
    image_locality,
    inter_pod_affinity,
    node_affinity,
    node_name,
    node_ports,
    node_resources_fit,
    node_unschedulable,
    pod_topology_spread,
    taint_toleration,
)
from kubeinfer_sim.cluster.scheduler.plugins.interface import Cluster, Filter, Rejection
from kubeinfer_sim.cluster.scheduler.plugins.node_resources_fit import LEAST_ALLOCATED, Strategy
from kubeinfer_sim.cluster.scheduler.pods import Pod

FILTERS = (
    node_unschedulable,
    node_name,
    taint_toleration,
    node_affinity,
    node_ports,
    node_resources_fit,
    pod_topology_spread,
    inter_pod_affinity,
)
#: The plugin named where a node was left out because every affinity term names other nodes.
PRE_FILTER_RESULT = "(PreFilter result)"


class Profile(Struct, frozen=True):
    """Weights of the scores, and how allocation is scored; a plugin left out has weight 0."""

    strategy: Strategy = LEAST_ALLOCATED
    balanced: tuple[str, ...] = balanced_allocation.RESOURCES
    weights: tuple[tuple[str, int], ...] = (
        (taint_toleration.NAME, 3),
        (node_affinity.NAME, 2),
        (pod_topology_spread.NAME, 2),
        (inter_pod_affinity.NAME, 2),
        (node_resources_fit.NAME, 1),
        (balanced_allocation.NAME, 1),
        (image_locality.NAME, 1),
    )


DEFAULT_PROFILE = Profile()


class Verdict(Struct):
    """What the filters say of a pod.

    Attributes:
        feasible: the nodes that pass every filter, in their order.
        rejections: the first rejection of each other node.
        whole_pod: why the pod is rejected as such, whatever the node; empty if it is not.
        nodes: how many nodes there are.
    """

    feasible: list[NodeState] = field(default_factory=list)
    rejections: dict[str, Rejection] = field(default_factory=dict)
    whole_pod: str = ""
    nodes: int = 0

    @property
    def counts(self) -> Counter[str]:
        """Reason → how many nodes give it."""
        return Counter(reason for rejection in self.rejections.values() for reason in rejection.reasons)

    def message(self) -> str:
        """The reasons as kube-scheduler words them, before it says anything of preemption."""
        if self.whole_pod:
            return messages.nodes_available(self.nodes, self.whole_pod)
        return messages.nodes_available(self.nodes, self.counts)


def prepare(pod: Pod, cluster: Cluster) -> list[Filter]:
    """The checks of one node, in the order of the plugins, for the cluster as it is now."""
    return [check for plugin in FILTERS if (check := plugin.filters(pod, cluster)) is not None]


def first_rejection(checks: Sequence[Filter], node: NodeState) -> Rejection | None:
    """What the first filter that turns a node down says; None when it passes them all."""
    for check in checks:
        rejection = check(node)
        if rejection is not None:
            return rejection
    return None


def judge(pod: Pod, cluster: Cluster) -> Verdict:
    """Ask the filters about every node."""
    verdict = Verdict(nodes=len(cluster.nodes))
    named = node_affinity.named_nodes(pod.spec)
    if named is not None and not named:
        verdict.whole_pod = node_affinity.CONFLICT
        return verdict
    checks = prepare(pod, cluster)
    for node in cluster.nodes:
        if named is not None and node.name not in named:
            continue
        rejection = first_rejection(checks, node)
        if rejection is None:
            verdict.feasible.append(node)
        else:
            verdict.rejections[node.name] = rejection
    if named is not None and not verdict.feasible:
        left_out = Rejection(PRE_FILTER_RESULT, (messages.not_satisfied(node_affinity.NAME),), True)
        for node in cluster.nodes:
            verdict.rejections.setdefault(node.name, left_out)
    return verdict


def score(
    pod: Pod, cluster: Cluster, feasible: Sequence[NodeState], profile: Profile = DEFAULT_PROFILE
) -> dict[str, dict[str, int]]:
    """Plugin → node → weighted score; plugins that are skipped for this pod are left out."""
    raw = {
        taint_toleration.NAME: taint_toleration.scores(pod, cluster, feasible),
        node_affinity.NAME: node_affinity.scores(pod, cluster, feasible),
        pod_topology_spread.NAME: pod_topology_spread.scores(pod, cluster, feasible),
        inter_pod_affinity.NAME: inter_pod_affinity.scores(pod, cluster, feasible),
        node_resources_fit.NAME: node_resources_fit.scores(pod, cluster, feasible, profile.strategy),
        balanced_allocation.NAME: balanced_allocation.scores(pod, cluster, feasible, profile.balanced),
        image_locality.NAME: image_locality.scores(pod, cluster, feasible),
    }
    return {
        name: {node: value * weight for node, value in values.items()}
        for name, weight in profile.weights
        if (values := raw[name]) is not None
    }


def totals(scores: dict[str, dict[str, int]], feasible: Sequence[NodeState]) -> dict[str, int]:
    """Node → sum of its weighted scores."""
    return {node.name: sum(values[node.name] for values in scores.values()) for node in feasible}


def best(
    pod: Pod, cluster: Cluster, feasible: Sequence[NodeState], profile: Profile = DEFAULT_PROFILE
) -> list[NodeState]:
    """The nodes with the largest total, in their order; a single feasible node is not scored.

    kube-scheduler draws one of them at random; whoever needs one answer takes the first.
    """
    if len(feasible) < 2:
        return list(feasible)
    total = totals(score(pod, cluster, feasible, profile), feasible)
    largest = max(total.values())
    return [node for node in feasible if total[node.name] == largest]
