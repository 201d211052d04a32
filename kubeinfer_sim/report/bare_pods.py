"""Pods that no controller makes, in the report: one section together, and their part of the verdict."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.metrics.bare_pods import BarePodMeasures, BarePodOutcome
from kubeinfer_sim.report.complaints import held_text, unstable, without_place
from kubeinfer_sim.report.paragraph import Part
from kubeinfer_sim.report.pending import node_verdicts
from kubeinfer_sim.report.sentences import deleted_for
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.ways_out import to_readiness
from kubeinfer_sim.report.words import rounded
from kubeinfer_sim.scenario.units import format_duration

MOST_PODS = 12


def sentence(measures: BarePodMeasures) -> str:
    """How the Pod came out, without a full stop."""
    name = f"Pod {printable(measures.name)}"
    life = measures.life
    match measures.outcome:
        case BarePodOutcome.UNTOUCHED:
            return f"{name} is not touched"
        case BarePodOutcome.READY if life is not None and life.pods[0].ready is not None:
            if measures.disturbed or measures.ran_at_start:
                return f"{name} is ready in the end"
            return f"{name} is ready after {rounded(life.pods[0].ready - measures.created)}"
        case BarePodOutcome.SUCCEEDED:
            return f"{name} has run to its end{_after(measures)}"
        case BarePodOutcome.FAILED:
            trouble = f": {life.pods[0].trouble}" if life is not None and life.pods[0].trouble else ""
            return f"{name} has failed{_after(measures)}{trouble}"
        case BarePodOutcome.DELETED:
            return f"{name} is deleted"
        case BarePodOutcome.LOST:
            trouble = f"; {life.pods[0].trouble}" if life is not None and life.pods[0].trouble else ""
            return (
                f"{name} is gone for good ({deleted_for(measures.deleted)}{trouble}): nothing makes it again"
            )
        case BarePodOutcome.UNFINISHED if life is None or not life.unstable:
            return f"{name} is not ready when the run ends{_complaint(measures)}"
    if life is not None and life.unstable:
        return f"{name} does not stay ready{_complaint(measures)}"
    return f"{name} never becomes ready{_complaint(measures)}"


def _after(measures: BarePodMeasures) -> str:
    return "" if measures.over is None else f" after {rounded(measures.over - measures.created)}"


def _complaint(measures: BarePodMeasures) -> str:
    life = measures.life
    pod = life.pods[0] if life is not None and life.pods else None
    if life is None or pod is None:
        return ""
    if pod.held:
        return f": {held_text(pod)}"
    if measures.deleted:
        return ": it does not stop"
    if life.pending is not None:
        return f": {without_place('it', life.pending)}"
    if not pod.node:
        return ": it waits for a place"
    if life.unstable:
        return f": {unstable('it', life)}{to_readiness(pod)}"
    return f": {pod.trouble}{to_readiness(pod)}" if pod.trouble else f" (in {pod.stage})"


def lines(pods: Sequence[BarePodMeasures]) -> list[Part]:
    """A line for each, those that fail first; of these with what the scheduler says."""
    blocks: list[Part] = []
    told = sorted(pods, key=lambda each: each.holds)
    for measures in told[:MOST_PODS]:
        text = sentence(measures)
        blocks.append(
            Text(f"{text}, created at {format_duration(measures.created)}" if measures.created else text)
        )
        pending = None if measures.life is None or measures.holds else measures.life.pending
        if pending is not None and pending.message:
            blocks.append(Text(f"  the scheduler: {printable(pending.message)}", style="dim"))
            blocks += [Text(f"    {printable(each)}", style="dim") for each in node_verdicts(pending)]
    if len(told) > MOST_PODS:
        blocks.append(Text(f"… and {len(told) - MOST_PODS:,} more", style="dim"))
    return blocks
