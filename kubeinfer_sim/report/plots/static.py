"""A picture as PNG, for places that show no interactive one: what GitHub makes of a notebook, mail, a printer."""

from __future__ import annotations

import html
from collections import defaultdict
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from kubeinfer_sim.report.plots.plot import LIGHT_GREY, Plot

#: Pixels of an inch, and how wide a picture is, in inches.
_DENSITY, _WIDTH = 80, 9.0
_STYLES = {"dash": "--", "dot": ":"}
_MARKERS = {"triangle-down": "v", "x": "X", "circle": "o", "square": "s", "diamond": "D"}


def png(plot: Plot) -> bytes:
    """The picture with all it shows but what is said at its marks.

    Raises:
        ImportError: Matplotlib is not installed.
    """
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(_WIDTH, plot.layout["height"] / _DENSITY), dpi=_DENSITY, layout="constrained")
    drawn.patch.set_facecolor("white")
    axes = drawn.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(color=LIGHT_GREY, linewidth=0.4)
    stacked: dict[Any, float] = defaultdict(float)
    below: list[float] = []
    for trace in plot.data:
        if trace["type"] == "bar":
            _bars(axes, trace, stacked if plot.layout.get("barmode") == "stack" else None)
        else:
            below = _scatter(axes, trace, below)
    for shape in plot.layout.get("shapes", ()):
        axes.axvline(shape["x0"], color=shape["line"]["color"], linestyle=":", linewidth=1)
    _axis(axes, "x", plot.layout["xaxis"])
    _axis(axes, "y", plot.layout["yaxis"])
    if axes.get_legend_handles_labels()[1]:
        drawn.legend(loc="outside upper left", ncols=5, frameon=False, fontsize="small")
    written = BytesIO()
    drawn.savefig(written, format="png", metadata={"Software": None})
    return written.getvalue()


def _scatter(axes: Any, trace: dict[str, Any], below: list[float]) -> list[float]:
    """Draws it; the upper edge of the areas so far."""
    x, y, name = trace["x"], trace["y"], _label(trace)
    if trace["mode"] == "markers":
        marker = trace["marker"]
        axes.scatter(
            x,
            y,
            s=marker["size"] ** 2 * 0.5,
            color=marker["color"],
            alpha=marker.get("opacity", 1),
            marker=_MARKERS.get(marker.get("symbol", "circle"), "o"),
            label=name,
            zorder=3,
            clip_on=trace.get("cliponaxis", True),
        )
        _intervals(axes, x, y, trace)
        return below
    line = trace["line"]
    if "stackgroup" in trace:
        bottom = below or [0.0] * len(y)
        top = [low + more for low, more in zip(bottom, y, strict=True)]
        _area(axes, x, bottom, top, trace)
        return top
    if trace.get("fill") == "tozeroy":
        _area(axes, x, [0.0] * len(y), y, {**trace, "name": ""})
    if trace.get("fill") == "tonexty":
        _area(axes, x, below, y, trace)
    if line["width"]:
        style = _STYLES.get(line.get("dash", ""), "-")
        steps = "steps-post" if line.get("shape") == "hv" else "default"
        axes.plot(
            x, y, linestyle=style, color=line["color"], linewidth=line["width"], drawstyle=steps, label=name
        )
    return list(y)


def _intervals(axes: Any, x: Sequence[float], y: Sequence[float], trace: dict[str, Any]) -> None:
    for side in "xy":
        if bars := trace.get(f"error_{side}"):
            ends = {f"{side}err": (bars.get("arrayminus", bars["array"]), bars["array"])}
            axes.errorbar(x, y, **ends, fmt="none", color=bars["color"], capsize=4)


def _area(axes: Any, x: list[float], low: list[float], high: list[float], trace: dict[str, Any]) -> None:
    pattern = trace.get("fillpattern", {}).get("shape", "")
    axes.fill_between(
        x,
        low,
        high,
        step="post",
        label=_label(trace),
        alpha=0.35 if pattern or "stackgroup" not in trace else 0.8,
        facecolor=trace["line"]["color"],
        hatch=pattern * 3,
        linewidth=0,
    )


def _bars(axes: Any, trace: dict[str, Any], stacked: dict[Any, float] | None) -> None:
    lying = trace.get("orientation") == "h"
    places, lengths = (trace["y"], trace["x"]) if lying else (trace["x"], trace["y"])
    begins = list(trace.get("base", [0.0] * len(places)))
    if stacked is not None:
        begins = [stacked[place] for place in places]
        for place, length in zip(places, lengths, strict=True):
            stacked[place] += length
    look = {
        "color": trace["marker"]["color"],
        "hatch": trace["marker"].get("pattern", {}).get("shape", "") * 3,
        "edgecolor": "white",
        "linewidth": 0,
        "label": _label(trace),
    }
    if lying:
        axes.barh(places, lengths, height=trace["width"], left=begins, **look)
        _intervals(axes, lengths, places, trace)
    else:
        axes.bar(places, lengths, width=trace["width"], bottom=begins, **look)


def _label(trace: dict[str, Any]) -> str:
    """Matplotlib leaves out of the legend what begins with an underscore; no name is shown there by Plotly either."""
    shown = trace["name"] and trace.get("showlegend", True)
    return _text(trace["name"]) if shown else "_"


def _axis(axes: Any, which: str, told: dict[str, Any]) -> None:
    if title := told.get("title"):
        axes.set(**{f"{which}label": _text(title["text"])})
    by_factor = told.get("type") == "log"
    if by_factor:
        axes.set(**{f"{which}scale": "log"})
    if span := told.get("range"):
        axes.set(**{f"{which}lim": [10**end for end in span] if by_factor else span})
    if "tickvals" in told:
        axes.set(**{f"{which}ticks": told["tickvals"], f"{which}ticklabels": [*map(_text, told["ticktext"])]})
    elif told.get("dtick"):
        from matplotlib.ticker import MultipleLocator

        getattr(axes, f"{which}axis").set_major_locator(MultipleLocator(told["dtick"]))
    if told.get("tickformat", "").endswith("%"):
        from matplotlib.ticker import PercentFormatter

        getattr(axes, f"{which}axis").set_major_formatter(PercentFormatter(1))


def _text(written: str) -> str:
    """As it is read; a dollar sign begins no formula."""
    return html.unescape(written.replace("<br>", "\n")).replace("$", r"\$")
