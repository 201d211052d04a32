"""What happened beside what was predicted: for each figure a row for each rollout."""

from __future__ import annotations

from math import isinf

from msgspec import Struct

from kubeinfer_sim.experiment.backtest.backtest import Backtest, Backtested
from kubeinfer_sim.experiment.backtest.judging import Figure, Judgement
from kubeinfer_sim.report.backtest import TITLES, cells_of

#: Rollouts in a picture at most, those outside first.
MOST_ROWS = 40
_AXES = {"order": "pairs in another order"}
_ORDER: tuple[Judgement, ...] = ("outside", "not told", "inside")


class Predicted(Struct, frozen=True):
    """One rollout.

    Attributes:
        low, high: the interval that was predicted; times in ms.
        least, most: what counts as inside, for Kubernetes writes times in whole seconds.
        at: where it happened; between these two where it is not known more exactly; None: it is not told.
        text: what is said of it.
    """

    row: str
    low: float
    high: float
    at: tuple[float, float] | None
    judgement: Judgement
    text: tuple[str, ...]
    least: float
    most: float


class Intervals(Struct, frozen=True):
    """One figure, by its name in the JSON and its title; `unit` as that of a column; so many rollouts are left out."""

    name: str
    title: str
    unit: str
    rows: tuple[Predicted, ...]
    left_out: int

    @property
    def is_one_value(self) -> bool:
        """Whether one value was predicted, and came about: nothing to be seen in a picture."""
        return all(each.at == (each.low, each.high) and each.low == each.high for each in self.rows)


def intervals(backtest: Backtest) -> list[Intervals]:
    """Each figure that was predicted."""
    found = []
    for name, title in TITLES.items():
        own = [
            (one, each)
            for one in backtest.rollouts
            for each in one.figures
            if each.name == name and each.predicted is not None
        ]
        own.sort(key=lambda pair: _ORDER.index(pair[1].judgement))
        if own:
            rows = tuple(_predicted(*pair, several=len(backtest.rollouts) > 1) for pair in own[:MOST_ROWS])
            unit = "ms" if own[0][1].unit == "s" else "count"
            found.append(Intervals(name, _AXES.get(name, title), unit, rows, max(0, len(own) - MOST_ROWS)))
    return found


def _predicted(one: Backtested, figure: Figure, *, several: bool) -> Predicted:
    assert figure.predicted is not None
    scale = 1000.0 if figure.unit == "s" else 1.0
    at = None
    if figure.truth is not None:
        low, high = figure.truth.low, figure.truth.high
        at = (low * scale, (low if isinf(high) else high) * scale)
    title, happened, predicted, judgement = cells_of(figure)
    text = (f"{one.scenario}: {one.workload}", f"{title}: {happened}, predicted {predicted}: {judgement}")
    name = f"{one.scenario}: {one.workload}" if several else one.workload
    interval = figure.predicted
    ends = (interval.low, interval.high, interval.low - figure.resolution, interval.high + figure.resolution)
    low, high, least, most = (each * scale for each in ends)
    return Predicted(name, low, high, at, figure.judgement, text, max(0.0, least), most)
