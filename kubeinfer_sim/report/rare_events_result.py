"""Rare events for machines: a versioned JSON document and its schema."""

from __future__ import annotations

from typing import Any, Literal

from kubeinfer_sim._version import __version__
from kubeinfer_sim.experiment.rare_events import RareEvent, RareEvents
from kubeinfer_sim.report.interval_part import IntervalPart, interval_part
from kubeinfer_sim.report.rare_events import sentence
from kubeinfer_sim.report.replications_result import FailurePart, VerdictOverRunsPart
from kubeinfer_sim.report.result_part import ConfiguredPart, DocumentPart, Part, configured_part


class RareEventPart(Part):
    """That fewer are ready than an objective asks for."""

    kind: str
    """Of the workload, whose `name` follows."""
    name: str
    ready: str
    """How many are to be ready, as the objective has it."""
    at_least: float | None
    """For which part of the time; null: at all times."""
    probability: float | None
    """With which none is missed at any time; null where that is not asked."""
    result: Literal["held", "missed", "undecided", "notJudged"]
    unavailability: IntervalPart
    """For which part of the time fewer are ready; null bounds: too few to say."""
    outages: IntervalPart
    """How often within the horizon."""
    any_outage: IntervalPart
    """The probability of any within the horizon."""
    missed: int
    """Forced runs in which fewer were ready."""
    effective: float
    """How many equal weights theirs are worth."""


class ForcedRunsPart(Part):
    """What each forced run came to, in order of its seed."""

    seed: list[int]
    likelihood_ratio: list[float | None]
    """At its end; null where the forced fault met a disturbed system, and counts for nothing."""
    faults_added: list[int]
    values: dict[str, list[float]]
    """`PLACE/NUMBER` -> what each run adds to the mean, for the objective at this place."""


class RareEventsDocument(DocumentPart):
    """How rarely objectives about readiness are missed, by forced runs."""

    api_version: Literal["kubeinfer-sim/v1"] = "kubeinfer-sim/v1"
    kind: Literal["RareEvents"] = "RareEvents"
    version: str
    """Of kubeinfer-sim."""
    scenario: str
    verdict: VerdictOverRunsPart
    confidence: float
    horizon_ms: int
    asked: int
    interrupted: bool
    undisturbed: int
    """Forced faults that met an undisturbed system."""
    mended_in_ms: dict[str, int]
    """Fault process -> how long its faults take to be mended alone: by that faults were added."""
    events: list[RareEventPart]
    per_run: ForcedRunsPart
    failed: list[FailurePart]
    warnings: list[str]
    """What is legal in the manifests and will surprise, or would matter and is not simulated."""
    configuration: ConfiguredPart | None = None


def rare_events_json(events: RareEvents) -> str:
    """The document as text, ending in a line break; equal runs give equal bytes."""
    assert events.scenario.horizon is not None
    names = [name for name in (events.runs[0].values if events.runs else ()) if name.count("/") == 2]
    document = RareEventsDocument(
        version=__version__,
        scenario=events.scenario.name,
        verdict=VerdictOverRunsPart(
            result=events.decision.value, holds=events.decision == "held", sentence=sentence(events)
        ),
        confidence=events.confidence,
        horizon_ms=events.scenario.horizon,
        asked=events.asked,
        interrupted=events.interrupted,
        undisturbed=events.undisturbed,
        mended_in_ms=dict(events.mended_in),
        events=[_event(each) for each in events.events],
        per_run=ForcedRunsPart(
            seed=[run.seed for run in events.runs],
            likelihood_ratio=[run.values["rare/likelihoodRatio"] for run in events.runs],
            faults_added=[int(run.values["rare/faultsAdded"] or 0) for run in events.runs],
            values={
                name.removeprefix("rare/"): [run.values[name] or 0.0 for run in events.runs] for name in names
            },
        ),
        failed=[
            FailurePart(seed=each.seed, why=each.why, message=each.message, replay=f"-n 1 --seed {each.seed}")
            for each in events.failures
        ],
        warnings=[each.one_line() for each in events.scenario.warnings],
        configuration=configured_part(events.scenario.configuration),
    )
    return document.to_json()


def rare_events_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the document."""
    return RareEventsDocument.json_schema()


def _event(event: RareEvent) -> RareEventPart:
    target = event.target
    return RareEventPart(
        kind=target.kind,
        name=target.name,
        ready=target.level.name,
        at_least=None if target.at_least is None else float(target.at_least),
        probability=None if target.probability is None else float(target.probability),
        result=event.decision.value,
        unavailability=interval_part(event.unavailability),
        outages=interval_part(event.outages),
        any_outage=interval_part(event.any_outage),
        missed=event.missed,
        effective=event.effective,
    )
