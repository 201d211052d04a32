"""`plan` of KubeInfers and Deployments through the command line: what is chosen, why, at what cost, and what is refused."""

from __future__ import annotations

import json
import random
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import product
from math import inf
from typing import Any

import jsonschema
import pytest
from command_line import ROOT
from field.user import NPU, User, asking, both, deployment, kubeinfer
from sweeps import blocks

from kubeinfer_sim.experiment.knobs import grid
from kubeinfer_sim.experiment.planning.plan import plan
from kubeinfer_sim.experiment.replications import replicate
from kubeinfer_sim.manifest.source import read_source
from kubeinfer_sim.report.plan_result import plan_json_schema

DRAWN = {"profile": "zero", "create": {"uniform": {"low": "30s", "high": "90s"}}}
KNOBS = ("--vary", "nodes=3..6", "--vary", "maxSurge=0,1,2", "--vary", "maxUnavailable=0")


def asked(user: User, workload: Callable[..., Any], objectives: Any, **spec: Any) -> None:
    """Three instances on nodes that take one each, and what has to hold while they are updated."""
    pods = workload({**asking(npu=8)}, replicas=3, terminationGracePeriodSeconds=0)
    whole = {"cluster": "4x8", "timings": DRAWN, "update": {"newRevision": True}, **spec}
    user.plans(pods, objectives=objectives, **whole)


def planned(user: User, *line: str) -> tuple[Any, dict[str, Any]]:
    done = user.types("plan", "scenario.yaml", *line, "--json", "p.json")
    return done, json.loads((user.folder / "p.json").read_text(encoding="utf-8"))


@both
def test_the_cheapest_that_holds_is_chosen_and_everything_looked_at_is_told(
    user: User, workload: Callable[..., Any]
) -> None:
    # One after the other takes 180 s on average, two at a time 130.
    half = {"probability": "50%"}
    asked(
        user,
        workload,
        {"minReadyInstances": {"value": 3, **half}, "completesWithin": {"time": "150s", **half}},
    )
    done, document = planned(user, *KNOBS)
    assert done.returncode == 0, done.stderr
    schema = json.loads((ROOT / "docs" / "schemas" / "plan.schema.json").read_text(encoding="utf-8"))
    assert schema == plan_json_schema()
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document["chosen"] == {"nodes": "5", "maxSurge": "2", "maxUnavailable": "0"}
    assert (document["decision"], document["cost"]) == ("held", {"basis": "nodes", "unit": "node-hours"})
    options = {
        (each["settings"]["nodes"], each["settings"]["maxSurge"]): each for each in document["options"]
    }
    assert [each["cost"] for each in document["options"]] == sorted(
        each["cost"] for each in document["options"]
    )
    best = options["5", "2"]
    assert best["probability"]["low"] >= 0.5
    # Nothing dearer was played but for the neighbour.
    assert {nodes for nodes, _ in options} == {"3", "4", "5", "6"}
    beside = {(each["knob"], each["side"]): each for each in document["neighbours"]}
    below, above = beside["nodes", "before"], beside["nodes", "after"]
    assert (below["decision"], below["costsMore"], above["costsMore"]) == ("missed", -1, 1)
    assert "costs 1 node less, and fails: completes within 2m30s, P ≥ 50 %" in below["sentence"]
    fewer = options["4", "1"]
    assert fewer["runs"] < best["runs"], "what clearly fails takes fewer runs"
    assert len(document["leftOut"]) == 4, "no surge and none unavailable"
    assert document["idleKnobs"] == []
    text = " ".join(done.stdout.split())
    assert text.startswith("✔ nodes=5, maxSurge=2, maxUnavailable=0 is the cheapest of 8 combinations whose")
    assert max(map(len, done.stdout.splitlines())) <= 80


@both
def test_where_none_holds_it_is_said_what_fails_everywhere_and_what_comes_closest(
    user: User, workload: Callable[..., Any]
) -> None:
    asked(user, workload, {"completesWithin": {"time": "60s", "probability": "90%"}})
    done, document = planned(user, "--vary", "nodes=4,5,6", "--vary", "maxSurge=1,3")
    assert (done.returncode, document["chosen"], document["decision"]) == (1, None, "missed")
    assert (
        "No combination holds: completes within 1m, P ≥ 90 % fails everywhere, closest"
        in document["sentences"][0]
    )
    took = [each["durationMs"]["value"] or inf for each in document["options"]]  # none: it never finishes
    soonest = document["options"][took.index(min(took))]["settings"]
    assert f"closest nodes={soonest['nodes']}, maxSurge={soonest['maxSurge']} (" in document["sentences"][0]


