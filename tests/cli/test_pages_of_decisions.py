"""`--html` and `--markdown` of the commands that decide: what they show is what their JSON has."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import pytest
import yaml
from field.user import User, asking, both
from kubectl_listings import listed
from report.html.pages import Read, small_bundle

from kubeinfer_sim import load_scenario
from kubeinfer_sim.report.markdown.text import MOST_LINES

__all__ = ["small_bundle"]

EVIL = "</script><img src=x onerror=alert(1)>\u2028&lt;b&gt;"
DRAWN = {"profile": "zero", "create": {"uniform": {"low": "30s", "high": "90s"}}}
#: A line of every command that decides.
LINES = {
    "plan": "plan scenario.yaml --vary nodes=3..5 --vary maxSurge=0,1 --vary maxUnavailable=0 -n 40",
    "sweep": "sweep scenario.yaml --vary nodes=3..5 --vary maxSurge=0,1 --vary maxUnavailable=0,1 -n 2",
    "sensitivity": "sensitivity scenario.yaml --of duration",
    "backtest": "backtest scenario.yaml 0.json 1.json 2.json -n 39",
    "recommend": "recommend scenario.yaml",
    "cliffs": "sweep scenario.yaml --cliff nodes=1..5 --vary maxUnavailable=0 --vary maxSurge=1 -n 3",
}
commands = pytest.mark.parametrize("command", LINES)


class Made(NamedTuple):
    """The page, the comment, and the JSON of one command."""

    page: Read
    comment: str
    document: dict[str, Any]


def asked(user: User, workload: Any, *, full: bool = False, drawn: bool = True) -> None:
    """Three instances on nodes that take one each, and what has to hold while they are updated; an evil name.

    `full`: no node is free, and the first one new is to come before an old one goes.
    """
    user.plans(
        workload(asking(npu=8), replicas=3, surge=int(full), terminationGracePeriodSeconds=0),
        cluster="3x8" if full else "4x8",
        timings=DRAWN if drawn else {"profile": "zero", "create": "1m"},
        update={"newRevision": True},
        objectives={"completesWithin": {"time": "10m", "probability": "50%"} if drawn else "10m"},
    )
    scenario = user.folder / "scenario.yaml"
    document = yaml.safe_load(scenario.read_text(encoding="utf-8"))
    document["metadata"].update(name=EVIL, description=EVIL)
    scenario.write_text(yaml.safe_dump(document), encoding="utf-8")


def happened(user: User) -> None:
    """The same update as kubectl listed it before, in its middle and after it, under a seed of no prediction."""
    scenario = load_scenario(str(user.folder / "scenario.yaml"))
    for place, at in enumerate((-1, 70_000, 3_600_000)):
        user.has(f"{place}.json", listed(scenario, at, seed=1_000_000, events=True))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Any], Made]:
    """Each command once for each kind of workload."""

    @cache
    def made(command: str, workload: Any) -> Made:
        user = User(tmp_path_factory.mktemp("pages"))
        asked(user, workload, full=command == "recommend", drawn=command not in ("recommend", "sensitivity"))
        if command == "backtest":
            happened(user)
        line = [*LINES[command].split(), *(() if command == "backtest" else ("--workers", "1"))]
        done = user.types(*line, "--html", "p.html", "--markdown", "c.md", "-o", "json")
        assert done.returncode in (0, 1, 4), done.stderr
        page, comment = ((user.folder / name).read_text(encoding="utf-8") for name in ("p.html", "c.md"))
        return Made(Read(page), comment, json.loads(done.stdout))

    return made


def traces(read: Read) -> dict[str, Any]:
    return {trace["name"]: trace for figure in read.figures for trace in figure["data"]}


@both
@commands
def test_a_page_begins_with_the_verdict_and_three_numbers_and_ends_with_the_command(
    played: Any, workload: Any, command: str
) -> None:
    read, comment, _ = played(command, workload)
    assert [tag for tag, _ in read.elements].count("dt") == 3
    verdict = comment.splitlines()[0].removesuffix(" <!-- kubeinfer-sim -->")
    assert verdict.startswith("**")
    assert verdict.endswith("**")
    assert " ".join(verdict.strip("*").split()) in " ".join(read.text.split())
    assert len(comment.splitlines()) <= MOST_LINES
    assert f"kubeinfer-sim {LINES[command].partition(' -n ')[0].partition(' --')[0]}" in read.text
    again = LINES[command].partition(" -n ")[0].partition(" --")[0]
    assert f"`kubeinfer-sim {again}" in comment
    assert re.search(r"[0-9]+ assumptions, none set · Kubernetes ", comment)
    assert "apiVersion: kubeinfer-sim/v1" in read.text
    assert "docs/semantics.md, section 6" in read.text


@commands
@both
def test_nothing_that_a_user_writes_acts_on_a_page_or_in_a_comment(
    played: Any, workload: Any, command: str
) -> None:
    evil, comment, _ = played(command, workload)
    assert "img" not in evil.tags
    assert len(evil.scripts) == 2
    assert not [name for _, attributes in evil.elements for name in attributes if name.startswith("on")]
    assert "<img" not in json.dumps(evil.figures)
    assert ("\\<img" in comment) == (command != "recommend")  # which names the workload
    assert "<img" not in comment.replace("\\<img", "")


@both
def test_a_plan_is_drawn_as_cost_against_probability_the_chosen_one_marked(
    played: Any, workload: Any
) -> None:
    read, comment, plan = played("plan", workload)
    chosen = next(each for each in plan["options"] if each["settings"] == plan["chosen"])
    mark = traces(read)["chosen"]
    assert (mark["x"], mark["y"]) == ([chosen["cost"]], [chosen["probability"]["value"]])
    assert mark["y"][0] - mark["error_y"]["arrayminus"][0] == pytest.approx(chosen["probability"]["low"])
    told = str([trace.get("hovertext") for trace in traces(read).values()])
    for each in plan["options"]:
        assert ", ".join(f"{knob}={value}" for knob, value in each["settings"].items()) in told
    [bold] = [line for line in comment.splitlines() if line.startswith("| **")]
    assert f"**{plan['chosen']['nodes']}**" in bold


def moves(effect: dict[str, Any]) -> bool:
    return any(effect["more"][bound] != 0 for bound in ("value", "low", "high"))


@both
def test_a_tornado_has_a_bar_for_each_value_that_moves_the_figure(played: Any, workload: Any) -> None:
    read, comment, found = played("sensitivity", workload)
    bars = [(x, y) for trace in traces(read).values() for x, y in zip(trace["x"], trace["y"], strict=True)]
    moved = found["moved"]
    told = [(effect, row) for row, each in enumerate(moved) for effect in each["effects"] if moves(effect)]
    assert len(bars) == len(told)
    assert sorted(row for _, row in bars) == sorted(row for _, row in told)
    longest = max(abs(x) for x, _ in bars)
    assert next(row for x, row in bars if abs(x) == longest) == 0
    assert moved[0]["name"] in comment
    assert all(name in read.text for name in found["idle"])


@both
def test_a_backtest_is_drawn_with_its_intervals_and_where_the_truth_lay(played: Any, workload: Any) -> None:
    read, comment, backtest = played("backtest", workload)
    duration = next(each for each in backtest["rollouts"][0]["figures"] if each["name"] == "duration")
    [figure] = [
        each for each in read.figures if each["layout"]["xaxis"]["title"]["text"].startswith("duration")
    ]
    inside, bar, mark = figure["data"]
    second = mark["x"][0] / duration["truth"]["low"]
    assert bar["base"][0] - inside["base"][0] == pytest.approx(second, rel=0.02)
    low, high = duration["predicted"]["low"], duration["predicted"]["high"]
    assert bar["base"][0] / mark["x"][0] == pytest.approx(low / duration["truth"]["low"], rel=0.01)
    assert bar["x"][0] / bar["base"][0] == pytest.approx((high - low) / low, rel=0.01)
    assert mark["name"] == f"happened, {duration['judgement']}"
    assert "| duration |" in comment


@both
def test_a_recommendation_has_its_patch_and_pictures_with_the_recommended_set_on_top(
    played: Any, workload: Any
) -> None:
    read, comment, made = played("recommend", workload)
    assert made["decision"] == "held"
    assert made["sentence"] in read.text
    assert made["patch"].strip() in read.text
    assert "```diff\n--- a/" in comment
    first = [each["layout"]["yaxis"]["ticktext"][0].replace("<br>", " ") for each in read.figures]
    assert first
    assert all(each.startswith("✔ ") for each in first)
    [changed] = made["changes"]
    assert all(changed["name"].startswith(each[2:12]) for each in first)


@both
def test_a_sweep_is_drawn_with_its_front(played: Any, workload: Any) -> None:
    read, comment, sweep = played("sweep", workload)
    front = sum(each["front"] for each in sweep["points"])
    assert f"{front} of {len(sweep['points'])}" in read.text
    assert sum(line.startswith("| ●") for line in comment.splitlines()) == front
    drawn = traces(read)
    assert {"on the front", "others"} <= set(drawn)
    named = " ".join(str(each["hovertext"]) for each in drawn.values() if "hovertext" in each)
    assert all(each["settings"]["nodes"] in named for each in sweep["points"])


@both
def test_a_cliff_is_drawn_with_every_value_by_its_outcome_and_what_never_finishes_above(
    played: Any, workload: Any
) -> None:
    read, comment, _ = played("cliffs", workload)
    marks = [trace for trace in traces(read).values() if trace["mode"] == "markers"]
    assert sorted(x for trace in marks for x in trace["x"]) == [1, 2, 3, 4, 5]
    never = [trace for trace in marks if trace["name"].startswith("never finishes")]
    others = [trace for trace in marks if trace not in never]
    assert min(y for each in never for y in each["y"]) > max(y for each in others for y in each["y"])
    assert "between 3 and 4 the outcome jumps" in comment
