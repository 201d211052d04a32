from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kubeinfer_sim.metrics.steps import Low, Steps, segments, shortfall

changes = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 4)), max_size=12).map(sorted)


def test_of_several_values_at_one_instant_the_last_one_counts() -> None:
    assert Steps([(0, 2), (5, 1), (5, 3), (5, 2), (7, 4)]).points == [(0, 2), (7, 4)]


def test_a_value_that_lasts_no_time_is_not_the_lowest() -> None:
    steps = Steps([(0, 2), (5, 0), (5, 2)])
    assert steps.lowest(0, 10) == Low(2, 0, 10)


def test_the_lowest_value_says_when_it_was_first_reached_and_for_how_long_in_all() -> None:
    steps = Steps([(0, 2), (5, 1), (7, 2), (8, 1)])
    assert steps.lowest(0, 10) == Low(1, 5, 4)


def test_a_fall_at_the_very_end_counts() -> None:
    assert Steps([(0, 2), (10, 1)]).lowest(0, 10) == Low(1, 10, 0)


def test_the_lowest_value_of_no_time_at_all_is_the_value_then() -> None:
    assert Steps([(0, 2), (10, 3)]).lowest(10, 10) == Low(3, 10, 0)


def test_before_the_first_point_the_value_is_0() -> None:
    steps = Steps([(5, 2)])
    assert [steps.at(when) for when in (0, 4, 5, 9)] == [0, 0, 2, 2]


@given(changes, changes, st.integers(0, 45), st.integers(0, 45))
def test_integrals_agree_with_a_sum_over_every_millisecond(
    a: list[tuple[int, int]], b: list[tuple[int, int]], start: int, end: int
) -> None:
    wanted, had = Steps(a), Steps(b)
    by_hand = sum(max(0, wanted.at(ms) - had.at(ms)) for ms in range(start, end))
    assert shortfall(wanted, had, start, end) == by_hand
    assert sum(to - since for since, to, _ in segments((wanted, had), start, end)) == max(0, end - start)
    low = had.lowest(start, end)
    assert low.value == min([had.at(ms) for ms in range(start, end)] + [had.at(end)])