def test_of_a_single_combination_it_is_said_what_fails_and_nothing_of_a_closest(user: User) -> None:
    zero = {"profile": "zero", "create": "30s"}
    asked(user, deployment, {"completesWithin": "20s"}, timings=zero)
    done, document = planned(user, "--vary", "nodes=4")
    assert (done.returncode, document["chosen"]) == (1, None)
    assert document["sentences"][0].startswith("nodes=4 does not hold: completes within 20s fails (")


def test_objectives_that_exclude_each_other_are_named(user: User) -> None:
    # Up first keeps all three ready, and takes two minutes; all at once is quick, and keeps none.
    zero = {"profile": "zero", "create": "30s"}
    asked(user, deployment, {"minReadyInstances": 3, "completesWithin": "80s"}, timings=zero)
    done, document = planned(user, "--vary", "maxSurge=1,0", "--vary", "maxUnavailable=0,3")
    assert (done.returncode, document["chosen"]) == (1, None)
    assert (
        "each hold somewhere, but nowhere together: in this space they exclude each other"
        in (document["sentences"][0])
    )


@both
def test_few_runs_leave_it_undecided_and_say_how_many_more_it_takes(
    user: User, workload: Callable[..., Any]
) -> None:
    asked(user, workload, {"completesWithin": {"time": "150s", "probability": "50%"}})
    done, document = planned(user, *KNOBS, "-n", "5")
    assert (done.returncode, document["chosen"], document["decision"]) == (4, None, "undecided")
    assert "more runs would tell" in document["sentences"][0]
    (may,) = (each for each in document["options"] if each["settings"] == document["mayBeCheaper"][0])
    assert may["moreRuns"] > 0
    # As it stands after five runs.
    done, document = planned(user, *KNOBS, "-n", "400")
    assert (done.returncode, document["chosen"]["nodes"]) == (0, "5")


@both
def test_an_objective_that_no_run_can_judge_is_said(user: User, workload: Callable[..., Any]) -> None:
    asked(user, workload, {"completes": {"value": True, "probability": "90%"}}, horizon="20s")
    done, document = planned(user, "--vary", "nodes=4,5", "--vary", "maxSurge=1")
    assert (done.returncode, document["chosen"], document["decision"]) == (4, None, "notJudged")
    told = document["sentences"][0]
    assert told.startswith(
        "No run can judge it: no run of nodes=4, maxSurge=1 can judge whether completes, P ≥ 90 %"
    )
    assert "horizon" in told


def test_prices_of_pools_decide_what_is_cheapest(user: User) -> None:
    pools = [
        {"name": "dear", "count": 4, "allocatable": {NPU: 8}, "price": "30/h"},
        {"name": "cheap", "count": 1, "allocatable": {NPU: 8}, "price": "240/d"},
    ]
    objectives = {"minReadyInstances": 3, "completes": True}
    zero = {"profile": "zero", "create": "30s"}
    asked(user, kubeinfer, objectives, cluster={"pools": pools}, timings=zero)
    line = ("--vary", "nodes.dear=1..4", "--vary", "nodes.cheap=1..4", "--vary", "maxSurge=1")
    line = (*line, "--vary", "maxUnavailable=0", "-n", "1")
    done, document = planned(user, *line)
    # Three nodes at 10 beside one at 30 do as well as the other way round.
    assert document["chosen"] == {
        "nodes.dear": "1",
        "nodes.cheap": "3",
        "maxSurge": "1",
        "maxUnavailable": "0",
    }
    assert "60/h" in done.stdout
    _, document = planned(user, *line, "--cost", "nodes")
    assert document["chosen"] == {
        "nodes.dear": "1",
        "nodes.cheap": "3",
        "maxSurge": "1",
        "maxUnavailable": "0",
    }
    del pools[1]["price"]
    asked(user, kubeinfer, objectives, cluster={"pools": pools}, timings=zero)
    done = user.types("plan", "scenario.yaml", *line)
    assert done.returncode == 2
    assert "pool cheap has no price, the others have" in " ".join(done.stderr.split())


def test_a_plan_goes_on_where_it_was_stopped_and_workers_change_nothing(user: User) -> None:
    asked(user, deployment, {"completesWithin": {"time": "150s", "probability": "50%"}})
    line = ("plan", "scenario.yaml", *KNOBS, "-o", "json")
    whole = user.types(*line, "--workers", "1").stdout
    user.types(*line, "-n", "5", "--store", "kept.db", "--workers", "1")
    with closing(sqlite3.connect(user.folder / "kept.db")) as kept:
        (before,) = kept.execute("SELECT count(*) FROM runs").fetchone()
    assert before > 5
    assert user.types(*line, "--store", "kept.db", "--workers", "2").stdout == whole


