"""`sensitivity` of KubeInfers and Deployments through the command line: what moves the answer, what does not, what to measure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from command_line import ROOT
from field.user import User, asking, both, deployment

from kubeinfer_sim.experiment.assumption_knob import assumption_values
from kubeinfer_sim.experiment.inputs import TRIED, ends_of, scaled
from kubeinfer_sim.report.sensitivity_result import sensitivity_json_schema
from kubeinfer_sim.scenario.timings.distributions import (
    Bounded,
    Constant,
    Exponential,
    Lognormal,
    Mixture,
    Never,
    Triangular,
    Uniform,
)
from kubeinfer_sim.scenario.timings.profiles import STAGES


def plain(user: User, workload: Callable[..., Any], **spec: Any) -> None:
    """Every stage takes nothing but the one that creates containers: three are replaced one by one."""
    user.plans(
        workload({**asking(npu=8)}, replicas=3, surge=1, terminationGracePeriodSeconds=0),
        cluster="4x8",
        timings={"profile": "zero", "create": "30s"},
        **{"update": {"newRevision": True}, **spec},
    )


@both
def test_what_moves_it_is_told_with_the_largest_first(user: User, workload: Callable[..., Any]) -> None:
    plain(user, workload)
    done = user.types("sensitivity", "scenario.yaml", "-n", "6", "--workers", "1", "--json", "s.json")
    assert done.returncode == 0, done.stderr
    document = json.loads((user.folder / "s.json").read_text(encoding="utf-8"))
    schema = json.loads((ROOT / "docs" / "schemas" / "sensitivity.schema.json").read_text(encoding="utf-8"))
    assert schema == sensitivity_json_schema()
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document["of"] == "duration"
    moved = {each["name"]: each for each in document["moved"]}
    # With a node less there is no room for the one that comes first.
    assert document["moved"][0]["name"] == "nodes"
    assert {each["value"]: each["never"] for each in moved["nodes"]["effects"]} == {"3": True, "5": False}
    # The table has 1s, 3s, 10s: 30s may be 10s or 1m40s, three times one after the other.
    effects = {each["value"]: each["more"]["value"] for each in moved["timings.create"]["effects"]}
    assert effects == {"10s": -60_000, "1m40s": 210_000}
    assert {each["about"] for each in document["moved"]} <= {"nodes", "timing", "assumption"}
    assert "timings.graphCold" not in {*moved, *document["idle"]}, "what takes nothing stays so"
    assert "assumptions.onStall" in document["idle"]
    told = " ".join(done.stdout.split())
    assert told.startswith("How long it takes: ")
    assert "What moves it most is nodes: never finishes at 3." in told
    assert f"{len(document['idle'])} inputs move nothing in any run" in told
    assert "kubeinfer-sim calibrate pods.json events.json" in told
    assert "1. nodes: count the nodes" in told
    lines = [each for each in done.stdout.splitlines() if "`" not in each]
    assert max(map(len, lines)) <= 80


def test_indices_are_of_all_inputs_turned_together(user: User) -> None:
    pytest.importorskip("SALib")
    plain(user, deployment)
    line = (
        "sensitivity",
        "scenario.yaml",
        "-n",
        "1",
        "--workers",
        "1",
        "--method",
        "morris",
        "--samples",
        "2",
    )
    done = user.types(*line, "-o", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["method"] == "morris"
    first = document["indices"][0]
    # Three pods one after the other: what lies between 10s and 1m40s counts three times.
    assert (first["name"], first["total"]["value"]) == ("timings.create", 270_000)
    assert "nodes" not in {each["name"] for each in document["indices"]}, "with one less it never finishes"


def test_how_often_faults_come_moves_what_is_lost(user: User) -> None:
    process = {"name": "deaths", "kind": "NodeDeath", "per": "node", "every": "1d"}
    plain(user, deployment, update=None, horizon="2d", faults={"processes": [process]})
    done = user.types(
        "sensitivity", "scenario.yaml", "--of", "lost", "-n", "2", "--workers", "1", "-o", "json"
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    rate = next(each for each in document["moved"] if each["about"] == "faults")
    assert (rate["name"], [each["value"] for each in rate["effects"]]) == (
        "faults.deaths.rate",
        ["0.5x", "2x"],
    )
    assert all(each["more"]["low"] is None for each in rate["effects"]), (
        "two seeds are too few for an interval"
    )
    assert not any(each["told"] for each in rate["effects"])
    assert document["measure"] == []


@both
def test_where_nothing_is_drawn_one_run_of_each_is_made_and_said_to_be_exact(
    user: User, workload: Callable[..., Any]
) -> None:
    user.plans(
        workload({**asking(npu=8)}, replicas=1, terminationGracePeriodSeconds=0),
        cluster="1x8",
        timings={"profile": "zero", "create": "30s"},
        update={"newRevision": True},
    )
    done = user.types("sensitivity", "scenario.yaml", "--workers", "1", "--json", "s.json")
    document = json.loads((user.folder / "s.json").read_text(encoding="utf-8"))
    told = " ".join(done.stdout.split())
    if workload is deployment:
        assert document["seeds"] == [0]
        assert "seed 0: nothing is drawn, so one run of each is exact" in told
    else:  # Volcano draws, and so does a scheduler that spreads pods
        assert "10 seeds (0-9), one of " in told
        assert " values with which nothing is drawn" in told
    (effect, _) = next(each["effects"] for each in document["moved"] if each["name"] == "timings.create")
    assert (effect["more"]["low"], effect["more"]["high"]) == (-20_000, -20_000)


def test_what_is_drawn_in_neither_of_two_runs_is_exact_with_one_seed(user: User) -> None:
    plain(user, deployment, assumptions={"scheduler": "kube-scheduler"})
    done = user.types("sensitivity", "scenario.yaml", "-n", "1", "--json", "s.json")
    assert done.returncode == 0, done.stderr
    found = json.loads((user.folder / "s.json").read_text(encoding="utf-8"))
    drawn = {each["name"]: [one["told"] for one in each["effects"]] for each in found["moved"]}
    assert drawn["timings.create"] == [True, True]
    assert "Nothing that was turned" not in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--of", "probability"), "the scenario has none"),
        (("--of", "cost"), "'cost' is not one of"),
        (("--samples", "8"), "--samples are those of --method"),
        (("--scheduler", "tcp://x:1"), "--scheduler is about a cluster of Dask's"),
    ],
)
def test_what_cannot_be_asked_is_refused(user: User, options: tuple[str, ...], said: str) -> None:
    plain(user, deployment)
    done = user.types("sensitivity", "scenario.yaml", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.split())


def test_every_assumption_has_values_to_try() -> None:
    without = {name for name, choices in assumption_values().items() if not choices}
    assert without == TRIED.keys()


def test_the_ends_of_a_stage_are_those_of_the_table_or_its_own() -> None:
    stage = STAGES["create"]  # 1s, 3s, 10s
    assert ends_of(Constant(3_000), stage) == (1_000, 10_000)
    assert ends_of(Constant(30_000), stage) == (10_000, 100_000)
    assert ends_of(Constant(0), stage) == (0, 0)
    assert ends_of(Uniform(5, 9), stage) == (5, 9)
    assert ends_of(Triangular(5, 6, 9), stage) == (5, 9)
    assert ends_of(Never(), stage) is None
    low, high = ends_of(Lognormal(10_000, 40_000), stage) or (0, 0)
    assert 1_500 < low < 4_000
    assert 30_000 < high < 55_000


def test_a_distribution_of_times_is_scaled_as_a_whole() -> None:
    assert scaled(Exponential(1_000), 0.5) == Exponential(500)
    assert scaled(Lognormal(10, 40), 2) == Lognormal(20, 80)
    parts = Mixture((1.0, 2.0), (Constant(10), Bounded(Uniform(2, 4), 2, 3)))
    assert scaled(parts, 2) == Mixture((1.0, 2.0), (Constant(20), Bounded(Uniform(4, 8), 4, 6)))
