"""The lines of the report on requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.report.paragraph import Part
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count, rounded

if TYPE_CHECKING:
    from kubeinfer_sim.metrics.lost_requests import Stop
    from kubeinfer_sim.metrics.traffic import TrafficMeasures

_MOST = 6


def traffic_lines(traffic: TrafficMeasures | None) -> list[Part]:
    """What requests met; nothing when the scenario says nothing of them."""
    if traffic is None:
        return []
    lines = []
    if traffic.unserved:
        lines.append(
            f"nothing served for {rounded(traffic.unserved)} in all, {rounded(traffic.longest_unserved)} at a time"
        )
    else:
        lines.append("something served throughout")
    if traffic.misdirected:
        lines.append(
            f"publishNotReadyAddresses: {rounded(traffic.misdirected)} of instance time in which requests went to "
            "pods that do not answer"
        )
    lost, error = traffic.lost
    if lost:
        lines.append(f"about {lost:,.1f} requests lost (± {error:,.1f}, 95 %)")
        if traffic.hung:
            lines.append(
                f"  {traffic.unanswered:,.1f} sent to what computes nothing behind checks that pass, for "
                f"{rounded(traffic.hung)} in all"
            )
        worst = sorted(traffic.stops, key=lambda stop: -(stop.cut + stop.refused))
        lines += [f"  {_stop(stop)}" for stop in worst[:_MOST] if stop.cut + stop.refused]
        if len(worst) > _MOST:
            lines.append(f"  … {count(len(worst) - _MOST, 'more stop')}")
    elif traffic.hung:
        lines.append(f"sent for {rounded(traffic.hung)} to what computes nothing behind checks that pass")
    elif traffic.stops:
        lines.append(f"{count(len(traffic.stops), 'stop')}, none of which loses a request that is known of")
    return [Text(printable(line)) for line in lines]


def _stop(stop: Stop) -> str:
    text = f"{stop.unit} at {rounded(stop.at)} ({stop.reason}): {stop.cut:,.1f} cut"
    return f"{text}, {stop.refused:,.1f} sent to it when it was dead" if stop.refused else text
