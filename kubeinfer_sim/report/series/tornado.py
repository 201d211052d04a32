"""What moves a figure, and how far to either side: a row an input, the farthest first."""

from __future__ import annotations

from math import isinf

from msgspec import Struct

from kubeinfer_sim.experiment.sensitivity import Effect, Moved, Sensitivity
from kubeinfer_sim.report.sensitivity import MOST_ROWS, UNSURE_MARK, effect_text, name_of

#: What a value does to the figure.
FALLS, RISES, NEVER, UNSURE = "falls", "rises", "never finishes", "cannot be told from nothing"


class Turned(Struct, frozen=True):
    """What one value of an input does.

    Attributes:
        kind: `FALLS` and so on.
        more: how much more the figure is; infinite where it never finishes, or does at last.
        low, high: the interval; None where there is none.
    """

    row: int
    kind: str
    more: float
    low: float | None
    high: float | None
    text: tuple[str, ...]


class Tornado(Struct, frozen=True):
    """All of it.

    Attributes:
        figure: that is moved, and its unit, as that of a column.
        rows: names of the inputs.
        left_out: so many inputs move it less.
    """

    figure: str
    unit: str
    rows: tuple[str, ...]
    turned: tuple[Turned, ...]
    left_out: int


def tornado(found: Sensitivity) -> Tornado | None:
    """Of the inputs that move it most; None where none does."""
    shown = found.moved[:MOST_ROWS]
    if not shown:
        return None
    turned = [
        _turned(found, each, row, effect)
        for row, each in enumerate(shown)
        for effect in sorted(each.effects, key=lambda one: -abs(one.more.mean))
        if not effect.same
    ]
    rows = tuple(name_of(each).removeprefix(UNSURE_MARK) for each in shown)
    return Tornado(found.title, found.unit, rows, tuple(turned), len(found.moved) - len(shown))


def _turned(found: Sensitivity, moved: Moved, row: int, effect: Effect) -> Turned:
    more = effect.more
    kind: str = RISES if more.mean > 0 else FALLS
    if not effect.told:
        kind = UNSURE
    elif isinf(more.mean):
        kind = NEVER if more.mean > 0 else FALLS
    text = (f"{moved.input.name}: {moved.input.base} as it is", effect_text(found, effect))
    return Turned(row, kind, more.mean, more.low, more.high, text)
