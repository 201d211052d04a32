"""What disturbed nodes: failures, from the last heartbeat to the return, and drains."""

from __future__ import annotations

from metering import metered

from kubeinfer_sim.cluster.records import (
    DrainEnded,
    DrainGoesOn,
    DrainHeld,
    GangScheduled,
    InstanceRef,
    NodeDrained,
    NodeFailed,
    NodeReadyChanged,
    NodeReturned,
    NodeTainted,
    PodDeleting,
    PodGone,
    PodRef,
    ZoneStateChanged,
)
from kubeinfer_sim.engine.history import NO_CAUSE, Record
from kubeinfer_sim.metrics.nodes import DrainRun, NodeDisturbances, NodeOutage, Nodes, StrandedPod

ONE = InstanceRef(0, "chat", 0)
PODS = [PodRef(ONE, "serve", replica, 0) for replica in range(3)]
PLACED = GangScheduled(0, NO_CAUSE, ONE, tuple((pod, "n0") for pod in PODS), 24, 24)


def found(*records: Record) -> NodeDisturbances:
    return metered(Nodes(), records, ended_at=1_000, end="horizon")


def test_of_a_failure_the_first_of_each_is_told_and_a_second_failure_is_one_of_its_own() -> None:
    records = [
        PLACED,
        NodeFailed(10, NO_CAUSE, "n0", "silent", 5),
        NodeReadyChanged(12, NO_CAUSE, "n0", "True", "zone"),  # from before, told late
        NodeReadyChanged(50, NO_CAUSE, "n0", "Unknown", "zone"),
        NodeTainted(51, NO_CAUSE, "n0", ()),
        NodeTainted(55, NO_CAUSE, "n0", ("unreachable",)),
        NodeReadyChanged(60, NO_CAUSE, "n0", "False", "zone"),
        NodeTainted(61, NO_CAUSE, "n0", ("not-ready",)),
        PodDeleting(70, NO_CAUSE, PODS[0], "Evicted", ()),
        PodDeleting(71, NO_CAUSE, PODS[1], "Evicted", ()),
        NodeReturned(90, NO_CAUSE, "n0", True),
        NodeReadyChanged(91, NO_CAUSE, "n0", "False", "zone"),
        NodeFailed(95, NO_CAUSE, "n0", "cutOff"),
    ]
    assert found(*records).outages == (
        NodeOutage("n0", "silent", 10, 5, noticed=50, tainted=55, evicted=70, returned=90),
        NodeOutage("n0", "cutOff", 95),
    )


def test_pods_that_are_left_on_a_node_that_is_down_are_stranded_and_who_keeps_its_taint_from_it() -> None:
    halted = ZoneStateChanged(20, NO_CAUSE, "zone", "FullDisruption", 0, 1, False)
    down = [
        PLACED,
        NodeFailed(10, NO_CAUSE, "n0", "silent"),
        halted,
        NodeReadyChanged(50, NO_CAUSE, "n0", "Unknown", "zone"),
        PodDeleting(70, NO_CAUSE, PODS[0], "Evicted", ()),
        PodGone(80, NO_CAUSE, PODS[1], 8, 16),
    ]
    assert found(*down).stranded == {
        PODS[0]: StrandedPod("n0", 10, 70, halted),
        PODS[2]: StrandedPod("n0", 10, None, halted),
    }
    evicts = ZoneStateChanged(90, NO_CAUSE, "zone", "Normal", 1, 1, True)
    for over in (evicts, NodeTainted(90, NO_CAUSE, "n0", ("unreachable",))):
        assert found(*down, over).stranded[PODS[2]].halted is None
    assert not found(*down, NodeReturned(90, NO_CAUSE, "n0", False)).stranded


def test_a_drain_is_held_since_it_first_was_and_one_that_failed_is_repeated_by_one_that_empties_it() -> None:
    failed, later = found(
        NodeDrained(10, NO_CAUSE, "n0"),
        DrainHeld(11, NO_CAUSE, "n0", "budget a", ("chat-0",), True),
        DrainHeld(12, NO_CAUSE, "n0", "budget b"),
        DrainEnded(20, NO_CAUSE, "n0", ("timed out",)),
        NodeDrained(30, NO_CAUSE, "n0"),
        DrainHeld(31, NO_CAUSE, "n0", "budget a", ("chat-0",), True),
        DrainGoesOn(32, NO_CAUSE, "n0"),
        DrainEnded(40, NO_CAUSE, "n0", ()),
    ).drains
    assert failed == DrainRun("n0", 10, 20, "budget b", 11, errors=("timed out",), repeated=True)
    assert later == DrainRun("n0", 30, 40, "", 31)
    assert (failed.complaint, failed.in_vain, later.complaint) == ("timed out", False, "")
