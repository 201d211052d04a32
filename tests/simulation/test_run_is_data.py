"""A run is data: it can be put away and taken out again, and it says the same whether its history was kept or not."""

from __future__ import annotations

import pickle
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
from command_line import ROOT
from msgspec.structs import replace
from testing.generated import generated

from kubeinfer_sim.cluster.records import PodReady
from kubeinfer_sim.engine.history import NO_CAUSE, Record
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.report.pods import render_pods
from kubeinfer_sim.report.pods_result import pods_json
from kubeinfer_sim.report.result import build_result, to_json
from kubeinfer_sim.report.terminal import render
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.report.why import moment_of, render_why
from kubeinfer_sim.report.why_result import why_json
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import ALL, BUDGET, ONE, AvailabilityObjective, Objectives, Scenario
from kubeinfer_sim.simulation.pods_at import PodsAt, pods_at
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

SHIPPED = sorted((ROOT / "scenarios").glob("*.yaml"))
UPDATE = str(ROOT / "scenarios" / "rolling-update-2p1d.yaml")


@cache
def much_at_once() -> tuple[Scenario, ...]:
    """Scenarios at random, with a good part of all there is."""
    return tuple(written.load() for written in generated("medium", 201, 8))


def told(run: Run) -> list[str]:
    """All that the commands tell of a run: the report, its JSON, why at its middle, the pods at its end."""
    assessment = assess(run)
    moment = moment_of(run, f"{run.ended_at // 2}ms", None)
    assert run.pods is not None
    at_end = PodsAt(run.ended_at, run.pods, run)
    return [
        render(assessment),
        to_json(build_result(assessment)),
        render_why(run, moment, None),
        why_json(run, moment),
        render_pods(at_end, describe=True),
        pods_json(at_end),
    ]


def check_pickled(scenario: Scenario) -> None:
    run = simulate(scenario)
    again = pickle.loads(pickle.dumps(run))
    assert told(again) == told(run)
    assert [(each.id, each.root) for each in again.history] == [(each.id, each.root) for each in run.history]
    moment = pods_at(scenario, run.ended_at // 2)
    assert pods_json(pickle.loads(pickle.dumps(moment))) == pods_json(moment)


@pytest.mark.parametrize("story", SHIPPED, ids=lambda path: path.stem)
def test_a_run_that_was_pickled_tells_the_same(story: Path) -> None:
    check_pickled(load_scenario(str(story)))


@pytest.mark.parametrize("number", range(8))
def test_a_run_with_much_at_once_that_was_pickled_tells_the_same(number: int) -> None:
    check_pickled(much_at_once()[number])


def test_a_run_that_was_pickled_is_judged_by_the_same_objectives() -> None:
    kept = tuple(AvailabilityObjective(level, Fraction(1), 0) for level in (ONE, BUDGET, ALL))
    outage = load_scenario(str(ROOT / "scenarios" / "no-spare-outage.yaml"))
    check_pickled(replace(outage, objectives=Objectives(availability=kept)))


def check_not_kept(scenario: Scenario) -> None:
    heard: list[Record] = []
    kept = simulate(scenario)
    run = simulate(scenario, listeners=[heard.append], keep=False)
    assert heard == list(kept.history)
    assert [(each.id, each.root) for each in heard] == [(each.id, each.root) for each in kept.history]
    assert (run.pods, run.ended_at, run.end, run.fired) == (kept.pods, kept.ended_at, kept.end, kept.fired)
    assert (run.history.total, list(run.history)) == (kept.history.total, [])


@pytest.mark.parametrize("story", SHIPPED, ids=lambda path: path.stem)
def test_a_run_goes_the_same_way_when_its_history_is_not_kept(story: Path) -> None:
    check_not_kept(load_scenario(str(story)))


@pytest.mark.parametrize("number", range(8))
def test_a_run_with_much_at_once_goes_the_same_way_when_its_history_is_not_kept(number: int) -> None:
    check_not_kept(much_at_once()[number])


def test_the_root_of_every_record_is_the_end_of_its_chain() -> None:
    for scenario in (load_scenario(str(ROOT / "scenarios" / "fault-mid-rollout.yaml")), *much_at_once()):
        history = simulate(scenario).history
        for record in history:
            assert record.root == history.chain(record.id)[-1].id
            assert history[record.root].cause == NO_CAUSE


def test_listeners_are_told_in_their_order_of_what_is_already_in_the_history() -> None:
    order: list[tuple[str, int]] = []
    simulate(
        load_scenario(UPDATE),
        listeners=[
            lambda record: order.append(("first", record.id)),
            lambda record: order.append(("second", record.id)),
        ],
    )
    assert order == [(who, number) for number in range(len(order) // 2) for who in ("first", "second")]


def test_a_run_holds_no_listener() -> None:
    ready = [0]

    def count(record: Record) -> None:
        ready[0] += isinstance(record, PodReady)

    run = simulate(load_scenario(UPDATE), listeners=[count])
    assert ready[0] == sum(1 for _ in run.history.of(PodReady)) > 0
    pickle.dumps(run)  # a local function would not pickle


def test_what_was_not_kept_is_asked_for_in_vain() -> None:
    scenario = load_scenario(UPDATE)
    with pytest.raises(UsageError, match="why reads the history: it needs a run simulated with keep=True"):
        moment_of(simulate(scenario, keep=False), "0s", None)
    with pytest.raises(UsageError, match="it needs a run simulated with pods=True"):
        build_result(assess(simulate(scenario, pods=False)))
