"""The same faults under several variants of a scenario, and how the outcomes differ.

Each seed is one world: faults, health and the length of every stage come from streams named after what they
decide, so that a variant changes nothing but what follows from it (common random numbers). Variants are
compared pairwise by seed; over enough of them the difference has a 95 % interval.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.columns import Column, columns_of
from kubeinfer_sim.experiment.figures import measured_run
from kubeinfer_sim.experiment.replication import Variant
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.statistics.means import estimate
from kubeinfer_sim.experiment.statistics.proportions import proportion
from kubeinfer_sim.manifest.accelerators import SEVERAL, Family
from kubeinfer_sim.metrics.loss_stages import STAGES
from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.scenario.model import Scenario


class Outcome(Struct, frozen=True):
    """What a variant came to.

    Attributes:
        values: column -> one number per seed, None under seeds that have none (of faults that did not come).
        spent: stage -> what of the lost time was spent in it, instance-ms, mean over the seeds; adds up to the mean
            of `lostInstanceMs`.
        struck: how many faults struck something, one number per seed.
    """

    variant: Variant
    values: dict[str, list[float | None]]
    spent: dict[str, float]
    struck: tuple[int, ...] = ()

    def known(self, column: Column) -> int:
        """How many of the runs have a number."""
        return sum(value is not None for value in self.values[column.name])

    def mean(self, column: Column) -> Estimate | None:
        """The number over all seeds that have one; None when none has."""
        known = [value for value in self.values[column.name] if value is not None]
        if not known:
            return None
        if column.unit == "held" and len(known) > 1:
            return proportion(sum(value == 1 for value in known), len(known))
        return estimate(known)

    def against(self, other: Outcome, column: Column) -> Estimate | None:
        """How much more it is than under another variant, paired by seed; None when no seed has both."""
        pairs = zip(self.values[column.name], other.values[column.name], strict=True)
        gains = [mine - theirs for mine, theirs in pairs if mine is not None and theirs is not None]
        return estimate(gains) if gains else None


class Comparison(Struct, frozen=True):
    """Variants of one scenario under the same seeds; the first is what the others are held against."""

    scenario: str
    seeds: tuple[int, ...]
    columns: tuple[Column, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def faults_struck(self) -> int | None:
        """In how many runs of all a fault struck something; None when the scenario has no faults."""
        if not any(_has_faults(outcome.variant.scenario) for outcome in self.outcomes):
            return None
        return sum(faults > 0 for outcome in self.outcomes for faults in outcome.struck)

    @property
    def family(self) -> Family:
        """The family of accelerators in whose words it is told."""
        families = {outcome.variant.scenario.accelerator_family for outcome in self.outcomes}
        return families.pop() if len(families) == 1 else SEVERAL

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
            if difference is not None and difference.differs:
                gain = difference.mean > 0 if column.better == "high" else difference.mean < 0
                return column if gain else None
        return None

    def same(self, one: Outcome, other: Outcome) -> bool:
        """Whether all that decides is equal under every seed."""
        return all(
            one.values[column.name] == other.values[column.name] for column in self.columns if column.decides
        )


def _has_faults(scenario: Scenario) -> bool:
    random = scenario.faults is not None and bool(scenario.faults.processes)
    return random or any(isinstance(action, Fault) for action in scenario.actions)


def compare(variants: Sequence[Variant], seeds: Sequence[int]) -> Comparison:
    """Simulate every variant under every seed.

    Raises:
        UsageError: a scenario has no KubeInfer whose instances could be counted.
        ValueError: no variant, or no seed.
    """
    if not variants or not seeds:
        raise ValueError("a comparison needs variants and seeds")
    bare = next((variant.scenario for variant in variants if not variant.scenario.kubeinfers), None)
    if bare is not None:
        raise UsageError(
            f"compare counts the instances of a KubeInfer, and the scenario has none: {bare.name} "
            "is about Deployments alone, on which `run` reports"
        )
    columns: dict[str, Column] = {}
    played = [[_play(variant, seed, columns) for seed in seeds] for variant in variants]
    outcomes = [_outcome(variant, runs, columns) for variant, runs in zip(variants, played, strict=True)]
    ordered = sorted(columns.values(), key=lambda each: (each.about != "", each.about != "objective"))
    return Comparison(variants[0].scenario.name, tuple(seeds), tuple(ordered), tuple(outcomes))


#: Of one run: column -> number, what of the lost time was spent in each stage (instance-ms), faults that struck.
_Played = tuple[dict[str, float | None], Counter[str], int]


def _play(variant: Variant, seed: int, columns: dict[str, Column]) -> _Played:
    """Simulate once; `columns` takes those that are met first."""
    played = measured_run(variant.scenario, seed=seed, recovery=variant.recovery)
    values = {}
    for column in columns_of(played):
        columns.setdefault(column.name, column)
        values[column.name] = column.measure(played)
    lost = sum((cause.lost for cause in played.causes), Counter[str]())
    return values, lost, len(played.cluster.faults)


def _outcome(variant: Variant, runs: Sequence[_Played], columns: dict[str, Column]) -> Outcome:
    spent = sum((each for _, each, _ in runs), Counter[str]())
    return Outcome(
        variant,
        {
            name: [values.get(name, column.absent) for values, _, _ in runs]
            for name, column in columns.items()
        },
        {stage: spent[stage] / len(runs) for stage in STAGES if spent[stage]},
        tuple(faults for _, _, faults in runs),
    )
