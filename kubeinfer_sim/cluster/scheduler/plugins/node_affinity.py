"""NodeAffinity: nodeSelector and required node affinity.

Source: pkg/scheduler/framework/plugins/nodeaffinity/node_affinity.go and
k8s.io/component-helpers/scheduling/corev1/nodeaffinity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kubeinfer_sim.cluster.scheduler.matching import match_node_selector_term
from kubeinfer_sim.manifest.model import NodeSelectorTerm

NAME = "NodeAffinity"
REASON = "node(s) didn't match Pod's node affinity/selector"


def matches(
    node_selector: Mapping[str, str],
    terms: Sequence[NodeSelectorTerm] | None,
    labels: Mapping[str, str],
    node_name: str,
) -> bool:
    """Whether a node has every label of `nodeSelector` and fits one of the required terms, if there are any.

    `terms` None means that the pod has no required node affinity; an empty list matches no node.
    """
    return all(labels.get(key) == value for key, value in node_selector.items()) and (
        terms is None or any(match_node_selector_term(term, labels, node_name) for term in terms)
    )
