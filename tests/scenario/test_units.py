"""Durations, sizes and rates: what is accepted, what is refused and in which words."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeinfer_sim.scenario.units import (
    MAX_MILLIS,
    format_duration,
    format_size,
    parse_duration,
    parse_rate,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "millis"),
    [
        ("0s", 0),
        ("250ms", 250),
        ("90s", 90_000),
        ("12m", 720_000),
        ("1h30m", 5_400_000),
        ("1h 30m 5s", 5_405_000),
        (" 12m40s ", 760_000),
        ("1.5h", 5_400_000),
        ("0.001s", 1),
        ("2d", 172_800_000),
        ("1w", 604_800_000),
        ("36500d", MAX_MILLIS),
    ],
)
def test_a_duration_is_read_exactly(text: str, millis: int) -> None:
    assert parse_duration(text) == millis


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (90, "90 has no unit: write 90s"),
        (0, "0 has no unit: write 0s"),
        (1.5, "1.5 has no unit: write 1.5s"),
        ("90", "write 90s"),
        ("1h30", "'1h30': write 1h30m$"),
        ("2h13", "'2h13': write 2h13m$"),
        ("1m30", "write 1m30s$"),
        ("5 minutes", "'5 minutes': write 5m$"),
        ("1 hour and 30 minutes", "write 1h30m$"),
        ("1,5h", "write 1.5h$"),
        ("PT1H30M", "write 1h30m$"),
        ("１０m", "write 10m$"),
        ("1:30", "is a time of day: write 1m30s or 1h30m$"),
        ("02:13:00", "write 2h13m for that long after it"),
        ("24:00:00.5", "write 24h0.5s for"),
        (
            "2026-11-29T10:00:00Z",
            "is a point in time, and times are counted from the start of the run: write 1h30m for",
        ),
        ("2026-11-29", "is a point in time"),
        ("10:30am", "is a point in time"),
        ("99:99", "expected a duration such as 90s, found '99:99'"),
        ("5ms3", "expected a duration such as 90s"),
        ("-5s", "cannot be negative"),
        (-5, "cannot be negative"),
        (math.nan, "found nan"),
        (math.inf, "found inf"),
        (True, "found true"),
        (None, "found nothing"),
        ([1], "found a list"),
        ("", "found an empty text"),
        ("soon", "expected a duration such as 90s"),
        ("90sec", "write 90s"),
        ("5min", "write 5m"),
        ("90S", "write 90s"),
        ("3months", "takes one of w, d, h, m, s, ms"),
        ("30m1h", "larger unit first"),
        ("1h1h", "each unit once"),
        ("0.5ms", "finer than 1ms"),
        ("101w5200w", "larger unit first"),
        ("5300w", "longer than 100 years"),
        ("9" * 60 + "d", "longer than 100 years"),
        ("9" * 100, "a text of 100 characters"),
        (10**19, "beyond 10\\^18"),
    ],
)
def test_a_wrong_duration_says_what_would_be_right(value: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_duration(value)


def test_a_number_of_a_million_digits_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="beyond"):
        parse_duration(10**5000)


@given(st.integers(0, MAX_MILLIS))
def test_a_formatted_duration_reads_back_to_itself(millis: int) -> None:
    assert parse_duration(format_duration(millis)) == millis


@pytest.mark.parametrize(
    ("millis", "text"),
    [
        (0, "0s"),
        (250, "250ms"),
        (1500, "1.5s"),
        (61_050, "1m1.05s"),
        (760_000, "12m40s"),
        (5_400_000, "1h30m"),
        (86_400_000, "1d"),
        (90_061_001, "1d1h1m1.001s"),
        (60_250, "1m0.25s"),
        (3_630_246, "1h0m30.246s"),
        (86_400_500, "1d0m0.5s"),
        (3_630_000, "1h0m30s"),
        (-5_000, "-5s"),
    ],
)
def test_durations_are_written_short_and_exact(millis: int, text: str) -> None:
    assert format_duration(millis) == text


@pytest.mark.parametrize(
    ("text", "size"),
    [("16GiB", 16 * 2**30), ("500MB", 5 * 10**8), ("1.5kB", 1500), ("0B", 0), ("2 TiB", 2**41)],
)
def test_a_size_is_read_exactly(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (16, "16 has no unit: write 16GiB"),
        ("16Gi", "write 16GiB"),
        ("16G", "write 16GB"),
        ("16gb", "write 16GB"),
        ("1.5B", "not a whole number of bytes"),
        ("1GiB2MiB", "one number and one unit"),
        ("5000PB", "10\\^18"),
        ("16s", "a size takes one of"),
        ("-1GB", "cannot be negative"),
    ],
)
def test_a_wrong_size_says_what_would_be_right(value: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_size(value)


@pytest.mark.parametrize(
    ("text", "rate"), [("55MB/s", 55_000_000), ("1Gbit/s", 125_000_000), ("2GiB/s", 2**31), ("8bit/s", 1)]
)
def test_a_rate_is_read_exactly(text: str, rate: int) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (55, "55 has no unit: write 55MB/s"),
        ("1Gbps", "write 1Gbit/s"),
        ("1Gb/s", "write 1Gbit/s"),
        ("55MBps", "write 55MB/s"),
        ("0MB/s", "more than 0"),
        ("55MB", "a rate takes one of"),
    ],
)
def test_a_wrong_rate_says_what_would_be_right(value: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_rate(value)


@given(st.one_of(st.text(max_size=12), st.integers(), st.floats(), st.none(), st.booleans()))
def test_nothing_but_a_value_error_comes_out(value: object) -> None:
    for parse in (parse_duration, parse_size, parse_rate):
        with suppress(ValueError):
            parse(value)


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0B"), (16 * 2**30, "16GiB"), (5 * 10**8, "500MB"), (7, "7B")]
)
def test_sizes_are_written_in_their_own_unit(size: int, text: str) -> None:
    assert format_size(size) == text
