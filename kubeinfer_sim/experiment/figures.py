"""All numbers of one run: what reports tell, and what runs are compared by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from kubeinfer_sim.metrics import Judged, Measures, judge, measure
from kubeinfer_sim.metrics.attribution import CauseSummary, attribute, by_kind
from kubeinfer_sim.metrics.availability import Availability, measure_availability
from kubeinfer_sim.metrics.capacity import Capacity, measure_capacity
from kubeinfer_sim.metrics.cause_kinds import cause_kind
from kubeinfer_sim.metrics.demand import Demand, measure_demand
from kubeinfer_sim.simulation.run import Run


@dataclass(frozen=True)
class Figures:
    """A run with its numbers.

    Attributes:
        availability: None without a KubeInfer.
        demand: None where the scenario says nothing of a load.
        causes: what began the losses, dearest first.
    """

    run: Run
    measures: Measures
    availability: Availability | None
    demand: Demand | None
    judged: tuple[Judged, ...]
    causes: tuple[CauseSummary, ...]

    @cached_property
    def kinds(self) -> dict[str, CauseSummary]:
        """The same as `causes` for each kind of beginning together."""
        return by_kind(self.causes, lambda cause: cause_kind(self.run.history, cause))


def figures(run: Run) -> Figures:
    """Measure a run and hold its objectives against the numbers."""
    measures = measure(run.history, ended_at=run.ended_at, end=run.end)
    capacity = _capacity(run)
    demand = _demand(run, measures, capacity)
    named = [each.level for each in run.scenario.objectives.availability]
    return Figures(
        run,
        measures,
        measure_availability(measures, capacity, named) if capacity is not None else None,
        demand,
        judge(run.scenario.objectives, measures, capacity, demand),
        tuple(attribute(run.history, measures)),
    )


def _capacity(run: Run) -> Capacity | None:
    scenario = run.scenario
    if not scenario.has_kubeinfer:
        return None
    load = scenario.load
    if load is None:
        return measure_capacity(run.history, whole=scenario.serves_whole)
    return measure_capacity(
        run.history,
        whole=scenario.serves_whole,
        pod_serves=load.pod_serves,
        instance_serves=load.instance_serves,
    )


def _demand(run: Run, measures: Measures, capacity: Capacity | None) -> Demand | None:
    if run.scenario.load is None or capacity is None:
        return None
    serves, whole = capacity.serves, measures.whole
    return measure_demand(run.scenario.load.curve, serves.steps, serves.unit, whole.since, whole.until)
