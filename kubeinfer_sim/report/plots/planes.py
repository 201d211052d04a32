"""Spots in a plane of two numbers, each kind with its own mark, with intervals, and a line through them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kubeinfer_sim.report.plots.plot import (
    BLUE,
    DARK_GREY,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Plot,
    escaped,
    layout,
    number_axis,
    said,
)
from kubeinfer_sim.report.series.planes import (
    CHOSEN,
    FAILS,
    HOLDS,
    ON_FRONT,
    OTHERS,
    UNDECIDED,
    Plane,
    Spot,
)

#: Colour, symbol and size of each kind there may be; of others the next that is left.
_LOOKS = {
    CHOSEN: (BLUE, "diamond", 14),
    HOLDS: (GREEN, "circle", 10),
    UNDECIDED: (ORANGE, "square", 9),
    FAILS: (VERMILLION, "x", 9),
    ON_FRONT: (BLUE, "diamond", 11),
    OTHERS: (DARK_GREY, "circle", 7),
}
_MORE_LOOKS = (
    (BLUE, "circle", 10),
    (VERMILLION, "x", 10),
    (ORANGE, "square", 9),
    (GREEN, "diamond", 10),
    (PURPLE, "triangle-down", 10),
    (SKY, "circle", 10),
)


def plane_plot(plane: Plane) -> Plot:
    """The line below all, the kinds that matter most on top."""
    spots = plane.spots
    across, x = number_axis(
        plane.x.title, plane.x.unit, [each.x for each in spots], by_factor=plane.x.by_factor
    )
    up, y = number_axis(
        plane.y.title,
        plane.y.unit,
        [end for each in spots for end in (each.y, each.low, each.high) if end is not None],
    )
    data: list[dict[str, Any]] = []
    if len(plane.line) > 1:
        data.append(
            {
                "type": "scatter",
                "name": plane.line_name,
                "x": [across(one) for one, _ in plane.line],
                "y": [up(other) for _, other in plane.line],
                "mode": "lines",
                "line": {
                    "width": 1.5,
                    "color": DARK_GREY,
                    "dash": "dot",
                    **({"shape": "hv"} if plane.in_steps else {}),
                },
                "hoverinfo": "skip",
            }
        )
    for number, kind in reversed([*enumerate(plane.kinds)]):
        own = [each for each in spots if each.kind == kind]
        if own:
            look = _LOOKS.get(kind, _MORE_LOOKS[number % len(_MORE_LOOKS)])
            data.append(_marks(kind, own, look, across, up))
    return Plot(plane.label, data, layout(360, xaxis=x, yaxis=y))


def _marks(
    kind: str,
    spots: Sequence[Spot],
    look: tuple[str, str, int],
    across: Callable[[float], float],
    up: Callable[[float], float],
) -> dict[str, Any]:
    colour, symbol, size = look
    trace: dict[str, Any] = {
        "type": "scatter",
        "name": escaped(kind),
        "x": [across(each.x) for each in spots],
        "y": [up(each.y) for each in spots],
        "mode": "markers",
        "marker": {"symbol": symbol, "size": size, "color": colour},
        "hoverinfo": "text",
        "hovertext": [said(*each.text) for each in spots],
        "meta": "steps",
    }
    if any(each.low is not None or each.high is not None for each in spots):
        trace["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": [up(each.y if each.high is None else each.high) - up(each.y) for each in spots],
            "arrayminus": [up(each.y) - up(each.y if each.low is None else each.low) for each in spots],
            "color": colour,
            "thickness": 1.5,
            "width": 4,
        }
    return trace
