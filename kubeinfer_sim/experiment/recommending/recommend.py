"""The smallest set of changes with which objectives are met, at the least cost: the fewest nodes more, then changes.

Every change is played by itself under the same seeds, then those that change anything together, in twos and threes;
only where none of that is enough, with more nodes. What seems to hold is played again under seeds that have chosen
nothing, with a confidence divided among all that are tried so. Recommended is what holds then, and of which no change
can be left out: without each of them the runs differ by more than chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from math import isinf
from os.path import relpath
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.compare import Outcome, compare
from kubeinfer_sim.experiment.dispatch import HERE, Workers
from kubeinfer_sim.experiment.judging import Decision, falls_short
from kubeinfer_sim.experiment.knobs import Setting, Space
from kubeinfer_sim.experiment.recommending.changes import Change, changes_of, spare, spares
from kubeinfer_sim.experiment.recommending.inputs import read_inputs
from kubeinfer_sim.experiment.replication import Replication, Variant
from kubeinfer_sim.experiment.replications import Replications, replicate
from kubeinfer_sim.experiment.statistics.differences import more_often
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.statistics.means import estimate
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.model import Deployment, KubeInfer
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.text_edit import Edit, edited, json_patch, unified_diff
from kubeinfer_sim.manifest.yaml_text import yaml_text
from kubeinfer_sim.scenario.model import Configured, Objectives, Scenario

#: Seeds under which every change is played, where anything is drawn, and those that confirm what is chosen.
SCREEN, CONFIRM, MOST = 20, 100, 3000
#: So many changes are combined, so many are made at once, and so many sets are played again.
_COMBINED, _AT_ONCE, _CONFIRMED = 6, 3, 3

Progress = Callable[[int, str], None]


class Effect(Struct, frozen=True):
    """What a change does to a figure, paired by seed.

    Attributes:
        figure: `held`: the part of the runs in which all is well and every objective is held; `duration`, or a column.
        before, after: without and with it: parts, means over the runs that have the number; None where none has.
        difference: how much more.
    """

    figure: str
    before: float | None
    after: float | None
    difference: Estimate


class Step(Struct, frozen=True):
    """A change that is recommended, with what it adds to all the others together."""

    change: Change
    effects: tuple[Effect, ...]


class Looked(Struct, frozen=True):
    """A set of changes that was played, and what it does against the manifest as it is."""

    changes: tuple[Change, ...]
    decision: Decision
    effects: tuple[Effect, ...]


class Recommendation(Struct, frozen=True):
    """What is recommended.

    Attributes:
        base: the manifest as it is.
        decision: held: `steps` meet the objectives, none where they are met as it is; missed: no set that was played
            does; undecided: none is known to, and of some it cannot be told.
        effects: of all steps together.
        confirmed: the runs of the chosen set that have chosen nothing; None where nothing is drawn.
        looked: all sets that were played, in order.
        document: where the manifest stands.
        path: of its file, as a patch names it.
        scenario: in which the manifest was played as it is.
    """

    workload: str
    base: Looked
    decision: Decision
    steps: tuple[Step, ...]
    effects: tuple[Effect, ...]
    confirmed: Replications | None
    looked: tuple[Looked, ...]
    seeds: tuple[int, ...]
    runs: int
    document: Document
    path: str
    scenario: Scenario

    @property
    def configuration(self) -> Configured | None:
        """What the user's configuration gave."""
        return self.scenario.configuration

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The fields that change."""
        return tuple(edit for step in self.steps for edit in step.change.edits)

    @property
    def nodes(self) -> int:
        """How many nodes more."""
        return sum(step.change.nodes for step in self.steps)

    def patch(self, form: str = "git") -> str:
        """What changes the manifest; "" where nothing does.

        Args:
            form: `git`: a unified diff for `git apply`; `kubectl`: a JSON patch for `kubectl patch --type json`.

        Raises:
            UsageError: there is no such form, or the text cannot be changed in these places alone.
        """
        if form not in ("git", "kubectl"):
            raise UsageError(f"patch {form!r}: expected git or kubectl")
        if not self.edits:
            return ""
        if form == "kubectl":
            return json_patch(self.document.value, self.edits)
        after = edited(self.document, self.edits)
        if after is None:
            raise UsageError(
                f"{self.path}: these fields share their text with others (anchors, aliases): apply the JSON patch, or "
                "write them out"
            )
        return unified_diff(self.path, self.document.source.text, after)

    @property
    def recovery(self) -> str:
        """The rules of recovery that go with it, a file of kind Recovery; "" where there are none."""
        rules = [rule for step in self.steps for rule in step.change.rules]
        if not rules:
            return ""
        written = [{"action": each.action, "roles": list(each.roles)} for each in rules]
        head = {"apiVersion": "kubeinfer-sim/v1", "kind": "Recovery", "metadata": {"name": "recommended"}}
        return yaml_text([{**head, "spec": {"rules": written}}])

    def table(self) -> list[dict[str, Any]]:
        """A row for each set that was played: its changes, nodes, what is decided, figures with their differences."""
        return [
            {
                "changes": "; ".join(change.name for change in each.changes),
                "nodes": sum(change.nodes for change in each.changes),
                "advised": any(change.advised for change in each.changes),
                "decision": each.decision.value,
                **{effect.figure: effect.after for effect in each.effects},
                **{f"{effect.figure}Difference": effect.difference.mean for effect in each.effects},
            }
            for each in self.looked
        ]

    def to_pandas(self) -> Any:
        """The table as a DataFrame.

        Raises:
            UsageError: pandas is not installed.
        """
        from kubeinfer_sim.experiment.data_frame import data_frame

        return data_frame(self.table())


def recommend(
    manifest: str | Path,
    nodes: str | None = None,
    *,
    n: int | None = None,
    workers: Workers = HERE,
    progress: Progress | None = None,
    **inputs: Any,
) -> Recommendation:
    """Search for the smallest set of changes of a manifest with which objectives are met, at the fewest nodes more.

    Args:
        manifest: the file of a KubeInfer or a Deployment, which is updated to a new revision; or of a scenario, which
            has nodes, faults and objectives of its own.
        nodes: of a manifest: `8x8`, or a file of kind Cluster or of what kubectl get nodes wrote.
        n: how many seeds everything meets, where anything is drawn.
        workers: processes to play in; in this one, if not given.
        progress: told how many runs there are, and of what.
        inputs: what else there is: `objectives` as in a scenario, `name`, `set_values`, `timings`, `seed`, `horizon`,
            `pods`, `configuration`.

    Raises:
        InputError: a file is wrong.
        UsageError: nothing is asked for, no nodes, no such workload.
    """
    read = read_inputs(str(manifest), nodes, **inputs)
    scenario, document = read.scenario, read.document
    if scenario.objectives == Objectives(unchanged=scenario.objectives.unchanged):
        raise UsageError(
            f"{scenario.name}: say what has to hold: --min-ready, --within, --completes or objectives"
        )
    own = Space(scenario, (), SourceText("recommend", ""), {}, {})
    path = relpath(document.source.name)
    return _Search(own, _workload(scenario, document), document, path, n, workers, progress).made()


def _workload(scenario: Scenario, document: Document) -> KubeInfer | Deployment:
    kind, name = document.value.get("kind"), (document.value.get("metadata") or {}).get("name")
    for each in scenario.workloads:
        if isinstance(each, KubeInfer | Deployment) and (each.kind, each.name) == (kind, name):
            return each
    raise UsageError(f"{document.source.name}: there is no {kind} {name} in {scenario.name} at its start")


class _Search:
    """Plays sets of changes, the cheapest and smallest first."""

    def __init__(
        self,
        own: Space,
        workload: KubeInfer | Deployment,
        document: Document,
        path: str,
        n: int | None,
        workers: Workers,
        progress: Progress | None,
    ) -> None:
        self._own, self._workload, self._document, self._path = own, workload, document, path
        self._workers, self._progress = workers, progress
        self._given, self._runs = n, 0
        self._seeds: Sequence[int] = ()
        self._outcomes: dict[tuple[Change, ...], Outcome] = {}
        self._confirmed = 0
        self._undecided = False

    def made(self) -> Recommendation:
        singles = changes_of(self._own, self._workload, self._document.value)
        base = self._first([(), *((each,) for each in singles)])
        if base.decision is not Decision.MISSED and (known := self._confirms(())) is not None:
            return self._told(base, Decision.HELD, (), known)
        for level in self._levels(singles):
            holding = [each for each in self._played(level) if self._decision(each) is not Decision.MISSED]
            for chosen in sorted(holding, key=self._rank):
                least = self._without_the_needless(chosen)
                if least is None:
                    self._undecided = True  # it may hold, but too few seeds tell what it does
                    continue
                if (known := self._confirms(least)) is not None:
                    return self._told(base, Decision.HELD, least, known)
                if self._confirmed >= _CONFIRMED:
                    break
        decision = Decision.UNDECIDED if self._undecided else Decision.MISSED
        return self._told(base, decision, (), None)

    # -- which sets are played ------------------------------------------------------------------------------

    def _levels(self, singles: Sequence[Change]) -> Iterator[list[tuple[Change, ...]]]:
        yield [(each,) for each in singles]
        useful = [each for each in singles if self._differs((each,))]
        useful.sort(key=lambda each: self._rank((each,)))
        useful = useful[:_COMBINED]
        for size in range(2, _AT_ONCE + 1):
            yield [each for each in combinations(useful, size) if _together(each)]
        for more in spares(self._own):
            alone: list[tuple[Change, ...]] = [(more,)]
            fewer = [
                (spare(self._own, more.about.partition(" of ")[2], number),)
                for number in range(more.nodes // 2 + 1, more.nodes)
            ]
            self._played(alone)
            if self._decision((more,)) is not Decision.MISSED:
                for least in fewer:
                    yield [least]
            yield alone + [(each, more) for each in useful]

    def _first(self, sets: Sequence[tuple[Change, ...]]) -> Looked:
        """The manifest as it is; under which seeds all is played follows from whether anything is drawn in any set."""
        first = self._own.scenario.seed
        self._seeds = (first,)
        self._played(sets)
        if any(each.by_chance for each in self._outcomes.values()):
            self._outcomes.clear()
            self._seeds = range(first, first + (self._given or SCREEN))
            self._played([()])
        return self._looked(())

    def _played(self, sets: Sequence[tuple[Change, ...]]) -> list[tuple[Change, ...]]:
        """Those of the sets that can be, played."""
        variants: list[Variant] = []
        new: list[tuple[Change, ...]] = []
        for each in sets:
            if each in self._outcomes:
                continue
            try:
                variants.append(self._variant(each))
            except UsageError:
                continue
            new.append(each)
        if new:
            # One after the other: a number that one of them lacks is no reason to leave it out of the others.
            for chosen, variant in zip(new, variants, strict=True):
                (self._outcomes[chosen],) = compare([variant], self._seeds, workers=self._workers).outcomes
                self._runs += len(self._seeds)
                if self._progress is not None:
                    self._progress(self._runs, variant.name)
        return [each for each in sets if each in self._outcomes]

    def _variant(self, changes: tuple[Change, ...]) -> Variant:
        settings: list[Setting] = [setting for change in changes for setting in change.settings]
        if not settings:
            return Variant("as it is", self._own.scenario)
        made = self._own.variant(settings)
        return replace(made, name="; ".join(change.name for change in changes))

    # -- what is said of them -------------------------------------------------------------------------------

    def _decision(self, changes: tuple[Change, ...]) -> Decision:
        """By the seeds that all have met; more of them may tell what is undecided."""
        runs = self._outcomes[changes].runs
        if runs is None or not runs.runs:
            return Decision.OPEN
        return runs.decision

    def _rank(self, changes: tuple[Change, ...]) -> tuple[float, int, float, float]:
        runs = self._replications(changes)
        held = sum(map(_well, runs))
        took = [run.duration for run in runs if run.duration is not None]
        lost = sum(run.lost_in_all for run in runs)
        return (-held, sum(len(each.edits) for each in changes), lost, max(took, default=0.0))

    def _replications(self, changes: tuple[Change, ...]) -> tuple[Replication, ...]:
        runs = self._outcomes[changes].runs
        return () if runs is None else runs.runs

    def _differs(self, changes: tuple[Change, ...]) -> bool:
        if changes not in self._outcomes:
            return False
        return any(each.difference.differs for each in self._effects(changes, ()))

    def _effects(self, after: tuple[Change, ...], before: tuple[Change, ...]) -> tuple[Effect, ...]:
        one, other = self._outcomes[before], self._outcomes[after]
        drawn = one.by_chance or other.by_chance
        confidence = float(self._own.scenario.confidence)
        return effects(self._replications(before), self._replications(after), confidence, drawn=drawn)

    def _without_the_needless(self, chosen: tuple[Change, ...]) -> tuple[Change, ...] | None:
        """The set, if each of its changes tells; None: a smaller one comes to the same, or cannot be told from it."""
        for each in chosen:
            rest = tuple(other for other in chosen if other is not each)
            if rest not in self._outcomes and not self._played([rest]):
                continue  # without it the others cannot be
            if not any(effect.difference.differs for effect in self._effects(chosen, rest)):
                return None
        return chosen

    def _confirms(self, changes: tuple[Change, ...]) -> Replications | None:
        """Runs of a set that have chosen nothing, where it holds in them."""
        outcome = self._outcomes[changes]
        if outcome.runs is None:
            return None
        if not outcome.by_chance:
            return outcome.runs if outcome.runs.decision is Decision.HELD else None
        self._confirmed += 1
        scenario = self._variant(changes).scenario
        confidence = 1 - (1 - Fraction(scenario.confidence)) / (_CONFIRMED + 1)
        strict = replace(scenario, confidence=confidence)
        first = self._seeds[-1] + 1
        likely = any(each.probability is not None for each in outcome.runs.runs[0].judged)
        runs = replicate(
            strict,
            (self._given or MOST) if likely else (self._given or CONFIRM),
            seed=first,
            until_decided=likely,
            workers=self._workers,
        )
        self._runs += runs.total
        if runs.decision is Decision.HELD:
            return runs
        self._undecided = self._undecided or runs.decision in (Decision.UNDECIDED, Decision.OPEN)
        return None

    def _looked(self, changes: tuple[Change, ...]) -> Looked:
        return Looked(changes, self._decision(changes), self._effects(changes, ()))

    def _told(
        self, base: Looked, decision: Decision, chosen: tuple[Change, ...], known: Replications | None
    ) -> Recommendation:
        steps = []
        for each in chosen:
            rest = tuple(other for other in chosen if other is not each)
            steps.append(Step(each, self._effects(chosen, rest if rest in self._outcomes else ())))
        drawn = self._outcomes[chosen].by_chance
        return Recommendation(
            workload=f"{self._workload.kind}/{self._workload.name}",
            base=base,
            decision=decision,
            steps=tuple(steps),
            effects=self._effects(chosen, ()) if chosen else (),
            confirmed=known if drawn else None,
            looked=tuple(self._looked(each) for each in self._outcomes),
            seeds=tuple(self._seeds),
            runs=self._runs,
            document=self._document,
            path=self._path,
            scenario=self._own.scenario,
        )


def _together(changes: Sequence[Change]) -> bool:
    """Whether they can be made at once."""
    about = [each.about for each in changes]
    of_roles = [each for each in about if each.startswith("recovery")]
    return len(set(about)) == len(about) and not ("recovery" in of_roles and len(of_roles) > 1)


def _well(run: Replication) -> bool:
    """Whether all is well in a run, and every objective is held."""
    return run.sound and run.all_held and not falls_short(run)


def _value_of(name: str) -> Callable[[Replication], float | None]:
    return lambda run: run.values.get(name)


def effects(
    before: Sequence[Replication], after: Sequence[Replication], confidence: float, *, drawn: bool
) -> tuple[Effect, ...]:
    """What differs between two ways under the same seeds; figures that neither has are left out."""
    pairs = [(one, other) for one, other in zip(before, after, strict=False) if one.seed == other.seed]
    if not pairs:
        return ()
    gained = sum(_well(other) and not _well(one) for one, other in pairs)
    lost = sum(_well(one) and not _well(other) for one, other in pairs)
    seen = (gained - lost) / len(pairs)
    share = (
        more_often(gained, lost, len(pairs), 0, confidence) if drawn else Estimate(seen, differs=seen != 0)
    )
    told = [
        Effect(
            "held",
            sum(_well(one) for one, _ in pairs) / len(pairs),
            sum(_well(other) for _, other in pairs) / len(pairs),
            share,
        )
    ]
    figures: dict[str, Callable[[Replication], float | None]] = {"duration": lambda run: run.duration}
    for name in ("lostInstanceMs", "lostPodMs", "minReady", "minAvailable"):
        figures[name] = _value_of(name)
    for name, of in figures.items():
        both = [
            (one, other)
            for one, other in ((of(a), of(b)) for a, b in pairs)
            if one is not None and other is not None and not isinf(one) and not isinf(other)
        ]
        if both:
            differences = [other - one for one, other in both]
            told.append(
                Effect(
                    name,
                    sum(one for one, _ in both) / len(both),
                    sum(other for _, other in both) / len(both),
                    estimate(differences, confidence, drawn=drawn),
                )
            )
    return tuple(told)
