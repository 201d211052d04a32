"""Which variant is called better, and how often wrongly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from msgspec import Struct

from kubeinfer_sim.experiment.columns import COLUMNS
from kubeinfer_sim.experiment.standing import stand

DECIDING = {each.name: each for each in COLUMNS}
COMPLETES, MISSING, LOST = (DECIDING[name] for name in ("completes", "missingForGood", "lostInstanceMs"))
HOUR = 3_600_000


class Seen(Struct):
    """A variant of which this is known."""

    values: dict[str, list[float | None]]
    by_chance: bool = True
    failed: tuple[int, ...] = ()

    @property
    def ended(self) -> Sequence[bool]:
        """Under each seed."""
        return [place not in self.failed for place in range(len(next(iter(self.values.values()))))]


def seen(lost: Sequence[float | None], completes: Sequence[float] | None = None, **fields: object) -> Seen:
    done: list[float | None] = [*(completes or [1.0] * len(lost))]
    return Seen({"completes": done, "lostInstanceMs": [*lost]}, **fields)  # type: ignore[arg-type]


def winner(one: Seen, other: Seen, confidence: float = 0.95) -> int:
    return stand(one, other, (COMPLETES, LOST), HOUR, confidence).winner


def test_six_seeds_that_agree_name_a_winner_and_five_do_not() -> None:
    worse = [float(60_000 + each * 1000) for each in range(6)]
    assert winner(seen([0.0] * 6), seen(worse)) == 1
    assert winner(seen(worse), seen([0.0] * 6)) == -1
    assert winner(seen([0.0] * 5), seen(worse[:5])) == 0
    assert winner(seen([0.0] * 6), seen(worse), 1 - 0.05 / 2) == 0, "of three variants it takes seven"
    assert winner(seen([0.0], by_chance=False), seen([60_000.0], by_chance=False)) == 1


def test_less_than_a_second_is_no_reason() -> None:
    found = stand(seen([0.0] * 10), seen([999.0] * 10), (COMPLETES, LOST), HOUR, 0.95)
    assert (found.column, found.winner) == (None, 0)
    assert winner(seen([0.0] * 10), seen([1000.0] * 10)) == 1


def test_the_first_number_in_which_they_differ_decides_or_none() -> None:
    """One run of ten does not complete: that it loses less otherwise makes it no better."""
    often, always = seen([0.0] * 10, [1.0] * 9 + [0.0]), seen([60_000.0] * 10)
    found = stand(often, always, (COMPLETES, LOST), HOUR, 0.95)
    assert (found.column, found.winner, found.better, found.worse) == (COMPLETES, 0, 0, 1)


def test_a_run_that_failed_counts_against_the_better_one() -> None:
    good, bad = [0.0] * 7, [60_000.0] * 7
    assert winner(seen(good), seen(bad)) == 1
    one = seen([None, *good[1:]], failed=(0,))
    found = stand(one, seen(bad), (COMPLETES, LOST), HOUR, 0.95)
    assert (found.winner, found.known, found.unknown) == (0, 6, 1)


def test_rare_catastrophes_are_not_outvoted_by_small_gains() -> None:
    """Nineteen times a minute less, once ten hours more: by the signs better, by the mean worse."""
    gambles = [0.0] * 19 + [10.0 * HOUR]
    assert winner(seen(gambles), seen([60_000.0] * 20)) == 0


@pytest.mark.parametrize("seeds", [6, 20, 150])
def test_of_two_equally_good_variants_one_is_called_better_at_most_one_time_in_twenty(seeds: int) -> None:
    source, named, batches = np.random.default_rng(seeds), 0, 1000
    for _ in range(batches):
        both = []
        for _ in range(2):
            completes = (source.random(seeds) > 0.02).astype(float)
            both.append(seen((source.exponential(600_000, seeds)).tolist(), completes.tolist()))
        named += winner(*both) != 0
    assert named / batches <= 0.05 + 2 * (0.05 * 0.95 / batches) ** 0.5


def test_the_best_of_five_is_called_worse_than_another_at_most_one_time_in_twenty() -> None:
    source, wrong, batches = np.random.default_rng(5), 0, 600
    for _ in range(batches):
        first, *others = (seen(source.exponential(600_000, 12).tolist()) for _ in range(5))
        wrong += any(winner(other, first, 1 - 0.05 / 4) == 1 for other in others)
    assert wrong / batches <= 0.05 + 2 * (0.05 * 0.95 / batches) ** 0.5
