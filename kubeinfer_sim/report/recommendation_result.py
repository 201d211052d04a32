"""A recommendation for machines: a versioned JSON document and its schema."""

from __future__ import annotations

import json
from typing import Any, Literal

from kubeinfer_sim._version import __version__
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.recommending.effects import Effect
from kubeinfer_sim.experiment.recommending.recommend import Looked, Recommendation
from kubeinfer_sim.report.interval_part import IntervalPart, interval_part
from kubeinfer_sim.report.recommendation import sentence
from kubeinfer_sim.report.result_part import ConfiguredPart, DocumentPart, Part, configured_part


class EffectPart(Part):
    """What changes do to a figure, paired by seed."""

    figure: Literal["held", "inPlace", "duration", "lostInstanceMs", "lostPodMs", "minReady", "minAvailable"]
    """`held`: the part of the runs in which all is well and every objective is held; `inPlace`: in which what is asked
    for comes into place."""
    before: float | None
    """A part, or the mean over the runs that have the number both times."""
    after: float | None
    difference: IntervalPart
    """How much more; of numbers that are the same in every run without an interval: `oftener` has one."""
    runs: int
    """How many have the number both times, one that never ends among them."""
    more: int
    """In how many of them it is more."""
    less: int
    oftener: IntervalPart
    """Of these two the more frequent less the other, as a part of the runs; if `always`, in which part it is so."""
    always: bool
    """It differs by the same in every run."""
    differs: bool
    """Whether an interval, that of `difference` or of `oftener`, leaves out no effect."""


class StepPart(Part):
    """A change that is recommended."""

    name: str
    nodes: int
    """How many nodes more; 0: it is one of the manifest."""
    advised: bool
    """It is the vendor's advice."""
    effects: list[EffectPart]
    """With all others made, with it against without it."""


class LookedPart(Part):
    """A set of changes that was played."""

    changes: list[str]
    nodes: int
    advised: bool
    decision: Literal["held", "missed", "undecided", "notJudged"]
    held: int
    """In how many of its runs all is well and every objective is held."""
    runs: int
    effects: list[EffectPart]
    """Against the manifest as it is, under the first of these seeds."""


class UnplayedPart(Part):
    """Sets that were not looked at."""

    what: str
    number: int | None
    """Null: not counted."""


class StartsPart(Part):
    """Starts of pods in the run of the first seed with what is recommended."""

    number: int
    warm: int
    """How many find every image on their node, and pull none."""


class RecommendationDocument(DocumentPart):
    """What to change of a manifest."""

    api_version: Literal["kubeinfer-sim/v1"] = "kubeinfer-sim/v1"
    kind: Literal["Recommendation"] = "Recommendation"
    version: str
    """Of kubeinfer-sim."""
    workload: str
    decision: Literal["held", "missed", "undecided", "notJudged"]
    """Held: with `changes` the objectives hold, with none as it is; missed: no set that was played meets them."""
    sentence: str
    changes: list[StepPart]
    nodes: int
    """How many nodes more they need together."""
    effects: list[EffectPart]
    """Of all changes together."""
    patch: str | None
    """For `git apply`; empty where the manifest stays as it is, null where anchors share the text of the fields."""
    also_in: list[str]
    """Other files of the workload, which are applied in the runs and changed in them likewise; no patch is of them."""
    json_patch: list[dict[str, Any]]
    """For `kubectl patch --type json`."""
    recovery: str
    """A file of kind Recovery that goes with it; empty where there is none."""
    seeds: list[int]
    runs: int
    looked: list[LookedPart]
    unplayed: list[UnplayedPart]
    """What was not looked at."""
    starts: StartsPart
    configuration: ConfiguredPart | None = None


def recommendation_json(made: Recommendation) -> str:
    """The recommendation as a JSON document, ending in a line break."""
    try:
        patch: str | None = made.patch()
    except UsageError:
        patch = None
    return RecommendationDocument(
        version=__version__,
        workload=made.workload,
        decision=_decided(made.decision),
        sentence=sentence(made),
        changes=[
            StepPart(
                name=each.change.name,
                nodes=each.change.nodes,
                advised=each.change.advised,
                effects=[*map(_effect, each.effects)],
            )
            for each in made.steps
        ],
        nodes=made.nodes,
        effects=[*map(_effect, made.effects)],
        patch=patch,
        also_in=list(made.also),
        json_patch=json.loads(made.patch("kubectl") or "[]"),
        recovery=made.recovery,
        seeds=list(made.seeds),
        runs=made.runs,
        looked=[*map(_looked, made.looked)],
        unplayed=[UnplayedPart(what=each.what, number=each.number) for each in made.unplayed],
        starts=StartsPart(number=made.starts.number, warm=made.starts.warm),
        configuration=configured_part(made.configuration),
    ).to_json()


def recommendation_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the document."""
    return RecommendationDocument.json_schema()


def _looked(looked: Looked) -> LookedPart:
    return LookedPart(
        changes=[each.name for each in looked.changes],
        nodes=sum(each.nodes for each in looked.changes),
        advised=any(each.advised for each in looked.changes),
        decision=_decided(looked.decision),
        held=looked.held,
        runs=looked.runs,
        effects=[*map(_effect, looked.effects)],
    )


def _effect(effect: Effect) -> EffectPart:
    figure: Any = effect.figure
    return EffectPart(
        figure=figure,
        before=effect.before,
        after=effect.after,
        difference=interval_part(effect.difference),
        runs=effect.runs,
        more=effect.more,
        less=effect.less,
        oftener=interval_part(effect.oftener),
        always=effect.always,
        differs=effect.tells,
    )


def _decided(decision: Decision) -> Any:
    return decision.value
