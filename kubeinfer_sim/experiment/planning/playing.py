"""Plays combinations of knobs for a search, and keeps of their runs what a plan tells."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec.structs import replace

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.dispatch import HERE, Job, Workers, remembered
from kubeinfer_sim.experiment.judging import never_in_place
from kubeinfer_sim.experiment.planning.trial import Verdicts
from kubeinfer_sim.experiment.replication import Failure, Replication, Variant
from kubeinfer_sim.experiment.store import Store
from kubeinfer_sim.experiment.worker import Played
from kubeinfer_sim.metrics import Judged, Judgement, Outcome

#: Runs of each combination that are kept whole, to see which knobs change nothing.
KEPT = 8
#: A batch of so many seconds of work goes to the workers.
WORTH_WORKERS = 0.5
#: What the first requirement is called: what is asked of every run besides objectives.
COMES_ABOUT = "comesAbout"


#: Told after every run how many there are, how many there are at most once the combination it was of is decided, and
#: its name.
Progress = Callable[[int, int, str], None]


class Runs:
    """What is kept of the runs of one combination.

    Attributes:
        kept: the first ones, `keep` at most.
        durations: how long each change took, ms; infinite what was not in place at the end.
        lost: kind of beginning -> stage -> instance-ms, over all.
        reasons: of each objective why a run could not judge it.
    """

    def __init__(self, keep: int = KEPT) -> None:
        self._keep, self.number = keep, 0
        self.kept: list[Replication] = []
        self.failures: list[Failure] = []
        self.durations: list[float] = []
        self.lost: dict[str, Counter[str]] = {}
        self.reasons: dict[int, str] = {}
        self.by_chance = False

    def add(self, played: Played) -> None:
        """Take a run."""
        self.number += 1
        if isinstance(played, Failure):
            self.failures.append(played)
            self.by_chance = True  # another seed may end
            return
        if len(self.kept) < self._keep:
            self.kept.append(played)
        if played.duration is not None:
            self.durations.append(played.duration)
        for kind, stages in played.lost.items():
            self.lost.setdefault(kind, Counter()).update(stages)
        for place, each in enumerate(played.judged):
            if each.judgement is Judgement.OPEN:
                self.reasons.setdefault(place, each.reason)
        self.by_chance = self.by_chance or played.by_chance

    @property
    def judged(self) -> tuple[Judged, ...]:
        """The objectives, as one run has judged them; none before a run has ended."""
        return self.kept[0].judged if self.kept else ()


class Campaign:
    """The combinations of one plan, under the seeds that follow the scenario's (`search.Player`).

    Args:
        variants: the combinations.
        probability: with which all objectives have to hold in one run; None: each has its own.
        workers: processes to play in.
        store: what is known already, and keeps what is new.
        progress: told after every run.
        most: runs of a combination at most.
        keep: so many runs of each are kept whole.
    """

    def __init__(
        self,
        variants: Iterable[Variant],
        probability: float | None = None,
        workers: Workers = HERE,
        store: Store | None = None,
        progress: Progress | None = None,
        most: int = 1,
        keep: int = KEPT,
    ) -> None:
        self._variants, self.probability = list(variants), probability
        self._workers, self._store, self._progress = workers, store, progress
        self._seconds, self._most = 0.0, most
        self._keep = keep
        self.runs = [Runs(keep) for _ in self._variants]
        self.made = 0

    def add(self, variant: Variant) -> int:
        """One more combination, which no store knows; its place."""
        self._variants.append(variant)
        self.runs.append(Runs(self._keep))
        return len(self.runs) - 1

    def objectives(self, candidate: int) -> tuple[Judged, ...]:
        """Of a combination; those of another one where it has none that ended."""
        return self.runs[candidate].judged or next((each.judged for each in self.runs if each.judged), ())

    def requirements(self, candidate: int) -> list[float | None]:
        """What is asked of every run, then each objective, or with a joint probability all of them in one run."""
        if self.probability is not None:
            return [None, self.probability]
        each = self.objectives(candidate)
        return [None, *(None if one.probability is None else float(one.probability) for one in each)]

    def is_drawn(self, candidate: int) -> bool:
        """Whether another seed may come to something else."""
        return self.runs[candidate].by_chance

    def play(self, candidate: int, number: int) -> list[Verdicts]:
        """The next runs of a combination."""
        own, variant = self.runs[candidate], self._variants[candidate]
        first = variant.scenario.seed + own.number
        jobs = [Job(candidate, first + place) for place in range(number)]
        most = self._most - own.number
        return [verdicts for _, verdicts in self._played(jobs, most)]

    def play_each(self, candidates: Sequence[int]) -> list[tuple[int, Verdicts]]:
        """The next run of each of some combinations."""
        jobs = [Job(each, self._variants[each].scenario.seed + self.runs[each].number) for each in candidates]
        return list(self._played(jobs, len(jobs)))

    def _played(self, jobs: Sequence[Job], most: int) -> Iterator[tuple[int, Verdicts]]:
        pace = self._seconds / self.made if self.made else 0.0
        workers = self._workers if pace * len(jobs) >= WORTH_WORKERS else _here(self._workers)
        begun, before = time.perf_counter(), self.made
        for job, played in remembered(self._store, self._variants, jobs, len(jobs), workers):
            self.runs[job.variant].add(played)
            self.made += 1
            yield job.variant, self._verdicts(job.variant, played)
            if self._progress is not None:
                self._progress(self.made, before + most, self._variants[job.variant].name)
        self._seconds += time.perf_counter() - begun

    def _verdicts(self, candidate: int, played: Played) -> Verdicts:
        objectives = self.objectives(candidate)
        if isinstance(played, Failure):
            if not objectives:
                name = self._variants[candidate].name
                raise UsageError(f"{name}, seed {played.seed}: {played.message}: nothing can be planned")
            return (None,) * (2 if self.probability is not None else 1 + len(objectives))
        each = tuple(_verdict(one) for one in played.judged)
        asked = any(
            one.name in ("completes", "completesWithin")
            and (one.probability is not None or self.probability is not None)
            for one in played.judged
        )
        idle = (
            played.outcome is Outcome.NOTHING and not self._variants[candidate].scenario.may_pass_undisturbed
        )
        comes_about = played.sound and not idle and (asked or not never_in_place(played))
        if self.probability is None:
            return (comes_about, *each)
        return comes_about, False if False in each else None if None in each else True


def _verdict(judged: Judged) -> bool | None:
    return None if judged.judgement is Judgement.OPEN else judged.judgement is Judgement.HELD


def _here(workers: Workers) -> Workers:
    return replace(workers, number=1, executor=None)
