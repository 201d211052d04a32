"""The lines of the report on faults: how many of each kind, who noticed them, and after how long."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from kubeinfer_sim.metrics.faults import FaultCourse
from kubeinfer_sim.report.paragraph import Part
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count, rounded


def fault_lines(faults: Sequence[FaultCourse]) -> list[Part]:
    """One line for each kind, in order of first appearance."""
    kinds: dict[str, list[FaultCourse]] = {}
    for each in faults:
        kinds.setdefault(each.kind, []).append(each)
    return [Text(_line(kind, alike)) for kind, alike in kinds.items()]


def _line(kind: str, faults: list[FaultCourse]) -> str:
    """`NpuFault: 3 faults, 3 noticed by device plugin after 8s (mean); ready again after 12m (mean)`."""
    text = f"{kind}: {count(len(faults), 'fault')}"
    for by in dict.fromkeys(fault.by for fault in faults if fault.by):
        waits = [each.detected - each.at for each in faults if each.by == by and each.detected is not None]
        text += f", {len(waits):,} noticed by {by} after {_mean(waits)}"
    unseen = sum(fault.detected is None for fault in faults)
    if unseen:
        text += f", {unseen:,} unnoticed"
    times = [fault.recovered - fault.at for fault in faults if fault.recovered is not None]
    if times:
        text += f"; ready again after {_mean(times)}"
    return text


def _mean(values: list[int]) -> str:
    return rounded(round(fmean(values))) + (" (mean)" if len(values) > 1 else "")
