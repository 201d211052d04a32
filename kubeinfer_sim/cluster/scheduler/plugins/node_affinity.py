"""NodeAffinity: nodeSelector, required and preferred node affinity.

Source: pkg/scheduler/framework/plugins/nodeaffinity/node_affinity.go and
k8s.io/component-helpers/scheduling/corev1/nodeaffinity.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins.interface import Cluster, Filter, Rejection, normalized
from kubeinfer_sim.cluster.scheduler.pods import Pod, PodSpec
from kubeinfer_sim.manifest.kubernetes.selectors import match_node, match_node_selector_term

NAME = "NodeAffinity"
REASON = "node(s) didn't match Pod's node affinity/selector"
CONFLICT = "pod affinity terms conflict"


def accepts(spec: PodSpec, node: NodeState) -> bool:
    """Whether a node meets a pod's nodeSelector and its required node affinity."""
    return match_node(spec.node_selector, spec.required_affinity, node.labels, node.name)


def named_nodes(spec: PodSpec) -> frozenset[str] | None:
    """The only nodes worth looking at, when every term names its nodes; None when some term does not.

    The names need not exist. An empty set means that the terms contradict themselves, which rejects the pod
    as a whole.
    """
    if not spec.required_affinity:
        return None
    names: frozenset[str] = frozenset()
    for term in spec.required_affinity:
        of_term: frozenset[str] | None = None
        for field in term.match_fields:
            if field.key == "metadata.name" and field.operator == "In":
                listed = frozenset(field.values)
                of_term = listed if of_term is None else of_term & listed
        if of_term is None:
            return None
        names |= of_term
    return names


def filters(pod: Pod, cluster: Cluster) -> Filter | None:
    """The check of one node; None for a pod without constraints."""
    spec = pod.spec
    if not spec.node_selector and spec.required_affinity is None:
        return None

    def check(node: NodeState) -> Rejection | None:
        return None if accepts(spec, node) else Rejection(NAME, (REASON,), True)

    return check


def preference(spec: PodSpec, node: NodeState) -> int:
    """The sum of the weights of the preferred terms a node meets; an empty term is met by none."""
    return sum(
        weight
        for weight, term in spec.preferred_affinity
        if match_node_selector_term(term, node.labels, node.name)
    )


def scores(pod: Pod, cluster: Cluster, feasible: Sequence[NodeState]) -> dict[str, int] | None:
    """The sums of `preference`, the largest of which is 100; None for a pod without preferred terms."""
    if not pod.spec.preferred_affinity:
        return None
    return normalized({node.name: preference(pod.spec, node) for node in feasible})
