"""`--html`: a page with pictures of what a command came to, from the command line."""

from __future__ import annotations

import importlib.util
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import ROOT, sim
from field.user import User, asking, both
from report.html.pages import Read, small_bundle

__all__ = ["small_bundle"]
S = "scenarios/router-beside-kubeinfer.yaml"
EVIL = "</script><img src=x onerror=alert(1)>\u2028&lt;b&gt;"


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


def page(done: Any) -> Read:
    assert done.stdout.startswith("<!DOCTYPE html>\n<!-- Written by kubeinfer-sim"), done.stderr
    return Read(done.stdout)


def test_the_page_of_a_run_begins_with_the_verdict_and_three_numbers_and_shows_what_happened() -> None:
    done = sim("run", S, "-o", "html")
    read = page(done)
    assert read.text.index(sim("run", S).stdout.split(";")[0]) < read.text.index("Objectives")
    assert [tag for tag, _ in read.elements].count("dt") == 3
    titles = [figure["layout"]["xaxis"]["title"]["text"] for figure in read.figures]
    assert titles == [*["time since the start (min)"] * 4, "lost time (min)"]
    assert [trace["name"] for trace in read.figures[0]["data"]][-2:] == ["wanted", "events"]
    assert "drain node-0" in str(read.figures[0])
    # The first number is of the workload that takes longest, the second of the one of which least was left.
    assert "1h18m" in read.text
    assert "0 of 5" in read.text
    assert done.stdout == sim("run", S, "-o", "html").stdout


def test_the_command_and_the_scenario_on_a_page_make_the_same_again(tmp_path: Path) -> None:
    read = page(sim("run", S, "--seed", "7", "--horizon", "3h", "-o", "html"))
    [line] = [line for line in read.text.splitlines() if line.startswith("kubeinfer-sim run")]
    words = shlex.split(line)
    assert words[-2:] == ["--seed", "7"]
    again = sim(*words[1:], "-o", "json").stdout
    assert again == sim("run", S, "--seed", "7", "--horizon", "3h", "-o", "json").stdout
    text = read.text[read.text.index("apiVersion: kubeinfer-sim/v1") :]
    whole = tmp_path / "whole.yaml"
    whole.write_text(text[: text.rindex("kubeinfer-sim 0")], encoding="utf-8")
    assert yaml.safe_load(whole.read_text())["spec"]["horizon"] == "3h"
    assert json.loads(sim("run", str(whole), "-o", "json").stdout)["verdict"] == json.loads(again)["verdict"]


@both
def test_nothing_that_a_user_writes_acts_on_a_page(user: User, workload: Any) -> None:
    user.plans(
        workload({"env": [{"name": "A", "value": "${A}"}], **asking(npu=8)}),
        cluster="4x8",
        initial="running",
        manifest={"path": "manifest.yaml", "set": {"A": "x"}},
        update={"set": {"A": EVIL}},
        timings={"profile": "zero", "create": "10s"},
    )
    scenario = user.folder / "scenario.yaml"
    document = yaml.safe_load(scenario.read_text(encoding="utf-8"))
    document["metadata"].update(name=EVIL, description=EVIL)
    scenario.write_text(yaml.safe_dump(document), encoding="utf-8")
    evil = page(user.types("run", "scenario.yaml", "-o", "html"))
    assert EVIL.replace("\u2028", "") in evil.text.replace("\u2028", "").replace("\\u2028", "")
    assert "img" not in evil.tags
    assert len(evil.scripts) == 2
    assert not [name for _, attributes in evil.elements for name in attributes if name.startswith("on")]
    drawn = json.dumps(evil.figures)
    assert "&lt;img" in drawn
    assert "<img" not in drawn


