"""The lines of the report on NPUs out of service: why each was, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from kubeinfer_sim.cluster.devices.repair import Due
from kubeinfer_sim.manifest.accelerators import ASCEND, Family
from kubeinfer_sim.metrics.npus import NpuOutage
from kubeinfer_sim.report.paragraph import Part
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count, point, rounded

#: More of them are summed up.
MOST = 5


def npu_lines(outages: Sequence[NpuOutage], family: Family = ASCEND, due: Sequence[Due] = ()) -> list[Part]:
    """A line for each outage, or one for all of them when there are many; `due`: what the end of the run has cut."""
    if len(outages) > MOST:
        return [Text(family.say(_summary(outages)))]
    repairs = {each.what: each.at for each in due if each.kind == "repair"}
    return [
        Text(f"{each.node} npu{each.npu}: {_story(each, repairs.get(f'{each.node}/npu{each.npu}'))}")
        for each in outages
    ]


def _story(outage: NpuOutage, repair: int | None) -> str:
    """`isolated at 10m8s; reset 2h20m later, when its ring of 8 was idle; back after 45s`.

    `repair`: when its repair is due, of one whose repair the end of the run has cut.
    """
    began = rounded(outage.since)
    if outage.until is not None:
        text = f"isolated at {began} until {point(outage.until)}"
    elif outage.out_at == outage.since:
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
        due_at = "" if repair is None else f"; its repair is due at {point(repair)}"
        return f"{text}; not back in the end{due_at}"
    return f"{text}; back after {rounded(outage.back - (outage.since if outage.reset_at is None else outage.reset_at))}"


def _summary(outages: Sequence[NpuOutage]) -> str:
    """`41 times an NPU was out of service: 38 reset, after 5m for those it resets with to be idle (mean); ...`."""
    text = f"{len(outages):,} times an NPU was out of service"
    waits = [each.reset_at - each.since for each in outages if each.reset_at is not None]
    if waits:
        later = rounded(round(fmean(waits)))
        text += f": {len(waits):,} reset, {later} later (mean), when those it resets with were idle"
    repairs = sum(each.out_at is not None and each.until is None for each in outages)
    if repairs:
        text += f"; {repairs:,} out until repaired"
    if isolated := sum(each.until is not None for each in outages):
        text += f"; {isolated:,} isolated for a fixed time"
    never = sum(each.to_reset and each.reset_at is None and each.back is None for each in outages)
    if never:
        text += f"; {never:,} never reset, since those it resets with were never all idle"
    lasting = [each.back - each.since for each in outages if each.back is not None]
    if lasting:
        text += f"; back after {rounded(round(fmean(lasting)))} (mean)"
    missing = len(outages) - len(lasting)
    return text + (f"; {missing:,} not back in the end" if missing else "")
