"""Instances, or pods, of a workload over time as a stack, with a mark for all that happened."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.report.plots.plot import (
    BLUE,
    GREEN,
    LIGHT_GREY,
    ORANGE,
    PURPLE,
    VERMILLION,
    Plot,
    TimeAxis,
    count_axis,
    escaped,
    layout,
    said,
)
from kubeinfer_sim.report.series.readiness import Course, Event, What
from kubeinfer_sim.report.words import count, point

#: Marks that get a line through the picture at most; of more there would be nothing else.
_MOST_LINES = 30
_COLOURS: dict[What, str] = {
    "new": GREEN,
    "middle": PURPLE,
    "old": BLUE,
    "starting": ORANGE,
    "terminating": LIGHT_GREY,
}
_PATTERNS: dict[What, str] = {"starting": "/", "terminating": "\\"}


def timeline_plot(course: Course) -> Plot:
    """Ready, starting and terminating on top of one another, how many were wanted, what was done and what broke."""
    axis = TimeAxis(course.at[0], course.at[-1])
    times = axis.all(course.at)
    totals = [sum(values) for values in zip(*(band.values for band in course.bands), strict=True)]
    top = max([*course.desired, *totals])
    data = [_band(course, band_place, times) for band_place in range(len(course.bands))]
    data.append(
        {
            "type": "scatter",
            "name": "wanted",
            "x": times,
            "y": course.desired,
            "mode": "lines",
            "line": {"shape": "hv", "dash": "dash", "color": VERMILLION, "width": 2},
            "hoverinfo": "text",
            "hovertext": [
                said(f"{point(at)}: {count(wanted, course.noun)} wanted")
                for at, wanted in zip(course.at, course.desired, strict=True)
            ],
        }
    )
    done = [each for each in course.events if not each.is_fault]
    broken = [each for each in course.events if each.is_fault]
    for name, events, symbol, colour in (
        ("events", done, "triangle-down", BLUE),
        ("faults", broken, "x", VERMILLION),
    ):
        if events:
            data.append(_marks(name, events, axis, max(top, 1) * 1.07, symbol, colour))
    lines = [axis.of(each.at) for each in course.events[:_MOST_LINES]]
    shapes = [
        {
            "type": "line",
            "x0": at,
            "x1": at,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "line": {"width": 1, "dash": "dot", "color": LIGHT_GREY},
        }
        for at in lines
    ]
    plural = f"{course.noun}s"
    return Plot(
        f"{course.name}: {plural} ready, starting and terminating over time",
        data,
        layout(360, xaxis=axis.layout(), yaxis=count_axis(plural, top), shapes=shapes),
    )


def _band(course: Course, place: int, times: list[float]) -> dict[str, Any]:
    band = course.bands[place]
    colour = _COLOURS[band.what]
    pattern = _PATTERNS.get(band.what)
    fill: dict[str, Any] = (
        {"fillpattern": {"shape": pattern, "fgcolor": colour, "bgcolor": f"{colour}55", "size": 6}}
        if pattern
        else {"fillcolor": f"{colour}cc"}
    )
    return {
        "type": "scatter",
        "name": escaped(band.name),
        "x": times,
        "y": band.values,
        "stackgroup": "one",
        "mode": "lines",
        "line": {"shape": "hv", "width": 0.5, "color": colour},
        "hoverinfo": "text",
        "hovertext": [
            said(f"{point(at)}: {number:,} {band.name}")
            for at, number in zip(course.at, band.values, strict=True)
        ],
        **fill,
        **({} if course.events or place else {"meta": "steps"}),
    }


def _marks(
    name: str, events: list[Event], axis: TimeAxis, height: float, symbol: str, colour: str
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "name": name,
        "x": axis.all(each.at for each in events),
        "y": [height] * len(events),
        "mode": "markers",
        "marker": {"symbol": symbol, "size": 11, "color": colour, "line": {"width": 1, "color": "white"}},
        "hoverinfo": "text",
        "hovertext": [said(f"{point(each.at)}: {each.text}") for each in events],
        "meta": "steps",
        "cliponaxis": False,
    }