def test_many_runs_have_a_page_with_their_distribution_and_the_runs_to_look_at() -> None:
    line = ("run", "scenarios/rare-outage.yaml", "-n", "4", "--workers", "1")
    read = page(sim(*line, "-o", "html"))
    assert "seeds 3 to 6" in read.text
    assert "kubeinfer-sim run scenarios/rare-outage.yaml --replications 4" in read.text
    assert "kubeinfer-sim run scenarios/rare-outage.yaml --seed" in read.text
    assert any("fewest instances ready" in str(figure["layout"]) for figure in read.figures)
    drawn = page(
        sim("run", "scenarios/up-first.yaml", "--timings", "range", "-n", "6", "--workers", "1", "-o", "html")
    )
    [curve] = [t for figure in drawn.figures for t in figure["data"] if t["name"] == "done"]
    assert (curve["y"][0], curve["y"][-1]) == (0.0, 1.0)
    assert curve["y"] == sorted(curve["y"])


def test_a_comparison_has_a_page_with_its_paired_differences() -> None:
    line = ("compare", "scenarios/up-first.yaml", "--vary", "timings.profile=typical,range", "-n", "7")
    done = sim(*line, "--workers", "1", "-o", "html")
    read, document = page(done), json.loads(sim(*line, "--workers", "1", "-o", "json").stdout)
    first, second = (each["values"]["lastChangeMs"] for each in document["variants"])
    [dots] = [trace for figure in read.figures for trace in figure["data"] if trace["name"] == "each seed"]
    by_seed = [more - less for less, more in zip(first, second, strict=True)]
    assert by_seed == pytest.approx([60_000 * x for x in dots["x"]], abs=1)
    assert "--vary timings.profile=typical,range" in read.text


def test_a_page_is_written_beside_the_report_over_an_earlier_one_and_over_nothing_of_the_users(
    tmp_path: Path,
) -> None:
    target = tmp_path / "report.html"
    for _ in range(2):
        done = sim("run", S, "--html", str(target))
        assert done.stdout == sim("run", S).stdout
    assert target.read_text(encoding="utf-8") == sim("run", S, "--html", "-").stdout
    target.write_text("<!DOCTYPE html>\n<p>mine", encoding="utf-8")
    refused = sim("run", S, "--html", str(target))
    assert (refused.returncode, target.read_text(encoding="utf-8")) == (2, "<!DOCTYPE html>\n<p>mine")
    assert "`-o html`" in refused.told


def test_without_plotly_it_is_said_before_anything_is_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    done = sim("run", S, "--html", "x.html")
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'kubeinfer-sim[report]'" in done.told
    assert not (ROOT / "x.html").exists()


def test_pages_are_for_runs_as_they_are() -> None:
    done = sim("run", "scenarios/rare-outage.yaml", "-n", "2", "--rare", "-o", "html")
    assert done.returncode == 2
    assert "html is not there for --rare" in done.told


def test_what_faults_do_to_a_scenario_has_a_page_and_a_comment(tmp_path: Path) -> None:
    line = ("fuzz", str(ROOT / "scenarios" / "up-first.yaml"), "--any-single-fault", "--workers", "1")
    line += ("--faults", "NodeDeath,LinkDown", "--max-examples", "8")
    done = sim(*line, "--html", "page.html", "--markdown", "comment.md", "-o", "json", cwd=tmp_path)
    faults = json.loads(done.stdout)
    read = Read((tmp_path / "page.html").read_text(encoding="utf-8"))
    comment = (tmp_path / "comment.md").read_text(encoding="utf-8")
    assert faults["sentence"] in read.text
    assert len(comment.splitlines()) <= 30
    [figure] = read.figures
    assert sum(len(trace["x"]) for trace in figure["data"]) == len(faults["singleFaults"]["cases"]) == 8
    marks = {trace["name"]: len(trace["x"]) for trace in figure["data"]}
    assert marks.get("breaks it", 0) == sum(bool(each["breaks"]) for each in faults["singleFaults"]["cases"])
    # Values are as they were written, not as they were read.
    assert "--faults NodeDeath,LinkDown --max-examples 8" in read.text
    assert ("kubeinfer-sim run .kubeinfer-sim/" in read.text) is (faults["kept"] is not None)
