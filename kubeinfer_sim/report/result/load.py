"""What became of the offered load; only with `spec.load`."""

from __future__ import annotations

from math import ceil

from kubeinfer_sim.metrics.demand import Demand
from kubeinfer_sim.report.result_part import Part
from kubeinfer_sim.scenario.demand.curve import OfferedLoad


class OverloadPart(Part):
    """A time in which more was asked than the instances could take."""

    since_ms: int
    until_ms: int


class LoadPart(Part):
    """What became of the offered load; only with `spec.load`."""

    unit: str
    """`instances` where the scenario names none."""
    offered: float
    """Integral of the load, in the unit times seconds (of `requests/s`: requests)."""
    unserved: float
    unserved_fraction: float | None
    overload_ms: int
    """Time in which the load was above the capacity; whole ms, rounded up."""
    longest_overload_ms: int
    worst_shortage: float
    """The highest load above the capacity, and when that first was."""
    worst_at_ms: int
    overloads: list[OverloadPart]


def load_part(load: OfferedLoad | None, demand: Demand | None) -> LoadPart | None:
    """The load's part of the result document."""
    if load is None or demand is None:
        return None
    return LoadPart(
        unit=load.unit or "instances",
        offered=float(demand.offered / 1000),
        unserved=float(demand.unserved / 1000),
        unserved_fraction=None if demand.fraction is None else float(demand.fraction),
        overload_ms=ceil(demand.overloaded),
        longest_overload_ms=ceil(demand.longest),
        worst_shortage=float(demand.worst),
        worst_at_ms=demand.worst_at,
        overloads=[
            OverloadPart(since_ms=int(each.since), until_ms=ceil(each.until)) for each in demand.overloads
        ],
    )
