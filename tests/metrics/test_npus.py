"""NPUs out of service, as the meter has them: histories worked out by hand."""

from __future__ import annotations

from metering import metered

from kubeinfer_sim.cluster.fault_records import FaultDetected, NpuResetTried, NpuStateChanged, ResetHeld
from kubeinfer_sim.engine.history import NO_CAUSE, History, Record
from kubeinfer_sim.metrics.npus import NpuOutage, NpuOutages


def outages(*records: Record) -> tuple[NpuOutage, ...]:
    history = History()
    for each in records:
        history.append(each)
    return metered(NpuOutages(), list(history), ended_at=1_000, end="horizon")


def changed(
    at: int, state: str, *npus: int, cause: int = NO_CAUSE, until: int | None = None
) -> NpuStateChanged:
    return NpuStateChanged(at, cause, "n0", npus, state, 8, until)


def test_an_npu_that_is_reset_with_its_ring_until_it_is_taken_out_and_repaired() -> None:
    held = ResetHeld(20, NO_CAUSE, "n0", 3, 4, (("chat-0", (2,)),))
    found = outages(
        FaultDetected(10, NO_CAUSE, "Card", "n0", "device plugin", 5, "FreeRestartNPU"),
        changed(10, "isolated", 3, cause=0),
        held,
        changed(30, "resetting", 0, 1, 2, 3),
        NpuResetTried(40, NO_CAUSE, "n0", (0, 1, 2, 3), 1, False),
        changed(50, "resetting", 3),
        NpuResetTried(60, NO_CAUSE, "n0", (3,), 2, False),
        changed(70, "out", 3, until=900),
        changed(80, "inService", 3),
        changed(90, "isolated", 3),
        held,
    )
    first = NpuOutage("n0", 3, 10, True, None, 30, 4, attempts=2, out_at=70, until=900, back=80)
    assert found == (first, NpuOutage("n0", 3, 90, held=held))


def test_those_that_are_reset_along_with_it_are_not_counted() -> None:
    found = outages(
        changed(10, "isolated", 1), changed(20, "resetting", 0, 1), changed(30, "inService", 0, 1)
    )
    assert [(each.npu, each.to_reset, each.back) for each in found] == [(1, False, 30)]
