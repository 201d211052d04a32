"""Values of the API's special scalar types: times and numbers or texts."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

_INT64 = 2**63
_RFC3339 = r"(?a)(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([.,]\d{1,50})?(?:Z|[+-](\d\d):(\d\d))"


def is_time(text: str) -> bool:
    """Whether a text is a point in time of RFC 3339, as Go's time.Parse reads it."""
    match = re.fullmatch(_RFC3339, text)
    if match is None:
        return False
    year, month, day, hour, minute, second, _, offset_hour, offset_minute = match.groups()
    try:
        datetime(int(year) or 2000, int(month), int(day), int(hour), int(minute), int(second))  # noqa: DTZ001
    except ValueError:
        return False
    return offset_hour is None or (int(offset_hour) <= 24 and int(offset_minute) < 60)


def whole_number(value: object) -> int | None:
    """A number as an integer: `30`, `30.0` and `3e1` are, `1.5`, `true` and texts are not (None)."""
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer() and abs(value) < 1e21:
        return int(value)
    return None


def json_number(value: int | float) -> str:
    """A number as Go's encoding/json writes it, after YAML made it an int64, uint64 or float64.

    Raises:
        ValueError: infinite, not a number, or of more than 308 digits.
    """
    if isinstance(value, int):
        if -_INT64 <= value < 2 * _INT64:
            return str(value)
        try:
            value = float(value)
        except OverflowError:
            raise ValueError("a number has at most 308 digits") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError("a number must be finite")
    if value == 0:
        return "0"
    if 1e-6 <= abs(value) < 1e21:
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    mantissa, _, exponent = f"{Decimal(repr(value)).normalize():e}".partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].lstrip('0')}"
