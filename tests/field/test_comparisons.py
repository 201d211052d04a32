"""What `compare` says: who is better and why, until when it was counted, and what cannot be told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from command_line import Done
from field.user import Raw, User, asking, bare_pod, both, deployment, kubeinfer

from kubeinfer_sim.report.words import rounded


@both
def test_assumptions_without_effect_are_warned_of_as_in_a_run(user: User, workload: Any) -> None:
    user.plans(workload(asking(npu=8)), cluster="3x8", initial="empty")
    done = user.types("compare", "scenario.yaml", "--assume", "minMember=1,2")
    assert done.returncode == 0
    assert "minMember=1 and minMember=2 come out the same" in done.stdout
    assert "spec.assumptions.minMember: has no effect" in done.told


@pytest.mark.parametrize(
    ("knob", "said"),
    [
        (
            "nodes=3..",
            "expected a number of nodes from 1 to 99,999, found '3..'; a range has two ends, as in 3..7",
        ),
        ("nodes=..4", "a range has two ends, as in 1..4"),
        ("nodes=3,4,3", "--vary: the value 3 is there twice"),
    ],
)
@both
def test_a_value_that_cannot_be_meant_is_an_error_that_says_how_it_is_written(
    user: User, workload: Any, knob: str, said: str
) -> None:
    user.plans(workload(asking(npu=8)), cluster="3x8")
    done = user.types("compare", "scenario.yaml", "--vary", knob)
    assert done.returncode == 2
    assert said in done.told


def test_a_pod_beside_kubeinfers_that_never_gets_ready_has_a_row_and_decides(user: User) -> None:
    halves = kubeinfer(asking(npu=4), replicas=2, schedulerName="volcano")
    whole = {"at": "10s", "create": bare_pod(asking(npu=8), schedulerName="volcano")}
    user.plans(halves, cluster="2x8", initial="empty", actions=[whole])
    done, document = compared(user, "--assume", "scheduler=volcano,kube-scheduler")
    said = " ".join(done.stdout.split())
    assert "pods missing for good" in said
    assert "come out the same" not in said
    missing = means(document, "podsMissingForGood")
    assert missing[0] > missing[1] == 0


@both
def test_variants_that_differ_in_what_decides_nothing_are_told_in_what(user: User, workload: Any) -> None:
    made = workload(asking(npu=4), replicas=2, schedulerName="volcano")
    user.plans(made, cluster="2x8", initial="empty", horizon="5m")
    done = user.types("compare", "scenario.yaml", "--assume", "scheduler=volcano,kube-scheduler")
    assert "come out the same but for what decides nothing: " in " ".join(done.stdout.split())


def compared(user: User, *options: str) -> tuple[Done, Raw]:
    """`compare scenario.yaml`: what is printed, and the document."""
    done = user.types("compare", "scenario.yaml", "--json", "comparison.json", *options)
    return done, json.loads((user.folder / "comparison.json").read_text(encoding="utf-8"))


def means(document: Raw, column: str) -> list[float]:
    """Of each variant."""
    return [each["mean"][column]["mean"] for each in document["variants"]]


@pytest.mark.parametrize(
    ("workload", "missing", "lost"),
    [
        (kubeinfer, "missingForGood", "lostInstanceMs"),
        (deployment, "podsMissingForGood", "lostPodMs"),
    ],
)
def test_what_stalls_early_does_not_lose_less_for_it(
    user: User, workload: Any, missing: str, lost: str
) -> None:
    """On one node nothing happens any more after a moment, on two after the start of a pod."""
    user.plans(workload(asking(npu=8)), cluster="1x8", initial="empty", timings={"profile": "typical"})
    done, document = compared(user, "--vary", "nodes=1,2")
    assert document["best"] == "nodes=2"
    assert "nodes=2 is better than nodes=1: 1 fewer" in done.stdout
    assert "missing for good" in done.stdout
    assert means(document, missing) == [2, 1]
    # Whatever is never ready loses from the start to the common end, under each seed.
    until = document["until"]
    assert all(value >= 2 * until for value in document["variants"][0]["values"][lost])
    assert f"counted until {rounded(until)}, when the last run ends" in " ".join(done.stdout.split())


@both
def test_times_of_runs_that_end_early_and_late_are_counted_to_the_same_end(user: User, workload: Any) -> None:
    """A node dies, and its pod has no other; with a spare one it comes back. What is lost goes on to be lost."""
    user.plans(
        workload(asking(npu=8), replicas=2),
        cluster="2x8",
        timings={"profile": "typical"},
        actions=[{"at": "1m", "nodeDown": "node-0"}, {"at": "20m", "forceDelete": {"nodes": ["node-0"]}}],
    )
    done, document = compared(user, "--vary", "spareNodes=0,1")
    assert document["best"] == "spareNodes=1"
    name = "lostInstanceMs" if workload is kubeinfer else "lostPodMs"
    stalled, mended = means(document, name)
    assert stalled >= mended > 0
    share = "availability" if workload is kubeinfer else "podAvailability"
    for lost, available in zip((stalled, mended), means(document, share), strict=True):
        assert 1 - lost / (2 * document["until"]) == pytest.approx(available)
    assert "is better than" in done.stdout
    if workload is kubeinfer:
        assert means(document, "longestShortMs") == [stalled, mended], "one was missing all the time"
        assert sum(document["variants"][0]["lostMsByStage"].values()) == pytest.approx(stalled)


@both
def test_of_variants_of_which_no_run_ends_nothing_can_be_said(user: User, workload: Any) -> None:
    # Of so many pods no machine plays a run in 1 ms.
    user.plans(workload(asking(npu=8), replicas=400), cluster="3x8", initial="empty")
    done = user.types("compare", "scenario.yaml", "--vary", "nodes=3,4", "-n", "2", "--run-timeout", "1ms")
    assert done.returncode == 4
    assert "Of nodes=3 and nodes=4 nothing can be said" in done.stdout
    assert "the same" not in done.stdout
    assert "nodes=4, seed 1: not over after 1ms" in done.stdout
    more = user.types("compare", "scenario.yaml", "--vary", "nodes=3..10", "--run-timeout", "1ms")
    assert more.returncode == 4
    assert more.stdout.startswith("Nothing can be said of 7 of 8 variants")
    alone = user.types("compare", "scenario.yaml", "--vary", "nodes=3", "-n", "2", "--run-timeout", "1ms")
    assert alone.returncode == 4


@both
def test_volcanos_cycle_is_drawn_and_one_seed_names_no_winner(user: User, workload: Any) -> None:
    """A node more or fewer budget: the update goes on, or stalls."""
    full = {
        "cluster": "2x8",
        "timings": {"profile": "typical"},
        "actions": [{"at": "1m", "apply": {"newRevision": True}}],
    }
    user.plans(workload(asking(npu=8), replicas=2, surge=1, schedulerName="volcano"), **full)
    done, _ = compared(user, "--vary", "spareNodes=0,1", "-n", "1")
    told = " ".join(done.stdout.split())
    assert told.startswith("Under seed 0 spareNodes=1 is better than spareNodes=0 (with spareNodes=0 the ")
    assert "but 1 seed cannot tell: that takes 6 that agree." in told
    done, document = compared(user, "--vary", "spareNodes=0,1")
    assert len(document["seeds"]) == 6, "where something is drawn it takes as many as tell"
    assert "spareNodes=1 is better than spareNodes=0: with spareNodes=0 the" in " ".join(done.stdout.split())
    takes = "lastChangeMs" if workload is kubeinfer else "rolloutMs"
    stalled, goes_on = (
        [each["value"]["value"] for each in variant["quantiles"][takes]] for variant in document["variants"]
    )
    assert stalled == [None] * 4, "what is never in place takes for ever, and is not left out"
    assert None not in goes_on


@both
def test_what_some_runs_cannot_tell_is_said_and_differences_are_those_of_the_figures(
    user: User, workload: Any
) -> None:
    """An update during which not all are ready; some runs are done by the horizon, and the others may still hold it."""
    user.plans(
        workload(asking(npu=8), replicas=3),
        cluster="3x8",
        timings={"profile": "range"},
        actions=[{"at": "1m", "apply": {"newRevision": True}}],
        horizon="2m50s",
        objectives={"availability": [{"ready": "all", "longestOutage": "2h"}]},
    )
    done, document = compared(user, "--vary", "maxUnavailable=1,2", "-n", "12")
    column = next(each["name"] for each in document["columns"] if each["about"] == "objective")
    figures, untold = [], []
    for variant in document["variants"]:
        values, mean = variant["values"][column], variant["mean"][column]
        figures.append(mean["mean"])
        untold.append(values.count(None))
        assert mean["mean"] == values.count(1.0) / 12
        assert mean["high"] - mean["low"] >= untold[-1] / 12
    assert 0 < untold[0] < 12
    assert f", {untold[0]} cannot tell" in done.stdout
    second = document["variants"][1]
    assert second["differenceToFirst"][column]["mean"] == pytest.approx(figures[1] - figures[0])
    assert second["differenceToFirst"][column]["method"] == "Clopper-Pearson, paired by seed"


@both
def test_means_and_differences_have_intervals_with_their_methods(user: User, workload: Any) -> None:
    user.plans(
        workload(asking(npu=8), replicas=3),
        cluster="3x8",
        timings={"profile": "range"},
        actions=[{"at": "1m", "apply": {"newRevision": True}}],
        horizon="3h",
    )
    done, document = compared(user, "--vary", "maxUnavailable=1,2", "-n", "12")
    column = "lastChangeMs" if workload is kubeinfer else "rolloutMs"
    first, second = (each["values"][column] for each in document["variants"])
    more = sorted(theirs - mine for mine, theirs in zip(first, second, strict=True))
    middle = document["variants"][1]["medianDifferenceToFirst"][column]
    # Of twelve the third and the tenth: less than one in twenty-five times the median is outside.
    assert (middle["low"], middle["high"], middle["method"]) == (more[2], more[9], "order statistics")
    told = " ".join(done.stdout.split())
    assert "Means over 12 seeds; below them the difference to maxUnavailable=1, paired by seed." in told
    assert (
        "95 % intervals: [ ] of the median by order statistics, where fewer than 100 seeds differ; ( ) of"
        in told
    )
    assert "(under 12 of 12 seeds)" in told
    done, document = compared(user, "--vary", "maxUnavailable=1,2", "-n", "2")
    assert "Means over 2 seeds; below them the difference to maxUnavailable=1, paired by seed." in " ".join(
        done.stdout.split()
    )


@both
def test_of_many_variants_each_line_says_how_it_stands_and_intervals_come_where_there_is_room(
    user: User, workload: Any
) -> None:
    user.plans(
        workload(asking(npu=8), replicas=2, surge=1),
        cluster="2x8",
        timings={"profile": "range"},
        actions=[{"at": "1m", "apply": {"newRevision": True}}],
        objectives={"completes": True},
    )
    line = ("compare", "scenario.yaml", "--vary", "nodes=2..8")
    wide = user.types(*line, COLUMNS="140")
    rows = [row.split() for row in wide.stdout.splitlines() if row[:1] in "2345678" and row[1:2] == " "]
    assert [row[0] for row in rows] == [str(number) for number in range(2, 9)]
    assert rows[0][-1] == "worse"
    assert [row[-1] for row in rows].count("best") == 1
    assert "(" in " ".join(rows[1][4:]), "the interval of how long it takes"
    assert "more in a wider terminal" not in wide.stdout
    narrow = user.types(*line, COLUMNS="60")
    assert max(map(len, narrow.stdout.splitlines())) <= 60
    assert "more in a wider terminal or by -o json" in " ".join(narrow.stdout.split())
    markdown = user.types(*line, "-o", "markdown")
    assert "| nodes=2 | 0 % (" in markdown.stdout
    assert "95 % intervals: " in markdown.stdout


@both
def test_intervals_are_of_the_scenarios_confidence(user: User, workload: Any) -> None:
    faults = {"processes": [{"kind": "NodeReboot", "rate": "1 per 2h", "per": "node"}]}
    spec = {"cluster": "3x8", "initial": "running", "horizon": "6h", "faults": faults}
    lows = []
    for confidence in "95%", "99%":
        user.plans(workload(asking(npu=8)), **spec, confidence=confidence)
        line = ("compare", "scenario.yaml", "--vary", "nodes=3,4", "-n", "20", "--json", "c.json")
        done = user.types(*line)
        assert f"{confidence[:2]} % intervals: " in " ".join(done.stdout.split())
        document = json.loads((user.folder / "c.json").read_text(encoding="utf-8"))
        lows.append(document["variants"][0]["mean"]["finishes"]["low"])
    assert lows == pytest.approx([0.05 ** (1 / 20), 0.01 ** (1 / 20)])


@both
def test_different_horizons_are_not_compared(user: User, workload: Any) -> None:
    user.plans(workload(asking(npu=8)), cluster="3x8", initial="empty")
    done = user.types("compare", "scenario.yaml", "--vary", "horizon=1h,2h")
    assert done.returncode == 2
    assert "cannot be compared: give one as --horizon" in done.told


@both
def test_what_is_lost_after_the_end_is_in_the_stage_that_lasts(user: User, workload: Any) -> None:
    """All nodes die in silence, and nobody evicts anything: the runs end as the last pod is not ready any more."""
    user.plans(
        workload(asking(npu=8), replicas=2),
        cluster="2x8",
        timings={"profile": "typical"},
        actions=[{"at": "10m", "nodeDown": {"nodes": ["node-0", "node-1"], "mode": "silent"}}],
    )
    done, document = compared(user, "--vary", "nodes=2,3", "-n", "3")
    assert "another start" not in done.stdout
    if workload is kubeinfer:
        assert document["variants"][0]["lostMsByStage"].keys() == {"detect"}


@both
def test_objectives_of_which_none_could_be_judged_are_open_together(user: User, workload: Any) -> None:
    user.plans(
        workload({**asking(npu=8), "startupProbe": {"tcpSocket": {"port": 1}, "failureThreshold": 600}}),
        cluster="3x8",
        timings={"profile": "zero", "weights": "5m"},
        update={"newRevision": True},
        objectives={"minReadyInstances": 1, "completes": True},
        horizon="3m",
    )
    done, _ = compared(user, "--vary", "maxUnavailable=1,2", "-n", "2")
    rows = {line.partition("  ")[0]: line.split()[-2:] for line in done.stdout.splitlines() if "held" in line}
    assert rows["all objectives held"] == ["open", "open"]


@both
def test_it_says_that_lost_times_are_not_of_one_span(user: User, workload: Any) -> None:
    """What comes up in the end owes readiness from then on, what never does from the start."""
    user.plans(
        workload({**asking(npu=8), "startupProbe": {"tcpSocket": {"port": 1}, "failureThreshold": 60}}),
        cluster="3x8",
        initial="empty",
        timings={"profile": "zero", "weights": "5m"},
    )
    note = "not from one time under all variants"
    for values, differ in ("nodes=2,3", True), ("nodes=3,4", False):
        told = " ".join(user.types("compare", "scenario.yaml", "--vary", values, "-n", "1").stdout.split())
        assert (note in told) is differ
    told = user.types("compare", "scenario.yaml", "--vary", "nodes=2,3", "-n", "1", "-o", "markdown").stdout
    assert note in told


def test_a_comment_begins_with_the_verdict_and_how_often_objectives_hold(user: User) -> None:
    user.plans(
        kubeinfer(asking(npu=8)),
        cluster="4x8",
        update={"newRevision": True},
        timings={"profile": "zero", "create": {"uniform": {"low": "10s", "high": "60s"}}},
        objectives={"minReadyInstances": 3, "completes": True},
    )
    line = ("compare", "scenario.yaml", "--vary", "maxSurge=0,1", "--vary", "maxUnavailable=1", "-n", "8")
    text = user.types(*line, "--workers", "1").stdout
    comment = user.types(*line, "--workers", "1", "-o", "markdown").stdout
    first, *lines = comment.splitlines()
    assert first.startswith("**")
    assert first.endswith("** <!-- kubeinfer-sim -->")
    assert "below them" in text
    assert "below them" not in comment
    assert "in brackets beside them the difference" in comment
    cells = [each.split(" | ")[0].strip("| ") for each in lines if each.startswith("| ")]
    assert cells[2:5] == ["all objectives held", "minReadyInstances held", "completes held"]
    assert len(comment.splitlines()) <= 30


@pytest.mark.parametrize(("horizon", "is_open"), [("10s", True), ("9h", False)])
@both
def test_that_the_horizon_cuts_every_run_short_is_said_and_they_are_compared_all_the_same(
    user: User, workload: Any, horizon: str, is_open: bool
) -> None:
    made = workload(asking(npu=8), replicas=2)
    update = {"at": "1s", "apply": {"newRevision": True}}
    user.plans(
        made,
        cluster="3x8",
        initial="running",
        actions=[update],
        timings={"profile": "typical"},
        horizon=horizon,
    )
    done, document = compared(user, "--vary", "nodes=3,4", "-n", "2")
    assert done.returncode == 0
    what = "last change" if made["kind"] == "KubeInfer" else "rollout"
    said = f"In all runs of all variants the {what} does not complete."
    assert (said in done.stdout) == (said in document["sentences"]) == is_open
    assert (
        said in user.types("compare", "scenario.yaml", "--vary", "nodes=3..9", "-n", "2").stdout
    ) == is_open
    assert user.types("run", "scenario.yaml").returncode == is_open
