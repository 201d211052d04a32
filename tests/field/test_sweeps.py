"""`sweep` of KubeInfers and Deployments through the command line: table, front, CSV, JSON, cliffs and what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from command_line import ROOT
from field.user import User, asking, both, deployment

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.sweep import sweep
from kubeinfer_sim.report.sweep_result import cliffs_json_schema, sweep_json_schema

PROBE = {"tcpSocket": {"port": 1}, "periodSeconds": 10, "failureThreshold": 3}
KNOBS = ("--vary", "nodes=2..4", "--vary", "maxSurge=0,1", "--vary", "maxUnavailable=0,1")


def plain(user: User, workload: Callable[..., Any], **spec: Any) -> None:
    container = {**asking(npu=8)}
    user.plans(
        workload(container, replicas=2, terminationGracePeriodSeconds=0),
        cluster="3x8",
        timings={"profile": "zero", "create": "30s"},
        **{"update": {"newRevision": True}, **spec},
    )


@both
def test_every_combination_is_played_and_the_front_is_told(user: User, workload: Callable[..., Any]) -> None:
    plain(user, workload, objectives={"minReadyInstances": 2, "completes": True})
    done = user.types("sweep", "scenario.yaml", *KNOBS, "-n", "1", "--json", "s.json", "--csv", "s.csv")
    assert done.returncode == 0
    document = json.loads((user.folder / "s.json").read_text(encoding="utf-8"))
    schema = json.loads((ROOT / "docs" / "schemas" / "sweep.schema.json").read_text(encoding="utf-8"))
    assert schema == sweep_json_schema()
    jsonschema.Draft202012Validator(schema).validate(document)
    points = document["points"]
    assert len(points) == 9
    assert len(document["leftOut"]) == 3, "both budgets 0"
    assert "must not both be zero" in document["leftOut"][0]["message"]
    told = " ".join(done.stdout.split())
    assert told.count("must not both be zero") == 1, "once for all that are left out for it"
    assert "left out: maxSurge=0, maxUnavailable=0 (3 combinations): --vary" in told
    held = [each["settings"] for each in points if each["figures"]["held"] == 1]
    # One more at first, none taken away before it is ready: that takes a third node.
    assert held == [{"nodes": n, "maxSurge": "1", "maxUnavailable": "0"} for n in ("3", "4")]
    assert document["frontOf"] == ["duration", document["frontOf"][1], "nodes"]
    front = [each["settings"] for each in points if each["front"]]
    assert {"nodes": "3", "maxSurge": "1", "maxUnavailable": "0"} in front
    assert {"nodes": "4", "maxSurge": "1", "maxUnavailable": "0"} not in front, "no better with more nodes"
    # What never finishes is on no front.
    assert all(each["never"] == [] for each in points if each["front"])
    rows = list(csv.DictReader((user.folder / "s.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["front"] for row in rows] == [str(each["front"]) for each in points]
    assert [row["duration"] == "inf" for row in rows] == ["duration" in each["never"] for each in points]
    assert done.stdout.startswith(
        f"{len(front)} combinations of 9 are on the Pareto front of how long it takes"
    )
    assert "●" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@both
def test_a_knob_that_changes_nothing_is_said_and_a_front_may_be_named(
    user: User, workload: Callable[..., Any]
) -> None:
    plain(user, workload)
    line = ("sweep", "scenario.yaml", "--vary", "nodes=4,5", "--vary", "maxSurge=0,1", "-n", "1")
    done = user.types(*line, "--vary", "maxUnavailable=1", "--front", "duration,accelerators", "-o", "json")
    document = json.loads(done.stdout)
    assert document["idleKnobs"] == ["nodes"]
    assert document["frontOf"] == ["duration", "accelerators"]
    assert [each["settings"]["nodes"] for each in document["points"] if each["front"]] == ["4"]
    assert "nodes changes nothing" in " ".join(document["sentences"])


def test_samples_are_drawn_from_ranges_and_kept_in_a_store(user: User) -> None:
    plain(user, deployment)
    line = (
        "sweep",
        "scenario.yaml",
        "--vary",
        "terminationGracePeriodSeconds=0..600",
        "--vary",
        "nodes=3..4",
    )
    line = (*line, "--vary", "timings.create=10s..2m", "--samples", "6", "--store", "kept.db", "-o", "json")
    done = user.types(*line)
    document = json.loads(done.stdout)
    assert document["sampled"] == "lhs"
    assert len({each["settings"]["timings.create"] for each in document["points"]}) == 6
    assert user.types(*line).stdout == done.stdout


@both
def test_a_cliff_is_found_and_the_rule_behind_it_named(user: User, workload: Callable[..., Any]) -> None:
    container = {**asking(npu=8), "startupProbe": dict(PROBE), "readinessProbe": dict(PROBE)}
    user.plans(
        workload(container, replicas=2, surge=1),
        cluster="3x8",
        timings={"profile": "zero", "graphCold": "100s", "exit": "20s"},
        update={"newRevision": True},
        assumptions={"loadsAfterSigterm": False},
    )
    line = ("sweep", "scenario.yaml", "--cliff", "startupProbe.failureThreshold=6..14", "-n", "1")
    done = user.types(*line, "--horizon", "1h", "--json", "c.json")
    document = json.loads((user.folder / "c.json").read_text(encoding="utf-8"))
    schema = json.loads((ROOT / "docs" / "schemas" / "cliffs.schema.json").read_text(encoding="utf-8"))
    assert schema == cliffs_json_schema()
    jsonschema.Draft202012Validator(schema).validate(document)
    (cliff,) = document["cliffs"]
    # 100 s of loading, a probe every 10 s.
    assert (cliff["below"], cliff["above"], cliff["rule"]) == ("9", "10", "StartupProbeFailed")
    assert "StartupProbeFailed: 9 failures in a row" in cliff["verdictBelow"]
    assert "completes" in cliff["verdictAbove"]
    assert done.stdout.startswith("startupProbe.failureThreshold: between 9 and 10 the outcome jumps, by")


@both
def test_nodes_that_are_too_few_are_a_cliff(user: User, workload: Callable[..., Any]) -> None:
    plain(user, workload)
    line = (
        "sweep",
        "scenario.yaml",
        "--vary",
        "maxUnavailable=0",
        "--cliff",
        "nodes",
        "-n",
        "1",
        "-o",
        "json",
    )
    document = json.loads(user.types(*line, "--vary", "maxSurge=1").stdout)
    told = [(each["below"], each["above"], each["rule"]) for each in document["cliffs"]]
    assert told[-1] == ("2", "3", "Unschedulable")


def test_every_step_of_the_table_between_two_outcomes_is_followed_to_neighbours(user: User) -> None:
    """Up first of four: below 4 nodes not all are there, with 4 no room is left for a fifth, with 5 there is."""
    user.plans(
        deployment({**asking(npu=8)}, replicas=4, surge=1, terminationGracePeriodSeconds=0),
        cluster="5x8",
        timings={"profile": "zero", "create": "30s"},
        update={"newRevision": True},
        objectives={"minReadyInstances": 4, "completes": True},
    )
    line = ("sweep", "scenario.yaml", "--cliff", "nodes", "-n", "1", "-o", "json")
    told = json.loads(user.types(*line).stdout)["cliffs"]
    assert [(each["below"], each["above"]) for each in told][-2:] == [("3", "4"), ("4", "5")]


def test_a_jump_of_how_long_it_takes_is_one_where_the_outcome_is_the_same(user: User) -> None:
    user.plans(
        deployment({**asking(npu=8)}, replicas=6, terminationGracePeriodSeconds=0),
        cluster="6x8",
        timings={"profile": "zero", "create": "30s"},
        update={"newRevision": True},
    )
    line = ("sweep", "scenario.yaml", "--cliff", "maxUnavailable=1..6", "-n", "1", "-o", "json")
    (cliff,) = json.loads(user.types(*line).stdout)["cliffs"]
    assert (cliff["by"], cliff["below"], cliff["above"]) == ("figure", "1", "2")
    line = (
        "sweep",
        "scenario.yaml",
        "--cliff",
        "terminationGracePeriodSeconds=1..9",
        "-n",
        "1",
        "-o",
        "json",
    )
    document = json.loads(user.types(*line).stdout)
    assert (document["cliffs"], document["idle"]) == ([], True)
    assert "changes nothing from 1 to 9" in document["sentences"][0]


@both
def test_seconds_of_hours_are_no_jump_and_are_written_where_they_decide(
    user: User, workload: Callable[..., Any]
) -> None:
    plain(user, workload)
    done = user.types("sweep", "scenario.yaml", "--cliff", "timings.create=7200000ms..7200001ms", "-n", "1")
    lines = [each.split() for each in done.stdout.splitlines()]
    assert done.stdout.startswith("timings.create has no cliff from 2h to 2h0m0.001s: completes")
    assert [each[-1] for each in lines if each[1:2] == ["completes"]] == ["4h", "4h0m0.002s"]
    done = user.types("sweep", "scenario.yaml", "--vary", "timings.create=7200s,7201s", "-n", "1")
    lines = [each.split() for each in done.stdout.splitlines()]
    rows = [each for each in lines if "7200s" in each[:2] or "7201s" in each[:2]]
    assert [{cell for cell in row if cell.startswith("4h")} for row in rows] == [{"4h"}, {"4h0m2s"}]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "sweep needs knobs"),
        (("--vary", "nodes=3", "--method", "sobol"), "--method is about --samples"),
        (("--vary", "nodes=3,4", "--front", "durration"), 'no such figure; did you mean "duration"?'),
        (
            ("--vary", "maxSurge=0", "--vary", "maxUnavailable=0"),
            "no combination can be: --vary maxUnavailable=0:",
        ),
        (("--vary", "nodes=3", "--vary", "nodes=4"), "nodes is there twice"),
        (("--samples", "5", "--vary", "nodes=9..3"), "from a smaller value to a larger one"),
        (("--cliff", "timings.create"), "say between which values to look"),
        (("--cliff", "bogus"), "--cliff: 'bogus' is no knob (there are maxSurge,"),
        (("--cliff", "bogus=1..5"), "--cliff: 'bogus' is no knob"),
        (("--cliff", "nodes", "--vary", "nodes=5"), "--cliff nodes: nodes is there twice"),
        (("--cliff", "nodes=1..9", "--vary", "nodes=5,6"), "leave --vary nodes out"),
        (("--cliff", "nodes=3"), "expected a range, as in nodes=1..100"),
        (("--cliff", "nodes", "--vary", "maxSurge=0,1"), "give maxSurge one value"),
        (("--cliff", "nodes", "--samples", "3"), "--samples does not go with --cliff"),
        (("--cliff", "maxSurge=101%..110%"), "no value can be"),
    ],
)
def test_what_cannot_be_swept_is_refused(user: User, options: tuple[str, ...], said: str) -> None:
    plain(user, deployment)
    done = user.types("sweep", "scenario.yaml", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.split())


def test_a_figure_that_no_run_has_is_refused_before_anything_is_played(user: User) -> None:
    plain(user, deployment)
    played: list[int] = []
    with pytest.raises(UsageError, match="--front bogus: there is no such figure"):
        sweep(
            user.folder / "scenario.yaml",
            ["nodes=3,4"],
            n=1,
            front=["duration", "bogus"],
            progress=lambda done, total, runs: played.append(done),
        )
    assert not played
