"""TaintToleration: NoSchedule and NoExecute taints must be tolerated.

Source: pkg/scheduler/framework/plugins/tainttoleration/taint_toleration.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubeinfer_sim.cluster.scheduler.matching import tolerates
from kubeinfer_sim.manifest.model import Toleration
from kubeinfer_sim.scenario.model import Taint

NAME = "TaintToleration"
REASON = "node(s) had untolerated taint(s)"


def untolerated(taints: Iterable[Taint], tolerations: Iterable[Toleration]) -> Taint | None:
    """The first taint that keeps a pod with these tolerations away; None when there is none."""
    for taint in taints:
        if taint.effect in ("NoSchedule", "NoExecute") and not any(
            tolerates(t, taint.key, taint.value, taint.effect) for t in tolerations
        ):
            return taint
    return None
