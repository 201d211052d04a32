"""TaintToleration: NoSchedule and NoExecute taints must be tolerated.

Source: pkg/scheduler/framework/plugins/tainttoleration/taint_toleration.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubeinfer_sim.manifest.kubernetes.selectors import tolerates_taint
from kubeinfer_sim.manifest.model import Toleration
from kubeinfer_sim.scenario.model import Taint

NAME = "TaintToleration"
REASON = "node(s) had untolerated taint(s)"


def untolerated(taints: Iterable[Taint], tolerations: Sequence[Toleration]) -> Taint | None:
    """The first taint that keeps a pod with these tolerations away; None when there is none."""
    for taint in taints:
        if taint.effect in ("NoSchedule", "NoExecute") and not tolerates_taint(tolerations, taint):
            return taint
    return None
