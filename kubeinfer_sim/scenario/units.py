"""Durations, sizes and rates as people write them: `90s`, `1h30m`, `16GiB`, `55MB/s`.

A number without a unit is an error that says what to write, zero included (`0s`): a unit that is guessed is a
prediction that is wrong by a factor of 60. Arithmetic is exact (`fractions`), results are whole milliseconds,
bytes or bytes per second.
"""

from __future__ import annotations

import re
from fractions import Fraction

#: A time or a duration in simulated milliseconds.
Millis = int

#: A day, in milliseconds.
DAY = 86_400_000
#: Milliseconds in one unit, largest first.
DURATION_UNITS = {"w": 7 * DAY, "d": DAY, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
#: The longest duration accepted: 100 years of 365 days, far below where a float loses milliseconds.
MAX_MILLIS = 100 * 365 * DAY
#: The largest size (bytes) and rate (bytes per second) accepted: 1 EB.
MAX_BYTES = 10**18

SIZE_UNITS = {
    "B": 1,
    **{f"{p}B": 1000**i for i, p in enumerate("kMGTP", start=1)},
    "KB": 1000,
    **{f"{p}iB": 1024**i for i, p in enumerate("KMGTP", start=1)},
}
#: Bytes per second in one unit: sizes per second, and bits per second.
RATE_UNITS = {
    **{f"{unit}/s": Fraction(factor) for unit, factor in SIZE_UNITS.items()},
    **{f"{p}bit/s": Fraction(1000**i, 8) for i, p in enumerate(("", "k", "M", "G", "T"))},
}
_ALIASES = {
    **{f"{p}i": f"{p}iB" for p in "KMGTP"},
    **{p: f"{p}B" for p in "kKMGTP"},
    **{f"{p}bps": f"{p}bit/s" for p in "kMGT"},
    **{f"{p}b/s": f"{p}bit/s" for p in "kMGT"},
    **{f"{p}Bps": f"{p}B/s" for p in "kMGT"},
}

#: For JSON Schema: what `parse_duration`, `parse_size` and `parse_rate` accept (up to order and magnitude).
_N = r"\d+(\.\d+)?"
DURATION_PATTERN = rf"^\s*{_N}(ms|[wdhms])(\s*{_N}(ms|[wdhms]))*\s*$"
SIZE_PATTERN = rf"^\s*{_N}\s*(B|[kKMGTP]B|[KMGTP]iB)\s*$"
RATE_PATTERN = rf"^\s*{_N}\s*((B|[kKMGTP]B|[KMGTP]iB)/s|[kMGT]?bit/s)\s*$"

_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z/]*)\s*")
_LONGEST_TEXT = 64


def parse_duration(value: object) -> int:
    """Milliseconds of `250ms`, `90s`, `12m`, `1h30m`, `1.5h`, `2d`, `1w`.

    Parts go from the larger unit to the smaller, each unit at most once, spaces between parts allowed.

    Raises:
        ValueError: not a duration; the message says what would be right.
    """
    try:
        return _millis(value)
    except ValueError:
        better = _better_duration(value)
        if better:
            raise ValueError(f"{value!r}{better}") from None
        raise


def _millis(value: object) -> int:
    parts = _parts(value, "duration", DURATION_UNITS, "s")
    total: int | Fraction = 0
    above: int | Fraction | None = None
    for number, factor in parts:
        if above is not None and factor >= above:
            raise ValueError(f"{value!r}: write the larger unit first, each unit once, as in 1h30m")
        above = factor
        total += number * factor
    if total > MAX_MILLIS:
        raise ValueError(f"{value!r} is longer than 100 years, the longest duration there is here")
    if total.denominator != 1:
        raise ValueError(f"{value!r} is finer than 1ms, the smallest step of simulated time")
    return int(total)


def _better_duration(value: object) -> str:
    """What to say of a text that only looks like a duration; empty where that cannot be told."""
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or value.strip().isdecimal():
        return ""
    from kubeinfer_sim.scenario.duration_texts import meant

    def reads(text: str) -> bool:
        try:
            return _millis(text) >= 0
        except ValueError:
            return False

    return meant(value, reads)


def parse_size(value: object) -> int:
    """Bytes of `16GiB`, `500MB`, `512B`; decimal (kB, MB, GB, TB, PB) and binary (KiB … PiB) units.

    Raises:
        ValueError: not a size; the message says what would be right.
    """
    return _one(value, "size", SIZE_UNITS, "GiB", "bytes")


