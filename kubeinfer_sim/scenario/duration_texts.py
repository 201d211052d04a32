"""What people write for a duration that is none: clocks, timestamps, words, ISO 8601; and what they mean by it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

#: Words for the units, all in lower case.
UNIT_WORDS = {
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
    **dict.fromkeys(("week", "weeks"), "w"),
    **dict.fromkeys(("msec", "msecs", "millis", "millisecond", "milliseconds"), "ms"),
}
_UNITS = ("w", "d", "h", "m", "s", "ms")

_DATE = re.compile(
    r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}(?:[Tt ].*)?"
    r"|[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})? ?[AaPp]\.?[Mm]\.?"
    r"|[0-9]{8}T[0-9]{4,6}Z?"
)
_CLOCK = re.compile(r"([0-9]{1,4}):([0-5]?[0-9])(?::([0-5]?[0-9](?:\.[0-9]+)?))?")
_ISO = re.compile(
    r"P(?:([0-9]+)W)?(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+(?:\.[0-9]+)?)S)?)?",
    re.IGNORECASE,
)
_PART = re.compile(r"([0-9]+(?:[.,][0-9]+)?)\s*([A-Za-z]*)\s*(?:(?:,|and\b|&)\s*)?")


def meant(text: str, reads: Callable[[str], bool]) -> str:
    """What to say behind a text that is no duration: `: write 5m`; empty where it cannot be told what was meant.

    `reads` says whether what would be proposed is a duration.
    """
    text = unicodedata.normalize("NFKC", text).strip()  # full-width digits and colons are meant as the others
    if reads(text):
        return f": write {text}"
    if _DATE.fullmatch(text):
        return (
            " is a point in time, and times are counted from the start of the run: write 1h30m for an hour and a "
            "half after it"
        )
    if clock := _CLOCK.fullmatch(text):
        return _of_clock(clock)
    iso = _ISO.fullmatch(text)
    proposed = _joined(zip(iso.groups(), _UNITS, strict=False)) if iso is not None else _of_parts(text)
    return f": write {proposed}" if proposed and reads(proposed) else ""


def _of_clock(clock: re.Match[str]) -> str:
    if clock[3] is None:
        return (
            f" is a time of day: write {int(clock[1])}m{int(clock[2])}s or {int(clock[1])}h{int(clock[2])}m"
        )
    written = _joined([(clock[1], "h"), (clock[2], "m"), (clock[3], "s")])
    counted = "times are counted from the start of the run"
    return f" is a time of day, and {counted}: write {written} for that long after it"


def _of_parts(text: str) -> str:
    """`5 minutes`, `2h13`, `1,5h`: each number with a unit, or with the next one below the unit before it."""
    parts: list[tuple[str, str]] = []
    place = 0
    while place < len(text):
        match = _PART.match(text, place)
        if match is None:
            return ""
        number, word = match[1].replace(",", "."), match[2]
        unit = word if word in _UNITS else UNIT_WORDS.get(word.lower(), word.lower())
        if not unit and parts:
            below = _UNITS.index(parts[-1][1]) + 1
            unit = _UNITS[below] if below < len(_UNITS) else ""
        if unit not in _UNITS:
            return ""
        parts.append((number, unit))
        place = match.end()
    return _joined(parts)


def _joined(parts: Iterable[tuple[str | None, str]]) -> str:
    """Numbers and units one behind the other, without those that are not there or nothing: `1h30m`, `0s`."""
    given = [(number, unit) for number, unit in parts if number]
    joined = "".join(f"{re.sub('^0+(?=[0-9])', '', number)}{unit}" for number, unit in given if float(number))
    return joined or ("0s" if given else "")
