"""Numbers with their bounds, as people read them."""

from __future__ import annotations

from math import inf

import pytest

from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.report.estimates import amount, amounts, between


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.07, "7 %"),
        (2 / 3, "66.67 %"),
        (0.99999, "99.999 %"),
        (1 - 1e-10, "99.99999999 %"),
        (3e-13, "0.00000000003 %"),
    ],
)
def test_a_part_is_never_rounded_to_none_or_all_of_it(value: float, text: str) -> None:
    assert amount(value, "fraction") == text


def test_bounds_of_a_part_are_rounded_away_from_the_estimate() -> None:
    number = Estimate(0.99922, 0.999006, 0.999372)
    assert between("mean", number, "fraction") == "mean 99.922 % (99.9 %–99.938 %)"
    assert between("mean", Estimate(0.5, 0.49999, 0.50001), "held") == "mean 50 % (49.99 %–50.01 %)"


def test_times_side_by_side_that_differ_are_written_so_that_they_differ() -> None:
    hour = 3_600_000.0
    assert amounts([hour, 2 * hour, inf, inf], "ms") == ["1h", "2h", "never", "never"]
    assert amounts([hour, hour + 4_000, 2 * hour + 1, hour], "ms") == ["1h", "1h0m4s", "2h", "1h"]
    assert amounts([hour + 100, hour + 200, hour + 4_000], "ms") == ["1h0m0.1s", "1h0m0.2s", "1h0m4s"]
    assert amounts([0.5, 0.5000001], "fraction") == ["50 %", "50 %"], "times alone"