def parse_rate(value: object) -> int:
    """Bytes per second of `55MB/s`, `2GiB/s`, `1Gbit/s` (bits in steps of 1000).

    Raises:
        ValueError: not a rate, or one below 1B/s; the message says what would be right.
    """
    rate = _one(value, "rate", RATE_UNITS, "MB/s", "bytes per second")
    if rate < 1:
        raise ValueError(f"{value!r}: a rate must be more than 0")
    return rate


def format_duration(millis: int) -> str:
    """A short exact text of a duration: `0s`, `250ms`, `1.5s`, `12m40s`, `1h30m`, `1h0m30s`; `-5s` if negative.

    `parse_duration` reads it back to the same number of milliseconds.
    """
    if millis < 0:
        return "-" + format_duration(-millis)
    if 0 < millis < 1000:
        return f"{millis}ms"
    text = ""
    for unit in ("d", "h", "m"):
        count, millis = divmod(millis, DURATION_UNITS[unit])
        if count:
            text += f"{count}{unit}"
    seconds, rest = divmod(millis, 1000)
    if (seconds or rest) and text and not text.endswith("m"):
        text += "0m"  # 1h30s would be read as half past one
    if rest:
        return f"{text}{seconds}.{rest:03d}".rstrip("0") + "s"
    return f"{text}{seconds}s" if seconds or not text else text


def format_size(size: int) -> str:
    """A size in the largest unit that keeps it exact: `16GiB`, `500MB`, `1001B`."""
    exact = [(size // factor, unit) for unit, factor in SIZE_UNITS.items() if not size % factor]
    count, unit = min(exact, key=lambda pair: pair[0])
    return f"{count}{unit}" if size else "0B"


def _one(
    value: object, what: str, units: dict[str, int] | dict[str, Fraction], example: str, smallest: str
) -> int:
    parts = _parts(value, what, units, example)
    if len(parts) > 1:
        raise ValueError(f"{value!r}: write one number and one unit, as in 16{example}")
    number, factor = parts[0]
    result = number * factor
    if result > MAX_BYTES:
        raise ValueError(f"{value!r} is larger than anything here (10^18 {smallest})")
    if result.denominator != 1:
        raise ValueError(f"{value!r} is not a whole number of {smallest}")
    return int(result)


def _parts(
    value: object, what: str, units: dict[str, int] | dict[str, Fraction], example: str
) -> list[tuple[int | Fraction, int | Fraction]]:
    """The numbers of a text and the factors of their units."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"expected a {what} such as 90{example}, found {_found(value)}")
    if not isinstance(value, str):
        if value != value or value in (float("inf"), float("-inf")):
            raise ValueError(f"expected a {what} such as 90{example}, found {value}")
        _refuse_negative(value < 0, value, what)
        if abs(value) > MAX_BYTES:
            raise ValueError(f"expected a {what} such as 90{example}, found a number beyond 10^18")
        number = str(value)
        raise ValueError(f"{number} has no unit: write {number}{example} if that is what is meant")
    text = value.strip()
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"expected a {what} such as 90{example}, found a text of {len(text)} characters")
    _refuse_negative(text.startswith("-"), text, what)
    parts: list[tuple[int | Fraction, int | Fraction]] = []
    position = 0
    while position < len(text):
        match = _PART.match(text, position)
        if match is None:
            raise ValueError(f"expected a {what} such as 90{example}, found {value!r}")
        number, unit = match.groups()
        if unit not in units:
            raise ValueError(_wrong_unit(value, number, unit, what, units, example))
        parts.append((Fraction(number) if "." in number else int(number), units[unit]))
        position = match.end()
    if not parts:
        raise ValueError(f"expected a {what} such as 90{example}, found an empty text")
    return parts


def _wrong_unit(
    value: str, number: str, unit: str, what: str, units: dict[str, int] | dict[str, Fraction], example: str
) -> str:
    if not unit and value.strip() == number:
        return f"{value!r} has no unit: write {number}{example} if that is what is meant"
    if not unit:
        return f"expected a {what} such as 90{example}, found {value!r}"
    by_lower = {known.lower(): known for known in units}
    meant = _ALIASES.get(unit) or _ALIASES.get(unit.lower()) or by_lower.get(unit.lower())
    if meant in units:
        return f"{value!r}: unknown unit {unit!r}: write {number}{meant}"
    return f"{value!r}: unknown unit {unit!r}: a {what} takes one of {', '.join(units)}"


def _refuse_negative(negative: bool, value: object, what: str) -> None:
    if negative:
        raise ValueError(f"{value}: a {what} cannot be negative")


def _found(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return {"dict": "a mapping", "list": "a list"}.get(type(value).__name__, type(value).__name__)
