"""How long many runs took: a histogram, and by when what part of them is done; and how few were ready in how many."""

from __future__ import annotations

from kubeinfer_sim.report.plots.plot import (
    BLUE,
    GREEN,
    SKY,
    Plot,
    TimeAxis,
    count_axis,
    escaped,
    layout,
    said,
)
from kubeinfer_sim.report.series.distributions import Durations, Fewest
from kubeinfer_sim.report.words import count, rounded, share


def durations_plot(series: Durations) -> Plot:
    """In how many runs it took so long."""
    axis = TimeAxis(series.bins[0][0], series.bins[-1][1])
    data = [
        {
            "type": "bar",
            "name": "runs",
            "x": axis.all((low + high) / 2 for low, high, _ in series.bins),
            "y": [number for _, _, number in series.bins],
            "width": axis.all(high - low for low, high, _ in series.bins),
            "marker": {"color": BLUE, "line": {"width": 1, "color": SKY}},
            "hoverinfo": "text",
            "hovertext": [
                said(f"{rounded(low)} to {rounded(high)}: {count(number, 'run')}")
                for low, high, number in series.bins
            ],
            "textposition": "none",
            "meta": "steps",
        }
    ]
    top = max(number for _, _, number in series.bins)
    return Plot(
        "How long it takes, in how many runs",
        data,
        layout(280, xaxis=axis.layout("it takes"), yaxis=count_axis("runs", top), bargap=0),
    )


def done_plot(series: Durations) -> Plot:
    """By when what part of the runs is done, with the interval."""
    last = series.done[-1][0]
    axis = TimeAxis(0, round(last * 1.04) + 1)
    times = [0.0, *(at for at, _ in series.done), last * 1.04 + 1]
    parts = [0.0, *(part for _, part in series.done), series.done[-1][1]]
    edges = [*series.bounds, (last * 1.04 + 1, *series.bounds[-1][1:])]
    line = {"shape": "hv", "width": 0, "color": SKY}
    band = [
        {
            "type": "scatter",
            "name": name,
            "x": axis.all(at for at, *_ in edges),
            "y": [bounds[place] for _, *bounds in edges],
            "mode": "lines",
            "line": line,
            "hoverinfo": "skip",
            "showlegend": place == 1,
            **({"fill": "tonexty", "fillcolor": f"{SKY}66"} if place else {}),
        }
        for place, name in enumerate(("", "interval"))
    ]
    curve = {
        "type": "scatter",
        "name": "done",
        "x": axis.all(times),
        "y": parts,
        "mode": "lines",
        "line": {"shape": "hv", "width": 2, "color": BLUE},
        "hoverinfo": "text",
        "hovertext": [
            said(f"by {rounded(round(at))}: {share(part)} %") for at, part in zip(times, parts, strict=True)
        ],
        "meta": "steps",
    }
    return Plot(
        "By when what part of the runs is done",
        [*band, curve],
        layout(
            300,
            xaxis=axis.layout("done by"),
            yaxis={
                "title": {"text": "part of the runs"},
                "range": [0, 1.02],
                "tickformat": ".0%",
                "zeroline": False,
            },
        ),
    )


def fewest_plot(series: Fewest) -> Plot:
    """In how many runs the fewest ready were so many."""
    values = [*series.runs]
    data = [
        {
            "type": "bar",
            "name": "runs",
            "x": values,
            "y": [*series.runs.values()],
            "width": 0.8,
            "marker": {"color": GREEN},
            "hoverinfo": "text",
            "hovertext": [
                said(f"never fewer than {value:,} ready: in {count(number, 'run')}")
                for value, number in series.runs.items()
            ],
            "textposition": "none",
            "meta": "steps",
        }
    ]
    title = escaped(f"fewest {series.noun}s ready")
    return Plot(
        f"The fewest {series.noun}s ready, in how many runs",
        data,
        layout(
            260,
            xaxis={
                "title": {"text": title},
                "tickformat": ",d",
                "zeroline": False,
                "range": [min(values) - 0.6, max(values) + 0.6],
                **({"dtick": 1} if max(values) - min(values) <= 12 else {}),
            },
            yaxis=count_axis("runs", max(series.runs.values())),
        ),
    )
