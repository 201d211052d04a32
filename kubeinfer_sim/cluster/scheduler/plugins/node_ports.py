"""NodePorts: a port of the host can be had once for each protocol and address.

Source: pkg/scheduler/framework/plugins/nodeports/node_ports.go and k8s.io/kube-scheduler HostPortInfo.
"""

from __future__ import annotations

from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins.interface import Cluster, Filter, Rejection
from kubeinfer_sim.cluster.scheduler.pods import Pod

NAME = "NodePorts"
REASON = "node(s) didn't have free ports for the requested pod ports"


def filters(pod: Pod, cluster: Cluster) -> Filter | None:
    """The check of one node; None for a pod that takes no port of the host."""
    wanted = pod.spec.host_ports
    if not wanted:
        return None

    def check(node: NodeState) -> Rejection | None:
        taken = [port for other in node.pods.values() for port in other.spec.host_ports]
        if any(port.clashes(other) for port in wanted for other in taken):
            return Rejection(NAME, (REASON,))
        return None

    return check
