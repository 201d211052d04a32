"""NodeUnschedulable: cordoned nodes take no pod that does not tolerate it.

Source: pkg/scheduler/framework/plugins/nodeunschedulable/node_unschedulable.go. The plugin reads
`spec.unschedulable`, never the taint of the same name, which TaintToleration judges.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubeinfer_sim.cluster.scheduler.matching import tolerates
from kubeinfer_sim.manifest.model import Toleration

NAME = "NodeUnschedulable"
REASON = "node(s) were unschedulable"
TAINT_KEY = "node.kubernetes.io/unschedulable"


def takes(unschedulable: bool, tolerations: Iterable[Toleration]) -> bool:
    """Whether a node with this `spec.unschedulable` takes a pod with these tolerations."""
    return not unschedulable or any(tolerates(t, TAINT_KEY, "", "NoSchedule") for t in tolerations)
