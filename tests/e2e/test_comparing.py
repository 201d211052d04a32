"""The judge of whole runs: what counts as agreement, and what is left out."""

from __future__ import annotations

import pytest
from e2e.comparing import compare
from e2e.milestones import ConditionWatch, Milestones, PodState, PodWatch

END = 100_000


def run(*times: int, ended: int | None = None, unknown: int | None = None) -> Milestones:
    found = Milestones(unknown_at=unknown)
    for at in times:
        found.add("p", "ready", at).ended = ended
    return found


def wrong(first: Milestones, second: Milestones, simulated: Milestones) -> list[str]:
    return [each.wrong for each in compare(first, second, simulated, END)]


@pytest.mark.parametrize("at", [8_000, 10_000, 13_000])
def test_a_time_between_the_recorded_ones_or_2_s_off_agrees(at: int) -> None:
    assert wrong(run(10_000), run(11_000), run(at)) == [""]


@pytest.mark.parametrize(("at", "said"), [(7_900, "-0.1 s"), (13_100, "+0.1 s")])
def test_a_time_further_off_differs(at: int, said: str) -> None:
    assert wrong(run(10_000), run(11_000), run(at)) == [f"{said} beyond tolerance"]


def test_the_nth_of_one_run_is_compared_with_the_nth_of_the_other() -> None:
    assert wrong(run(20_000, 10_000), run(10_000, 20_000), run(20_000, 10_000)) == ["", ""]


def test_what_the_recorded_runs_differ_in_is_left_out() -> None:
    assert wrong(run(10_000), run(11_600), run(50_000)) == [""]
    assert wrong(run(10_000), run(), run()) == [""]


def test_runs_that_differ_by_the_phase_of_a_heartbeat_alone_agree() -> None:
    first, second = run(30_000, unknown=20_000), run(35_000, unknown=25_000)
    assert wrong(first, second, run(33_000)) == [""]
    assert wrong(first, second, run(38_000)) == ["+1.0 s beyond tolerance"]


def test_what_was_never_recorded_differs_unless_nobody_need_have_seen_it() -> None:
    assert wrong(run(), run(), run(10_000)) == ["never recorded"]
    assert wrong(run(), run(), run(10_000, ended=10_900)) == [""]
    assert wrong(run(), run(), run(END - 1_000)) == [""]


def test_what_is_not_simulated_differs_unless_nobody_need_have_seen_it() -> None:
    assert wrong(run(10_000), run(10_000), run()) == ["never simulated"]
    assert wrong(run(10_000, ended=10_100), run(10_000), run()) == [""]
    assert wrong(run(END - 1_000), run(END - 1_000), run()) == [""]


def test_a_brief_one_that_was_missed_does_not_shift_those_after_it() -> None:
    recorded = run(0, 20_000)
    recorded.of(("p", "ready"))[0].ended = 100
    assert wrong(recorded, recorded, run(20_000)) == [""]


def test_changes_of_a_pod_are_milestones_of_its_group_with_how_often_it_was_restarted() -> None:
    found = Milestones()
    pod = PodWatch(found, "rs1", 0)
    running = PodState("Running", scheduled=True, ready=True, containers={"main": ("running", 0)})
    pod.changed(running, 1_000)
    pod.changed(PodState("Running", scheduled=True, containers={"main": ("terminated(Error,1)", 0)}), 2_000)
    pod.changed(PodState("Running", scheduled=True, ready=True, containers={"main": ("running", 1)}), 2_400)
    pod.changed(PodState("Running", True, True, deleted=True, containers={"main": ("running", 1)}), 5_000)
    pod.gone(6_000)
    times = {what: [seen.at for seen in each] for (_, what), each in found.by_key.items()}
    assert times == {
        "created": [0],
        "scheduled": [1_000],
        "main: running": [1_000],
        "phase Running": [1_000],
        "ready": [1_000],
        "main: terminated(Error,1)": [2_000],
        "not ready": [2_000],
        "main: running, 1 restart": [2_400],
        "ready, 1 restart": [2_400],
        "deleted": [5_000],
        "gone": [6_000],
    }
    assert [what for (_, what), each in found.by_key.items() if each[0].brief] == [
        "main: terminated(Error,1)",
        "not ready",
    ]


def test_what_a_condition_says_again_after_a_moment_is_no_milestone() -> None:
    found = Milestones()
    watch = ConditionWatch(found, "deploy/web")
    updated, made = "Progressing=True(ReplicaSetUpdated)", "Progressing=True(NewReplicaSetCreated)"
    for text, at in ((updated, 1_000), (made, 9_000), (updated, 9_100), (made, 20_000), (updated, 22_000)):
        watch.changed([text], at)
    assert [seen.at for seen in found.of(("deploy/web", updated))] == [1_000, 22_000]
    assert [(seen.at, seen.brief) for seen in found.of(("deploy/web", made))] == [
        (9_000, True),
        (20_000, False),
    ]


def test_a_pod_that_goes_in_the_instant_of_its_eviction_was_disrupted() -> None:
    found = Milestones()
    PodWatch(found, "rs1", 0).gone(1_000, "EvictionByEvictionAPI")
    assert {what for _, what in found.by_key} == {
        "created",
        "disrupted: EvictionByEvictionAPI",
        "deleted",
        "gone",
    }
