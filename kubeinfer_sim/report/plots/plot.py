"""A picture as Plotly describes it: traces and layout, its colours, its axis of time, and texts that are only texts."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable, Iterable, Sequence
from math import log10
from typing import Any

from msgspec import Struct

from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.report.estimates import TIMES

#: Colours that the colour-blind tell apart, too (Okabe and Ito, https://jfly.uni-koeln.de/color/), and two greys.
ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
LIGHT_GREY, DARK_GREY = "#BBBBBB", "#767676"
#: Characters in a line of what is said at a mark.
_WIDE = 48
#: In a line beside a row, and in a name there.
_NARROW, _LONGEST_NAME = 22, 28
#: Of the length of an axis, how much is left free at its ends; so many whole numbers have a tick each.
_FREE, _TICKS = 0.06, 12
_UNITS = (("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000))


class Plot(Struct, frozen=True):
    """One picture.

    Attributes:
        label: what it shows, for those who do not see it.
        data, layout: as plotly.js takes them. A trace whose `meta` is `steps` is the one that arrow keys walk along.
    """

    label: str
    data: list[dict[str, Any]]
    layout: dict[str, Any]


def escaped(text: str) -> str:
    """A text of somebody else's for any place in a picture: Plotly would act on some tags, and on entities."""
    return html.escape(printable(text), quote=False)


def said(*lines: str) -> str:
    """What is said at a mark, each text in lines of whole words."""
    wrapped = (part for line in lines for part in textwrap.wrap(printable(line), _WIDE))
    return "<br>".join(html.escape(part, quote=False) for part in wrapped)


class TimeAxis:
    """An axis of time since the start, in the unit that suits how long it is."""

    def __init__(self, since: int, until: int) -> None:
        span = max(until - since, 1)
        self.unit, self._size = next(
            (name, size) for name, size in reversed(_UNITS) if span >= 2 * size or size == 1
        )
        self._span = since, until

    def of(self, at: float) -> float:
        """A time in ms on this axis."""
        return round(at / self._size, 6)

    def all(self, times: Iterable[float]) -> list[float]:
        """Several of them."""
        return [self.of(at) for at in times]

    def layout(self, title: str = "time since the start") -> dict[str, Any]:
        """As Plotly takes it."""
        since, until = map(self.of, self._span)
        return {
            "title": {"text": f"{title} ({self.unit})"},
            "range": [since, until],
            "zeroline": False,
            "tickformat": ",~g",
        }


def number_axis(
    title: str, unit: str, values: Sequence[float], *, by_factor: bool = False
) -> tuple[Callable[[float], float], dict[str, Any]]:
    """How a number of a unit (that of a column) is placed on an axis, and the axis as Plotly takes it.

    Beside the outermost ones there is room. `by_factor`: as far apart as they are times apart.
    """
    low, high = min(values), max(values)
    place: Callable[[float], float] = float
    if unit in TIMES:
        times = TimeAxis(0, round(high))
        title, place = f"{title} ({times.unit})", times.of
    ends = [place(low), place(high)]
    if by_factor:
        ends = [log10(each) for each in ends]  # as Plotly has it of such an axis
    free = (ends[1] - ends[0] or abs(ends[1]) or 1.0) * _FREE
    whole = unit == "count" and all(float(each).is_integer() for each in values)
    told: dict[str, Any] = {
        "title": {"text": escaped(title)},
        "range": [ends[0] - free, ends[1] + free],
        "zeroline": False,
        "tickformat": ".6~%" if unit in ("fraction", "held") else ",~g",
        **({"type": "log"} if by_factor else {}),
        **({"dtick": 1} if whole and high - low <= _TICKS else {}),
    }
    return place, told


def difference_axis(unit: str, longest: float) -> tuple[Callable[[float], float], str]:
    """How a difference of a unit (that of a column) is placed on an axis, and what stands after its title."""
    if unit in TIMES:
        axis = TimeAxis(0, round(longest))
        return axis.of, f" ({axis.unit})"
    if unit in ("fraction", "held"):
        return lambda value: value * 100, " (% points)"
    return float, ""


def layout(height: int, **more: Any) -> dict[str, Any]:
    """What pictures have in common; the page adds the colours of text and lines, in light or dark."""
    return {
        "height": height,
        "autosize": True,
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hoverlabel": {"align": "left"},
        "hovermode": "closest",
        "dragmode": "zoom",
        **more,
        "xaxis": {"automargin": True, **more.get("xaxis", {})},
        "yaxis": {"automargin": True, **more.get("yaxis", {})},
    }


def count_axis(title: str, top: int) -> dict[str, Any]:
    """An axis of whole numbers from 0."""
    return {
        "title": {"text": title},
        "range": [0, max(top, 1) * 1.14],
        "tickformat": ",d",
        "zeroline": False,
        **({"dtick": 1} if top <= 10 else {}),
    }


def name_axis(names: Sequence[str]) -> dict[str, Any]:
    """An axis of names, the first on top: of long ones the end, which is what tells them apart."""
    return _rows([escaped(_end_of(name)) for name in names])


def sentence_axis(texts: Sequence[str]) -> dict[str, Any]:
    """An axis of a few words each, the first on top, in up to three lines."""
    readable = (_with_breaks(printable(text)) for text in texts)
    wrapped = (textwrap.wrap(text, _NARROW, max_lines=3, placeholder=" …") for text in readable)
    return _rows(["<br>".join(html.escape(line, quote=False) for line in lines) for lines in wrapped])


def _with_breaks(text: str) -> str:
    """A path that is too long for a line goes on in the next after its last dot."""
    head, dot, tail = text.rpartition(".")
    return f"{head}{dot} {tail}" if dot and " " not in text and len(text) > _NARROW else text


def _rows(texts: list[str]) -> dict[str, Any]:
    """Rows have numbers, so that equal names are two and none is taken for a number or a date."""
    return {
        "tickmode": "array",
        "tickvals": list(range(len(texts))),
        "ticktext": texts,
        "range": [len(texts) - 0.5, -0.5],
        "zeroline": False,
        "showgrid": False,
    }


def _end_of(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"…{name[1 - _LONGEST_NAME :]}"
