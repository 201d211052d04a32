"""The same faults under several variants of a scenario, and how the outcomes differ.

Each seed is one world: faults, health and the length of every stage come from streams named after what they
decide, so that a variant changes nothing but what follows from it (common random numbers). Variants are
compared pairwise by seed (`standing.py`), and all up to one end (`common_end.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from math import inf
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.errors import UsageError, expect
from kubeinfer_sim.experiment.columns import UNLESS, Column, columns_for
from kubeinfer_sim.experiment.dispatch import HERE, Job, Workers, remembered
from kubeinfer_sim.experiment.judging import JudgedOverRuns
from kubeinfer_sim.experiment.replication import Failure, Replication, Variant
from kubeinfer_sim.experiment.replications import Replications, frame
from kubeinfer_sim.experiment.replications import gathered as replications
from kubeinfer_sim.experiment.standing import Standing, stand
from kubeinfer_sim.experiment.statistics.differences import middle, more_often
from kubeinfer_sim.experiment.statistics.estimate import CONFIDENCE, Estimate
from kubeinfer_sim.experiment.statistics.means import estimate, fewest_for_signs
from kubeinfer_sim.experiment.statistics.percentiles import percentile
from kubeinfer_sim.experiment.statistics.proportions import proportion
from kubeinfer_sim.experiment.store import opened
from kubeinfer_sim.experiment.worker import Played
from kubeinfer_sim.manifest.accelerators import SEVERAL, Family
from kubeinfer_sim.methods import WrittenIn
from kubeinfer_sim.metrics.loss_stages import STAGES
from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.scenario.model import Scenario

T = TypeVar("T")

#: Seeds that all variants have met before the next ones come.
_BLOCK = 64


class Outcome(Struct, frozen=True):
    """What a variant came to.

    Attributes:
        values: column -> one number per seed, carried on to the common end; None under seeds that have none (of
            faults that did not come).
        spent: stage -> what of the lost time was spent in it, instance-ms, mean over the seeds; adds up to the mean
            of `lostInstanceMs`.
        struck: how many faults struck something, one number per seed.
        took: how long the slowest change took, ms, one number per seed; infinite when it was not in place at the end,
            None when there was none.
        ended: whether the run came to an end of its own, one for each seed.
        by_chance: whether anything was drawn in one of them.
        runs: its runs, and what they say by themselves.
    """

    variant: Variant
    values: dict[str, list[float | None]]
    spent: dict[str, float]
    struck: tuple[int, ...] = ()
    took: tuple[float | None, ...] = ()
    ended: tuple[bool, ...] = ()
    by_chance: bool = True
    runs: Replications | None = None

    @property
    def confidence(self) -> float:
        """Of its intervals."""
        return float(self.variant.scenario.confidence)

    @property
    def together(self) -> JudgedOverRuns | None:
        """All objectives in the same run; None without any."""
        return None if self.runs is None else self.runs.together

    def quantile(self, name: str, part: float) -> Estimate | None:
        """A percentile of `duration` or of a column over the seeds that have a number; None when none has.

        What a run never came to the end of took it for ever.

        Raises:
            ValueError: the part is not above 0 and below 1.
        """
        values = self.took if name == "duration" else self.values[name]
        known = [value for value in values if value is not None]
        if never := UNLESS.get(name):
            known += [inf for finished in self.values.get(never, ()) if finished == 0]
        return percentile(sorted(known), part, self.confidence) if known else None

    def known(self, column: Column) -> int:
        """How many of the runs have a number."""
        return sum(value is not None for value in self.values[column.name])

    def mean(self, column: Column) -> Estimate | None:
        """The number over all seeds that have one; None when none has.

        Of what is held or not the part of all runs that held it; one that could not tell counts as not held at the
        lower bound, as held at the upper one.
        """
        known = [value for value in self.values[column.name] if value is not None]
        if not known:
            return None
        if column.unit != "held":
            return estimate(known, self.confidence)
        held = sum(value == 1 for value in known)
        untold = self._untold(column).count(True)
        runs = len(known) + untold
        if runs == 1:
            return Estimate(held)
        least = proportion(held, runs, self.confidence)
        most = proportion(held + untold, runs, self.confidence)
        return Estimate(held / runs, least.low, most.high, least.method)

    def _untold(self, column: Column) -> list[bool]:
        """Of each seed whether the run failed, or could not tell whether it holds an objective."""
        values = self.values[column.name]
        ended = self.ended or (True,) * len(values)
        objective = column.about == "objective"
        return [value is None and (objective or not over) for value, over in zip(values, ended, strict=True)]

    def against(self, other: Outcome, column: Column) -> Estimate | None:
        """How much more it is than under another variant, paired by seed; None when no seed has both."""
        if column.unit == "held":
            return self._more_often(other, column)
        more = self._more(other, column)
        drawn = self.by_chance or other.by_chance
        return estimate(more, self.confidence, drawn=drawn) if more else None

    def middle_against(self, other: Outcome, column: Column) -> Estimate | None:
        """The median of these differences; None of what is held or not, and where there are too few for an interval."""
        return None if column.unit == "held" else middle(self._more(other, column), self.confidence)

    def middle(self, column: Column) -> Estimate | None:
        """The median of the number itself, likewise."""
        known = [value for value in self.values[column.name] if value is not None]
        return None if column.unit == "held" else middle(known, self.confidence)

    def differs(self, other: Outcome, column: Column) -> bool:
        """Whether it is another number under any seed that has both."""
        return any(self._more(other, column))

    def _more(self, other: Outcome, column: Column) -> list[float]:
        pairs = zip(self.values[column.name], other.values[column.name], strict=True)
        return [mine - theirs for mine, theirs in pairs if mine is not None and theirs is not None]

    def _more_often(self, other: Outcome, column: Column) -> Estimate | None:
        mine, theirs = self.mean(column), other.mean(column)
        if mine is None or theirs is None:
            return None
        more = self._more(other, column)
        untold = [one or two for one, two in zip(self._untold(column), other._untold(column), strict=True)]
        gained, lost = sum(each > 0 for each in more), sum(each < 0 for each in more)
        unknown = sum(untold)
        if not (self.by_chance or other.by_chance) or not more:
            return Estimate(mine.mean - theirs.mean, differs=bool(gained or lost))
        told = mine.mean - theirs.mean
        return more_often(gained, lost, len(more) + unknown, unknown, self.confidence, told)


class Comparison(Struct, frozen=True):
    """Variants of one scenario under the same seeds; the first is what the others are held against.

    Attributes:
        failures: runs that came to no end, each with the name of its variant.
        interrupted: there were to be more seeds.
        until: until when is counted, ms: the horizon, or the end of the run that lasted longest.
        not_compared: numbers that runs which end at different times cannot be compared by.
    """

    scenario: str
    seeds: tuple[int, ...]
    columns: tuple[Column, ...]
    outcomes: tuple[Outcome, ...]
    failures: tuple[tuple[str, Failure], ...] = ()
    interrupted: bool = False
    until: int = 0
    not_compared: tuple[Column, ...] = ()

    plot_differences = WrittenIn("report.pictures", "plot_differences")
    _repr_html_ = WrittenIn("report.notebook", "html_of")

    @property
    def faults_struck(self) -> int | None:
        """In how many runs of all a fault struck something; None when the scenario has no faults."""
        if not any(_has_faults(outcome.variant.scenario) for outcome in self.outcomes):
            return None
        return sum(faults > 0 for outcome in self.outcomes for faults in outcome.struck)

    @property
    def family(self) -> Family:
        """The family of accelerators in whose words it is told."""
        return _common(outcome.variant.scenario.accelerator_family for outcome in self.outcomes)

    @property
    def waited_for(self) -> Family:
        """What pods wait for that are not placed."""
        return _common(outcome.variant.scenario.waited_for for outcome in self.outcomes)

    @property
    def confidence(self) -> float:
        """With which one is called better than another, so that all that is called so holds with the scenario's."""
        return 1 - (1 - self.outcomes[0].confidence) / max(1, len(self.outcomes) - 1)

    @property
    def best(self) -> Outcome:
        """The best, as far as it can be told; of equals the first."""
        best = self.outcomes[0]
        for other in self.outcomes[1:]:
            if self.stand(other, best).winner > 0:
                best = other
        return best

    def stand(self, one: Outcome, other: Outcome) -> Standing:
        """Which of two is better, and by what."""
        return stand(one, other, self.columns, self.until, self.confidence)

    @property
    def unknown(self) -> bool:
        """Whether nothing can be said of a variant, since none of its runs came to an end under a seed of the best."""
        ended = [over for outcome in self.outcomes for over in outcome.ended]
        if ended and not any(ended):
            return True
        best = self.best
        return any(not self.stand(best, other).known for other in self.outcomes if other is not best)

    def to_pandas(self) -> Any:
        """A DataFrame with a row for each run, by variant and seed, as that of `Replications`.

        Raises:
            UsageError: pandas is not installed.
        """
        runs = [
            (outcome.variant.name, run)
            for outcome in self.outcomes
            if outcome.runs is not None
            for run in outcome.runs.runs
        ]
        return frame([run for _, run in runs], {"variant": [name for name, _ in runs]})


