"""What was asked of a KubeInfer and what became of it: a history worked out by hand."""

from __future__ import annotations

from metering import metered

from kubeinfer_sim.cluster.records import InstanceRef
from kubeinfer_sim.controllers.kubeinfer.records import (
    ProgressDeadlineExceeded,
    SpecApplied,
    Stalled,
    StallEnded,
    UpdateAborted,
    UpdateCompleted,
)
from kubeinfer_sim.engine.history import NO_CAUSE, Record
from kubeinfer_sim.metrics.changes import Changes, ChangesMeter

ONE, TWO = (InstanceRef(uid, "chat", uid) for uid in range(2))


def applied(at: int, generation: int, *changed: str, warnings: tuple[str, ...] = ()) -> SpecApplied:
    return SpecApplied(at, NO_CAUSE, "chat", generation, f"rev-{generation}", 2, 1, 0, changed, "", warnings)


def stalled(at: int, reason: str, instance: InstanceRef, detail: str) -> Stalled:
    return Stalled(at, NO_CAUSE, "chat", 1, reason, "why", (instance,), detail)


def found(*records: Record) -> Changes:
    return metered(ChangesMeter(), records, ended_at=1_000, end="horizon")


def test_each_change_is_in_place_superseded_or_given_up() -> None:
    told = found(
        applied(0, 1, "created", warnings=("few", "odd")),
        UpdateCompleted(10, NO_CAUSE, "chat", 1, "rev-1", 2),
        applied(20, 2, "template", warnings=("odd", "new")),
        ProgressDeadlineExceeded(25, NO_CAUSE, "chat", 2),
        ProgressDeadlineExceeded(27, NO_CAUSE, "chat", 2),
        applied(30, 3, "metadata"),
        applied(40, 4, "template", "replicas"),
        UpdateAborted(50, NO_CAUSE, "chat", 4, "stalled", "rev-1"),
        UpdateCompleted(60, NO_CAUSE, "chat", 4, "rev-4", 2),
    )
    outcome = [
        (each.completed, each.superseded, each.deadline_exceeded, each.aborted) for each in told.changes
    ]
    assert outcome == [
        (10, None, None, ""),
        (None, 40, 25, ""),
        (None, 40, None, ""),
        (60, None, None, "stalled"),
    ]
    assert [each.is_material for each in told.changes] == [True, True, False, True]
    assert [each.is_update for each in told.changes] == [False, True, False, True]
    assert [each.duration for each in told.changes] == [10, None, None, 20]
    assert told.warnings[:2] == ("odd", "new")
    assert all("no progress of generation 2" in each for each in told.warnings[2:])


def test_a_warning_is_of_budgets_by_which_something_was_rolled_out_or_the_next_update_goes() -> None:
    told = found(
        applied(0, 1, "created", warnings=("one",)),
        UpdateCompleted(10, NO_CAUSE, "chat", 1, "rev-1", 2),
        applied(20, 2, "strategy", warnings=("two",)),
        applied(30, 3, "template", warnings=("three",)),
        applied(40, 4, "strategy", warnings=("four",)),  # by these the third goes on
        UpdateCompleted(50, NO_CAUSE, "chat", 4, "rev-3", 2),
        applied(60, 5, "strategy", warnings=("five",)),
        applied(70, 6, "strategy", warnings=("six",)),
    )
    assert told.warnings == ("three", "four", "six")
    # One that another template has taken the place of is rolled out no more.
    told = found(
        applied(0, 1, "template", warnings=("one",)),
        applied(10, 2, "template", warnings=("two",)),
        UpdateCompleted(20, NO_CAUSE, "chat", 2, "rev-2", 2),
        applied(30, 3, "strategy", warnings=("three",)),
        applied(40, 4, "strategy", warnings=("four",)),
    )
    assert told.warnings == ("one", "two", "four")


def test_a_stall_goes_on_while_its_reason_is_the_same_and_ends_when_it_is_told_or_something_is_asked() -> (
    None
):
    told = found(
        applied(0, 1, "template"),
        stalled(10, "Unschedulable", ONE, "no node"),
        stalled(20, "Unschedulable", TWO, "no NPU"),
        StallEnded(30, NO_CAUSE, "chat", 1),
        stalled(30, "Unschedulable", ONE, "again"),  # in the same instant: it is the same
        stalled(40, "NewRevisionNotReady", ONE, "crashes"),
        applied(50, 2, "template"),
        stalled(60, "NewRevisionNotReady", ONE, "crashes"),
        UpdateCompleted(70, NO_CAUSE, "chat", 2, "rev-2", 2),
        stalled(80, "NewRevisionNotReady", TWO, "crashes"),
    )
    assert [(each.at, each.ended, each.reason, each.detail, each.instances) for each in told.stalls] == [
        (10, 40, "Unschedulable", "again", (ONE,)),
        (40, 50, "NewRevisionNotReady", "crashes", (ONE,)),
        (60, 70, "NewRevisionNotReady", "crashes", (ONE,)),
        (80, None, "NewRevisionNotReady", "crashes", (TWO,)),
    ]


def test_a_stall_that_is_told_anew_is_the_last_one_and_what_waits_now_is_its_detail() -> None:
    told = found(
        stalled(10, "NewRevisionNotReady", ONE, "crashes"),
        stalled(20, "Unschedulable", ONE, "no node"),
        stalled(30, "Unschedulable", TWO, "no NPU"),
    )
    assert [(each.at, each.ended, each.detail) for each in told.stalls] == [
        (10, 20, "crashes"),
        (20, None, "no NPU"),
    ]
