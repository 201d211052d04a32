"""The lines of the report on NPUs out of service: why each was, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from rich.console import RenderableType
from rich.text import Text

from kubeinfer_sim.manifest.accelerators import ASCEND, Family
from kubeinfer_sim.metrics.npus import NpuOutage
from kubeinfer_sim.report.words import count, rounded

#: More of them are summed up.
MOST = 5


def npu_lines(outages: Sequence[NpuOutage], family: Family = ASCEND) -> list[RenderableType]:
    """A line for each outage, or one for all of them when there are many."""
    if len(outages) > MOST:
        return [Text(family.say(_summary(outages)))]
    return [Text(f"{each.node} npu{each.npu}: {_story(each)}") for each in outages]


def _story(outage: NpuOutage) -> str:
    """`isolated at 10m8s; reset 2h20m later, when its ring of 8 was idle; back after 45s`."""
    began = rounded(outage.since)
    if outage.out_at == outage.since:
        text = f"out at {began} until repaired"
    elif outage.reset_at is not None:
        whose = f"all {outage.group} that reset together were" if outage.group > 1 else "it was"
        text = (
            f"isolated at {began}; reset {rounded(outage.reset_at - outage.since)} later, when {whose} idle"
        )
        if outage.attempts > 1 or outage.out_at is not None:
            text += f", {count(outage.attempts, 'attempt')}"
        if outage.out_at is not None:
            text += "; out until repaired"
    elif outage.back is not None:
        text = f"isolated at {began} until the fault was over"
    elif outage.to_reset:
        return f"isolated at {began}; never reset, since those it resets with were never all idle"
    else:
        text = f"isolated at {began}"
    if outage.back is None:
        return f"{text}; not back in the end"
    return f"{text}; back after {rounded(outage.back - (outage.since if outage.reset_at is None else outage.reset_at))}"


def _summary(outages: Sequence[NpuOutage]) -> str:
    """`41 times an NPU was out of service: 38 reset, after 5m for those it resets with to be idle (mean); ...`."""
    text = f"{len(outages):,} times an NPU was out of service"
    waits = [each.reset_at - each.since for each in outages if each.reset_at is not None]
    if waits:
        later = rounded(round(fmean(waits)))
        text += f": {len(waits):,} reset, {later} later (mean), when those it resets with were idle"
    repairs = sum(each.out_at is not None for each in outages)
    if repairs:
        text += f"; {repairs:,} out until repaired"
    never = sum(each.to_reset and each.reset_at is None and each.back is None for each in outages)
    if never:
        text += f"; {never:,} never reset, since those it resets with were never all idle"
    lasting = [each.back - each.since for each in outages if each.back is not None]
    if lasting:
        text += f"; back after {rounded(round(fmean(lasting)))} (mean)"
    missing = len(outages) - len(lasting)
    return text + (f"; {missing:,} not back in the end" if missing else "")
