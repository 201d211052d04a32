"""Predicted intervals as bars, and what happened as a mark: inside, outside, or not told exactly enough to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kubeinfer_sim.report.plots.plot import (
    GREEN,
    ORANGE,
    SKY,
    VERMILLION,
    Plot,
    layout,
    number_axis,
    said,
    sentence_axis,
)
from kubeinfer_sim.report.series.intervals import Intervals, Predicted

#: Colour and symbol of what happened.
_LOOKS = {"inside": (GREEN, "circle"), "outside": (VERMILLION, "x"), "not told": (ORANGE, "square")}
#: An interval that is a point is drawn as a bar so many times as thin as the picture is wide.
_THIN = 150


def intervals_plot(series: Intervals) -> Plot:
    """One figure, a row a rollout."""
    rows = series.rows
    ends = [end for each in rows for end in (each.low, each.high, *(each.at or ()))]
    place, axis = number_axis(series.title, series.unit, ends)
    first, last = axis["range"]
    thin = (last - first) / _THIN
    data: list[dict[str, Any]] = [
        {
            "type": "bar",
            "orientation": "h",
            "name": "predicted",
            "y": list(range(len(rows))),
            "base": [place(each.low) - (thin / 2 if each.low == each.high else 0) for each in rows],
            "x": [max(place(each.high) - place(each.low), thin) for each in rows],
            "width": 0.45,
            "marker": {"color": SKY},
            "hoverinfo": "text",
            "hovertext": [said(*each.text) for each in rows],
            "textposition": "none",
            "meta": "steps",
        }
    ]
    for judgement, (colour, symbol) in _LOOKS.items():
        own = [(number, each) for number, each in enumerate(rows) if each.judgement == judgement and each.at]
        if own:
            known = "cannot be told exactly" if judgement == "not told" else judgement
            data.append(
                {
                    "type": "scatter",
                    "name": f"happened, {known}",
                    "y": [number for number, _ in own],
                    "x": [place(_middle(each)) for _, each in own],
                    "mode": "markers",
                    "marker": {"symbol": symbol, "size": 11, "color": colour},
                    "hoverinfo": "text",
                    "hovertext": [said(*each.text) for _, each in own],
                    **_ends(own, place, colour),
                }
            )
    return Plot(
        f"{series.title}: what happened beside what was predicted",
        data,
        layout(max(140, 40 * len(rows) + 90), xaxis=axis, yaxis=sentence_axis([each.row for each in rows])),
    )


def _ends(
    rows: Sequence[tuple[int, Predicted]], place: Callable[[float], float], colour: str
) -> dict[str, Any]:
    """Between which times it happened, where these are two."""
    halves = [place(_middle(each)) - place((each.at or (0.0,))[0]) for _, each in rows]
    if not any(halves):
        return {}
    look = {"color": colour, "thickness": 2, "width": 6}
    return {"error_x": {"type": "data", "symmetric": True, "array": halves, **look}}


def _middle(row: Predicted) -> float:
    low, high = row.at or (0.0, 0.0)
    return (low + high) / 2
