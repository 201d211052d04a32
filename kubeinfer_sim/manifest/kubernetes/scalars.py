"""Values of the API's special scalar types: times and numbers or texts."""

from __future__ import annotations

import re
from datetime import datetime

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([.,]\d{1,50})?(?:Z|[+-](\d\d):(\d\d))", re.ASCII
).fullmatch


def is_time(text: str) -> bool:
    """Whether a text is a point in time of RFC 3339, as Go's time.Parse reads it."""
    match = _RFC3339(text)
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