def _common(families: Iterable[Family]) -> Family:
    each = set(families)
    return each.pop() if len(each) == 1 else SEVERAL


def _has_faults(scenario: Scenario) -> bool:
    random = scenario.faults is not None and bool(scenario.faults.processes)
    return random or any(isinstance(action, Fault) for action in scenario.actions)


def compare(
    variants: Sequence[Variant],
    seeds: Sequence[int] | None = None,
    *,
    workers: Workers = HERE,
    store: str | Path | None = None,
    progress: Callable[[int, int, Sequence[Mapping[int, Played]]], None] | None = None,
    seeds_if_drawn: int | None = None,
) -> Comparison:
    """Simulate every variant under every seed; Ctrl-C ends it with the seeds that all variants have met.

    A variant of which nothing is drawn is played with the first seed alone: it comes to the same under all others.

    Args:
        variants: the first is what the others are held against.
        seeds: each a world; if not given the scenario's, and where anything is drawn under it as many of those that
            follow as it takes to tell which variant is better, if they agree.
        workers: processes to play them in; in this one, if not given.
        store: a file that keeps what every run came to; what it knows is not played again.
        progress: told after every run how many of how many there are, and what came of the seeds of each variant.
        seeds_if_drawn: without seeds so many where anything is drawn, in place of as many as it takes to tell.

    Raises:
        UsageError: a function that decides on recovery fails with the first seed; the variants have different horizons;
            a seed or the name of a variant is given twice.
        ValueError: no variant, or no seed.
    """
    for each in variants:
        expect(each, (Variant,), "compare", "compare([Variant('as it is', scenario), …])")
    if not variants or (seeds is not None and not seeds):
        raise ValueError("a comparison needs variants and seeds")
    if (again := _repeated(seeds or ())) is not None:
        raise UsageError(f"seed {again} is given twice: it would be counted as two runs, and is one")
    if (name := _repeated([variant.name for variant in variants])) is not None:
        raise UsageError(f"two variants are called {name!r}: nothing would tell them apart")
    if len({variant.scenario.horizon for variant in variants}) > 1:
        raise UsageError("variants that end at different horizons cannot be compared: give one as --horizon")
    played: list[dict[int, Played]] = [{} for _ in variants]
    first = variants[0].scenario.seed
    asked = [first] if seeds is None else seeds
    interrupted = False
    with nullcontext() if store is None else opened(store, variants) as known:

        def play(since: int, until: int, later: int = 0) -> None:
            more = asked[since:until]
            open_ended = []
            for variant, own in enumerate(played):
                run = own.get(asked[0])
                if isinstance(run, Replication) and not run.by_chance:  # another seed gives the same run
                    own |= {seed: replace(run, seed=seed) for seed in more}
                    if known is not None:
                        for seed in more:
                            known.put(variant, own[seed])
                else:
                    open_ended.append(variant)
            done, wanted = sum(map(len, played)), len(open_ended) * len(more)
            jobs = remembered(known, variants, _jobs(open_ended, asked, since, until), wanted, workers)
            for number, (job, each) in enumerate(jobs, 1):
                if isinstance(each, Failure) and each.why == "error" and job.seed == asked[0]:
                    raise UsageError(each.message)
                played[job.variant][job.seed] = each
                if progress is not None:
                    progress(done + number, done + wanted + later * len(variants), played)

        try:
            play(0, 1, later=len(asked) - 1)
            if seeds is None and any(_is_by_chance(own[first]) for own in played):
                confidence = float(variants[0].scenario.confidence)
                asked = range(first, first + (seeds_if_drawn or seeds_to_tell(len(variants), confidence)))
            play(1, len(asked))
        except KeyboardInterrupt:
            interrupted = True
            asked = [seed for seed in asked if all(seed in own for own in played)]
    return gathered(variants, asked, played, interrupted=interrupted)