@both
def test_the_table_says_in_words_what_fails_where_that_is_no_objective(
    user: User, workload: Callable[..., Any]
) -> None:
    # Three full nodes have no room for a fourth, without which none of the three may go.
    asked(user, workload, {"minReadyInstances": 3}, timings={"profile": "zero"})
    told = user.types("plan", "scenario.yaml", "--vary", "nodes=3..4", *KNOBS[2:]).stdout
    assert re.search(r"✘ +3 .* to come about", told)
    assert "comesAbout" not in told
    asked(user, workload, {"minReadyInstances": 3, "completesWithin": "150s"})
    together = user.types("plan", "scenario.yaml", *KNOBS, "--probability", "50%").stdout
    assert re.search(r"✘ +4 .* all at once", together)


def test_a_joint_probability_takes_the_place_of_each_objectives_own(user: User) -> None:
    asked(user, deployment, {"minReadyInstances": 3, "completesWithin": "150s"})
    done, document = planned(user, *KNOBS, "--probability", "50%")
    assert (done.returncode, document["chosen"]["nodes"]) == (0, "5")
    told = [(each["name"], each["probability"]) for each in document["options"][0]["requirements"]]
    assert told == [("comesAbout", None), ("all", 0.5)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "a plan needs knobs"),
        (("--vary", "nodes="), "expected values, as in nodes=A,B"),
        (
            ("--vary", "nodes=4", "--vary", "objectives.minReadyInstances=1,3"),
            "--vary objectives.minReadyInstances: plan looks for what meets the objectives, so a knob must not change",
        ),
        (("--vary", "confidence=90%,99%"), "give confidence one value in the scenario (spec.confidence)"),
        (("--vary", "maxSurge=0", "--vary", "maxUnavailable=0"), "no combination can be"),
        (
            ("--vary", "nodes=4", "--cost", "price"),
            "pool node has no price: write what one of its nodes costs",
        ),
        (("--vary", "nodes=4", "--probability", "100%"), "expected more than 0% and less than 100%"),
        (("--vary", "nodes=4", "--probability", "often"), "expected a percentage such as 99.9%"),
    ],
)
def test_what_cannot_be_planned_is_refused(user: User, options: tuple[str, ...], said: str) -> None:
    asked(user, deployment, {"completes": True})
    done = user.types("plan", "scenario.yaml", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.split())


@both
def test_what_the_change_comes_to_is_told_with_its_unit(user: User, workload: Callable[..., Any]) -> None:
    zero = {"profile": "zero", "create": "6m"}
    asked(user, workload, {"completes": True}, timings=zero)
    for cost, unit in (("node-hours", "node-hours"), ("accelerator-hours", "accelerator-hours")):
        done, document = planned(user, "--vary", "nodes=4,5", "--vary", "maxSurge=1", "--cost", cost)
        assert document["cost"]["unit"] == unit
        (best,) = (each for each in document["options"] if each["settings"] == document["chosen"])
        # One pod comes first, one may be gone: two at a time, and then one, take 12 minutes on four nodes of eight.
        hours = best["durationMs"]["value"] / 3_600_000
        assert best["changeCost"] == pytest.approx((4 if unit == "node-hours" else 32) * hours)
        assert best["changeCost"] == pytest.approx(0.8 if unit == "node-hours" else 6.4, rel=0.01)
        told = " ".join(done.stdout.split())
        assert f"Its nodes cost {best['changeCost']:.3g} {unit} for the 12m" in told
        assert f"objectives hold: {'4 nodes' if unit == 'node-hours' else '32 accelerators'}," in told


@both
def test_a_knob_that_changes_nothing_is_said(user: User, workload: Callable[..., Any]) -> None:
    asked(user, workload, {"completes": True}, timings={"profile": "zero", "create": "30s"})
    line = ("--vary", "nodes=4", "--vary", "terminationGracePeriodSeconds=0,600")
    done, document = planned(user, *line)
    assert (done.returncode, document["idleKnobs"]) == (0, ["terminationGracePeriodSeconds"])
    assert "terminationGracePeriodSeconds changes nothing in the runs that were compared." in " ".join(
        done.stdout.split()
    )


