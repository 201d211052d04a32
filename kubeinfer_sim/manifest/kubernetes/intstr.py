"""Numbers or percentages: parsing, and what a percentage of a total comes to.

Source: k8s.io/apimachinery pkg/util/intstr/intstr.go.
"""

from __future__ import annotations

from kubeinfer_sim.manifest.kubernetes.labels import parse_int64
from kubeinfer_sim.manifest.kubernetes.names import percent
from kubeinfer_sim.manifest.model import IntOrPercent

#: A percentage with more characters is taken for one of more than 100, unread.
_LONGEST, _MORE_THAN_ALL = 20, 101


def parse_int_or_percent(value: int | str | None) -> IntOrPercent:
    """A number, or a text such as `25%`.

    Raises:
        ValueError: neither; a number in quotes is none.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return IntOrPercent(value)
    if isinstance(value, str) and value.endswith("%"):
        number = parse_int64(value[:-1])
        if number is not None:
            return IntOrPercent(number, percent=True)
    raise ValueError(f"must be a whole number or a percentage such as 25%, got {value!r}")


def parse_amount(value: object) -> IntOrPercent | None:
    """A whole number of at least 0, or a percentage in digits alone: all that budgets and levels may be.

    None for anything else. A percentage may be more than 100: whoever asks says so in its own words.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return IntOrPercent(value)
    if isinstance(value, str) and not percent(value):
        return IntOrPercent(int(value[:-1]) if len(value) <= _LONGEST else _MORE_THAN_ALL, percent=True)
    return None


def scaled_value(value: int | str | IntOrPercent | None, total: int, *, round_up: bool) -> int:
    """The number, or the percentage of a total, rounded up or down (GetScaledValueFromIntOrPercent).

    Raises:
        ValueError: neither a number nor a percentage.
    """
    parsed = value if isinstance(value, IntOrPercent) else parse_int_or_percent(value)
    return parsed.of(total, round_up=round_up)