def _repeated(given: Iterable[T]) -> T | None:
    """The first that is given more than once."""
    return next((each for each, number in Counter(given).items() if number > 1), None)


def seeds_to_tell(variants: int, confidence: float = CONFIDENCE) -> int:
    """So many seeds tell which of some variants is the best, where they all agree."""
    return fewest_for_signs(1 - (1 - confidence) / max(1, variants - 1))


def _is_by_chance(played: Played) -> bool:
    return isinstance(played, Failure) or played.by_chance


def gathered(
    variants: Sequence[Variant],
    seeds: Sequence[int],
    played: Sequence[Mapping[int, Played]],
    *,
    interrupted: bool,
) -> Comparison:
    """What came of every variant under every seed, put together."""
    runs = [[own[seed] for seed in seeds] for own in played]
    every = [run for own in runs for run in own if isinstance(run, Replication)]
    columns: dict[str, Column] = {}
    for run in every:
        if not run.values.keys() <= columns.keys():
            for column in columns_for(run.judged, run.values):
                columns.setdefault(column.name, column)
    until = max((run.ended_at for run in every), default=0)
    apart = len({run.ended_at for run in every}) > 1
    not_compared = tuple(
        each
        for each in columns.values()
        if each.of_one_time and apart and any(run.values.get(each.name) is not None for run in every)
    )
    for each in not_compared:
        del columns[each.name]
    ordered = sorted(
        columns.values(),
        key=lambda each: (each.about != "", each.about != "objective", not each.at_the_end),
    )
    failures = tuple(
        (variant.name, run)
        for variant, own in zip(variants, runs, strict=True)
        for run in own
        if isinstance(run, Failure)
    )
    outcomes = tuple(
        _outcome(variant, own, columns, until) for variant, own in zip(variants, runs, strict=True)
    )
    return Comparison(
        variants[0].scenario.name,
        tuple(seeds),
        tuple(ordered),
        outcomes,
        failures,
        interrupted,
        until,
        not_compared,
    )


