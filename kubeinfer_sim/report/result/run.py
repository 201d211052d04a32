"""What was simulated, how it came out, what it rests on and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from kubeinfer_sim.metrics import Measures, Outcome
from kubeinfer_sim.metrics.lives import InstanceLife
from kubeinfer_sim.report.assumptions import assumptions
from kubeinfer_sim.report.detail import Detail
from kubeinfer_sim.report.result_part import Part
from kubeinfer_sim.report.verdict import Assessment, npus_of_cluster
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.run import Run


class ScenarioPart(Part):
    """What was simulated."""

    name: str
    description: str
    namespace: str
    kubeinfer: str
    """Its name; empty where there are Deployments alone."""
    initial: Literal["running", "empty"]
    """Whether its instances ran when the simulation began."""
    nodes: int
    npus: int
    """All NPUs the nodes offer."""
    seed: int
    horizon_ms: int | None
    """None: until settled."""
    kubernetes_version: str


class VerdictPart(Part):
    """Whether the run is green, and why."""

    holds: bool
    """The run completes and every objective is held; exit code 0, else 1."""
    outcome: Outcome
    sentence: str


class DuePart(Part):
    """Something that was still to be mended when the run ended."""

    what: str
    """An NPU (`node-0/npu3`) or a node."""
    kind: Literal["repair", "isolation", "return"]
    """A repair ends; a time out of service is over."""
    at_ms: int | None
    """Null: it waits for a crew or a spare."""


class EndPart(Part):
    """When and why the simulation stopped."""

    at_ms: int
    reason: Literal["settled", "horizon", "quiet", "loop"]
    """Nothing more can happen; the scenario's horizon; no progress for the scenario's `quietAfter`; things cause one
    another without end in one instant."""
    missing_instances: int
    """Instances asked for and not ready at the end."""
    due: list[DuePart]
    """What would have been mended later, soonest first."""


class AssumptionPart(Part):
    """A switch of the scenario."""

    name: str
    value: str
    default: bool


class DetailPart(Part):
    """What the document leaves out."""

    level: Detail
    """`summary`: instances and pods are not told one by one; `instances`: pods are not."""
    instances: int
    """How many there were in all."""
    pods: int


class CostPart(Part):
    """What the simulation cost, in counts."""

    timers: int
    records: int


def scenario_part(run: Run) -> ScenarioPart:
    """What was simulated."""
    scenario = run.scenario
    return ScenarioPart(
        name=scenario.name,
        description=scenario.description,
        namespace=next((each.namespace for each in (*scenario.workloads, *scenario.created)), "default"),
        kubeinfer=next((each.name for each in scenario.kubeinfers), ""),
        initial=scenario.initial,
        nodes=len(scenario.nodes),
        npus=npus_of_cluster(scenario),
        seed=run.seed,
        horizon_ms=scenario.horizon,
        kubernetes_version=scenario.kubernetes_version,
    )


def verdict_part(assessment: Assessment) -> VerdictPart:
    """How it came out."""
    verdict = assessment.verdict
    return VerdictPart(holds=verdict.holds, outcome=assessment.outcome, sentence=verdict.sentence)


def end_part(run: Run, measures: Measures) -> EndPart:
    """When and why it stopped."""
    return EndPart(
        at_ms=run.ended_at,
        reason=run.end,
        missing_instances=measures.losing,
        due=[DuePart(what=each.what, kind=each.kind, at_ms=each.at) for each in run.due],
    )


def assumption_parts(scenario: Scenario) -> list[AssumptionPart]:
    """All switches."""
    return [
        AssumptionPart(name=each.name, value=each.value, default=each.default)
        for each in assumptions(scenario.assumptions)
    ]


def detail_part(told: Detail, lives: Sequence[InstanceLife]) -> DetailPart | None:
    """What is left out of these; None where all is told."""
    if told == "pods":
        return None
    return DetailPart(
        level=told,
        instances=sum(life.instance.has_roles for life in lives),
        pods=sum(len(life.pods) for life in lives),
    )


def cost_part(run: Run) -> CostPart:
    """What it cost."""
    return CostPart(timers=run.fired, records=run.history.total)
