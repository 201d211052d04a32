"""What requests met; only with `spec.traffic`."""

from __future__ import annotations

from kubeinfer_sim.metrics.traffic import TrafficMeasures
from kubeinfer_sim.report.result_part import Part, Points


class StopPart(Part):
    """What requests met when an instance (or pod) stopped."""

    unit: str
    at_ms: int
    out_of_traffic_at_ms: int
    ends_at_ms: int
    reason: str
    requests_cut: float
    """Expected: in its hands when its engine ended."""
    requests_refused: float
    """Expected: sent to it after its end."""
    error: float
    """Half the width of the 95 % interval of their sum."""


class TrafficPart(Part):
    """What requests met; only with `spec.traffic`."""

    serving: Points
    unserved_ms: int
    longest_unserved_ms: int
    misdirected_ms: int
    """Instance-ms in which requests went to pods that do not answer (publishNotReadyAddresses)."""
    hung_ms: int
    """Instance-ms in which requests went to what computes nothing, though its checks pass."""
    requests_unanswered: float
    """Expected: lost so."""
    requests_lost: float
    error: float
    stops: list[StopPart]


def traffic_part(traffic: TrafficMeasures | None) -> TrafficPart | None:
    """What requests met; None without `spec.traffic`."""
    if traffic is None:
        return None
    lost, error = traffic.lost
    return TrafficPart(
        serving=traffic.serving.points,
        unserved_ms=traffic.unserved,
        longest_unserved_ms=traffic.longest_unserved,
        misdirected_ms=traffic.misdirected,
        hung_ms=traffic.hung,
        requests_unanswered=traffic.unanswered,
        requests_lost=lost,
        error=error,
        stops=[
            StopPart(
                unit=stop.unit,
                at_ms=stop.at,
                out_of_traffic_at_ms=stop.out,
                ends_at_ms=stop.ends,
                reason=stop.reason,
                requests_cut=stop.cut,
                requests_refused=stop.refused,
                error=stop.error,
            )
            for stop in traffic.stops
        ],
    )
