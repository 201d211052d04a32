"""NodeName: a pod that names its node goes nowhere else.

Source: pkg/scheduler/framework/plugins/nodename/node_name.go.
"""

from __future__ import annotations

from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins.interface import Cluster, Filter, Rejection
from kubeinfer_sim.cluster.scheduler.pods import Pod

NAME = "NodeName"
REASON = "node(s) didn't match the requested node name"


def filters(pod: Pod, cluster: Cluster) -> Filter | None:
    """The check of one node; None for a pod that names no node."""
    name = pod.spec.node_name
    if not name:
        return None

    def check(node: NodeState) -> Rejection | None:
        return None if node.name == name else Rejection(NAME, (REASON,), True)

    return check
