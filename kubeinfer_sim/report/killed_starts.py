"""Instances that came up though probes had killed starts of theirs, in words."""

from __future__ import annotations

from collections.abc import Iterable

from kubeinfer_sim.metrics.killed_starts import KilledStarts
from kubeinfer_sim.report.words import count, rounded


def killed_starts(workloads: Iterable[KilledStarts]) -> str:
    """`every new instance was killed by its startup probe first (4 kills; given up after 15m3s, …)`."""
    return "; ".join(_clause(each) for each in workloads)


def _clause(workload: KilledStarts) -> str:
    noun = "instance" if workload.kind == "KubeInfer" else "pod"
    longest = workload.longest
    assert longest is not None
    if workload.started == 1:
        text = f"the new {noun} was killed by its {longest.probe} probe first"
    elif workload.all_killed:
        text = f"every new {noun} was killed by its {longest.probe} probe first"
    else:
        they = "their" if workload.killed > 1 else "its"
        verb = "were" if workload.killed > 1 else "was"
        some = f"{workload.killed:,} of {workload.started:,} new {noun}s"
        text = f"{some} {verb} killed by {they} {longest.probe} probe first"
    kills = f"{count(workload.starts, 'kill')}; given up after {rounded(longest.lasted)}"
    if longest.needed is not None and longest.needed > longest.lasted:
        kills += f" where {rounded(longest.needed)} were needed"
    text += f" ({kills})"
    if workload.late is not None:
        text += (
            ", and came up since a killed engine is taken to go on loading after SIGTERM (loadsAfterSigterm): "
            f"{rounded(workload.late + 1)} more to load, and it would not have"
        )
    return text
