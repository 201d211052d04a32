"""Values of a knob between two ends: `8..16`, `10s..5m`, `0.5..2`, `5%..50%`, in steps that can be counted."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from math import ceil, log2

from msgspec import Struct

from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.scenario.units import format_duration, parse_duration

#: A range of times or decimals has about 10 to so many steps.
_PLACES = 3
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,6})?"
_ENDS = re.compile(rf"({_NUMBER})([A-Za-z%]*)\.\.({_NUMBER})([A-Za-z%]*)")


class Steps(Struct, frozen=True):
    """Values in their order, one for each number from 0 to `number` - 1."""

    number: int
    written: Callable[[int], str]

    def at(self, part: float) -> str:
        """The value at a part of the way, 0 to less than 1: each has as much of it."""
        return self.written(min(int(part * self.number), self.number - 1))


def listed(values: Sequence[str]) -> Steps:
    """These values as they stand."""
    return Steps(len(values), values.__getitem__)


def whole_numbers(low: int, high: int, unit: str = "") -> Steps:
    """Each from the lowest to the highest."""
    return Steps(high - low + 1, lambda place: f"{low + place}{unit}")


def between(knob: str, text: str) -> Steps | None:
    """The values of `8..16` and the like; None where it is no range.

    Raises:
        UsageError: its ends are of different units, the second is not above the first, or there is no such unit.
    """
    if not (ends := _ENDS.fullmatch(text.strip())):
        return None
    first, unit, last, other = ends.groups()
    unit = unit or ("" if "." in first else other if other == "%" else "")
    if "%" in (unit, other) or not (unit or other):
        if unit not in ("", other):
            raise UsageError(f"{knob}={text}: give both ends the same unit")
        low, high = Decimal(first), Decimal(last)
        _check_order(knob, text, low < high)
        if low == low.to_integral_value() and high == high.to_integral_value():
            return whole_numbers(int(low), int(high), other)
        step = Decimal(1).scaleb((high - low).adjusted() - _PLACES)
        return Steps(
            int((high - low) / step) + 1, lambda place: f"{(low + place * step).normalize():f}{other}"
        )
    if not unit:
        raise UsageError(f"{knob}={text}: the first end needs a unit, as in {first}{other}..{last}{other}")
    if not other:
        raise UsageError(f"{knob}={text}: the second end needs a unit, as in {first}{unit}..{last}{unit}")
    try:
        begin, end = parse_duration(f"{first}{unit}"), parse_duration(f"{last}{other}")
    except ValueError as error:
        raise UsageError(f"{knob}={text}: {error}") from None
    _check_order(knob, text, begin < end)
    millis = next(each for each in (1000, 100, 10, 1) if each == 1 or (end - begin) // each >= 10**_PLACES)
    if not (begin % 1000 or end % 1000) and end - begin >= 60_000:
        millis = 1000  # times that people write
    return Steps((end - begin) // millis + 1, lambda place: format_duration(begin + place * millis))


def _check_order(knob: str, text: str, right: bool) -> None:
    if not right:
        raise UsageError(f"{knob}={text}: expected a range from a smaller value to a larger one")


def points(sides: Sequence[Steps], number: int, method: str, seed: int) -> list[tuple[str, ...]]:
    """So many combinations of values, spread evenly over the space; each once, so that there may be fewer.

    Args:
        sides: the values of each knob.
        number: how many.
        method: `lhs` (Latin hypercube: of each knob each part of its range as often) or `sobol` (scrambled).
        seed: of the scenario.
    """
    from scipy.stats import qmc  # takes long to import

    # Nothing else draws from this stream.
    own = int(Streams(seed).named(f"sweep/{method}").random() * 2**32)
    if method == "sobol":
        # Balanced are powers of two, of which the first ones are taken.
        drawn = qmc.Sobol(len(sides), seed=own).random_base2(max(1, ceil(log2(max(2, number)))))[:number]
    else:
        drawn = qmc.LatinHypercube(len(sides), seed=own).random(number)
    rows = (tuple(side.at(float(part)) for side, part in zip(sides, row, strict=True)) for row in drawn)
    return list(dict.fromkeys(rows))
