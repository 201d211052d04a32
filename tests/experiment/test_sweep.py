"""Spaces of knobs: values between two ends, points spread evenly, the Pareto front."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.cliffs import FIRST_LOOKS, first_places
from kubeinfer_sim.experiment.ranges import between, listed, points, whole_numbers
from kubeinfer_sim.experiment.sweep import pareto_front


@pytest.mark.parametrize(
    ("text", "number", "first", "last"),
    [
        ("8..16", 9, "8", "16"),
        ("10s..5m", 291, "10s", "5m"),
        ("100ms..2s", 1901, "100ms", "2s"),
        ("0.5..2", 1501, "0.5", "2"),
        ("5%..50%", 46, "5%", "50%"),
        ("5..50%", 46, "5%", "50%"),
    ],
)
def test_a_range_has_steps_between_its_ends(text: str, number: int, first: str, last: str) -> None:
    steps = between("knob", text)
    assert steps is not None
    assert (steps.number, steps.at(0), steps.at(1 - 1e-12)) == (number, first, last)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("16..8", "from a smaller value to a larger one"),
        ("8s..16", "the second end needs a unit, as in 8s..16s"),
        ("8..16s", "the first end needs a unit, as in 8s..16s"),
        ("5%..50", "give both ends the same unit"),
        ("1x..2x", "unknown unit 'x'"),
    ],
)
def test_a_range_that_cannot_be_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        between("knob", text)


def test_a_list_is_no_range() -> None:
    assert between("knob", "a,b") is None


@pytest.mark.parametrize("method", ["lhs", "sobol"])
def test_points_are_spread_evenly_and_the_same_each_time(method: str) -> None:
    sides = [whole_numbers(0, 999), listed(["on", "off"])]
    rows = points(sides, 64, method, 7)
    assert rows == points(sides, 64, method, 7) != points(sides, 64, method, 8)
    eighths = Counter(int(number) // 125 for number, _ in rows)
    assert set(eighths) == set(range(8))
    assert set(eighths.values()) <= {7, 8, 9}, "each part of the range as often"
    assert Counter(switch for _, switch in rows) == {"on": 32, "off": 32}


def test_points_that_come_out_the_same_are_there_once() -> None:
    assert sorted(points([listed(["a", "b"])], 50, "lhs", 0)) == [("a",), ("b",)]


@pytest.mark.parametrize(
    ("rows", "front"),
    [
        ([(1, 3), (2, 2), (3, 1), (3, 3)], (0, 1, 2)),
        ([(1, 1), (1, 1), (1, 2)], (0, 1)),
        ([(1, None), (2, 5)], (1,)),
        ([(float("inf"), 0), (2, 5)], (1,)),
        ([(2,), (1,), (1,)], (1, 2)),
        ([(float("inf"),)], ()),
    ],
)
def test_on_the_front_is_what_no_other_is_better_than(
    rows: list[tuple[float | None, ...]], front: tuple[int, ...]
) -> None:
    assert pareto_front(rows) == front


@pytest.mark.parametrize("number", [1, 2, 9, 20, 21, 1000, 100_000])
def test_the_ends_are_looked_at_first_and_a_few_between_them(number: int) -> None:
    places = first_places(number)
    assert (places[0], places[-1]) == (0, number - 1)
    assert len(places) <= FIRST_LOOKS + 1
    assert all(one < other for one, other in pairwise(places))
