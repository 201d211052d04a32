"""Stages of pods as bars in rows, or how many pods were in which stage as a stack."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.report.plots.plot import (
    BLUE,
    DARK_GREY,
    GREEN,
    LIGHT_GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
    Plot,
    TimeAxis,
    count_axis,
    layout,
    name_axis,
    said,
)
from kubeinfer_sim.report.series.stages import PHASES, StageCounts, StagesByRow
from kubeinfer_sim.report.words import point

#: Colour and pattern of each phase.
_LOOKS: dict[str, tuple[str, str]] = {
    "wait": (LIGHT_GREY, ""),
    "image": (SKY, ""),
    "gang": (YELLOW, ""),
    "engine": (ORANGE, ""),
    "weights": (BLUE, ""),
    "graph": (PURPLE, ""),
    "ready": (ORANGE, "."),
    "unready": (VERMILLION, "x"),
    "serving": (GREEN, ""),
    "stopping": (DARK_GREY, "/"),
}
_ROW, _LEAST_HEIGHT = 20, 140


def stages_plot(series: StagesByRow | StageCounts) -> Plot:
    """The picture of either."""
    return _bars(series) if isinstance(series, StagesByRow) else _stack(series)


def _bars(series: StagesByRow) -> Plot:
    axis = TimeAxis(0, series.until)
    data = []
    for phase, words in series.words.items():
        own = [bar for bar in series.bars if bar.phase == phase]
        if not own:
            continue
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": words,
                "y": [bar.row for bar in own],
                "x": axis.all(bar.until - bar.since for bar in own),
                "base": axis.all(bar.since for bar in own),
                "width": 0.8,
                "marker": _marker(phase),
                "hoverinfo": "text",
                "hovertext": [said(series.rows[bar.row], bar.text) for bar in own],
                "textposition": "none",
                "meta": "steps",
            }
        )
    height = max(_LEAST_HEIGHT, _ROW * len(series.rows) + 80)
    rows = name_axis(series.rows)
    return Plot(
        f"Stages of each {series.of} over time",
        data,
        layout(height, barmode="overlay", bargap=0, xaxis=axis.layout(), yaxis=rows),
    )


def _marker(phase: str) -> dict[str, Any]:
    colour, pattern = _LOOKS[phase]
    marker: dict[str, Any] = {"color": colour, "line": {"width": 0}}
    if pattern:
        marker["pattern"] = {"shape": pattern, "fillmode": "overlay", "fgcolor": "white", "size": 6}
    return marker


def _stack(series: StageCounts) -> Plot:
    axis = TimeAxis(series.at[0], series.at[-1])
    times = axis.all(series.at)
    data = []
    # Ready at the bottom, then those nearest to it.
    for phase in ("serving", *(each for each in reversed([*PHASES]) if each != "serving")):
        if phase not in series.by_phase:
            continue
        values, colour = series.by_phase[phase], _LOOKS[phase][0]
        data.append(
            {
                "type": "scatter",
                "name": series.words[phase],
                "x": times,
                "y": values,
                "stackgroup": "one",
                "mode": "lines",
                "line": {"shape": "hv", "width": 0.5, "color": colour},
                "fillcolor": f"{colour}cc",
                "hoverinfo": "text",
                "hovertext": [
                    said(f"{point(at)}: {number:,} {series.words[phase]}")
                    for at, number in zip(series.at, values, strict=True)
                ],
                **({"meta": "steps"} if phase == "serving" else {}),
            }
        )
    top = max(sum(values) for values in zip(*series.by_phase.values(), strict=True))
    return Plot(
        "How many pods were in which stage over time",
        data,
        layout(360, xaxis=axis.layout(), yaxis=count_axis("pods", top)),
    )
