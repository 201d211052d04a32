"""How far the variants of a comparison are from the first one, number by number, paired by seed."""

from __future__ import annotations

from msgspec import Struct

from kubeinfer_sim.experiment.columns import Column
from kubeinfer_sim.experiment.compare import Comparison, Outcome
from kubeinfer_sim.report.comparison_rows import NOTHING
from kubeinfer_sim.report.series.lost_time import LostTime, in_order

#: Numbers with a picture, those that decide most first; seeds whose own difference is drawn.
MOST_NUMBERS, MOST_SEEDS = 4, 400


class Against(Struct, frozen=True):
    """How much more a number is under a variant than under the first one.

    Attributes:
        low, high: between what the mean (or, where there are too few seeds for that, the median) of the difference is;
            None where that cannot be told.
        by_seed: of each seed that both have a number for.
    """

    variant: str
    mean: float
    low: float | None
    high: float | None
    by_seed: list[tuple[int, float]]


class Differences(Struct, frozen=True):
    """One number.

    Attributes:
        unit: as that of a column.
        better: whether a high or a low one is the better one.
        base: the variant that the others are held against.
    """

    title: str
    unit: str
    better: str
    base: str
    variants: list[Against]


def differences(comparison: Comparison) -> list[Differences]:
    """Of the numbers in which the variants differ: those by which the best one is told, then those of the whole run."""
    base, best = comparison.outcomes[0], comparison.best
    standings = [comparison.stand(best, each).column for each in comparison.outcomes if each is not best]
    deciding = [each for each in comparison.columns if each in standings]
    others = [
        each
        for each in comparison.columns
        if not (each.about or each.unit == "held") and each not in standings
    ]
    found: list[Differences] = []
    for column in (*deciding, *others):
        own = [
            told for other in comparison.outcomes[1:] if (told := _against(comparison, other, base, column))
        ]
        known = [each.variants for each in found]  # two numbers may be the same by other names
        if own not in known and any(abs(each.mean) > NOTHING or each.low != each.high for each in own):
            title = column.title_in(base.variant.scenario)
            found.append(Differences(title, column.unit, column.better, base.variant.name, own))
    return found[:MOST_NUMBERS]


def spent_by_variant(comparison: Comparison) -> list[LostTime]:
    """Where the lost time of each variant went: the mean of all seeds, by stage."""
    return [
        LostTime(
            outcome.variant.name,
            "instance" if outcome.variant.scenario.kubeinfers else "pod",
            0,
            in_order({stage: round(ms) for stage, ms in outcome.spent.items()}),
        )
        for outcome in comparison.outcomes
    ]


def _against(comparison: Comparison, other: Outcome, base: Outcome, column: Column) -> Against | None:
    number = other.against(base, column)
    if number is None:
        return None
    bounds = number
    if number.half is None and (middle := other.middle_against(base, column)) is not None:
        bounds = middle
    pairs = zip(comparison.seeds, other.values[column.name], base.values[column.name], strict=True)
    by_seed = [
        (seed, mine - theirs) for seed, mine, theirs in pairs if mine is not None and theirs is not None
    ]
    return Against(other.variant.name, number.mean, bounds.low, bounds.high, by_seed[:MOST_SEEDS])
