"""The same faults under several variants of a scenario, and how the outcomes differ.

Each seed is one world: faults, health and the length of every stage come from streams named after what they
decide, so that a variant changes nothing but what follows from it (common random numbers). Variants are
compared pairwise by seed; over several seeds the difference has a 95 % interval.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kubeinfer_sim.controllers.policies import RecoveryPlugin
from kubeinfer_sim.experiment.columns import COLUMNS, Column
from kubeinfer_sim.experiment.simulate import simulate
from kubeinfer_sim.experiment.statistics import Estimate, estimate
from kubeinfer_sim.metrics import measure
from kubeinfer_sim.metrics.outage_stages import time_by_stage
from kubeinfer_sim.scenario.model import Scenario


@dataclass(frozen=True, slots=True)
class Variant:
    """A scenario with a knob turned; `recovery` decides in place of its rules."""

    name: str
    scenario: Scenario
    recovery: RecoveryPlugin | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a variant came to.

    Attributes:
        values: column -> one number per seed.
        spent: what the outages were spent on -> instance-ms, mean over the seeds.
    """

    variant: Variant
    values: dict[str, list[float]]
    spent: dict[str, float]

    def mean(self, column: Column) -> Estimate:
        """The number over all seeds."""
        return estimate(self.values[column.name])

    def against(self, other: Outcome, column: Column) -> Estimate:
        """How much more it is than under another variant, paired by seed."""
        pairs = zip(self.values[column.name], other.values[column.name], strict=True)
        return estimate([mine - theirs for mine, theirs in pairs])


@dataclass(frozen=True, slots=True)
class Comparison:
    """Variants of one scenario under the same seeds; the first is what the others are held against."""

    scenario: str
    seeds: tuple[int, ...]
    columns: tuple[Column, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def best(self) -> Outcome:
        """The best by the first column that tells them apart; of equals the first."""
        best = self.outcomes[0]
        for other in self.outcomes[1:]:
            if self.better(other, best) is not None:
                best = other
        return best

    def better(self, one: Outcome, other: Outcome) -> Column | None:
        """The first column that decides, by which one is better; None when none is, or it cannot be told."""
        for column in self.columns:
            if not column.decides:
                continue
            difference = one.against(other, column)
            if difference.differs:
                gain = difference.mean > 0 if column.better == "high" else difference.mean < 0
                return column if gain else None
        return None

    def same(self, one: Outcome, other: Outcome) -> bool:
        """Whether all that decides is equal under every seed."""
        return all(
            one.values[column.name] == other.values[column.name] for column in self.columns if column.decides
        )


def compare(
    variants: Sequence[Variant], seeds: Sequence[int], columns: Sequence[Column] = COLUMNS
) -> Comparison:
    """Simulate every variant under every seed.

    Raises:
        ValueError: no variant, or no seed.
    """
    if not variants or not seeds:
        raise ValueError("a comparison needs variants and seeds")
    outcomes = tuple(_outcome(variant, seeds, columns) for variant in variants)
    return Comparison(variants[0].scenario.name, tuple(seeds), tuple(columns), outcomes)


def _outcome(variant: Variant, seeds: Sequence[int], columns: Sequence[Column]) -> Outcome:
    values: dict[str, list[float]] = {column.name: [] for column in columns}
    spent: Counter[str] = Counter()
    for seed in seeds:
        run = simulate(variant.scenario, seed=seed, recovery=variant.recovery)
        measures = measure(run.history, ended_at=run.ended_at, end=run.end)
        for column in columns:
            values[column.name].append(column.measure(run, measures))
        spent.update(time_by_stage(run.history, measures.instances, run.ended_at))
    return Outcome(variant, values, {stage: length / len(seeds) for stage, length in spent.most_common()})
