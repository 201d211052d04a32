from __future__ import annotations

import pytest

from kubeinfer_sim.report.words import count, instance_seconds, listed, ordinals, percent, plain, rounded


@pytest.mark.parametrize(
    ("millis", "text"),
    [
        (0, "0s"),
        (250, "250ms"),
        (5_249, "5.2s"),
        (9_999, "10s"),
        (54_499, "54s"),
        (59_999, "1m"),
        (774_000, "12m54s"),
        (3_599_999, "1h"),
        (4_334_500, "1h12m"),
        (86_399_999, "1d"),
        (183_600_000, "2d3h"),
    ],
)
def test_durations_are_rounded_to_two_units(millis: int, text: str) -> None:
    assert rounded(millis) == text


def test_numbers_and_nouns() -> None:
    assert [count(n, "instance") for n in (0, 1, 1200)] == ["0 instances", "1 instance", "1,200 instances"]
    assert instance_seconds(4_080_000) == "4,080 instance-seconds"
    assert instance_seconds(1500) == "1.5 instance-seconds"
    assert instance_seconds(1000) == "1 instance-second"


def test_less_than_all_is_never_called_100_percent() -> None:
    assert [percent(x) for x in (1.0, 0.999999, 0.75, 0.0)] == ["100 %", "> 99.99 %", "75 %", "0 %"]


def test_ordinals_are_ranges() -> None:
    assert ordinals([3, 0, 1, 2, 7]) == "0-3, 7"


def test_a_long_list_is_cut() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed([str(n) for n in range(9)]) == "0, 1, 2, 3 … and 5 more"


def test_plain_text_keeps_its_width() -> None:
    drawn = "✔ █▒░·×→…–─│└┬┤"
    assert plain(drawn).isascii()
    assert len(plain(drawn)) == len(drawn)
