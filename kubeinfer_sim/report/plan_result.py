"""A plan for machines: a versioned JSON document and its schema."""

from __future__ import annotations

from typing import Any, Literal

from kubeinfer_sim._version import __version__
from kubeinfer_sim.experiment.planning.plan import Option, Plan, Requirement
from kubeinfer_sim.report.comparison_result import FailedPart
from kubeinfer_sim.report.interval_part import IntervalPart, interval_part
from kubeinfer_sim.report.plan import further, goal, headline, neighbour_line
from kubeinfer_sim.report.result_part import ConfiguredPart, DocumentPart, Part, configured_part
from kubeinfer_sim.report.sweep_result import LeftOutPart

_Decided = Literal["held", "missed", "undecided", "notJudged"]


class RequirementPart(Part):
    """What is required of a combination, and what its runs say of it."""

    name: str
    """Of the objective; `comesAbout`: what is asked of every run besides; `all`: all objectives in one run."""
    owner: str
    """Whose instances or pods it is about, where objectives are about several workloads."""
    goal: str
    """`completes within 45m, P ≥ 99 %`."""
    probability: float | None
    """With which it has to hold; null: in every run."""
    held: int
    missed: int
    open: int
    """In how many runs it could not be judged."""
    share: IntervalPart
    decision: _Decided
    reason: str
    """Why runs could not judge it."""


class OptionPart(Part):
    """A combination that was looked at."""

    settings: dict[str, str]
    cost: float
    """Of an hour."""
    change_cost: float | None
    """Of the median of how long the change takes; null without one, and where it never finishes."""
    runs: int
    decision: _Decided
    probability: IntervalPart
    """In which part of the runs all that is required holds at once, with an interval that holds however often one has
    looked."""
    requirements: list[RequirementPart]
    more_runs: int | None
    """About how many more runs would decide it; 0: it is decided; null: that cannot be told."""
    duration_ms: IntervalPart | None
    """The median of how long the change took; null without one."""


class NeighbourPart(Part):
    """A combination one step of one knob from the chosen one."""

    knob: str
    side: Literal["before", "after"]
    """In the list of the knob's values."""
    settings: dict[str, str]
    costs_more: float
    """Than the chosen one, of an hour; negative: less."""
    decision: _Decided
    sentence: str


class CostPart(Part):
    """How cost is counted."""

    basis: Literal["nodes", "accelerators", "price"]
    unit: Literal["node-hours", "accelerator-hours", "price"]
    """Of an hour."""


class LossPart(Part):
    """Where most of the time lost at the chosen combination goes."""

    kind: str
    """Of what began it."""
    stage: str
    part: float
    """Of all that is lost."""


class MonotonyPart(Part):
    """A knob along which the boundary was bisected."""

    knob: str
    checked: int
    """How many of the values that were skipped were played after all."""
    skipped: int
    """How many cheaper ones were not played."""
    holds: bool
    """Whether all that were played below the boundary fail; where not, all were played."""


class PlanDocument(DocumentPart):
    """The cheapest combination of knobs whose objectives hold."""

    api_version: Literal["kubeinfer-sim/v1"] = "kubeinfer-sim/v1"
    kind: Literal["Plan"] = "Plan"
    version: str
    """Of kubeinfer-sim."""
    scenario: str
    knobs: list[str]
    chosen: dict[str, str] | None
    """Each knob and its value in the cheapest combination that is known to hold; null: none is."""
    decision: _Decided
    """`held`: no cheaper one holds; `missed`: none does; else it is not known whether a cheaper one, or any, holds."""
    confidence: float
    """With which the answer is right."""
    cost: CostPart
    options: list[OptionPart]
    """Every combination looked at, cheapest first."""
    may_be_cheaper: list[dict[str, str]]
    """Those that are cheaper than the chosen one, and not decided."""
    neighbours: list[NeighbourPart]
    dominates: LossPart | None
    idle_knobs: list[str]
    """Those that change nothing in the runs that were compared."""
    monotony: list[MonotonyPart]
    left_out: list[LeftOutPart]
    combinations: int
    """All that can be."""
    runs: int
    """In all."""
    most_runs: int
    """Of one combination."""
    sentences: list[str]
    failed: list[FailedPart]
    interrupted: bool
    configuration: ConfiguredPart | None = None


def plan_json(plan: Plan) -> str:
    """The plan as a JSON document, ending in a line break; equal plans give equal bytes."""
    best = plan.best
    document = PlanDocument(
        version=__version__,
        scenario=plan.scenario.name,
        knobs=list(plan.knobs),
        chosen=plan.chosen,
        decision=plan.decision.value,
        confidence=plan.confidence,
        cost=CostPart(basis=plan.cost.basis, unit=plan.cost.unit),
        options=[_option(each) for each in plan.options],
        may_be_cheaper=[dict(each.settings) for each in plan.cheaper],
        neighbours=[
            NeighbourPart(
                knob=each.knob,
                side=each.side,
                settings=dict(each.option.settings),
                costs_more=each.option.cost - (0.0 if best is None else best.cost),
                decision=each.option.decision.value,
                sentence=neighbour_line(each, plan),
            )
            for each in plan.neighbours
        ],
        dominates=None
        if plan.dominates is None
        else LossPart(kind=plan.dominates.kind, stage=plan.dominates.stage, part=plan.dominates.part),
        idle_knobs=list(plan.idle_knobs),
        monotony=[
            MonotonyPart(knob=each.knob, checked=each.checked, skipped=each.skipped, holds=each.holds)
            for each in plan.monotony
        ],
        left_out=[LeftOutPart(settings=dict(each.settings), message=each.message) for each in plan.left_out],
        combinations=plan.number,
        runs=plan.runs,
        most_runs=plan.most,
        sentences=[headline(plan), *further(plan)],
        failed=[
            FailedPart(variant=name, seed=each.seed, why=each.why, message=each.message)
            for name, each in plan.failures
        ],
        interrupted=plan.interrupted,
        configuration=configured_part(plan.scenario.configuration),
    )
    return document.to_json()


def plan_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the document."""
    return PlanDocument.json_schema()


def _option(option: Option) -> OptionPart:
    return OptionPart(
        settings=dict(option.settings),
        cost=option.cost,
        change_cost=option.change_cost,
        runs=option.runs,
        decision=option.decision.value,
        probability=interval_part(option.together),
        requirements=[_requirement(each) for each in option.requirements],
        more_runs=option.more_runs,
        duration_ms=None if option.duration is None else interval_part(option.duration),
    )


def _requirement(requirement: Requirement) -> RequirementPart:
    return RequirementPart(
        name=requirement.name,
        owner="" if requirement.objective is None else requirement.objective.owner,
        goal=goal(requirement),
        probability=requirement.wanted,
        held=requirement.held,
        missed=requirement.missed,
        open=requirement.open,
        share=interval_part(requirement.share),
        decision=requirement.decision.value,
        reason=requirement.reason,
    )
