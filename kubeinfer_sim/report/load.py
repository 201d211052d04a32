"""The section of the report on the offered load."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.metrics.demand import Demand
from kubeinfer_sim.report.paragraph import Part
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count, fine_percent, rounded
from kubeinfer_sim.scenario.demand.curve import OfferedLoad


def load_lines(load: OfferedLoad | None, demand: Demand | None) -> list[Part]:
    """What became of the load; nothing when the scenario says nothing of it."""
    if load is None or demand is None:
        return []
    lines = [load.line]
    if demand.unserved:
        fraction = fine_percent(float(demand.fraction or 0))
        lines.append(f"not served: {fraction} of it ({_amount(demand.unserved, load)})")
        times = f" ({count(len(demand.overloads), 'time')})" if len(demand.overloads) > 1 else ""
        text = f"overloaded for {rounded(ceil(demand.overloaded))}{times}"
        if times:
            text += f", {rounded(ceil(demand.longest))} at a time"
        amount = f"{float(demand.worst):,.4g}"
        worst = f"{amount} {load.unit or ('instance' if amount == '1' else 'instances')}"
        lines.append(f"{text}; worst at {rounded(demand.worst_at)}: {worst} too much")
    elif demand.offered:
        lines.append("served throughout")
    return [Text(printable(line)) for line in lines]


def _amount(amount: Fraction, load: OfferedLoad) -> str:
    """Of a rate what it comes to (`1,200 requests`), else the unit times seconds."""
    value = float(amount / 1000)
    total = f"{value:,.0f}" if value >= 1000 else f"{value:,.4g}"
    if load.unit.endswith("/s"):
        return f"{total} {load.unit.removesuffix('/s')}"
    return f"{total} {load.unit}·s" if load.unit else f"{total} instance-seconds"
