"""Paired differences of variants to the first one: a dot for each seed, the mean with its interval."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.report.comparison_rows import MINUS
from kubeinfer_sim.report.estimates import amount
from kubeinfer_sim.report.plots.plot import (
    BLUE,
    DARK_GREY,
    SKY,
    Plot,
    difference_axis,
    layout,
    said,
    sentence_axis,
)
from kubeinfer_sim.report.series.differences import Against, Differences


def differences_plot(series: Differences) -> Plot:
    """One number: to the left of the line it is less than under the first variant."""
    every = [each for one in series.variants for each in _ends(one)]
    longest = max(map(abs, every), default=0.0) or 1.0
    scale, unit = difference_axis(series.unit, longest)
    seeds = [(place, seed, more) for place, one in enumerate(series.variants) for seed, more in one.by_seed]
    data: list[dict[str, Any]] = []
    if len(seeds) > len(series.variants):
        data.append(
            {
                "type": "scatter",
                "name": "each seed",
                "x": [scale(more) for _, _, more in seeds],
                "y": [place + 0.22 for place, _, _ in seeds],
                "mode": "markers",
                "marker": {"size": 6, "color": SKY, "opacity": 0.6},
                "hoverinfo": "text",
                "hovertext": [
                    said(series.variants[place].variant, f"seed {seed}: {_signed(series, more)}")
                    for place, seed, more in seeds
                ],
            }
        )
    data.append(
        {
            "type": "scatter",
            "name": "mean and interval",
            "x": [scale(one.mean) for one in series.variants],
            "y": list(range(len(series.variants))),
            "mode": "markers",
            "marker": {"size": 11, "color": BLUE, "symbol": "diamond"},
            "error_x": {
                "type": "data",
                "symmetric": False,
                "array": [
                    scale((one.mean if one.high is None else max(one.high, one.mean)) - one.mean)
                    for one in series.variants
                ],
                "arrayminus": [
                    scale(one.mean - (one.mean if one.low is None else min(one.low, one.mean)))
                    for one in series.variants
                ],
                "color": BLUE,
                "thickness": 2,
                "width": 6,
            },
            "hoverinfo": "text",
            "hovertext": [said(one.variant, _told(series, one)) for one in series.variants],
            "meta": "steps",
        }
    )
    widest = scale(longest) * 1.12
    return Plot(
        f"{series.title}: difference to {series.base}, paired by seed",
        data,
        layout(
            max(170, 56 * len(series.variants) + 90),
            xaxis={
                "title": {"text": f"more than {said(series.base)}{unit}"},
                "range": [-widest, widest],
                "zeroline": True,
                "zerolinewidth": 2,
                "zerolinecolor": DARK_GREY,
            },
            yaxis=sentence_axis([one.variant for one in series.variants]),
        ),
    )


def _ends(one: Against) -> list[float]:
    return [
        one.mean,
        *(each for each in (one.low, one.high) if each is not None),
        *(more for _, more in one.by_seed),
    ]


def _told(series: Differences, one: Against) -> str:
    """`mean −12m (between −20m and −4m): better`."""
    told = f"mean {_signed(series, one.mean)}"
    if one.low is not None and one.high is not None:
        told += f", between {_signed(series, one.low)} and {_signed(series, one.high)}"
    if not one.mean:
        return told
    return f"{told}: {'better' if (one.mean > 0) == (series.better == 'high') else 'worse'}"


def _signed(series: Differences, value: float) -> str:
    return f"{'+' if value > 0 else MINUS if value < 0 else ''}{amount(abs(value), series.unit)}"
