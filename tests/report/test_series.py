"""What pictures show are the numbers of the run, at every instant at which they change; what is thinned loses no dip."""

from __future__ import annotations

from itertools import pairwise

import pytest
from command_line import ROOT
from report_samples import sample

from kubeinfer_sim.cluster.stages import StageKind
from kubeinfer_sim.metrics import Steps
from kubeinfer_sim.report.series import stages as stages_series
from kubeinfer_sim.report.series.accelerators import accelerators
from kubeinfer_sim.report.series.lost_time import lost_time
from kubeinfer_sim.report.series.readiness import courses
from kubeinfer_sim.report.series.stages import PHASES, StageCounts, StagesByRow, how_told, phase_of, stages
from kubeinfer_sim.report.series.steps import counted, sampled
from kubeinfer_sim.report.verdict import Assessment, assess
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.simulation.simulate import simulate


def shipped(name: str) -> Assessment:
    return assess(simulate(load_scenario(str(ROOT / "scenarios" / f"{name}.yaml"))))


@pytest.mark.parametrize("name", ["five instances", "rollback", "scale to zero", "drain", "creation"])
def test_the_bands_of_a_course_are_the_instances_there_were(name: str) -> None:
    measures = sample(name).measures
    course = courses(sample(name))[0]
    for place, at in enumerate(course.at[:-1]):
        values = {band.what: band.values[place] for band in course.bands}
        ready = sum(values.get(what, 0) for what in ("new", "middle", "old"))
        assert ready == measures.ready.at(at)
        assert sum(values.values()) == measures.live.at(at)
        assert course.desired[place] == measures.desired.at(at)


def test_a_course_of_a_deployment_tells_old_and_new_pods_apart() -> None:
    course = courses(shipped("router-beside-kubeinfer"))[1]
    assert (course.name, course.noun) == ("Deployment router", "pod")
    first = {band.what: band.values[0] for band in course.bands}
    last = {band.what: band.values[-1] for band in course.bands}
    assert (first["old"], first["new"]) == (3, 0)
    assert (last["old"], last["new"], course.desired[-1]) == (0, 5, 5)
    # The drain of its node takes all of them at once.
    assert (
        min(sum(column) for column in zip(*(b.values for b in course.bands if b.what == "new"), strict=True))
        == 0
    )


def test_what_was_done_and_what_befell_says_why() -> None:
    told = {each.text: each.is_fault for each in courses(shipped("switch-fault-storm"))[0].events}
    [fault] = [text for text, is_fault in told.items() if is_fault and "rack-a-4" in text]
    assert fault.startswith("SwitchFault of rack-a-4")
    assert "noticed by" in fault
    assert any(not is_fault for is_fault in told.values())


def test_of_a_run_in_which_all_is_done_in_an_instant_the_course_begins_at_the_start() -> None:
    scenario = load_scenario(str(ROOT / "scenarios/drain-held-by-a-budget.yaml"))
    (course,) = courses(assess(simulate(scenario)))
    assert (course.at[0], course.at[-1]) == (0, 300_001)


def test_a_dip_of_an_instant_among_ten_thousand_changes_is_drawn() -> None:
    steps = Steps([(at, 7 + at % 2) for at in range(10_000)])
    steps.points[6_543] = (6_543, 1)
    points, thinned = sampled((steps,), 0, 10_000, lambda values: values[0], most=100)
    assert thinned
    assert len(points) <= 102
    assert min(value for _, (value,) in points) == 1
    exact, thinned = sampled((Steps([(0, 3), (5, 2)]),), 0, 9, lambda values: values[0])
    assert (exact, thinned) == ([(0, (3,)), (5, (2,)), (9, (2,))], False)


def test_stretches_are_counted_and_none_of_no_length() -> None:
    assert counted([(0, 10), (5, 10), (7, 7), (10, 12)]).points == [(0, 1), (5, 2), (10, 1), (12, 0)]


def test_every_stage_has_a_phase() -> None:
    assert {phase_of(kind) for kind in StageKind} == PHASES.keys()


def test_each_pod_has_a_row_and_of_too_many_each_instance_and_of_more_there_are_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lives, until = sample("five instances").cluster.instances, sample("five instances").run.ended_at
    pods = stages(lives, until)
    assert isinstance(pods, StagesByRow)
    assert pods.of == "pod"
    assert len(pods.rows) == len({pod.pod.name for life in lives for pod in life.pods})
    assert how_told(pods) == "A row is a pod."
    monkeypatch.setattr(stages_series, "MOST_ROWS", len(pods.rows) - 1)
    instances = stages(lives, until)
    assert isinstance(instances, StagesByRow)
    assert (instances.of, instances.rows) == ("instance", sorted({life.instance.name for life in lives}))
    assert "18 pods" not in how_told(instances)
    assert "too many for a row each" in how_told(instances)
    # A row has no two bars at once.
    for row in range(len(instances.rows)):
        own = sorted((bar.since, bar.until) for bar in instances.bars if bar.row == row)
        assert all(end <= begin for (_, end), (begin, _) in pairwise(own))
    monkeypatch.setattr(stages_series, "MOST_ROWS", 1)
    counts = stages(lives, until)
    assert isinstance(counts, StageCounts)
    spans = [span for life in lives for pod in life.pods for span in pod.spans]
    for place, at in enumerate(counts.at[:-1]):
        there = sum(span.since <= at < span.until for span in spans)
        assert sum(values[place] for values in counts.by_phase.values()) == there
    assert "how many are in which stage" in how_told(counts)


def test_accelerators_in_service_are_fewer_while_a_node_is_down() -> None:
    assessment = shipped("silent-node-death")
    series = accelerators(assessment, assessment.run.ended_at)
    assert series is not None
    assert max(series.capacity) == max(series.in_service)
    assert min(series.in_service) == max(series.capacity) - 8
    assert max(series.in_use) == assessment.measures.peak_npus


def test_lost_time_adds_up_to_what_was_lost() -> None:
    for name in ("five instances", "no room", "rollback"):
        rows = lost_time(sample(name))
        assert sum(each.total for each in rows) == sample(name).measures.whole.lost
    rows = lost_time(shipped("router-beside-kubeinfer"))
    assert {each.noun for each in rows} == {"instance", "pod"}
    assert all(each.cause.startswith(("chat: ", "Deployment router: ")) for each in rows)