def _jobs(variants: Sequence[int], seeds: Sequence[int], since: int, until: int) -> Iterator[Job]:
    """In blocks of seeds, variant by variant: so a chunk is of one variant, and what is done early is paired.

    Of the seeds those from `since` to before `until`, by their places.
    """
    for begin in range(0, until, _BLOCK):
        for variant in variants:
            for seed in seeds[max(begin, since) : min(begin + _BLOCK, until)]:
                yield Job(variant, seed)


def _outcome(variant: Variant, runs: Sequence[Played], columns: Mapping[str, Column], until: int) -> Outcome:
    spent: Counter[str] = Counter()
    ended = [run for run in runs if isinstance(run, Replication)]
    for run in ended:
        for stages in run.lost.values():
            spent.update(stages)
        for missing in run.missing.values():
            spent.update({stage: number * (until - run.ended_at) for stage, number in missing.items()})
    return Outcome(
        variant,
        {name: [_number(run, column, until) for run in runs] for name, column in columns.items()},
        {stage: spent[stage] / len(ended) for stage in STAGES if spent[stage]},
        tuple(sum(run.struck.values()) if isinstance(run, Replication) else 0 for run in runs),
        tuple(run.duration if isinstance(run, Replication) else None for run in runs),
        tuple(isinstance(run, Replication) for run in runs),
        any(run.by_chance for run in ended),
        replications(variant.scenario, runs, "asked", len(runs)),
    )


def _number(run: Played, column: Column, until: int) -> float | None:
    """The number of a run, carried on to the common end."""
    if isinstance(run, Failure):
        return None
    parts = run.growing.get(column.name, ())
    if not parts or run.ended_at == until:
        return run.values.get(column.name, column.absent)
    return column.over(part.after(until - run.ended_at) for part in parts)
