"""What was tried when, a mark each: where it breaks something, where it costs something, where it is harmless."""

from __future__ import annotations

from kubeinfer_sim.report.plots.plot import GREEN, ORANGE, VERMILLION, Plot, TimeAxis, layout, name_axis, said
from kubeinfer_sim.report.series.moments import Moments

_LOOKS = (
    ("harmless", GREEN, "circle"),
    ("costs something", ORANGE, "square"),
    ("breaks it", VERMILLION, "x"),
)


def moments_plot(series: Moments, label: str) -> Plot:
    """A row a kind; what breaks it lies on top."""
    places = {row: place for place, row in enumerate(series.rows)}
    axis = TimeAxis(0, max((each.at for each in series.tried), default=1))
    data = []
    for came, colour, symbol in _LOOKS:
        own = [each for each in series.tried if each.came == came]
        if not own:
            continue
        data.append(
            {
                "type": "scatter",
                "name": came,
                "x": axis.all(each.at for each in own),
                "y": [places[each.row] for each in own],
                "mode": "markers",
                "marker": {"symbol": symbol, "size": 9, "color": colour, "opacity": 0.8},
                "hoverinfo": "text",
                "hovertext": [said(each.text) for each in own],
                "cliponaxis": False,
                "meta": "steps",
            }
        )
    horizontal = axis.layout("struck at")
    first, last = horizontal["range"]
    horizontal["range"] = [
        first - (last - first) / 40,
        last + (last - first) / 40,
    ]  # marks lie beside the names
    return Plot(
        label,
        data,
        layout(max(150, 26 * len(series.rows) + 80), xaxis=horizontal, yaxis=name_axis(series.rows)),
    )
