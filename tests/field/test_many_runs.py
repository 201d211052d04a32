"""Many runs at the command line, asked of the same pods as a KubeInfer and as a Deployment."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from field.user import Raw, User, asking, both, deployment, kubeinfer

STAGES = {"profile": "zero", "create": {"uniform": {"low": "30s", "high": "90s"}}}
FAULTS = {"processes": [{"kind": "NodeReboot", "rate": "1 per 2h", "per": "node"}]}


def pods(workload: Any, replicas: int = 2) -> Raw:
    made: Raw = workload({**asking(npu=8)}, replicas=replicas, terminationGracePeriodSeconds=0)
    return made


def many(user: User, *options: str, n: int = 30) -> tuple[str, Raw, int]:
    """What is printed, on one line, the document, and the exit code."""
    line = ("run", "scenario.yaml", "-n", str(n), "--workers", "1", "--json", "many.json", *options)
    done = user.types(*line)
    assert done.returncode in (0, 1, 4), done.stderr
    document: Raw = json.loads((user.folder / "many.json").read_text(encoding="utf-8"))
    return " ".join(done.stdout.split()), document, done.returncode


# -- the first sentence -------------------------------------------------------------------------------------


@both
def test_what_a_fault_has_taken_away_at_the_horizon_is_told_and_a_miss_where_nothing_else_is_asked(
    user: User, workload: Any
) -> None:
    spec = {"cluster": "3x8", "update": {"newRevision": True}, "timings": STAGES, "faults": FAULTS}
    user.plans(pods(workload), **spec, horizon="2h", objectives={"completes": True})
    said, document, code = many(user)
    cut = document["perRun"]["outcome"].count("unfinished")
    assert 0 < cut < 30
    assert len(document["runs"]["unfinished"]) == cut
    assert (code, said[:2]) == (0, "✔ ")
    assert "What is asked for comes into place in 100 % of runs" in said
    assert f"; at the horizon not all is in place in {cut} of 30 runs." in said

    user.plans(pods(workload), **spec, horizon="2h")
    said, document, code = many(user)
    assert (code, said[:2]) == (1, "✘ ")
    assert f"Finishes in {100 * (30 - cut) / 30:.1f}".removesuffix(".0") in said
    alone = user.types("run", "scenario.yaml", "--seed", str(document["runs"]["unfinished"][0]))
    assert alone.returncode == 1, "as it is in that run alone"


@both
def test_what_is_missing_in_the_end_of_every_run_is_told_and_as_much_a_miss_as_in_one(
    user: User, workload: Any
) -> None:
    user.plans(
        pods(workload, replicas=3),
        cluster="3x8",
        actions=[{"at": "10m", "nodeDown": "node-2"}],
        horizon="3h",
        objectives={"minReadyInstances": 1},
    )
    one = user.types("run", "scenario.yaml")
    assert one.returncode == 1
    said, _, code = many(user, n=3)
    assert (code, said[:2]) == (1, "✘ ")
    assert "At least 1 ready in 100 % of runs" in said
    assert "at the horizon not all is in place in 3 of 3 runs." in said


@both
def test_where_faults_alone_may_come_a_run_or_all_runs_without_one_are_judged_by_the_objectives(
    user: User, workload: Any
) -> None:
    rare = {"processes": [{"kind": "NodeReboot", "rate": "1 per 9000d", "per": "node"}]}
    spec = {"initial": "running", "cluster": "3x8", "faults": rare, "horizon": "1h"}
    user.plans(pods(workload), **spec, objectives={"minReadyInstances": 2})
    one = user.types("run", "scenario.yaml")
    assert (one.returncode, one.stdout.splitlines()[0]) == (0, "✔ No fault disturbed what is running.")
    said, document, code = many(user, n=5)
    assert (code, document["verdict"]["result"]) == (0, "held")
    assert said.startswith("✔ No fault disturbs what is running in any of 5 runs; at least 2 ready in 100 % ")

    if workload is kubeinfer:
        user.plans(pods(workload), **spec, update={"path": "manifest.yaml"})
        assert many(user, n=5)[2] == 1, "an update that touches nothing is a miss all the same"


def test_the_first_sentence_tells_how_few_were_up_of_a_kubeinfer_and_of_a_deployment_beside_it(
    user: User,
) -> None:
    router = deployment({"image": "x/r:1"}, replicas=1, terminationGracePeriodSeconds=0)
    router["metadata"] = router["metadata"] | {"name": "router"}
    crash = [{"at": "1m", "object": "Deployment/router", "deletePod": {}}]
    user.plans(pods(kubeinfer), router, cluster="3x8", timings=STAGES, actions=crash, initial="running")
    said, _, _ = many(user, n=5)
    assert "; never fewer than 2 ready; none available at some time in every run." in said


@both
@pytest.mark.parametrize(
    ("objectives", "said"),
    [
        (
            {"completesWithin": "1ms"},
            "but the objective is missed: completes within 1ms (held in 0 of 10 runs).",
        ),
        (
            {"completes": True, "minReadyInstances": {"value": 2, "probability": "50%"}},
            "but 1 of 2 objectives is missed: at least 2 ready, P ≥ 50 % (held in 0 of 10 runs).",
        ),
        (
            {"completes": {"probability": "99%"}},
            "but the objective is undecided: completes, P ≥ 99 % (held in 10 of 10 runs).",
        ),
    ],
)
def test_the_first_sentence_names_what_is_not_held_and_so_do_junit_and_github(
    user: User, workload: Any, objectives: Raw, said: str
) -> None:
    user.plans(
        pods(workload), cluster="2x8", update={"newRevision": True}, timings=STAGES, objectives=objectives
    )
    text, document, code = many(user, n=10)
    assert code in (1, 4)
    assert said in text
    assert document["verdict"]["sentence"].endswith(said)
    for form in ("junit", "github"):
        told = user.types("run", "scenario.yaml", "-n", "10", "--workers", "1", "-o", form).stdout
        outcome = next(line for line in told.splitlines() if "outcome" in line)
        assert said.split(": ")[1].partition(",")[0].removesuffix(".") in outcome


@both
def test_in_how_many_runs_none_was_ready_is_said(user: User, workload: Any) -> None:
    user.plans(pods(workload, replicas=1), cluster="1x8", update={"newRevision": True}, timings=STAGES)
    said, _, _ = many(user, n=5)
    word = "ready" if workload is kubeinfer else "available"
    assert f"; none {word} at some time in every run." in said
    assert "never fewer than 0" not in said


# -- several workloads --------------------------------------------------------------------------------------


def test_figures_of_several_workloads_say_whether_of_the_worst_or_of_all(user: User) -> None:
    one, other = pods(kubeinfer), pods(kubeinfer)
    other["metadata"]["name"] = "code"
    user.plans(one, other, cluster="5x8", timings=STAGES, faults=FAULTS, initial="running", horizon="3h")
    said, document, _ = many(user, n=10)
    titles = {each["name"]: each["title"] for each in document["figures"]}
    for name, title in (
        ("minReady", "fewest ready (worst of 2)"),
        ("availability", "availability (worst of 2)"),
        ("lostInstanceMs", "instance time lost (all 2)"),
        ("peakNpus", "most NPUs in use"),
    ):
        assert titles[name] == title
    assert "fewest ready (worst of 2)" in said
    assert "of any workload ready" in said
    own = pods(deployment)
    own["metadata"]["name"] = "web"
    user.plans(own, one, cluster="5x8", timings=STAGES, faults=FAULTS, initial="running", horizon="3h")
    _, document, _ = many(user, n=2)
    assert not [each["title"] for each in document["figures"] if "2)" in each["title"]], "one of each kind"


@both
def test_the_curve_has_room_for_runs_that_never_finish_however_many_they_are(
    user: User, workload: Any
) -> None:
    spec = {"cluster": "3x8", "update": {"newRevision": True}, "timings": STAGES, "horizon": "90s"}
    user.plans(pods(workload), **spec)
    line = ("run", "scenario.yaml", "-n", "30", "--workers", "1")
    lines = user.types(*line).stdout.partition("\nDone by\n")[2].splitlines()
    never = next(each for each in lines if each.strip().startswith("cut short"))
    bars = [each.count("█") for each in lines[: lines.index(never) + 1]]
    assert max(bars) == never.count("█") == 20
    assert "done by then" in lines[0]
    assert "…" not in "".join(lines[: lines.index(never)])


# -- how sure it is -----------------------------------------------------------------------------------------


@both
def test_results_tells_each_number_with_its_interval_of_the_scenarios_confidence(
    user: User, workload: Any
) -> None:
    spec = {"cluster": "3x8", "update": {"newRevision": True}, "timings": STAGES, "confidence": "90%"}
    user.plans(pods(workload), **spec, objectives={"completesWithin": "3m"})
    many(user, "--store", "runs.db")
    lines = user.types("results", "runs.db").stdout.splitlines()
    said = " ".join(" ".join(lines).split())
    assert "intervals of 90 %" in said
    assert "field: 30 runs, seeds 0-29" in said
    assert re.search(r"held all objectives in [0-9.]+ % \([0-9.]+–[0-9.]+\)", said), said
    assert re.search(r"takes p50 \S+ \(\S+–\S+\) · .* · p99 \S+ \(\S+–…\)", said), said
    assert "lost mean" in said
    assert "(too few to say)" in said.partition("lost mean")[2]
    assert max(map(len, lines)) <= 80


@both
def test_what_was_given_up_is_named_in_the_store_and_tried_again_with_more_time(
    user: User, workload: Any
) -> None:
    user.plans(pods(workload), cluster="3x8", update={"newRevision": True}, timings=STAGES)
    line = ("run", "scenario.yaml", "-n", "3", "--workers", "1", "--store", "runs.db", "--run-timeout")
    done = user.types(*line, "1ms")
    assert (done.returncode, done.stdout.count("not over after 1ms")) == (4, 4)
    kept = user.types("results", "runs.db").stdout
    assert "field: 3 runs, seeds 0-2, 3 of them failed" in kept
    assert "failed: field, seed 2: not over after 1ms" in kept
    assert user.types(*line, "1m").returncode == 0
    kept = " ".join(user.types("results", "runs.db").stdout.split())
    assert "field: 3 runs, seeds 0-2 done all in place at the end in 100 % (36.8–100)" in kept
    assert "all objectives" not in kept, "there are none"


@both
def test_a_precision_that_is_not_reached_says_of_what_and_by_how_much(user: User, workload: Any) -> None:
    user.plans(pods(workload), cluster="3x8", update={"newRevision": True}, timings=STAGES)
    said, document, _ = many(user, "--precision", "0.1%", n=110)
    wanted = document["runs"]["precision"]
    assert (wanted["figure"], wanted["wanted"], document["runs"]["stopped"]) == ("duration", 0.001, "most")
    assert 0.001 < wanted["reached"] < 0.1
    known = re.search(
        r"the mean of how long it takes is known to ±([0-9.]+) %, and ±0.1 % was asked for", said
    )
    assert known is not None, said
    assert float(known[1]) == pytest.approx(100 * wanted["reached"], abs=0.1)
    said, document, _ = many(user, "--precision", "0.1%", n=20)
    assert document["runs"]["precision"]["reached"] is None
    assert "of the mean of how long it takes these are too few to say, and ±0.1 % was asked for" in said


@both
def test_what_is_broken_at_the_horizon_leaves_open_nothing_of_how_few_were_ready(
    user: User, workload: Any
) -> None:
    death = {"kind": "NodeDeath", "rate": "1 per 4h", "repair": "30d", "per": "node"}
    spec = {"cluster": "2x8", "timings": STAGES, "initial": "running", "horizon": "1h"}
    wanted = {"minReadyInstances": {"value": 1, "probability": "50%"}}
    user.plans(pods(workload), **spec, faults={"processes": [death]}, objectives=wanted)
    said, document, code = many(user)
    (only,) = document["objectives"]
    assert "unfinished" in document["perRun"]["outcome"]
    assert (only["notJudged"], only["result"], code) == (0, "held", 0)
    assert "cannot tell" not in said

    update = {"update": {"newRevision": True}, "horizon": "40s", "timings": STAGES, "cluster": "2x8"}
    user.plans(pods(workload), **update, objectives=wanted)
    _, document, _ = many(user)
    (only,) = document["objectives"]
    assert only["notJudged"] > 0, "the update goes on, and may take more away"


@both
def test_what_the_horizon_cuts_short_is_called_so_everywhere_and_is_not_never(
    user: User, workload: Any
) -> None:
    spec = {"cluster": "2x8", "update": {"newRevision": True}, "horizon": "2m", "initial": "running"}
    wanted = {"completes": {"probability": "10%"}, "noStall": {"probability": "10%"}}
    user.plans(pods(workload), **spec, timings=STAGES, objectives=wanted)
    said, document, _ = many(user)
    cut = len(document["runs"]["cutShort"])
    assert 0 < cut < 30
    assert [each["cutShort"] for each in document["objectives"]] == [cut, cut]
    assert f"; {cut} of 30 runs cut short by the horizon;" in said or "the slowest" in said
    assert said.count(f"; {cut} cut short by the horizon") >= 3, "of each objective, and of both together"
    assert re.search(rf"cut short █+ {cut}\b", said)
    assert re.search(r"from \S+ to cut short", said)
    assert "never" not in said.partition(" Figures ")[2].partition(" fewest ")[0]
    assert "cannot tell" not in said


@both
def test_how_few_are_ready_is_counted_from_when_all_were_where_nothing_runs_at_the_start(
    user: User, workload: Any
) -> None:
    again = [{"at": "1h", "drain": "node-0"}]
    wanted = {"minReadyInstances": {"value": 1, "probability": "50%"}}
    user.plans(
        pods(workload), cluster="3x8", initial="empty", timings=STAGES, objectives=wanted, actions=again
    )
    said, document, code = many(user)
    (only,) = document["objectives"]
    assert (only["result"], only["held"], code) == ("held", 30, 0), said


@both
def test_what_comes_into_place_and_is_lost_for_good_has_not_finished(user: User, workload: Any) -> None:
    user.plans(
        pods(workload),
        cluster="2x8",
        update={"newRevision": True},
        timings=STAGES,
        actions=[{"at": "1h", "drain": "node-0"}],
    )
    said, _, code = many(user, n=10)
    assert (code, said[:2]) == (1, "✘ ")
    assert "All is in place in the end in 0 % of runs" in said
    assert "what is asked for comes into place in half of them by " in said


@both
def test_percentiles_are_those_of_bad_runs(user: User, workload: Any) -> None:
    spec = {"cluster": "3x8", "timings": STAGES, "initial": "running", "horizon": "2h", "faults": FAULTS}
    user.plans(pods(workload), **spec)
    _, document, _ = many(user, n=40)
    figures = {each["name"]: [one["part"] for one in each["quantiles"]] for each in document["figures"]}
    fewest, lost = ("minReady", "lostInstanceMs") if "minReady" in figures else ("minAvailable", "lostPodMs")
    assert figures[fewest] == [0.5, 0.1, 0.05, 0.01]
    assert figures[lost] == [0.5, 0.9, 0.95, 0.99]
    told = user.types("run", "scenario.yaml", "-n", "40", "--workers", "1").stdout
    assert re.search(r"fewest \w+ .*p50 \d.* p10 \d", " ".join(told.split())), told


def test_what_compare_counts_as_finishing_says_that_it_may_be_cut_short(user: User) -> None:
    made = pods(lambda *of, **more: kubeinfer(*of, surge=1, **more))
    spec = {"update": {"newRevision": True}, "timings": STAGES, "horizon": "40s"}
    user.plans(made, cluster="3x8", **spec)
    _, document, _ = many(user, n=8)
    assert len(document["runs"]["unfinished"]) == 8, "there is room, but no time"
    told = user.types("compare", "scenario.yaml", "--vary", "nodes=2,3", "-n", "8", "--json", "c.json")
    assert "finishes or is cut short" in told.stdout
    variants = json.loads((user.folder / "c.json").read_text(encoding="utf-8"))["variants"]
    assert [each["mean"]["finishes"]["mean"] for each in variants] == [0, 1]


@both
def test_a_precision_asks_for_runs_that_finish(user: User, workload: Any) -> None:
    spec = {"cluster": "3x8", "update": {"newRevision": True}, "timings": STAGES, "horizon": "2m"}
    user.plans(pods(workload), **spec)
    said, document, _ = many(user, "--precision", "20%", n=400)
    (took,) = [each for each in document["figures"] if each["name"] == "duration"]
    assert 100 <= took["finite"] < document["runs"]["made"] < 400
    assert document["runs"]["stopped"] == "precision"
    assert document["runs"]["precision"]["reached"] <= 0.2
    said, document, _ = many(user, "--precision", "20%", n=60)
    assert (document["runs"]["stopped"], document["runs"]["precision"]["reached"]) == ("most", None)
    assert "as the precision asks for" not in said


@both
def test_a_pilot_in_which_nothing_comes_about_goes_on_to_the_most(user: User, workload: Any) -> None:
    rare = {"kind": "NodeDeath", "rate": "1 per 9000d", "repair": "8h", "per": "node"}
    spec = {"cluster": "3x8", "timings": STAGES, "initial": "running", "horizon": "1h"}
    user.plans(pods(workload), **spec, faults={"processes": [rare]})
    said, document, _ = many(user, "--precision", "20%", n=70)
    assert (document["runs"]["stopped"], document["runs"]["made"]) == ("most", 70)
    assert "of the mean of the time lost these are too few to say, and ±20 % was asked for" in said


@both
def test_faults_of_a_fixed_period_that_begins_after_the_end_are_not_called_rare(
    user: User, workload: Any
) -> None:
    reboots = {"kind": "NodeReboot", "every": "30d", "per": "node"}
    spec = {"cluster": "3x8", "timings": STAGES, "initial": "running", "horizon": "7d"}
    user.plans(pods(workload), **spec, faults={"processes": [reboots]})
    said, _, _ = many(user)
    assert "no fault struck in 30 of 30 runs: they come every 30d, after these end" in said
    assert "one-sided);" not in said
    user.plans(pods(workload), **spec, faults={"processes": [reboots | {"every": {"exponential": "9000d"}}]})
    said, _, _ = many(user)
    assert "a fault comes in at most 9.5 % of runs (one-sided)" in said


@both
def test_of_too_few_forced_runs_no_number_is_shown(user: User, workload: Any) -> None:
    faults = {"processes": [{"kind": "NodeReboot", "rate": "1 per 100d", "per": "node"}]}
    wanted = {
        "objects": {
            f"{pods(workload)['kind']}/chat": {"minReadyInstances": {"value": 2, "probability": "99%"}}
        }
    }
    spec = {"cluster": "3x8", "timings": STAGES, "initial": "running", "horizon": "7d"}
    user.plans(pods(workload), **spec, faults=faults, objectives=wanted)
    done = user.types("run", "scenario.yaml", "-n", "40", "--rare", "--workers", "1")
    said = " ".join(done.stdout.split())
    assert done.returncode == 4, done.stderr
    assert re.search(r"At least 2 ready: too few to say \(fewer in [0-9]+ of 40 forced runs\)", said), said
    assert "unavailable too few to say" in said
    assert "a year" not in said
    done = user.types("run", "scenario.yaml", "-n", "400", "--rare", "--workers", "1")
    said = " ".join(done.stdout.split())
    assert re.search(r"of the time, \S+ \(\S+–\S+\) a year", said), said
    assert re.search(r"in 7d, one in \S+ \(\S+–\S+\) (years )?any outage", said), said
