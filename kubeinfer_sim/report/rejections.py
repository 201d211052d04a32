"""Pods that their nodes have rejected, in the report: a line for each owner, node and reason, whatever their number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubeinfer_sim.metrics.rejections import Rejections
from kubeinfer_sim.report.words import count, others, point


def rejected(rejections: Sequence[Rejections]) -> Iterator[str]:
    """`web-0 rejects 500 pods of Deployment chat from 12s on, 41 a second …`, a line each."""
    for each in rejections:
        pods = count(each.number, "pod")
        if each.per_second is not None:
            yield (
                f"{each.node} rejects the pods of {each.kind} {each.owner} one after the other without a pause, "
                f"{each.per_second} a second, from {point(each.first)} on: {_why(each)}"
            )
        elif each.number == 1:
            whose = "" if each.kind == "Pod" else "a pod of "
            yield f"{each.node} rejects {whose}{each.kind} {each.owner} at {point(each.first)}: {_why(each)}"
        else:
            times = f"from {point(each.first)} to {point(each.last)}"
            yield f"{each.node} rejects {pods} of {each.kind} {each.owner} {times}: {_why(each)}"


def _why(each: Rejections) -> str:
    return f"{each.reason} ({each.message})"


def without_pause(rejections: Sequence[Rejections]) -> str:
    """What still goes on at the end, for the verdict; nothing where nothing does."""
    on = [each for each in rejections if each.per_second is not None]
    if not on:
        return ""
    first = on[0]
    return (
        f"{first.node} rejects the pods of {first.kind} {first.owner} without a pause, "
        f"{first.per_second} a second: {first.reason}{others([(each.kind, each.owner) for each in on])}"
    )
