"""Many runs of one scenario: played, and what can be said of all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property
from math import ceil, inf, isinf
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from kubeinfer_sim.controllers.kubeinfer.policies import RecoveryPlugin
from kubeinfer_sim.errors import UsageError, expect
from kubeinfer_sim.experiment.columns import Column, columns_for
from kubeinfer_sim.experiment.dispatch import HERE, Job, Workers, remembered
from kubeinfer_sim.experiment.judging import (
    Decision,
    JudgedOverRuns,
    SequentialTest,
    cut_short,
    decide,
    falls_short,
    judge_runs,
    judge_together,
    judgement_of,
    unfinished,
)
from kubeinfer_sim.experiment.replication import Failure, Replication, Times, Variant
from kubeinfer_sim.experiment.statistics.clusters import clustered_mean, clustered_percentile
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.statistics.means import estimate
from kubeinfer_sim.experiment.statistics.percentiles import percentile
from kubeinfer_sim.experiment.statistics.proportions import proportion
from kubeinfer_sim.experiment.statistics.stopping import PILOT, runs_for
from kubeinfer_sim.experiment.store import opened
from kubeinfer_sim.experiment.worker import Played
from kubeinfer_sim.methods import WrittenIn
from kubeinfer_sim.scenario.model import Scenario

#: The most runs that are made where nothing says how many.
MOST = 10_000
#: Of each kind of fault, `causes/NodeDeath/…`, how long single ones took.
DETECTION, REPAIR = "detectionMs", "repairMs"
_NO_TIMES = Times((), ())
#: Why there are as many runs as there are.
Stopped = Literal["asked", "decided", "most", "precision", "pilot", "interrupted"]
#: Told after every run: how many of how many, and what there is so far.
Progress = Callable[[int, int, Sequence[Played]], None]


class Replications(Struct, frozen=True, dict=True):
    """Runs of one scenario with different seeds, and what they say.

    Attributes:
        runs: those that came to an end, in order of their seeds.
        failures: those that did not.
        stopped: why there are no more.
        asked: how many there were to be, at most.
        sequential: it was looked after every run whether all is decided: intervals of objectives allow for that.
        precision: to which part of itself a mean was to be known (`measured_precision`); None: that was not asked for.
    """

    scenario: Scenario
    runs: tuple[Replication, ...]
    failures: tuple[Failure, ...] = ()
    stopped: Stopped = "asked"
    asked: int = 0
    sequential: bool = False
    precision: float | None = None

    plot_duration = WrittenIn("report.pictures", "plot_duration")
    plot_done = WrittenIn("report.pictures", "plot_done")
    plot_min_ready = WrittenIn("report.pictures", "plot_min_ready")
    plot_lost_time = WrittenIn("report.pictures", "plot_lost_time")
    _repr_html_ = WrittenIn("report.notebook", "html_of")

    @property
    def confidence(self) -> float:
        """Of the intervals of the report."""
        return float(self.scenario.confidence)

    @property
    def total(self) -> int:
        """How many were made."""
        return len(self.runs) + len(self.failures)

    # -- objectives --

    @cached_property
    def objectives(self) -> tuple[JudgedOverRuns, ...]:
        """Each over all runs."""
        if not self.runs:
            return ()
        return judge_runs(self.runs, self.failures, self.confidence, sequential=self.sequential)

    @cached_property
    def together(self) -> JudgedOverRuns | None:
        """All objectives in the same run; None without any."""
        if not self.objectives:
            return None
        return judge_together(
            self.runs, len(self.failures), self.objectives, self.confidence, sequential=self.sequential
        )

    @cached_property
    def decision(self) -> Decision:
        """The verdict; of runs that failed nothing is known, so that they leave open what they do not decide."""
        if not self.runs:
            return Decision.OPEN
        chance = self.scenario.may_pass_undisturbed
        made = decide(self.runs, self.objectives, may_pass_undisturbed=chance)
        return Decision.OPEN if self.failures and made is Decision.HELD and not self.objectives else made

    # -- numbers --

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The numbers that any run has."""
        judged = self.runs[0].judged if self.runs else ()
        known = dict.fromkeys(name for run in self.runs for name in run.values)
        return tuple(columns_for(judged, known))

    def values(self, name: str) -> list[float]:
        """The number of each run that has one: `duration`, or the name of a column; infinite what had no end.

        Of how long faults of a kind took, `causes/NodeDeath/detectionMs` and `causes/NodeDeath/repairMs`, that of each
        instance they took out of readiness, whichever the run; infinite what was not ready again at its end.

        Raises:
            KeyError: there is no such number.
        """
        if (times := self.times(name)) is not None:
            return [each for own in times for each in own]
        if name == "duration":
            return [run.duration for run in self.runs if run.duration is not None]
        column = next((each for each in self.columns if each.name == name), None)
        if column is None:
            raise self._unknown(name)
        numbers = (run.values.get(name, column.absent) for run in self.runs)
        return [number for number in numbers if number is not None]

    @property
    def kinds_of_times(self) -> tuple[str, ...]:
        """The kinds of faults that took anything out of readiness."""
        return tuple(dict.fromkeys(kind for run in self.runs for kind in run.times))

    def times(self, name: str) -> list[list[float]] | None:
        """Of each run how long the single faults of a kind took; None: the name is of another number (see `values`).

        Raises:
            KeyError: no run has such a number.
        """
        _, _, of = name.partition("/")
        kind, _, which = of.rpartition("/")
        if which not in (DETECTION, REPAIR):
            return None
        if kind not in self.kinds_of_times:
            raise KeyError(name)
        own = [run.times.get(kind, _NO_TIMES) for run in self.runs]
        if which == DETECTION:
            return [[*each.noticed] for each in own]
        return [[*each.ready, *[inf] * each.lasting] for each in own]

    def cut(self, name: str) -> int:
        """How many of the infinite values of a number (see `values`) the horizon cut short."""
        if name == "duration":
            return len(self.cut_short)
        kind, _, which = name.removeprefix("causes/").rpartition("/")
        return sum(run.times.get(kind, _NO_TIMES).cut for run in self.runs) if which == REPAIR else 0

    def _unknown(self, name: str) -> KeyError:
        numbers = ("duration", *(column.name for column in self.columns), *self.kinds_of_times)
        return KeyError(f"no run has a number {name!r} (there may be: {', '.join(numbers)})")

    def quantile(self, name: str, part: float) -> Estimate:
        """A percentile of a number, with its interval; runs that did not finish are infinite.

        Raises:
            KeyError: no run has such a number.
            ValueError: the part is not above 0 and below 1.
        """
        if (times := self.times(name)) is not None and any(times):
            return clustered_percentile(times, part, self.confidence)
        values = self.values(name)
        if not values:
            raise self._unknown(name)
        return percentile(sorted(values), part, self.confidence)

    def mean(self, name: str) -> Estimate:
        """The mean of a number, over the runs in which it is finite.

        Raises:
            KeyError: no run has such a number.
        """
        values = [value for value in self.values(name) if not isinf(value)]
        if not values:
            raise self._unknown(name)
        if (times := self.times(name)) is not None:
            return clustered_mean(times, self.confidence)
        return estimate(values, self.confidence)

    def probability(self, holds: Callable[[Replication], bool] | str | None = None) -> Estimate:
        """In which part of the runs something holds.

        Args:
            holds: a function of a run; the name of an objective; None: all objectives, as `together` has it, or where
                there are none all that is asked of a run without.

        Raises:
            KeyError: there is no such objective.
            ValueError: no run came to an end.
        """
        if holds is None:
            if self.together is not None:
                return self.together.share
            return self.probability(lambda run: run.sound and not falls_short(run))
        if isinstance(holds, str):
            named = [each for each in self.objectives if each.objective and each.objective.name == holds]
            if not named:
                there = ", ".join(each.objective.name for each in self.objectives if each.objective)
                raise KeyError(f"no objective {holds!r} (there are: {there or 'none'})")
            return named[0].share
        return proportion(sum(map(holds, self.runs)), len(self.runs), self.confidence)

    @property
    def precise_figure(self) -> Literal["duration", "lost"]:
        """What a precision is about: how long it takes, or where nothing has to come into place the time lost."""
        return _precise_figure(self.runs)

    @cached_property
    def measured_precision(self) -> float | None:
        """Half the interval of that mean as a part of it; None: too few runs have anything in them, or it is 0."""
        return _measured_precision(self.runs, self.confidence)

    @cached_property
    def unfinished(self) -> tuple[Replication, ...]:
        """The runs in which what was asked for was not in place at the end."""
        return tuple(run for run in self.runs if unfinished(run))

    @cached_property
    def cut_short(self) -> tuple[Replication, ...]:
        """Of these the runs whose change the horizon cut short: it was not in place by then, and may yet have been."""
        return tuple(run for run in self.runs if cut_short(run))

    # -- single runs --

    @cached_property
    def ranked(self) -> tuple[Replication, ...]:
        """From the best run to the worst: by objectives missed, how long it took, time lost; then by seed."""
        return tuple(sorted(self.runs, key=_badness))

    @property
    def worst(self) -> Replication:
        """The worst run; simulate its seed to see why."""
        return self.ranked[-1]

    @property
    def median(self) -> Replication:
        """The run in the middle."""
        return self.ranked[(len(self.ranked) - 1) // 2]

    def to_pandas(self) -> Any:
        """A DataFrame with a row for each run, by seed: outcome, duration and every number.

        Raises:
            UsageError: pandas is not installed.
        """
        return frame(self.runs)

    # -- causes --

    @cached_property
    def lost(self) -> dict[str, Counter[str]]:
        """Kind of beginning -> stage -> instance-ms over all runs, dearest first."""
        kinds: dict[str, Counter[str]] = {}
        for run in self.runs:
            for kind, stages in run.lost.items():
                kinds.setdefault(kind, Counter()).update(stages)
        return dict(sorted(kinds.items(), key=lambda item: (-item[1].total(), item[0])))

    @cached_property
    def struck(self) -> dict[str, int]:
        """Kind of fault -> in how many runs one struck, most frequent first."""
        kinds: Counter[str] = Counter(
            kind for run in self.runs for kind, times in run.struck.items() if times
        )
        return dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0])))

    @property
    def untouched(self) -> int:
        """In how many runs no fault struck at all."""
        return sum(not any(run.struck.values()) for run in self.runs)


