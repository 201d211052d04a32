"""Every kind of stage has its row in the tables that go by stages."""

from __future__ import annotations

from kubeinfer_sim.cluster.stages import Part, StageKind
from kubeinfer_sim.metrics.loss_stages import STAGE_OF, STAGES
from kubeinfer_sim.report.instances import GROUPS
from kubeinfer_sim.report.moment import DOING


def test_time_lost_in_any_stage_is_charged_to_one() -> None:
    assert {*STAGE_OF} == {*StageKind}
    assert {*STAGE_OF.values()} == {*STAGES}


def test_what_a_pod_does_in_any_stage_has_words() -> None:
    assert {*DOING} == {*StageKind}


def test_every_stage_of_a_start_has_a_column_of_its_own_group() -> None:
    starts = {kind for kind in StageKind if kind.part in (Part.PLACEMENT, Part.SET_UP, Part.START)}
    listed = [kind for kinds in GROUPS.values() for kind in kinds]
    assert {*listed} == starts
    assert len(listed) == len(starts)
