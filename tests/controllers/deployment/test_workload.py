"""Deployments in the simulated cluster: beside a KubeInfer and alone."""

from __future__ import annotations

from typing import Any

import pytest
from building import budget, kubeinfer, nodes, pod_template, scenario, stage_timings
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import PodDeleting
from kubeinfer_sim.controllers.deployment.records import DeploymentApplied
from kubeinfer_sim.manifest.model import Deployment, RollingUpdate
from kubeinfer_sim.metrics.deployments import DeploymentMeasures, DeploymentOutcome
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.actions.model import Apply, Drain
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.timings.model import Timings
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate


def deployment(revision: str = "old", replicas: int = 4, npus: int = 8, **fields: Any) -> Deployment:
    budgets = RollingUpdate(budget(fields.pop("surge", 1)), budget(fields.pop("unavailable", 0)))
    template = pod_template(revision, npus)
    return Deployment("llm", template, replicas=replicas, rolling_update=budgets, **fields)


def alone(before: Deployment, *actions: Any, count: int = 5, load: float = 60, term: float = 10) -> Scenario:
    return Scenario(
        "test",
        (before,),
        nodes(count),
        Timings(stage_timings(load, term)),
        actions=actions,
    )


def measured(run: Run) -> DeploymentMeasures:
    [found] = assess(run).measures.deployments
    return found


def test_surge_takes_one_load_per_pod_after_the_other():
    run = simulate(alone(deployment(), Apply(0, deployment("new"))))
    found = measured(run)
    # The NPUs of a pod that goes are free 10 s after its successor is ready.
    assert found.focus is not None
    assert found.focus.duration == 4 * 60_000 + 3 * 10_000
    assert (found.low.value, found.outcome) == (4, DeploymentOutcome.COMPLETES)
    assert assess(run).verdict.holds


def test_a_full_cluster_exceeds_the_deadline_and_says_what_is_missing():
    run = simulate(alone(deployment(), Apply(0, deployment("new")), count=4))
    found, verdict = measured(run), assess(run).verdict
    assert found.exceeded == [(601_000, None)]
    assert (found.outcome, found.low.value) == (DeploymentOutcome.NEVER, 4)
    assert not verdict.holds
    assert "llm-4 needs 1 node" in verdict.sentence


def test_unavailability_makes_room_on_a_full_cluster():
    before, after = deployment(surge=0, unavailable=1), deployment("new", surge=0, unavailable=1)
    found = measured(simulate(alone(before, Apply(0, after), count=4)))
    assert found.focus is not None
    assert (found.focus.duration, found.low.value) == (4 * 70_000, 3)


def test_recreate_waits_for_the_last_old_pod():
    before, after = deployment(strategy="Recreate"), deployment("new", strategy="Recreate")
    found = measured(simulate(alone(before, Apply(0, after), count=4)))
    assert found.focus is not None
    assert (found.focus.duration, found.low.value) == (70_000, 0)


def test_a_drained_pod_is_replaced_at_once():
    run = simulate(alone(deployment(), Drain(0, ("node-0",))))
    found = measured(run)
    assert [r.reason for r in run.history.of(PodDeleting)] == ["Drained"]
    assert (len(found.pods), found.low.value, found.outcome) == (5, 3, DeploymentOutcome.COMPLETES)


def test_a_paused_update_waits_for_a_person():
    run = simulate(alone(deployment(), Apply(0, deployment("new", paused=True))))
    assert measured(run).outcome is DeploymentOutcome.PAUSED
    assert not assess(run).verdict.holds


def test_nothing_asked_is_no_green_verdict():
    run = simulate(alone(deployment()))
    assert measured(run).outcome is DeploymentOutcome.UNTOUCHED
    assert not assess(run).verdict.holds


def test_created_from_nothing_it_is_available_after_one_load():
    found = measured(simulate(replace(alone(deployment()), initial="empty")))
    assert found.focus is not None
    assert (found.focus.changed, found.focus.duration) == (("created",), 60_000)


def test_it_shares_the_nodes_with_the_kubeinfer():
    beside = replace(
        scenario(kubeinfer(2), 4, load=60),
        workloads=(kubeinfer(2), deployment(replicas=2)),
        actions=(Apply(0, deployment("new", replicas=3)),),
    )
    assert not assess(simulate(beside)).verdict.holds  # two of four nodes are the KubeInfer's
    roomy = replace(beside, nodes=nodes(7))
    assert assess(simulate(roomy)).verdict.holds


@pytest.mark.parametrize("replicas", [10, 40])
def test_a_pod_costs_no_more_events_in_a_larger_deployment(replicas):
    before, after = deployment(replicas=replicas), deployment("new", replicas=replicas)
    run = simulate(alone(before, Apply(0, after), count=replicas + 1))
    assert run.fired <= 10 * replicas


def test_the_same_scenario_gives_the_same_history():
    made = alone(deployment(), Apply(0, deployment("new")))
    assert list(simulate(made).history) == list(simulate(made).history)


def test_what_is_applied_is_told_with_what_differs_and_counted():
    five = deployment(replicas=5)
    specs = [
        five,
        replace(five, paused=True),
        five,
        replace(five, raw={"metadata": {"labels": {"a": "b"}}}),
        replace(five, raw={"metadata": {"labels": {"a": "b"}}}),
        replace(five, min_ready_seconds=5, progress_deadline_seconds=60),
        deployment("new", replicas=4, surge=2),
    ]
    applied = (Apply(1_000 * at, spec) for at, spec in enumerate(specs, 1))
    told = list(simulate(alone(deployment(), *applied, count=8)).history.of(DeploymentApplied))
    assert [record.changed for record in told[1:]] == [
        ("replicas",),
        ("paused",),
        ("resumed",),
        ("metadata",),
        ("nothing",),
        ("minReadySeconds", "progressDeadlineSeconds"),
        ("template", "replicas", "strategy", "minReadySeconds", "progressDeadlineSeconds"),
    ]
    assert [record.generation for record in told] == list(range(1, 9))
    assert [(record.replicas, record.surge) for record in told[-2:]] == [(5, 1), (4, 2)]
