"""NodeUnschedulable: cordoned nodes take no pod that does not tolerate it.

Source: pkg/scheduler/framework/plugins/nodeunschedulable/node_unschedulable.go. The plugin reads
`spec.unschedulable`, never the taint of the same name, which TaintToleration judges.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins.interface import Cluster, Filter, Rejection
from kubeinfer_sim.cluster.scheduler.pods import Pod
from kubeinfer_sim.manifest.kubernetes.selectors import tolerates_taint
from kubeinfer_sim.manifest.model import Toleration
from kubeinfer_sim.scenario.cluster.model import Taint

NAME = "NodeUnschedulable"
REASON = "node(s) were unschedulable"
TAINT = Taint("node.kubernetes.io/unschedulable", "", "NoSchedule")


def takes(unschedulable: bool, tolerations: Iterable[Toleration]) -> bool:
    """Whether a node with this `spec.unschedulable` takes a pod with these tolerations."""
    return not unschedulable or tolerates_taint(tolerations, TAINT)


def filters(pod: Pod, cluster: Cluster) -> Filter:
    """The check of one node."""
    tolerations = pod.spec.tolerations

    def check(node: NodeState) -> Rejection | None:
        return None if takes(node.unschedulable, tolerations) else Rejection(NAME, (REASON,), True)

    return check
