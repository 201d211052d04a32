"""What else than what was asked for took readiness away, in the verdict: a fault, a crash, a drain, and its cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.metrics import Change, Measures, Outcome
from kubeinfer_sim.metrics.attribution import CauseSummary
from kubeinfer_sim.metrics.availability import Availability
from kubeinfer_sim.metrics.cause_kinds import ORDERS, withholds_images
from kubeinfer_sim.metrics.lives import InstanceLife
from kubeinfer_sim.report.causes import cause_text, first_cause
from kubeinfer_sim.report.words import count, fine_percent, instance_seconds, point

if TYPE_CHECKING:
    from kubeinfer_sim.metrics.traffic import TrafficMeasures


def other_causes(said: str, measures: Measures, change: Change | None, causes: Sequence[CauseSummary]) -> str:
    """To follow how a KubeInfer came out: ` (NpuFault of node-0/npu3, held by chat-0-serve-0, at 1h: 940 …)`.

    Args:
        said: that sentence.
        measures: of the KubeInfer.
        change: what it is about; None: what ran was disturbed, no more.
        causes: what cost it readiness, dearest first.
    """
    others = [each for each in causes if each.kind not in ORDERS]
    if not others:
        return ""
    if measures.outcome is not Outcome.COMPLETES:
        lasting = [each.began_with for each in others if each.incidents > each.repaired]
        if any(
            life.unstable for life in measures.instances
        ):  # what comes in each round is no cause of its own
            lasting = [min(others, key=lambda each: each.cause).began_with]
        if not (measures.losing and (change is None or change.completed is not None)):
            lasting = []
        held_up = [each.began_with for each in others if each.missing and withholds_images(each.began_with)]
        return first_cause(lasting or held_up, said)
    if change is None:
        return f" ({_priced(others)})"
    costly = [each for each in others if each.total]
    if below := _below_budget(measures, change, costly):
        return below
    lost = sum(each.total for each in costly)
    return f"; {instance_seconds(lost)} lost besides ({_named(costly)})" if lost else ""


def slow_pods(availability: Availability) -> str:
    """`; slow pods lower the capacity to 96.25 %`, or pods that compute nothing, where all are ready all the time."""
    capacity = availability.capacity
    if capacity is None or capacity >= 1 or any(level.outages for level in availability.levels):
        return ""
    return f"; {slow_or_idle(availability)} lower the capacity to {fine_percent(float(capacity))}"


def slow_or_idle(availability: Availability) -> str:
    """Which pods lower the capacity while all are ready."""
    return "pods that compute nothing" if availability.idle else "slow pods"


def dead_pods(lives: Sequence[InstanceLife], traffic: TrafficMeasures | None) -> str:
    """`chat-0-decode-0 has computed nothing since 10m behind checks that pass, and nobody has restarted it`."""
    dead = [(since, pod) for life in lives for pod in life.pods if (since := pod.dead_since) is not None]
    if not dead:
        return _hung_pods(lives, traffic)
    since, pod = min(dead, key=lambda each: each[0])
    name = printable(pod.pod.name)
    text = f"{name} has computed nothing since {point(since)} behind checks that pass, and nobody has restarted it"
    text += f" (and {count(len(dead) - 1, 'more pod')} like it)" if len(dead) > 1 else ""
    return f"{text}{_unanswered(traffic)}"


def _hung_pods(lives: Sequence[InstanceLife], traffic: TrafficMeasures | None) -> str:
    """`chat-0-serve-0 computed nothing from 10m to 40m36s behind checks that passed: about 7,344 requests lost`."""
    hung = [(*pod.hung, pod.pod) for life in lives for pod in life.pods if pod.hung is not None]
    if not hung:
        return ""
    since, until, first = min(hung, key=lambda each: each[0])
    times = f"from {point(since)} to {point(until)}"
    text = f"{printable(first.name)} computed nothing {times} behind checks that passed"
    text += f" (and {count(len(hung) - 1, 'more pod')} like it)" if len(hung) > 1 else ""
    return f"{text}{_unanswered(traffic)}"


def _unanswered(traffic: TrafficMeasures | None) -> str:
    lost = 0 if traffic is None else round(traffic.unanswered)
    return f": about {count(lost, 'request')} lost" if lost else ""


def _below_budget(measures: Measures, change: Change, costly: Sequence[CauseSummary]) -> str:
    """What took an update that completes below what its budget keeps: an update alone never does.

    `, fewer than the 2 that the budget keeps (chat-0-serve-0 ended (Error) at 5m)`
    """
    service = measures.service
    low = service.min_ready
    kept = min(measures.desired.between(service.since, service.until)) - change.unavailable
    if not change.is_update or low.value >= kept:
        return ""
    # What began last before it were fewer is what made them fewer.
    before = [each for each in costly if each.began_with is None or each.began_with.at <= low.at]
    before.sort(key=lambda each: each.cause, reverse=True)
    return f", fewer than the {kept:,} that the budget keeps ({_named(before)})" if before else ""


def _priced(causes: Sequence[CauseSummary]) -> str:
    """The first one and what it cost, and how many more there are."""
    first, *others = causes
    text = cause_text(first.began_with, held=True)
    if first.total:
        text = f"{text}: {instance_seconds(first.total)}"
    return f"{text}; {count(len(others), 'more cause')}" if others else text


def _named(causes: Sequence[CauseSummary]) -> str:
    first, *others = causes
    more = f" and {count(len(others), 'more cause')}" if others else ""
    return f"{cause_text(first.began_with, held=True)}{more}"
