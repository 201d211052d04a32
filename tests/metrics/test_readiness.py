"""How many instances were ready, of each revision."""

from __future__ import annotations

from metering import metered

from kubeinfer_sim.cluster.records import InstanceRef
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceGone,
    InstanceReady,
)
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.metrics.readiness import ReadinessMeter


def test_each_revision_is_counted_by_itself() -> None:
    one, two, new = (InstanceRef(uid, "chat", uid) for uid in range(3))
    records = [
        *(InstanceCreated(0, NO_CAUSE, each, "old", 1, False) for each in (one, two)),
        InstanceReady(10, NO_CAUSE, one),
        InstanceReady(20, NO_CAUSE, two),
        InstanceCreated(30, NO_CAUSE, new, "new", 1, False),
        InstanceReady(40, NO_CAUSE, new),
        InstanceConcerning(50, NO_CAUSE, two, "checks failed"),
        InstanceGone(60, NO_CAUSE, two),
        InstanceGone(70, NO_CAUSE, one),
    ]
    found = metered(ReadinessMeter(), records, ended_at=100, end="settled")
    assert found.by_revision["old"].points == [(0, 0), (10, 1), (20, 2), (50, 1), (70, 0)]
    assert found.by_revision["new"].points == [(30, 0), (40, 1)]
    assert found.ready.points == [(10, 1), (20, 2), (40, 3), (50, 2), (70, 1)]
    assert found.live.points == [(0, 2), (30, 3), (60, 2), (70, 1)]
