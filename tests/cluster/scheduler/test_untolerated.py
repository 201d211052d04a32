"""Which taints of a node keep a pod away (v1helper.FindMatchingUntoleratedTaint with DoNotScheduleTaintsFilterFunc)."""

from __future__ import annotations

import pytest

from kubeinfer_sim.cluster.scheduler.plugins.taint_toleration import untolerated
from kubeinfer_sim.manifest.model import Toleration
from kubeinfer_sim.scenario.cluster.model import Taint

HARD, SOFT, OUT = (Taint("k", "v", effect) for effect in ("NoSchedule", "PreferNoSchedule", "NoExecute"))


@pytest.mark.parametrize(
    ("taints", "tolerations", "first"),
    [
        ([], [], None),
        ([SOFT], [], None),  # it is a matter of scores
        ([SOFT, HARD, OUT], [], HARD),
        ([HARD, OUT], [Toleration("k", "Exists", effect="NoSchedule")], OUT),
        ([HARD, OUT], [Toleration("k", "Exists")], None),
    ],
)
def test_the_first_that_is_not_tolerated(
    taints: list[Taint], tolerations: list[Toleration], first: Taint | None
) -> None:
    assert untolerated(taints, tolerations) == first
