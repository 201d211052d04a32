"""`diff --predict` of KubeInfers and Deployments through the command line: three updates, bounds, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import inf
from typing import Any

import pytest
from field.user import User, asking, both, deployment, kubeinfer

from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.prediction import Measured, _at_most
from kubeinfer_sim.experiment.statistics.differences import typical
from kubeinfer_sim.experiment.statistics.estimate import Estimate

LINE = ("diff", "old.yaml", "new.yaml", "--predict", "--nodes", "4x8")


def has_both(user: User, workload: Callable[..., Any]) -> None:
    """One goes first today; with the new settings one comes first."""
    container = asking(npu=8)
    old = workload(container, replicas=3, surge=0)
    new = workload({**container, "image": "engine:2"}, replicas=3, surge=1)
    user.has("old.yaml", old)
    user.has("new.yaml", new)


@both
def test_this_update_and_the_next_are_held_against_one_today(
    user: User, workload: Callable[..., Any]
) -> None:
    has_both(user, workload)
    bounds = ("--min-ready", "3", "--max-duration-increase", "1h", "--max-lost-increase", "0s")
    done = user.types(*LINE, *bounds, "-n", "6", "--json", "d.json", "--markdown", "d.md")
    assert done.returncode == 0, done.stdout
    told = json.loads((user.folder / "d.json").read_text(encoding="utf-8"))["prediction"]
    assert [each["name"] for each in told["updates"]] == ["today", "thisUpdate", "next"]
    figures = [{one["name"]: one for one in each["figures"]} for each in told["updates"]]
    fewest = "minReady" if "minReady" in figures[0] else "minAvailable"
    assert [each[fewest]["value"]["value"] for each in figures] == [2, 3, 3]
    assert [each[fewest]["more"] and each[fewest]["more"]["value"] for each in figures] == [None, 1, 1]
    lost = next(name for name in figures[0] if name.startswith("lost"))
    today, this, following = (each[lost]["value"]["value"] for each in figures)
    assert today > 0 == this == following
    assert figures[1][lost]["more"]["value"] == -today
    assert [(each["option"], each["decision"]) for each in told["bounds"][:3]] == [
        ("--max-duration-increase", "held"),
        ("--min-ready", "held"),
        ("--max-lost-increase", "held"),
    ]
    assert told["decision"] == "held"
    assert "this update (OLD to NEW):" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "| an update today | this update | the next update |" in (user.folder / "d.md").read_text("utf-8")


@both
def test_a_bound_that_is_missed_ends_with_1(user: User, workload: Callable[..., Any]) -> None:
    has_both(user, workload)
    swapped = ("diff", "new.yaml", "old.yaml", "--predict", "--nodes", "4x8", "-n", "2")
    done = user.types(*swapped, "--min-ready", "3")
    assert done.returncode == 1
    assert "--min-ready 3, the next update: missed" in done.stdout


def named(name: str, workload: Callable[..., Any], arg: str) -> Any:
    """A workload of its own, with its own pods."""
    made = workload({**asking(npu=8), "args": [arg]}, replicas=3)
    made["metadata"]["name"] = name
    if workload is deployment:
        made["spec"]["selector"]["matchLabels"] = made["spec"]["template"]["metadata"]["labels"] = {
            "app": name
        }
    return made


@pytest.mark.parametrize("kinds", [(deployment, deployment), (kubeinfer, kubeinfer), (kubeinfer, deployment)])
@pytest.mark.parametrize(
    ("changed", "options"),
    [({"a", "b"}, ()), ({"b"}, ()), (set(), ()), ({"a", "b"}, ("--name", "b"))],
)
def test_today_and_next_are_updates_of_all_that_this_one_is_of(
    user: User, kinds: tuple[Callable[..., Any], ...], changed: set[str], options: tuple[str, ...]
) -> None:
    """Of other arguments, for which nothing is pulled: an update today takes and loses as much as this one."""
    pair = dict(zip("ab", kinds, strict=True))
    user.has("old.yaml", *(named(name, kind, "1") for name, kind in pair.items()))
    later = {name: "2" if name in changed else "1" for name in pair}
    user.has("new.yaml", *(named(name, kind, later[name]) for name, kind in pair.items()))
    line = ("diff", "old.yaml", "new.yaml", "--predict", "--nodes", "6x8")
    done = user.types(*line, *options, "--json", "d.json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads((user.folder / "d.json").read_text(encoding="utf-8"))["prediction"]
    of = ({"b"} if options else changed) or {"a", "b"}
    names = [f"{pair[name]({})['kind']}/{name}" for name in sorted(of)]
    assert told["updated"] == names
    assert f"Predicted of {', '.join(names)}, seed 0:" in done.stdout
    today, this, following = (
        {one["name"]: one["value"]["value"] for one in each["figures"]} for each in told["updates"]
    )
    assert today == following
    assert not changed or today == this


def test_an_update_that_never_finishes_misses_the_bound_of_time(user: User) -> None:
    has_both(user, deployment)
    done = user.types(
        "diff",
        "old.yaml",
        "new.yaml",
        "--predict",
        "--nodes",
        "3x8",
        "-n",
        "1",
        "--max-duration-increase",
        "9d",
    )
    assert done.returncode == 1
    assert done.stdout.count("never finishes") == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--min-ready", "3"), "--min-ready is about what is predicted: add --predict"),
        (("--nodes", "4x8"), "--nodes is about what is predicted"),
        (("--predict",), "give the nodes either as --nodes 8x8 or as --cluster FILE"),
        (("--predict", "--nodes", "4x8", "--max-duration-increase", "soon"), "soon"),
        (("--predict", "--nodes", "4x8", "--name", "x"), "nothing of that name is updated"),
    ],
)
def test_what_cannot_be_predicted_is_refused(user: User, options: tuple[str, ...], said: str) -> None:
    has_both(user, deployment)
    done = user.types("diff", "old.yaml", "new.yaml", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("value", "more", "decision"),
    [
        (9, Estimate(5, 3, 9), Decision.HELD),
        (9, Estimate(5, 3, 11), Decision.UNDECIDED),
        (9, Estimate(15, 11, 19), Decision.MISSED),
        (9, Estimate(5), Decision.UNDECIDED),
        (inf, Estimate(0, 0, 0), Decision.MISSED),
    ],
)
def test_a_bound_of_growth_is_decided_by_the_interval(
    value: float, more: Estimate, decision: Decision
) -> None:
    assert _at_most([Measured("duration", "takes", "ms", Estimate(value), more)], 10) is decision


def test_the_middle_has_an_interval_from_six_seeds_on() -> None:
    assert typical([4], drawn=False) == Estimate(4, 4, 4)
    assert typical([1, 2, 3, 4, 5]).high is None
    six = typical([1, 2, 3, 4, 5, inf])
    assert (six.low, six.high) == (1, inf)
