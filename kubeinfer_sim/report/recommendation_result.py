"""A recommendation for machines: a versioned JSON document and its schema."""

from __future__ import annotations

import json
from typing import Any, Literal

from kubeinfer_sim._version import __version__
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.recommending.recommend import Effect, Looked, Recommendation
from kubeinfer_sim.report.interval_part import IntervalPart, interval_part
from kubeinfer_sim.report.recommendation import sentence
from kubeinfer_sim.report.result_part import ConfiguredPart, DocumentPart, Part, configured_part


class EffectPart(Part):
    """What changes do to a figure, paired by seed."""

    figure: Literal["held", "duration", "lostInstanceMs", "lostPodMs", "minReady", "minAvailable"]
    """`held`: the part of the runs in which all is well and every objective is held."""
    before: float | None
    after: float | None
    difference: IntervalPart
    differs: bool
    """Whether the interval leaves out no effect."""


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
    """Under the seeds that all sets have met."""
    effects: list[EffectPart]
    """Against the manifest as it is."""


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
    json_patch: list[dict[str, Any]]
    """For `kubectl patch --type json`."""
    recovery: str
    """A file of kind Recovery that goes with it; empty where there is none."""
    seeds: list[int]
    runs: int
    looked: list[LookedPart]
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
        json_patch=json.loads(made.patch("kubectl") or "[]"),
        recovery=made.recovery,
        seeds=list(made.seeds),
        runs=made.runs,
        looked=[*map(_looked, made.looked)],
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
        effects=[*map(_effect, looked.effects)],
    )


def _effect(effect: Effect) -> EffectPart:
    figure: Any = effect.figure
    return EffectPart(
        figure=figure,
        before=effect.before,
        after=effect.after,
        difference=interval_part(effect.difference),
        differs=effect.difference.differs,
    )


def _decided(decision: Decision) -> Any:
    return decision.value
