"""Predicted intervals as bars, and what happened as a mark: inside, outside, or not told exactly enough to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kubeinfer_sim.report.plots.plot import (
    GREEN,
    LIGHT_GREY,
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
    ends = [end for each in rows for end in (each.least, each.most, *(each.at or ()))]
    place, axis = number_axis(series.title, series.unit, ends)
    first, last = axis["range"]
    thin = (last - first) / _THIN
    predicted = [(place(each.low), place(each.high)) for each in rows]
    inside = [(place(each.least), place(each.most)) for each in rows]
    data: list[dict[str, Any]] = []
    if inside != predicted:
        data.append(
            {**_bars("counts as inside: times are whole seconds", inside, LIGHT_GREY), "hoverinfo": "skip"}
        )
    data.append(
        {
            **_bars(
                "predicted",
                [(low - thin / 2, low + thin / 2) if low == high else (low, high) for low, high in predicted],
                SKY,
            ),
            "hoverinfo": "text",
            "hovertext": [said(*each.text) for each in rows],
            "meta": "steps",
        }
    )
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
        layout(
            max(140, 40 * len(rows) + 90),
            barmode="overlay",
            xaxis=axis,
            yaxis=sentence_axis([each.row for each in rows]),
        ),
    )


def _bars(name: str, spans: Sequence[tuple[float, float]], colour: str) -> dict[str, Any]:
    """A bar in each row, between two numbers."""
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": list(range(len(spans))),
        "base": [low for low, _ in spans],
        "x": [high - low for low, high in spans],
        "width": 0.45,
        "marker": {"color": colour},
        "textposition": "none",
    }


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
