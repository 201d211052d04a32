"""NodeAffinity: nodeSelector and required node affinity.

Source: pkg/scheduler/framework/plugins/nodeaffinity/node_affinity.go and
k8s.io/component-helpers/scheduling/corev1/nodeaffinity.
"""

from __future__ import annotations

from kubeinfer_sim.manifest.kubernetes.selectors import match_node as matches

__all__ = ["NAME", "REASON", "matches"]

NAME = "NodeAffinity"
REASON = "node(s) didn't match Pod's node affinity/selector"
