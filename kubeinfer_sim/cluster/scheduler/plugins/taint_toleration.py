"""TaintToleration: NoSchedule and NoExecute taints must be tolerated, PreferNoSchedule ones cost score.

Source: pkg/scheduler/framework/plugins/tainttoleration/taint_toleration.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins.interface import Cluster, Filter, Rejection, normalized
from kubeinfer_sim.cluster.scheduler.pods import Pod
from kubeinfer_sim.manifest.kubernetes.selectors import tolerates_taint
from kubeinfer_sim.manifest.model import Toleration
from kubeinfer_sim.manifest.releases import Release
from kubeinfer_sim.scenario.cluster.model import Taint

NAME = "TaintToleration"
REASON = "node(s) had untolerated taint(s)"


def reason(taint: Taint, kubernetes: Release) -> str:
    """The reason as a release words it: newer ones do not name the taint (kubernetes#134740)."""
    return (
        REASON
        if kubernetes.unnamed_taints
        else f"node(s) had untolerated taint {{{taint.key}: {taint.value}}}"
    )


def untolerated(taints: Iterable[Taint], tolerations: Sequence[Toleration]) -> Taint | None:
    """The first taint that keeps a pod with these tolerations away; None when there is none."""
    for taint in taints:
        if taint.effect in ("NoSchedule", "NoExecute") and not tolerates_taint(tolerations, taint):
            return taint
    return None


def filters(pod: Pod, cluster: Cluster) -> Filter:
    """The check of one node."""
    tolerations = pod.spec.tolerations

    def check(node: NodeState) -> Rejection | None:
        taint = untolerated(node.taints, tolerations)
        return None if taint is None else Rejection(NAME, (reason(taint, cluster.kubernetes),), True)

    return check


def scores(pod: Pod, cluster: Cluster, feasible: Sequence[NodeState]) -> dict[str, int]:
    """The fewer PreferNoSchedule taints the pod does not tolerate, the more."""
    soft = [t for t in pod.spec.tolerations if t.effect in ("", "PreferNoSchedule")]
    return normalized(
        {
            node.name: sum(
                taint.effect == "PreferNoSchedule" and not tolerates_taint(soft, taint)
                for taint in node.taints
            )
            for node in feasible
        },
        reverse=True,
    )
