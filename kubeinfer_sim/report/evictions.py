"""Pods that tainted nodes evict one after the other, in the report: a line for each owner and node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubeinfer_sim.metrics.evictions import Evictions
from kubeinfer_sim.report.words import count, others, point, rounded


def evicted(evictions: Sequence[Evictions]) -> Iterator[str]:
    """`node-0 evicts the pods of Deployment web without end, … one every 5m, 285 from 11m on`, a line each."""
    for each in evictions:
        yield f"{_loop(each)}; {count(each.number, 'pod')} from {point(each.first)} on"


def without_end(evictions: Sequence[Evictions]) -> str:
    """What still goes on at the end, for the verdict; nothing where nothing does."""
    if not evictions:
        return ""
    return (
        f"{_loop(evictions[0])}{others([(each.kind, each.owner) for each in evictions])}; tolerating it without "
        "tolerationSeconds, or removing it, would let them stay"
    )


def _loop(each: Evictions) -> str:
    """One round of it: who makes the pods, where they come to, what ends them, how long that takes."""
    how_often = f"one every {rounded(each.every)}" if each.every else f"all at {point(each.last)}"
    how_long = "tolerate it for a time only"
    if not each.every:
        how_long = "do not tolerate it" if each.rejected else "tolerate it for no time at all"
    return (
        f"{each.node} evicts the pods of {each.kind} {each.owner} without end, {how_often}: "
        f"they come in spite of its NoExecute taint and {how_long}"
    )
