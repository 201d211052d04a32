"""Detection and recovery of each kind of fault, apart from one another, in the result."""

from __future__ import annotations

from building import kubeinfer, scenario
from controllers.playing import play
from metering import metered

from kubeinfer_sim.metrics.faults import FaultCourses
from kubeinfer_sim.report.result.disturbances import DetectionPart, FaultKindPart, fault_kind_parts
from kubeinfer_sim.scenario.actions.model import Fault, Target
from kubeinfer_sim.simulation.run import Run


def kinds(run: Run) -> list[FaultKindPart]:
    return fault_kind_parts(metered(FaultCourses(), run.history, ended_at=run.ended_at, end=run.end))


def test_detection_and_recovery_are_counted_by_kind() -> None:
    faults = (
        *(Fault(at * 1000, "ProcessCrash", Target(instances=(0,))) for at in (100, 5000)),
        Fault(9_000_000, "SlowStart", Target(instances=(0,)), clears_after=1),
    )
    crash, slow = kinds(play(scenario(kubeinfer(), 2, 60, 10, actions=faults)))
    assert (crash.kind, crash.faults, crash.unnoticed) == ("ProcessCrash", 2, 0)
    assert crash.detections == [DetectionPart(by="process exit", faults=2, mean_ms=0)]
    # The exit takes 10 s, the load 60 s.
    assert (crash.ready_again, crash.mean_ready_again_ms) == (2, 70_000)
    assert (slow.kind, slow.unnoticed, slow.ready_again, slow.mean_ready_again_ms) == (
        "SlowStart",
        1,
        0,
        None,
    )


def test_a_hung_worker_that_no_probe_looks_at_is_unnoticed() -> None:
    spec = kubeinfer(roles={"decode": 2}, readiness=None)
    hang = Fault(100_000, "ProcessHang", Target(roles=("decode",), pods=(1,)))
    (kind,) = kinds(play(scenario(spec, 2, 60, 10, actions=(hang,))))
    assert (kind.unnoticed, kind.detections) == (1, [])
