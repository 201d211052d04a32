"""Pods that nodes reject, by workload, node and reason."""

from __future__ import annotations

from metering import metered

from kubeinfer_sim.cluster.records import InstanceRef, PodBound, PodGone, PodRef, PodRejected, RejectionsGoOn
from kubeinfer_sim.engine.history import NO_CAUSE, Record
from kubeinfer_sim.metrics.rejections import Rejections, RejectionsMeter

ONE, TWO = (PodRef(InstanceRef(0, "chat", 0), "serve", 0, generation) for generation in range(2))


def found(*records: Record) -> tuple[Rejections, ...]:
    return metered(RejectionsMeter(), records, ended_at=1_000, end="horizon")


def rejected(at: int, reason: str = "NodePorts", node: str = "n0") -> PodRejected:
    return PodRejected(at, NO_CAUSE, ONE, node, reason, "no ports")


def test_they_are_counted_by_node_and_reason_from_the_first_to_the_last() -> None:
    told = found(rejected(10), rejected(20), rejected(30, "OutOfcpu"), rejected(40), rejected(50, node="n1"))
    assert [(each.node, each.reason, each.first, each.last, each.number) for each in told] == [
        ("n0", "NodePorts", 10, 40, 3),
        ("n0", "OutOfcpu", 30, 30, 1),
        ("n1", "NodePorts", 50, 50, 1),
    ]
    assert all(each.per_second is None for each in told)


def test_those_that_go_on_are_so_many_a_second_until_the_pod_that_stands_for_them_is_taken_or_gone() -> None:
    goes_on = RejectionsGoOn(20, NO_CAUSE, TWO, "n0", "NodePorts", "no ports", 50, 2_000)
    for over in (
        None,
        PodBound(30, NO_CAUSE, TWO, "n0", ()),
        PodGone(30, NO_CAUSE, TWO, 0, 0),
        PodGone(30, NO_CAUSE, ONE, 0, 0),
    ):
        (told,) = found(rejected(10), goes_on, *([] if over is None else [over]))
        ends = over is not None and over.pod == TWO
        assert (told.number, told.last, told.per_second) == (2, 20, None if ends else 25)
