"""The smallest set of changes with which objectives are met, at the least cost: the fewest nodes more, then changes.

Which sets are played, and how it is decided that one holds, is said in `search.py`. What holds is recommended if each
of its changes tells: with it the runs differ from those without it by more than chance, under seeds that have chosen
nothing (`effects.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from os.path import relpath
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.cluster.stages import StageKind
from kubeinfer_sim.errors import UsageError, expect, several
from kubeinfer_sim.experiment.dispatch import HERE, Workers, kept
from kubeinfer_sim.experiment.figures import measured_run
from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.knobs import Space
from kubeinfer_sim.experiment.planning.playing import Campaign
from kubeinfer_sim.experiment.planning.trial import Trial
from kubeinfer_sim.experiment.recommending.changes import Change, changes_of, spares
from kubeinfer_sim.experiment.recommending.effects import Effect, effects
from kubeinfer_sim.experiment.recommending.given import changes_given
from kubeinfer_sim.experiment.recommending.inputs import INPUTS, read_inputs
from kubeinfer_sim.experiment.recommending.search import (
    MOST_RUNS,
    Changes,
    SetSearch,
    Unplayed,
    variant_of,
)
from kubeinfer_sim.experiment.replication import Replication
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.model import Deployment, KubeInfer
from kubeinfer_sim.manifest.names_apart import full_name
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.suggest import expect_known
from kubeinfer_sim.manifest.text_edit import Edit, edited, json_patch, unified_diff
from kubeinfer_sim.manifest.yaml_text import yaml_text
from kubeinfer_sim.methods import WrittenIn
from kubeinfer_sim.metrics import Judged, Judgement
from kubeinfer_sim.scenario.actions.model import MADE_FROM_IT, Apply
from kubeinfer_sim.scenario.model import Configured, Objectives, Scenario

#: Seeds under which it is told what each change does.
EFFECTS = 100

Progress = Callable[[int, str], None]


class Step(Struct, frozen=True):
    """A change that is recommended, with what it adds to all the others together."""

    change: Change
    effects: tuple[Effect, ...]


class Missed(Struct, frozen=True):
    """An objective that a set misses, as the run of a seed has judged it: the first one that misses it."""

    seed: int
    judged: Judged


class Looked(Struct, frozen=True):
    """A set of changes that was played, and what it does against the manifest as it is.

    Attributes:
        held: in how many of its `runs` all is well and every objective held.
        effects: under the first of these seeds.
        comes_about: what is asked for besides objectives is not known to be missed: that it comes into place, say.
        missed: the objectives that are decided to be missed.
    """

    changes: Changes
    decision: Decision
    held: int
    runs: int
    effects: tuple[Effect, ...]
    comes_about: bool
    missed: tuple[Missed, ...]


class Starts(Struct, frozen=True):
    """Starts of pods in one run: how many there are, and how many find every image on their node."""

    number: int
    warm: int


class Recommendation(Struct, frozen=True):
    """What is recommended.

    Attributes:
        base: the manifest as it is.
        decision: held: `steps` meet the objectives, none where they are met as it is; missed: no set that was played
            does; undecided: none is known to, and of some it cannot be told.
        effects: of all steps together.
        looked: all sets that were played, in order; `chosen` the one that is recommended.
        unplayed: what was not looked at, of what is larger or as large.
        starts: of the run of the first seed with what is recommended, of the manifest as it is where nothing is.
        drawn: whether anything is.
        document: where the manifest stands; `also`: other files of the workload, which are applied in the runs, and
            changed in them likewise.
        path: of its file, as a patch names it.
        others: what else could have been meant, where nobody has said which workload it is.
        given: whether somebody has given the values to try.
        scenario: in which the manifest was played as it is.
    """

    workload: str
    base: Looked
    decision: Decision
    steps: tuple[Step, ...]
    effects: tuple[Effect, ...]
    looked: tuple[Looked, ...]
    unplayed: tuple[Unplayed, ...]
    starts: Starts
    drawn: bool
    seeds: tuple[int, ...]
    runs: int
    document: Document
    path: str
    scenario: Scenario
    also: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    given: bool = False

    plot = WrittenIn("report.pictures", "plot_recommendation")
    _repr_html_ = WrittenIn("report.notebook", "html_of")

    @property
    def configuration(self) -> Configured | None:
        """What the user's configuration gave."""
        return self.scenario.configuration

    @property
    def chosen(self) -> Looked | None:
        """What is recommended, nothing to change included; None where nothing is known to hold."""
        if self.decision is not Decision.HELD:
            return None
        wanted = tuple(step.change for step in self.steps)
        return next((each for each in self.looked if each.changes == wanted), self.base)

    @property
    def sets(self) -> int:
        """How many sets of changes were played; the manifest as it is, is none."""
        return sum(bool(each.changes) for each in self.looked)

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
                "held": each.held,
                "runs": each.runs,
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
    vary: Sequence[str] = (),
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
        vary: knobs and their values, as `--vary` takes them (`maxSurge=0,1,2`): these alone are tried.
        n: runs of one set at most, where anything is drawn; if not given as many as decide it.
        workers: processes to play in; in this one, if not given.
        progress: told how many runs there are, and of what.
        inputs: what else there is: `objectives` as in a scenario, `name`, `set_values`, `timings`, `seed`, `horizon`,
            `pods`, `configuration`.

    Raises:
        InputError: a file is wrong.
        UsageError: nothing is asked for, no nodes, no such workload, a knob that no manifest has.
    """
    expect(manifest, (str, Path), "recommend", "recommend('manifest.yaml', '8x8')")
    vary = several(vary)
    expect_known(inputs, INPUTS, "recommend")
    read = read_inputs(str(manifest), nodes, **inputs)
    scenario, document = read.scenario, read.document
    if scenario.objectives == Objectives(unchanged=scenario.objectives.unchanged):
        raise UsageError(
            f"{scenario.name}: say what has to hold: --min-ready, --within, --completes or objectives"
        )
    own = Space(scenario, (), SourceText("recommend", ""), {}, {})
    workload = _workload(scenario, document)
    with kept(workers) as places:
        made = _Recommending(own, workload, document, vary, n, places, progress).made()
    return replace(made, others=read.others)


def _workload(scenario: Scenario, document: Document) -> KubeInfer | Deployment:
    kind, metadata = document.value.get("kind"), document.value.get("metadata") or {}
    name = metadata.get("name")
    meant = f"{metadata.get('namespace') or 'default'}/{name}"
    for each in scenario.workloads:
        if isinstance(each, KubeInfer | Deployment) and (each.kind, full_name(each)) == (kind, meant):
            return each
    raise UsageError(f"{document.source.name}: there is no {kind} {name} in {scenario.name} at its start")


class _Recommending:
    """Searches, and puts together what is told."""

    def __init__(
        self,
        own: Space,
        workload: KubeInfer | Deployment,
        document: Document,
        vary: Sequence[str],
        n: int | None,
        workers: Workers,
        progress: Progress | None,
    ) -> None:
        self._own, self._workload, self._document, self._given = own, workload, document, bool(vary)
        self._number, self._workers, self._progress = n or EFFECTS, workers, progress
        self._before = 0  # runs of what is told, made between those of the search
        singles, nodes = (
            changes_given(own, workload, document.value, vary)
            if vary
            else (changes_of(own, workload, document.value), spares(own))
        )
        self._search = SetSearch(
            own,
            singles,
            nodes,
            most=n,
            workers=workers,
            progress=lambda done, _, name: self._tell(done + self._before, name),
            is_told=lambda changes: bool(changes) and self._tells(changes),
        )
        self._told: dict[Changes, tuple[tuple[Step, ...], tuple[Effect, ...]]] = {}

    def made(self) -> Recommendation:
        search = self._search
        chosen = search.found()
        if chosen is None:
            decision = Decision.UNDECIDED if search.undecided else Decision.MISSED
        else:
            decision = Decision.HELD
        steps, together = self._told[chosen] if chosen else ((), ())
        first = self._own.scenario.seed
        return Recommendation(
            workload=f"{self._workload.kind}/{self._workload.name}",
            base=self._looked(()),
            decision=decision,
            steps=steps,
            effects=together,
            looked=tuple(map(self._looked, search.played)),
            unplayed=tuple(search.unplayed),
            starts=_starts(variant_of(self._own, chosen or ()).scenario),
            drawn=any(search.runs_of(each).by_chance for each in search.played),
            seeds=tuple(range(first, first + max(search.trial(each).runs for each in search.played))),
            runs=search.runs + self._before,
            document=self._document,
            path=relpath(self._document.source.name),
            also=self._applied_later() if steps else (),
            scenario=self._own.scenario,
            given=self._given,
        )

    def _applied_later(self) -> tuple[str, ...]:
        """Files with versions of the workload that are applied in the runs, but for the one that is patched."""
        own = self._workload
        files = (
            action.workload.source.rpartition(":")[0]
            for action in self._own.scenario.actions
            if isinstance(action, Apply)
            and action.label not in MADE_FROM_IT
            and (action.workload.kind, action.workload.name) == (own.kind, own.name)
        )
        return tuple(dict.fromkeys(each for each in files if each and each != self._document.source.name))

    def _tell(self, done: int, name: str) -> None:
        if self._progress is not None:
            self._progress(done, name)

    def _looked(self, changes: Changes) -> Looked:
        trial, runs = self._search.trial(changes), self._search.runs_of(changes)
        base = self._search.runs_of(())
        drawn = base.by_chance or runs.by_chance
        told = effects(base.kept, runs.kept, self._confidence, drawn=drawn)
        return Looked(
            changes,
            trial.decision,
            trial.all_held,
            trial.runs,
            told,
            comes_about=trial.of(0) is not Decision.MISSED,
            missed=tuple(_missed(trial, runs.kept)),
        )

    @property
    def _confidence(self) -> float:
        return float(self._own.scenario.confidence)

    def _tells(self, changes: Changes) -> bool:
        """Whether each change of a set has an effect; what they do is kept."""
        rests = [tuple(other for other in changes if other is not each) for each in changes]
        played = {each: self._fresh(each) for each in dict.fromkeys(((), changes, *rests))}
        own, base = played[changes], played[()]
        assert own is not None
        assert base is not None
        steps = tuple(
            Step(each, self._between(played[rest] or base, own))
            for each, rest in zip(changes, rests, strict=True)
        )
        self._told[changes] = steps, self._between(base, own)
        return all(any(effect.tells for effect in step.effects) for step in steps)

    def _between(self, before: Campaign, after: Campaign) -> tuple[Effect, ...]:
        drawn = before.runs[0].by_chance or after.runs[0].by_chance
        return effects(before.runs[0].kept, after.runs[0].kept, self._confidence, drawn=drawn)

    def _fresh(self, changes: Changes) -> Campaign | None:
        """Runs of a set under seeds that have chosen nothing; None: it cannot be."""
        try:
            variant = variant_of(self._own, changes)
        except UsageError:
            return None
        drawn = any(self._search.runs_of(each).by_chance for each in self._search.played)
        seed = variant.scenario.seed + (MOST_RUNS if drawn else 0)
        seeded = replace(variant, scenario=replace(variant.scenario, seed=seed))
        number = self._number if drawn else 1
        campaign = Campaign(
            [seeded],
            workers=self._workers,
            keep=number,
            progress=lambda done, _, name: self._tell(self._search.runs + self._before + done, name),
        )
        campaign.play(0, number)
        self._before += campaign.made
        return campaign


def _missed(trial: Trial, kept: Sequence[Replication]) -> Iterator[Missed]:
    """The objectives that are decided to be missed; the first requirement of a trial is none of them."""
    for place in range(1, len(trial.wanted)):
        if trial.of(place) is Decision.MISSED:
            judged = (Missed(run.seed, run.judged[place - 1]) for run in kept)
            yield from islice((each for each in judged if each.judged.judgement is Judgement.MISSED), 1)


def _starts(scenario: Scenario) -> Starts:
    """Of the run of the scenario's seed."""
    number = warm = 0
    for life in measured_run(scenario, ways=False).cluster.instances:
        for pod in life.pods:
            pulls = [span for span in pod.spans if span.stage.kind is StageKind.IMAGE]
            number += bool(pulls)
            warm += bool(pulls) and all(span.regime == "warm" for span in pulls)
    return Starts(number, warm)
