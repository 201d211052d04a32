"""`backtest` of KubeInfers and Deployments through the command line: a run, listed as kubectl would, and its prediction."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from command_line import ROOT
from field.user import User, asking, both, deployment, kubeinfer
from kubectl_listings import listed, time_of

from kubeinfer_sim import load_scenario
from kubeinfer_sim.experiment.backtest.backtest import backtest
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.report.backtest_result import backtest_json_schema

#: Before, in the middle of, and after the rollout, ms.
TIMES = (-1, 70_000, 3_600_000)


def happens(
    user: User, workload: Callable[..., Any], *, create: Any = None, events: bool = True
) -> list[str]:
    """A rollout of three pods, one after the other, as it went with another seed than those of the prediction."""
    user.plans(
        workload(asking(npu=8), replicas=3, terminationGracePeriodSeconds=30),
        cluster="3x8",
        timings={"profile": "zero", "create": {"uniform": {"low": "20s", "high": "60s"}}},
        update={"newRevision": True},
    )
    scenario = load_scenario(str(user.folder / "scenario.yaml"))
    names = []
    for place, at in enumerate(TIMES):
        names.append(f"{place}.json")
        user.has(names[-1], listed(scenario, at, seed=1_000_000, events=events))
    if create is not None:
        text = (user.folder / "scenario.yaml").read_text(encoding="utf-8")
        spec = json.loads(text)
        spec["spec"]["timings"]["create"] = create
        user.has("scenario.yaml", spec)
    return names


@both
def test_what_went_as_predicted_lies_inside(user: User, workload: Callable[..., Any]) -> None:
    names = happens(user, workload)
    done = user.types("backtest", "scenario.yaml", *names[::-1], "-n", "39", "--json", "b.json")
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((user.folder / "b.json").read_text(encoding="utf-8"))
    schema = json.loads((ROOT / "docs" / "schemas" / "backtest.schema.json").read_text(encoding="utf-8"))
    assert schema == backtest_json_schema()
    jsonschema.Draft202012Validator(schema).validate(document)
    figures = {each["name"]: each for each in document["rollouts"][0]["figures"]}
    assert figures["fewestReady"]["truth"] == {"low": 2, "high": 2}
    assert figures["duration"]["level"] == pytest.approx(0.95)
    assert ("order" in figures) == (workload is kubeinfer), "names of a Deployment's pods are drawn"
    assert document["coverage"]["value"] == 1
    assert max(map(len, done.stdout.splitlines())) <= 80


@both
def test_what_took_longer_lies_outside(user: User, workload: Callable[..., Any]) -> None:
    names = happens(user, workload, create="5s")
    done = user.types("backtest", "scenario.yaml", *names, "-o", "markdown")
    assert done.returncode == 1
    judged = {
        row.split(" | ")[0]: row.split(" | ")[-1] for row in done.stdout.splitlines() if row.startswith("| ")
    }
    assert judged["| duration"] == judged["| set up (median)"] == "outside |"
    assert judged["| fewest ready"] == "inside |"


def test_what_the_listings_do_not_tell_is_said(user: User) -> None:
    names = happens(user, kubeinfer, events=False)
    alone = user.types("backtest", "scenario.yaml", names[2], "-n", "9").stdout
    assert "no pod of before is listed" in alone
    early = user.types("backtest", "scenario.yaml", *names[:2], "-n", "9", "--json", "b.json").stdout
    assert "duration: it was not over when last listed" in " ".join(early.split())
    figures = json.loads((user.folder / "b.json").read_text(encoding="utf-8"))["rollouts"][0]["figures"]
    (fewest,) = (each for each in figures if each["name"] == "fewestReady")
    assert (fewest["truth"]["low"], fewest["judgement"]) == (0, "not told"), "fewer may be ready yet"
    assert "fewest ready: it was not over when last listed" in " ".join(early.split())
    (order,) = (each for each in figures if each["name"] == "order")
    assert order["truth"] == {"low": 0, "high": 0}, "what is still to come follows nothing yet"


@both
def test_nothing_is_judged_of_a_rollout_that_has_only_begun(user: User, workload: Callable[..., Any]) -> None:
    happens(user, workload)
    begun = listed(load_scenario(str(user.folder / "scenario.yaml")), 0, seed=1_000_000)
    for each in begun["items"]:
        if each["metadata"].get("creationTimestamp") == time_of(0):
            each["status"] = {"phase": "Pending"}
    user.has("begun.json", begun)
    done = user.types("backtest", "scenario.yaml", "0.json", "begun.json", "-n", "9")
    said = " ".join(done.stdout.split())
    assert done.returncode == 4, done.told
    assert "Nothing can be judged of 1 rollout" in said
    assert "fewest ready at most 2 2 (80 %) not told" in said
    assert ("order: none has followed the first one yet" in said) == (workload is kubeinfer)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda items: [each for each in items if each["kind"] == "Event"], "events and no pods"),
        (lambda items: [{**each, "kind": "Node"} for each in items], "expected a Pod, found a Node"),
        (
            lambda items: [_in_another_namespace(each) for each in items],
            "is it the right cluster and namespace?",
        ),
    ],
)
def test_other_listings_are_refused(user: User, change: Callable[..., Any], said: str) -> None:
    happens(user, kubeinfer)
    whole = json.loads((user.folder / "2.json").read_text(encoding="utf-8"))
    user.has("wrong.json", {**whole, "items": change(whole["items"])})
    done = user.types("backtest", "scenario.yaml", "wrong.json")
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())


def _in_another_namespace(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "metadata": {**item["metadata"], "namespace": "dev"}}


def test_listings_from_before_the_rollout_tell_none(user: User) -> None:
    (before, *_) = happens(user, kubeinfer)
    done = user.types("backtest", "scenario.yaml", before, before)
    assert done.returncode == 2
    assert "no rollout is to be seen" in " ".join(done.stderr.split())


def test_where_nothing_can_be_judged_yet_it_exits_with_4(user: User) -> None:
    """A rollout that has just begun: one pod of it, which no scheduler has seen, and none of before is listed."""
    happens(user, deployment)
    whole = json.loads((user.folder / "1.json").read_text(encoding="utf-8"))
    pods = [each for each in whole["items"] if each["kind"] == "Pod"]
    last = max(pods, key=lambda each: each["metadata"]["creationTimestamp"])
    user.has("begun.json", {**whole, "items": [{**last, "status": {"phase": "Pending"}}]})
    done = user.types("backtest", "scenario.yaml", "begun.json", "-n", "2", "--json", "b.json")
    assert done.returncode == 4, done.told
    document = json.loads((user.folder / "b.json").read_text(encoding="utf-8"))
    (rollout,) = document["rollouts"]
    assert {each["judgement"] for each in rollout["figures"]} == {"not told"}


@both
def test_timings_learned_of_the_listings_bring_the_prediction_to_the_truth(
    user: User, workload: Callable[..., Any]
) -> None:
    names = happens(user, workload, create="5s")
    user.types("backtest", "scenario.yaml", *names, "--timings", "learned.yaml")
    scenario = json.loads((user.folder / "scenario.yaml").read_text(encoding="utf-8"))
    scenario["spec"]["timings"] = {"profile": "zero", "file": "learned.yaml"}
    user.has("scenario.yaml", scenario)
    done = user.types("backtest", "scenario.yaml", *names, "--json", "b.json")
    document = json.loads((user.folder / "b.json").read_text(encoding="utf-8"))
    (rollout,) = document["rollouts"]
    set_up = next(each for each in rollout["figures"] if each["name"] == "setUp")
    assert set_up["judgement"] == "inside", done.stdout


def test_of_several_rollouts_is_told_how_often_intervals_covered(user: User) -> None:
    happens(user, kubeinfer)
    for name in ("march", "april"):
        (user.folder / "past" / name).mkdir(parents=True)
        for each in ("manifest.yaml", "scenario.yaml", "0.json", "1.json", "2.json"):
            shutil.copy(user.folder / each, user.folder / "past" / name / each)
    done = user.types("backtest", "past", "-n", "39", "--json", "b.json")
    assert done.returncode == 0
    assert (
        "of 2 rollouts all lay inside what was predicted. The duration did in 100 % (22.3–100)."
        in " ".join(done.stdout.split())
    )
    document = json.loads((user.folder / "b.json").read_text(encoding="utf-8"))
    # Of two hits out of two no more is known than that: 1 - 0.95 is the square of the lower bound.
    assert document["coverage"]["low"] == pytest.approx(0.05**0.5)
    assert user.types("backtest", "past", "past/march/0.json").returncode == 2
    (user.folder / "empty").mkdir()
    assert "no folder in it holds a scenario.yaml" in user.types("backtest", "empty").told


@pytest.mark.sweep(whole=True)
@both
def test_intervals_cover_as_often_as_they_say(user: User, workload: Callable[..., Any]) -> None:
    happens(user, workload)
    scenario = load_scenario(str(user.folder / "scenario.yaml"))
    hits = judged = 0
    for seed in range(1_000_000, 1_000_200):
        listings = [SourceText(f"{at}", json.dumps(listed(scenario, at, seed=seed))) for at in TIMES]
        made = backtest(str(user.folder / "scenario.yaml"), listings, n=39, seed=39 * (seed - 1_000_000))
        duration = made.rollouts[0].figures[0]
        hits += duration.judgement == "inside"
        judged += 1
    # 95 % of 200, and a little more, since times are known to a second: three standard deviations below.
    assert hits >= 0.95 * judged - 3 * (judged * 0.95 * 0.05) ** 0.5
