"""A tornado: bars to the left where a figure falls, to the right where it rises, the longest on top."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf
from typing import Any

from kubeinfer_sim.report.plots.plot import (
    BLUE,
    DARK_GREY,
    LIGHT_GREY,
    ORANGE,
    VERMILLION,
    Plot,
    difference_axis,
    layout,
    said,
    sentence_axis,
)
from kubeinfer_sim.report.series.tornado import FALLS, NEVER, RISES, UNSURE, Tornado, Turned

#: Colour and pattern of each kind.
_LOOKS = {FALLS: (BLUE, ""), RISES: (ORANGE, ""), NEVER: (VERMILLION, "x"), UNSURE: (LIGHT_GREY, "/")}


def tornado_plot(series: Tornado) -> Plot:
    """What never finishes reaches to the edge."""
    every = [
        abs(end)
        for each in series.turned
        for end in (each.more, each.low, each.high)
        if end is not None and not isinf(end)
    ]
    longest = max(every, default=0.0) or 1.0
    scale, unit = difference_axis(series.unit, longest)
    edge = longest * 1.08

    def within(value: float) -> float:
        return scale(max(-edge, min(edge, value)))

    data = [
        _bars(kind, own, within)
        for kind in _LOOKS
        if (own := [each for each in series.turned if each.kind == kind])
    ]
    return Plot(
        f"What moves {series.figure}, one input at a time",
        data,
        layout(
            max(180, 44 * len(series.rows) + 90),
            barmode="overlay",
            showlegend=True,  # also of one kind: what cannot be told is hatched
            xaxis={
                "title": {"text": f"more than as it is{unit}"},
                "range": [-scale(edge), scale(edge)],
                "zeroline": True,
                "zerolinewidth": 2,
                "zerolinecolor": DARK_GREY,
            },
            yaxis=sentence_axis(series.rows),
        ),
    )


def _bars(kind: str, turned: Sequence[Turned], within: Any) -> dict[str, Any]:
    colour, pattern = _LOOKS[kind]
    marker: dict[str, Any] = {"color": colour, "opacity": 0.85, "line": {"width": 0}}
    if pattern:
        marker["pattern"] = {"shape": pattern, "fillmode": "overlay", "fgcolor": "white", "size": 6}
    known = [each for each in turned if each.low is not None and each.high is not None]
    bars: dict[str, Any] = {
        "type": "bar",
        "orientation": "h",
        "name": kind,
        "y": [each.row for each in turned],
        "x": [within(each.more) for each in turned],
        "width": 0.6,
        "marker": marker,
        "hoverinfo": "text",
        "hovertext": [said(*each.text) for each in turned],
        "textposition": "none",
        "meta": "steps",
    }
    if any(each.low != each.high for each in known):
        bars["error_x"] = {
            "type": "data",
            "symmetric": False,
            "array": [_to(within, each.more, each.high) for each in turned],
            "arrayminus": [-_to(within, each.more, each.low) for each in turned],
            "color": DARK_GREY,
            "thickness": 1.5,
            "width": 4,
        }
    return bars


def _to(within: Any, value: float, end: float | None) -> float:
    """How far it is from a value to an end of its interval; none where that is not known."""
    return 0.0 if end is None else float(within(end) - within(value))