@both
@pytest.mark.parametrize("written", [40, "40 CNY", "free"])
def test_a_price_without_a_time_is_refused_where_it_stands(
    user: User, workload: Callable[..., Any], written: Any
) -> None:
    pool = {"name": "infer", "count": 4, "allocatable": {NPU: 8}, "price": written}
    asked(user, workload, {"completes": True}, cluster={"pools": [pool]})
    done = user.types("plan", "scenario.yaml", "--vary", "nodes=4,5")
    assert (done.returncode, done.stdout) == (2, "")
    assert "scenario.yaml:" in done.stderr
    assert "expected what a node costs in a time, such as 40/h or 900/d" in " ".join(done.stderr.split())


def test_without_objectives_there_is_nothing_to_plan_for(user: User) -> None:
    asked(user, deployment, {})
    done = user.types("plan", "scenario.yaml", "--vary", "nodes=4,5")
    assert done.returncode == 2
    assert "a plan needs objectives" in done.stderr


@pytest.mark.sweep
def test_the_question_of_the_page_takes_a_fifth_of_the_runs_of_an_exhaustive_search_at_most() -> None:
    """As many runs of each combination as the chosen one needs to be told with the same confidence."""
    found = plan(ROOT / "docs/examples/spare-nodes.yaml", ["nodes=4..10", "maxSurge=1,2,4"])
    assert found.chosen == {"nodes": "8", "maxSurge": "4"}
    assert found.runs * 5 <= found.number * max(each.runs for each in found.options)


# -- held to an exhaustive search --------------------------------------------------------------------------


def random_problem(seed: int) -> tuple[dict[str, Any], list[str]]:
    """Stages, objectives and knobs; of the first, which the tests of every change play, few."""
    source = random.Random(seed)
    low = source.choice((20, 40))
    stages = {"profile": "zero", "create": {"uniform": {"low": f"{low}s", "high": f"{3 * low}s"}}}
    time = source.choice((2, 3, 4, 5)) * low
    objectives: dict[str, Any] = {
        "completesWithin": {"time": f"{time}s", "probability": f"{source.choice((60, 80, 90))}%"}
    }
    if source.random() < 0.6:
        objectives["minReadyInstances"] = {"value": source.choice((1, 2, 3)), "probability": "95%"}
    if source.random() < 0.5:
        objectives["maxLostInstanceSeconds"] = {"value": 3 * low, "probability": "70%"}
    knobs = ["nodes=2..6", "maxSurge=0,1,2", "maxUnavailable=0,1,2"]
    if not seed:
        knobs = ["nodes=3..4", "maxSurge=0,1", "maxUnavailable=0,1"]
    source.shuffle(knobs)
    return {"timings": stages, "objectives": objectives}, knobs


def exhaustive(source: Any, knobs: list[str], runs: int) -> tuple[list[dict[str, str]], bool]:
    """All that hold, each played so often, cheapest and earliest first; and whether so many runs leave any in doubt."""
    close, held = False, []
    lists = {}
    for text in knobs:
        name, _, values = text.partition("=")
        low, dots, high = values.partition("..")
        lists[name] = [str(each) for each in range(int(low), int(high) + 1)] if dots else values.split(",")
    for place, values in enumerate(product(*lists.values())):
        settings = dict(zip(lists, values, strict=True))
        if settings["maxSurge"] == settings["maxUnavailable"] == "0":
            continue
        (variant,) = grid([f"{name}={value}" for name, value in settings.items()], source, {})
        done = replicate(variant.scenario, runs)
        parts = [(each.held / runs, float(each.objective.probability)) for each in done.objectives]
        close = close or any(abs(part - wanted) < (0.04 if runs > 100 else 0.1) for part, wanted in parts)
        if all(part >= wanted for part, wanted in parts) and all(run.sound for run in done.runs):
            held.append((len(variant.scenario.nodes), place, settings))
    return [settings for _, _, settings in sorted(held, key=lambda each: each[:2])], close


@pytest.mark.parametrize("seed", [0, *blocks(11, of_ci=2, first=1)])
def test_a_plan_is_what_an_exhaustive_search_with_many_runs_finds(user: User, seed: int) -> None:
    spec, knobs = random_problem(seed)
    workload = (kubeinfer, deployment)[seed % 2]
    asked(user, workload, spec["objectives"], timings=spec["timings"])
    path = user.folder / "scenario.yaml"
    made = plan(path, knobs, n=2000)
    holding, close = exhaustive(read_source(str(path)), knobs, 40 if seed == 0 else 300)
    if not close:  # else so many runs cannot tell
        assert made.chosen == (holding[0] if holding else None)
        assert made.decision == ("held" if holding else "missed")
    elif made.decision == "held":
        assert made.chosen in holding
