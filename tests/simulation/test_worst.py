"""The worst of what lasts, against looking through everything that lasts each time."""

from __future__ import annotations

import random

import pytest

from kubeinfer_sim.simulation.faults.worst import Worst


class Counted(float):
    """A number that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: float) -> bool:
        Counted.compared += 1
        return float.__lt__(self, other)

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return float.__eq__(self, other)

    __hash__ = float.__hash__


@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_lowest_value_and_of_equal_ones_the_first_that_came(seed: int) -> None:
    draw = random.Random(seed)
    worst: Worst[int] = Worst()
    lasting: dict[int, float] = {}
    for key in range(500):
        if lasting and draw.random() < 0.5:
            gone = draw.choice(list(lasting))
            worst.discard(gone)
            del lasting[gone]
        else:
            lasting[key] = draw.choice([0, 1, 1, 2])
            worst.add(key, lasting[key])
        assert worst.key == min(lasting, key=lambda each: lasting[each], default=None)
        assert worst.value(7) == min(lasting.values(), default=7)


def test_what_is_not_there_may_be_discarded_and_what_comes_again_counts_anew() -> None:
    worst: Worst[str] = Worst()
    worst.discard("nothing")
    assert worst.key is None
    worst.add("slow", 0.5)
    worst.add("slow", 0.9)
    assert worst.value(1) == 0.9


@pytest.mark.parametrize("order", ["first in, first out", "last in, first out"])
def test_a_change_costs_the_logarithm_of_what_lasts(order: str) -> None:
    def comparisons(number: int) -> int:
        Counted.compared = 0
        worst: Worst[int] = Worst()
        for key in range(number):
            worst.add(key, Counted(key % 3))
            assert worst.key is not None
        for key in range(number) if order[0] == "f" else reversed(range(number)):
            worst.discard(key)
            worst.value(1)
        return Counted.compared

    assert comparisons(8_000) < 10 * comparisons(1_000), "8 times as much, and a logarithm more; not 64 times"


def test_what_is_over_takes_no_room_beside_what_lasts_for_ever() -> None:
    worst: Worst[int] = Worst()
    worst.add(0, 0)
    for key in range(1, 10_000):
        worst.add(key, 1)
        worst.discard(key)
    assert len(worst._heap) < 100
