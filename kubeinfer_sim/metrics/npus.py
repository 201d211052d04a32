"""NPUs out of service: since when, what they waited for, and what brought them back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kubeinfer_sim.cluster.fault_records import FaultDetected, NpuResetTried, NpuStateChanged
from kubeinfer_sim.engine.history import History, Record
from kubeinfer_sim.scenario.faults.levels import ASCEND_LEVELS


@dataclass(slots=True)
class NpuOutage:
    """One NPU from the moment nothing new is placed on it; times in ms.

    Attributes:
        to_reset: it waits for a reset, not for the fault to clear.
        reset_at: when that began: nobody held any of its group any more.
        group: how many NPUs are reset together.
        attempts: to reset it.
        out_at: when it was taken out for repair.
        back: when it was in service again.
    """

    node: str
    npu: int
    since: int
    to_reset: bool = False
    reset_at: int | None = None
    group: int = 1
    attempts: int = 0
    out_at: int | None = None
    back: int | None = None


def npu_outages(history: History) -> list[NpuOutage]:
    """All of them in order of time; NPUs that are reset along with a broken one are not counted."""
    outages: list[NpuOutage] = []
    under_way: dict[tuple[str, int], NpuOutage] = {}
    for record in history:
        if isinstance(record, NpuStateChanged):
            for number in record.npus:
                key = record.node, number
                outage = under_way.get(key)
                if outage is None and record.state in ("isolated", "out"):
                    outage = under_way[key] = NpuOutage(
                        record.node, number, record.at, _is_reset(history, record)
                    )
                    outages.append(outage)
                if outage is not None:
                    _note(outage, record)
                    if outage.back is not None:
                        del under_way[key]
        elif isinstance(record, NpuResetTried):
            for outage in _of(record, under_way):
                outage.attempts += 1
    return outages


def _note(outage: NpuOutage, record: NpuStateChanged) -> None:
    if record.state == "resetting" and outage.reset_at is None:
        outage.reset_at, outage.group = record.at, len(record.npus)
    elif record.state == "out":
        outage.out_at = record.at
    elif record.state == "inService":
        outage.back = record.at


def _of(record: NpuResetTried, under_way: dict[tuple[str, int], NpuOutage]) -> Iterable[NpuOutage]:
    return (under_way[record.node, each] for each in record.npus if (record.node, each) in under_way)


def _is_reset(history: History, record: Record) -> bool:
    """Whether the fault for which an NPU is isolated is of a level that has it reset."""
    cause = history[record.cause] if record.cause >= 0 else record
    return isinstance(cause, FaultDetected) and ASCEND_LEVELS[cause.level].npu == "reset"
