"""Accelerators taken by pods against what there is."""

from __future__ import annotations

from kubeinfer_sim.report.plots.plot import (
    BLUE,
    DARK_GREY,
    VERMILLION,
    Plot,
    TimeAxis,
    count_axis,
    escaped,
    layout,
    said,
)
from kubeinfer_sim.report.series.accelerators import Accelerators
from kubeinfer_sim.report.words import point


def accelerators_plot(series: Accelerators) -> Plot:
    """In use as an area, capacity as a line, and what of it works where something is broken."""
    axis = TimeAxis(series.at[0], series.at[-1])
    times = axis.all(series.at)
    lines = [("in use", series.in_use, "solid", BLUE), ("there", series.capacity, "dash", DARK_GREY)]
    if series.in_service != series.capacity:
        lines.append(("in service", series.in_service, "dot", VERMILLION))
    data = [
        {
            "type": "scatter",
            "name": name,
            "x": times,
            "y": values,
            "mode": "lines",
            "line": {"shape": "hv", "dash": dash, "color": colour, "width": 2},
            "hoverinfo": "text",
            "hovertext": [
                said(f"{point(at)}: {number:,} {name}") for at, number in zip(series.at, values, strict=True)
            ],
            **({"fill": "tozeroy", "fillcolor": f"{colour}55", "meta": "steps"} if name == "in use" else {}),
        }
        for name, values, dash, colour in lines
    ]
    top = max([*series.in_use, *series.capacity])
    nouns = escaped(f"{series.noun}s")
    return Plot(
        f"{series.noun}s in use against capacity over time",
        data,
        layout(280, xaxis=axis.layout(), yaxis=count_axis(nouns, top)),
    )
