from __future__ import annotations

from report_samples import MINUTE, sample

from kubeinfer_sim.cluster.records import InstanceRef
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceReady,
    SpecApplied,
    UpdateCompleted,
)
from kubeinfer_sim.engine.history import NO_CAUSE, Record
from kubeinfer_sim.metrics import Measures, measure
from kubeinfer_sim.report.chart import chart, revision_names
from kubeinfer_sim.scenario.actions.model import Drain


def drawn(measures: Measures, *actions: Drain, width: int = 78) -> list[str]:
    return [line.plain for line in chart(measures, actions, width)]


def running(number: int, *then: Record, end: int) -> Measures:
    records: list[Record] = [SpecApplied(0, NO_CAUSE, "infer", 1, "a", number, 1, 0, ("created",), "", ())]
    for n in range(number):
        ref = InstanceRef(n, "infer", n)
        records += [InstanceCreated(0, 0, ref, "a", 1, True), InstanceReady(0, 0, ref)]
    return measure(
        [*records, UpdateCompleted(0, 0, "infer", 1, "a", number), *then], ended_at=end, end="settled"
    )


def rows(lines: list[str]) -> list[str]:
    return [line.partition("┤")[2] for line in lines if "┤" in line]


def test_a_dip_of_a_millisecond_in_a_day_is_drawn() -> None:
    ref = InstanceRef(0, "infer", 0)
    at = 12 * 60 * MINUTE
    dip = (InstanceConcerning(at, 0, ref, "x"), InstanceReady(at + 1, 0, ref))
    other = InstanceConcerning(24 * 60 * MINUTE, 0, InstanceRef(1, "infer", 1), "x")
    top, bottom = rows(drawn(running(2, *dip, other, end=24 * 60 * MINUTE)))
    assert top.count("·") >= 2
    assert top.lstrip("█").startswith("·█")
    assert set(bottom) == {"█"}


def test_a_row_stands_for_several_instances_when_there_are_many_and_is_filled_when_all_are_there() -> None:
    gone = InstanceConcerning(5 * MINUTE, 0, InstanceRef(3, "infer", 3), "x")
    back = InstanceReady(10 * MINUTE, 0, InstanceRef(3, "infer", 3))
    lines = drawn(running(100, gone, back, end=10 * MINUTE))
    assert lines[0].endswith("(1 row = 10)")
    assert len(rows(lines)) == 10
    assert "·" in rows(lines)[0]
    assert not any("·" in row for row in rows(lines)[1:])


def test_old_instances_stand_on_new_ones() -> None:
    lines = drawn(sample("five instances").measures)
    assert [row[0] for row in rows(lines)] == ["░"] * 5
    assert [row[-1] for row in rows(lines)] == ["█"] * 5
    assert lines[0].split("  ")[1].startswith("█ new ")


def test_a_rollback_is_told_from_its_revisions_not_as_old_and_new() -> None:
    measures = sample("rollback").measures
    assert list(revision_names(measures).values()) == ["rev 1", "rev 2"]
    assert "▒" in "".join(rows(drawn(measures)))


def test_the_axis_names_round_times_and_marks_what_happened() -> None:
    assessment = sample("drain")
    lines = drawn(assessment.measures, Drain(10 * MINUTE, ("node-0",)))
    axis = lines.index(next(line for line in lines if "└" in line))
    assert lines[axis + 1].split()[:4] == ["6m", "10m", "20m", "30m"], "it says where it begins"
    assert lines[axis].index("┬") == lines[axis + 1].index("6m") == lines[axis].index("└") + 1
    assert lines[axis + 1].index("10m") == lines[axis].index("┬", 5) == lines[axis + 2].index("A")
    assert lines[axis + 3] == "   A 10m: drain node-0"


def test_nothing_is_drawn_where_there_never_was_an_instance() -> None:
    assert drawn(running(0, end=0)) == []


def test_what_is_missing_is_drawn_to_the_last_event_and_no_two_labels_are_alike() -> None:
    at = 10 * MINUTE
    lost = (InstanceConcerning(at, 0, InstanceRef(0, "infer", 0), "x"),)
    for end in (at + 300, at + 4_000, at + 35_500, at + 90 * MINUTE):
        lines = drawn(running(4, *lost, end=end))
        axis = next(place for place, line in enumerate(lines) if "└" in line)
        labels = lines[axis + 1].split()
        assert len(labels) == len(set(labels)) > 3
        missing = rows(lines)[0].count("·")
        assert missing > len(rows(lines)[0]) * 0.8, "the last event is long after the last change"


def test_ticks_of_half_an_hour_after_days_are_told_exactly() -> None:
    days = 50 * 60 * MINUTE
    lines = drawn(
        running(2, InstanceConcerning(days, 0, InstanceRef(0, "infer", 0), "x"), end=days + 120 * MINUTE)
    )
    assert "2d2h30m" in lines[-1]
