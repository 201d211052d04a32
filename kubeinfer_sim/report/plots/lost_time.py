"""Lost time by what began it, and the stage it was spent in."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.manifest.accelerators import Family
from kubeinfer_sim.metrics.loss_stages import STAGES
from kubeinfer_sim.report.lost_time import STAGE_WORDS
from kubeinfer_sim.report.plots.plot import (
    BLUE,
    DARK_GREY,
    LIGHT_GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
    Plot,
    TimeAxis,
    escaped,
    layout,
    said,
    sentence_axis,
)
from kubeinfer_sim.report.series.lost_time import LostTime
from kubeinfer_sim.report.words import rounded

#: Rows of the picture at most; the table has all.
MOST_ROWS = 24
#: Colour and pattern of each stage: as in the picture of the pods, where it is there, too.
_LOOKS = {
    "detect": (VERMILLION, ""),
    "decide": (VERMILLION, "/"),
    "terminate": (DARK_GREY, "/"),
    "waitForNpu": (LIGHT_GREY, ""),
    "image": (SKY, ""),
    "gang": (YELLOW, ""),
    "engine": (ORANGE, ""),
    "weights": (BLUE, ""),
    "graph": (PURPLE, ""),
    "warmUp": (ORANGE, "."),
    "probe": (ORANGE, "x"),
    "restart": (SKY, "x"),
}


def lost_time_plot(rows: Sequence[LostTime], family: Family, what: str = "lost time") -> Plot:
    """A bar a cause, dearest on top, cut into stages; in the words of a family of accelerators."""
    shown = rows[:MOST_ROWS]
    axis = TimeAxis(0, max((each.total for each in shown), default=1))
    data = []
    for stage in STAGES:
        own = [(place, each) for place, each in enumerate(shown) if each.stages.get(stage)]
        if not own:
            continue
        colour, pattern = _LOOKS[stage]
        marker: dict[str, object] = {"color": colour, "line": {"width": 0}}
        if pattern:
            marker["pattern"] = {"shape": pattern, "fillmode": "overlay", "fgcolor": "white", "size": 6}
        words = family.say(STAGE_WORDS[stage])
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": escaped(words),
                "y": [place for place, _ in own],
                "x": axis.all(each.stages[stage] for _, each in own),
                "width": 0.7,
                "marker": marker,
                "hoverinfo": "text",
                "hovertext": [
                    said(
                        each.cause,
                        f"{words}: {rounded(each.stages[stage])} of {rounded(each.total)} {each.noun} time",
                    )
                    for _, each in own
                ],
                "textposition": "none",
                "meta": "steps",
            }
        )
    horizontal = axis.layout(what)
    horizontal["range"] = [0, axis.of(max((each.total for each in shown), default=1)) * 1.02]
    return Plot(
        "Lost time by what began it and by stage",
        data,
        layout(
            max(180, 52 * len(shown) + 90),
            barmode="stack",
            xaxis=horizontal,
            yaxis=sentence_axis([each.cause for each in shown]),
        ),
    )
