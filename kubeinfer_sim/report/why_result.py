"""The answer of `why` for machines: a versioned JSON document and its schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from kubeinfer_sim._version import __version__
from kubeinfer_sim.engine.history import NO_CAUSE, Record
from kubeinfer_sim.manifest.accelerators import Family
from kubeinfer_sim.manifest.model import Kind
from kubeinfer_sim.metrics.courses import State
from kubeinfer_sim.metrics.moment import Ending, InstanceMoment, Moment
from kubeinfer_sim.report.moment import ending_sentence, headline, state_sentence
from kubeinfer_sim.report.result_part import ConfiguredPart, DocumentPart, Part, configured_part
from kubeinfer_sim.report.sentences import sentence
from kubeinfer_sim.report.words import ended
from kubeinfer_sim.simulation.run import Run

#: So many steps of a chain are told: a crash loop's has hundreds of thousands.
MOST_STEPS = 200


class StepPart(Part):
    """A record of the history."""

    id: int
    """Its place in the history."""
    cause: int | None
    """The record that caused it; null: nothing in the history did (a person, a fault)."""
    at_ms: int
    type: str
    sentence: str


class ChainStepPart(StepPart):
    """A step of a chain of causes."""

    failures_before: int = 0
    """Containers that died and pods that were rejected after the step before this one, which the chain leaves out."""


class LastingPart(StepPart):
    """What lasts, and the latest record that says what it is, or why."""

    since_ms: int
    until_ms: int | None
    """Null: to the end of the run."""


class PodMomentPart(Part):
    """A pod that is not ready."""

    name: str
    node: str
    """Empty while it has none."""
    stage: str
    """As in the result's `stages`."""
    since_ms: int
    until_ms: int | None
    """Null: to the end of the run."""
    regime: str


class InstanceMomentPart(Part):
    """An instance of the KubeInfer, or a pod of a Deployment, that exists at the time."""

    name: str
    kind: Kind
    """Whose it is."""
    ordinal: int
    state: State
    since_ms: int
    sentence: str
    pods: list[PodMomentPart]
    """Those not ready; what it waits for longest first."""
    given_up: int
    """Pods it gave up for others of its own (Degrade) and has not got back."""
    causes: list[ChainStepPart]
    """From the initiating record to the latest before the time; of a long chain its beginning and its end."""
    causes_left_out: int = 0
    """Steps in the middle that are not in `causes`."""
    ending: Ending
    """What it is next; `never`: not within the run."""
    ends_at_ms: int | None
    ending_sentence: str
    following: list[ChainStepPart]
    """What leads from here to that end; of a long chain its beginning and its end."""
    following_left_out: int = 0
    """Steps in the middle that are not in `following`."""


class DeploymentMomentPart(Part):
    """The pods of a Deployment, or of a ReplicaSet without one."""

    name: str
    wanted: int
    ready: int
    refused: StepPart | None = None
    """While the API server refuses its pods: its words."""
    refused_since_ms: int | None = None


class WhyDocument(DocumentPart):
    """A run at one time. Times are in ms from the start of the simulation."""

    api_version: Literal["kubeinfer-sim/v1"] = "kubeinfer-sim/v1"
    kind: Literal["Why"] = "Why"
    version: str
    """Of kubeinfer-sim."""
    scenario: str
    seed: int
    at_ms: int
    run_ends_at_ms: int
    run_end: Literal["settled", "horizon", "quiet", "loop"]
    wanted_instances: int
    ready_instances: int
    sentence: str
    quiet: bool
    """Nothing has happened by then but what ran at the start."""
    under_way: list[LastingPart]
    """What began and lasts: machines that are down, cordons, drains that are held, a stalled update."""
    refused: list[StepPart]
    """What kubectl or the API server has refused by then, in their words."""
    instances: list[InstanceMomentPart]
    """All that exist, or the one that was asked for."""
    deployments: list[DeploymentMomentPart]
    configuration: ConfiguredPart | None = None


def why_json(run: Run, moment: Moment) -> str:
    """The document as text, ending in a line break; equal runs and times give equal bytes."""
    family = run.scenario.accelerator_family
    document = WhyDocument(
        version=__version__,
        scenario=run.scenario.name,
        seed=run.seed,
        at_ms=moment.at,
        run_ends_at_ms=run.ended_at,
        run_end=run.end,
        wanted_instances=moment.wanted,
        ready_instances=moment.ready,
        sentence=headline(moment),
        quiet=moment.quiet,
        under_way=[
            LastingPart(**step.model_dump(), since_ms=each.since, until_ms=each.until)
            for each in moment.under_way
            for step in _steps([each.record], family)
        ],
        refused=_steps(moment.refused, family),
        instances=[_instance(run, moment, each, family) for each in moment.instances],
        deployments=[
            DeploymentMomentPart(
                name=each.name,
                wanted=each.wanted,
                ready=each.ready,
                refused=None if each.refused is None else _steps([each.refused], family)[0],
                refused_since_ms=None if each.refused is None else each.refused_since,
            )
            for each in moment.deployments
        ],
        configuration=configured_part(run.scenario.configuration),
    )
    return document.to_json()


def why_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the document."""
    return WhyDocument.json_schema()


def _instance(run: Run, moment: Moment, each: InstanceMoment, family: Family) -> InstanceMomentPart:
    ref = each.instance
    return InstanceMomentPart(
        name=ref.name,
        kind=ref.kind,
        ordinal=ref.ordinal,
        state=each.state,
        since_ms=each.since,
        sentence=ended(state_sentence(each, moment.at)),
        pods=[
            PodMomentPart(
                name=pod.pod.name,
                node=pod.node,
                stage=str(pod.stage),
                since_ms=pod.since,
                until_ms=pod.until,
                regime=pod.regime,
            )
            for pod in each.pods
        ],
        given_up=each.given_up,
        causes=_chain(each, each.causes, family),
        causes_left_out=max(0, len(each.causes) - MOST_STEPS),
        ending=each.ending,
        ends_at_ms=each.ended_at,
        ending_sentence=ending_sentence(run, moment, each).rstrip(":."),
        following=_chain(each, each.following, family),
        following_left_out=max(0, len(each.following) - MOST_STEPS),
    )


def _chain(each: InstanceMoment, records: Sequence[Record], family: Family) -> list[ChainStepPart]:
    return [
        ChainStepPart(**step.model_dump(), failures_before=len(each.failures_before.get(step.id, ())))
        for step in _steps(_edges(records), family)
    ]


def _edges(records: Sequence[Record]) -> Sequence[Record]:
    """At most `MOST_STEPS` of a chain, as many of its beginning as of its end."""
    if len(records) <= MOST_STEPS:
        return records
    half = MOST_STEPS // 2
    return [*records[:half], *records[-half:]]


def _steps(records: Sequence[Record], family: Family) -> list[StepPart]:
    return [
        StepPart(
            id=record.id,
            cause=None if record.cause == NO_CAUSE else record.cause,
            at_ms=record.at,
            type=type(record).__name__,
            sentence=sentence(record, family),
        )
        for record in records
    ]