def frame(runs: Sequence[Replication], index: Mapping[str, Sequence[str]] | None = None) -> Any:
    """A DataFrame with a row for each run, by what `index` says of it and its seed.

    Raises:
        UsageError: pandas is not installed.
    """
    from kubeinfer_sim.experiment.data_frame import data_frame

    columns: dict[str, Sequence[object]] = {**(index or {}), "seed": [run.seed for run in runs]}
    columns |= {
        "outcome": [run.outcome.value for run in runs],
        "all_held": [run.all_held for run in runs],
        "duration": [run.duration for run in runs],
    }
    for name in dict.fromkeys(name for run in runs for name in run.values):
        columns[name] = [run.values.get(name) for run in runs]
    return data_frame(columns).set_index([*(index or ()), "seed"])


def _badness(run: Replication) -> tuple[int, bool, bool, float, int, int]:
    return run.missed, unfinished(run), not run.sound, run.duration or 0.0, run.lost_in_all, run.seed


def replicate(
    scenario: Scenario,
    n: int | None = None,
    *,
    seed: int | None = None,
    precision: float | None = None,
    until_decided: bool = False,
    recovery: RecoveryPlugin | None = None,
    workers: Workers = HERE,
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> Replications:
    """Simulate a scenario with many seeds, one after the other from its own.

    Ctrl-C ends it with what there is.

    Args:
        scenario: what happens.
        n: how many runs; with `precision` and `until_decided` the most.
        seed: the first, instead of the scenario's.
        precision: as many runs as it takes to know the mean duration (without one, the instance time lost) to within
            this part of itself; how many have to finish is taken from a pilot and fixed.
        until_decided: until every objective with a probability is held or missed.
        recovery: as in `simulate`.
        workers: processes to play them in; in this one, one run after the other, if not given.
        store: a file that keeps what every run came to; what it knows is not played again.
        progress: called after every run.

    Raises:
        UsageError: no runs, a precision that is none, nothing that could be decided, a function that cannot be sent to
            other processes, a store of other inputs.
        OutputError: the store cannot be written.
    """
    expect(scenario, (Scenario,), "replicate", "replicate(load_scenario('scenario.yaml'), 100)")
    most = _most(n, precision, until_decided)
    first = scenario.seed if seed is None else seed
    variant = Variant(scenario.name, scenario, recovery)
    played: list[Played] = []
    with nullcontext() if store is None else opened(store, [variant]) as kept:

        def play(until: int) -> Iterator[Played]:
            jobs = (Job(0, first + place) for place in range(len(played), until))
            for _, each in remembered(kept, [variant], jobs, until - len(played), workers):
                played.append(each)
                if progress is not None:
                    progress(len(played), until, played)
                yield each

        stopped: Stopped = "asked"
        try:
            if until_decided:
                stopped = _until_decided(scenario, play(most))
            elif precision is not None:
                stopped = _to_precision(play, played, precision, float(scenario.confidence), most)
            else:
                _exhaust(play(most))
        except KeyboardInterrupt:
            stopped = "interrupted"
    return gathered(scenario, played, stopped, most, sequential=until_decided, precision=precision)


def gathered(
    scenario: Scenario,
    played: Sequence[Played],
    stopped: Stopped,
    asked: int,
    *,
    sequential: bool = False,
    precision: float | None = None,
) -> Replications:
    """What came of the seeds, put together."""
    runs = tuple(each for each in played if isinstance(each, Replication))
    failures = tuple(each for each in played if isinstance(each, Failure))
    return Replications(scenario, runs, failures, stopped, asked, sequential, precision)


def _most(n: int | None, precision: float | None, until_decided: bool) -> int:
    if n is not None and type(n) is not int:
        raise UsageError(f"{n!r} replications: expected a whole number")
    if n is not None and n < 1:
        raise UsageError(f"{n} replications: expected at least 1")
    if precision is not None and until_decided:
        raise UsageError(
            "give either a precision or until decided: each says by itself how many runs to make"
        )
    if precision is not None and not 0 < precision < 1:
        raise UsageError(f"a precision of {precision:g}: expected a part of the mean, as 0.05 (5%)")
    if n is None and precision is None and not until_decided:
        raise UsageError("say how many replications, up to which precision, or until decided")
    return MOST if n is None else n


def _exhaust(played: Iterator[Played]) -> None:
    for _ in played:
        pass


def _to_precision(
    play: Callable[[int], Iterator[Played]],
    played: Sequence[Played],
    precision: float,
    confidence: float,
    most: int,
) -> Stopped:
    """Play a pilot, and then until as many runs tell what the precision is about as it asks for.

    A run that does not finish tells nothing of how long it takes, so that it takes more runs; how many come depends on
    whether they finish alone, not on how long they take.
    """
    _exhaust(play(min(PILOT, most)))
    runs = _ended(played)
    if not any(run.by_chance for run in runs):
        return "precision" if runs else "most"
    pilot = _headline(runs)
    wanted = runs_for(pilot, precision, confidence) if pilot else inf
    while (telling := len(_headline(_ended(played)))) < wanted and len(played) < most:
        estimated = wanted * len(played) / telling if telling else inf
        _exhaust(play(ceil(min(estimated, most))))
    if telling < wanted:
        return "most"
    reached = _measured_precision(_ended(played), confidence)
    return "precision" if reached is not None and reached <= precision else "pilot"


def _ended(played: Sequence[Played]) -> list[Replication]:
    return [each for each in played if isinstance(each, Replication)]


def _precise_figure(runs: Sequence[Replication]) -> Literal["duration", "lost"]:
    return "lost" if all(run.duration is None for run in runs) else "duration"


def _headline(runs: Sequence[Replication]) -> list[float]:
    """What a precision is about, of the runs that tell it: of how long it takes those that finish."""
    if _precise_figure(runs) == "lost":
        return [float(run.lost_in_all) for run in runs]
    return [run.duration for run in runs if run.duration is not None and run.duration != inf]


def _measured_precision(runs: Sequence[Replication], confidence: float) -> float | None:
    if runs and not any(run.by_chance for run in runs):
        return 0.0
    if not (values := _headline(runs)):
        return None
    mean = estimate(values, confidence)
    return None if mean.half is None or not mean.mean else mean.half / abs(mean.mean)


def _until_decided(scenario: Scenario, played: Iterator[Played]) -> Stopped:
    """Play until each objective with a probability is decided."""
    tests: dict[int, SequentialTest] = {}
    failed: list[Failure] = []
    for each in played:
        if (
            isinstance(each, Failure) and not tests
        ):  # what is to be decided is told by the first run that ends
            failed.append(each)
            continue
        if isinstance(each, Replication) and not tests:
            tests = {
                place: SequentialTest(float(objective.probability), float(scenario.confidence))
                for place, objective in enumerate(each.judged)
                if objective.probability
            }
            if not tests:
                raise UsageError(
                    f"{scenario.name}: nothing to decide: give an objective a probability, as in "
                    "completesWithin: {time: 45m, probability: 99%}"
                )
        for place, test in tests.items():
            for one in (*failed, each):
                test.add(judgement_of(one, place))
        failed.clear()
        if all(test.above is not None for test in tests.values()):
            return "decided"
    return "most"
