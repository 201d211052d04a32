"""`run` and `rollout` with many runs: what they print, how they end, what is refused."""

from __future__ import annotations

import gc
import json
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from command_line import ROOT, sim
from yaml import safe_dump, safe_load

from kubeinfer_sim.experiment import replication
from kubeinfer_sim.experiment.replication import Replication, Variant

UPDATE, DEPLOYMENT = "scenarios/rolling-update-2p1d.yaml", "scenarios/model-as-deployment.yaml"


def scenario(folder: Path, file: str = UPDATE, **spec: Any) -> str:
    """A scenario of the collection with other fields, drawn stages among them."""
    document = safe_load((ROOT / file).read_text(encoding="utf-8"))
    document["spec"] |= {"timings": {"profile": "range"}, **spec}
    manifest = document["spec"]["manifest"]
    manifest["path"] = str(ROOT / "scenarios" / manifest["path"])
    path = folder / "scenario.yaml"
    path.write_text(safe_dump(document), encoding="utf-8")
    return str(path)


def within(time: str, probability: str) -> dict[str, Any]:
    return {"completesWithin": {"time": time, "probability": probability}}


@pytest.mark.parametrize(
    ("objectives", "code", "said"),
    [
        (within("3h", "90%"), 0, "✔ Finishes within 3h in 100 % of runs (90.4–100)"),
        (within("3h", "99%"), 4, "? Finishes within 3h in 100 % of runs (90.4–100)"),
        (within("5m", "50%"), 1, "✘ Finishes within 5m in 0 % of runs (0–9.6)"),
        ({"completesWithin": "3h", "noStall": {"probability": "50%"}}, 0, "✔ Finishes within 3h"),
        ({"minReadyInstances": {"value": 1, "probability": "99.9%"}}, 4, "? Finishes in 100 % of runs"),
    ],
)
def test_the_exit_code_says_held_missed_or_undecided(
    tmp_path: Path, objectives: dict[str, Any], code: int, said: str
) -> None:
    done = sim("run", scenario(tmp_path, objectives=objectives), "-n", "30", "--workers", "1")
    assert (done.returncode, done.stdout.splitlines()[0][: len(said)]) == (code, said)
    assert max(len(line) for line in done.stdout.splitlines() if "kubeinfer-sim run" not in line) <= 80


@pytest.mark.parametrize(
    ("options", "method"),
    [
        (["--precision", "5%", "-n", "20"], ""),
        (["--until-decided", "-n", "20"], "; of objectives by a confidence"),
    ],
)
def test_one_count_has_one_interval(tmp_path: Path, options: list[str], method: str) -> None:
    file = scenario(tmp_path, objectives=within("2h45m", "90%"))
    done = sim("run", file, *options, "--workers", "1", "-o", "json")
    document = json.loads(done.stdout)
    (only,) = document["objectives"]
    assert only["share"] == document["allObjectives"]["share"]
    assert (only["share"]["method"] == "confidence sequence") is bool(method)
    text = " ".join(sim("run", file, *options, "--workers", "1").stdout.split())
    assert ("; of objectives by a confidence sequence" in text) is bool(method)


def test_what_is_decided_stays_decided_while_runs_are_made_for_another_objective(tmp_path: Path) -> None:
    both = within("2976s", "26%") | {"noStall": {"probability": "99%"}}
    file = scenario(tmp_path, objectives=both)
    for most in ("29", "60"):
        done = sim("run", file, "--until-decided", "-n", most, "--workers", "1", "-o", "json")
        first, other = json.loads(done.stdout)["objectives"]
        assert (done.returncode, first["result"], other["result"]) == (1, "missed", "undecided")
        assert (first["decidedAfter"], other["decidedAfter"]) == (29, None)
        assert first["share"]["high"] <= 0.26, "the interval says nothing else"
    told = " ".join(sim("run", file, "--until-decided", "-n", "60", "--workers", "1").stdout.split())
    assert "decided after 29 runs" in told


def test_what_is_not_ready_again_at_the_end_is_infinite_and_not_left_out(tmp_path: Path) -> None:
    death = {"kind": "NodeDeath", "rate": "1 per 12h", "repair": "30d", "per": "node"}
    file = scenario(tmp_path, horizon="3h", faults={"processes": [death]}, objectives={"noStall": True})
    done = sim("run", file, "-n", "40", "--workers", "1", "-o", "json")
    document = json.loads(done.stdout)
    open_ = sum(each or 0 for each in document["perRun"]["values"]["causes/NodeDeath/notRepaired"])
    (figure,) = [each for each in document["figures"] if each["name"] == "causes/NodeDeath/repairMs"]
    assert figure["cases"] - figure["finite"] == open_ > 0
    assert (figure["highest"], figure["quantiles"][-1]["value"]["value"]) == (None, None)
    told = " ".join(sim("run", file, "-n", "40", "--workers", "1").stdout.split())
    assert f"(of {figure['cases']} in {figure['runs']} runs)" in told


def test_the_one_sided_bound_that_decides_is_told(tmp_path: Path) -> None:
    done = sim("run", scenario(tmp_path, objectives=within("3200s", "38%")), "-n", "60", "--workers", "1")
    assert done.returncode == 0
    assert "decided by its one-sided bound, at least 38.7 %" in " ".join(done.stdout.split())


def test_the_confidence_is_the_scenarios(tmp_path: Path) -> None:
    file = scenario(tmp_path, objectives=within("3h", "90%"), confidence="99%")
    done = sim("run", file, "-n", "30", "--workers", "1")
    assert done.returncode == 4, "0.9^30 is 4 %, not 1 %"
    assert "intervals of 99 %" in done.stdout


def test_a_deployment_is_replicated_like_a_kubeinfer() -> None:
    done = sim("run", DEPLOYMENT, "--timings", "range", "-n", "12", "--workers", "1")
    assert done.returncode == 0
    assert "Finishes in 100 % of runs (77.9–100); half of them by" in done.stdout
    rows = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "fewest available 3 in every run" in rows
    assert "longest with none available 0s in every run" in rows


def test_the_worst_run_is_replayed_by_the_command_that_is_printed() -> None:
    done = sim("run", UPDATE, "--timings", "range", "--seed", "3", "-n", "8", "-o", "json")
    document = json.loads(done.stdout)
    schema = json.loads((ROOT / "docs" / "schemas" / "replications.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    text = sim("run", UPDATE, "--timings", "range", "--seed", "3", "-n", "8").stdout
    after = text.splitlines().index(next(line for line in text.splitlines() if "worst: seed" in line)) + 1
    program, *line = shlex.split(text.splitlines()[after])
    assert program == "kubeinfer-sim"
    alone = json.loads(sim(*line, "-o", "json").stdout)
    assert alone["scenario"]["seed"] == document["worst"]["seed"]
    place = document["perRun"]["seed"].index(document["worst"]["seed"])
    assert alone["changes"][-1]["durationMs"] == document["perRun"]["durationMs"][place]


def test_runs_that_never_finish_say_why_the_worst_of_them_does_not() -> None:
    stalled = "scenarios/full-cluster-stall.yaml"
    done = sim("run", stalled, "-n", "3")
    why = " ".join(done.stdout.split())
    assert "The update never finishes: infer-2p1d-1 needs 8 nodes" in why
    assert "no such node is free" in why
    assert "never finishes" not in sim("run", stalled, "-n", "3", "--run-timeout", "1m").stdout, (
        "it may never end"
    )
    assert "completes in" not in sim("run", UPDATE, "-n", "3").stdout


@pytest.mark.parametrize(("file", "word"), [(UPDATE, "ready"), (DEPLOYMENT, "available")])
def test_many_runs_in_which_nothing_happens_say_so_and_what_stands_against_them(
    tmp_path: Path, file: str, word: str
) -> None:
    changes = {"update": None, "actions": [{"at": "1h", "forceDelete": {}}], "initial": "running"}
    path = scenario(tmp_path, file, **changes, objectives={"minReadyInstances": 1})
    done = sim("run", path, "-n", "5", "--workers", "1")
    said = " ".join(done.stdout.split())
    assert done.returncode == 1, done.stdout + done.stderr
    assert said.startswith("✘ Nothing happens in any of 5 runs; "), said
    assert f" {word}, but in 5 of 5 an action or a fault strikes nothing: see the worst. " in said
    assert "the forced deletion at 1h strikes nothing: no pod that matched is terminating" in said


def test_rollout_replicates_too_and_the_other_forms_tell_the_same() -> None:
    line = ("rollout", "scenarios/manifests/2p1d.yaml", "--nodes", "16x8", "--timings", "range", "-n", "6")
    line += ("--set", "image=a:1", "--set-new", "image=a:2")
    text = sim(*line)
    assert (text.returncode, "Finishes in 100 % of runs (60.6–100)" in text.stdout) == (0, True)
    assert "simulated in" in text.stderr
    markdown = sim(*line, "-o", "markdown").stdout
    assert markdown.startswith("**✔ Finishes in 100 % of runs")
    assert len(markdown.splitlines()) <= 30
    assert sim(*line, "-o", "github").stdout.startswith("::notice file=scenarios/manifests/2p1d.yaml")
    assert '<testsuites tests="1" failures="0"' in sim(*line, "-o", "junit").stdout
    assert sim(*line, "-q").stdout == ""


def test_one_draw_says_that_it_is_one_and_how_to_ask_for_more() -> None:
    told = " ".join(sim("run", UPDATE, "--timings", "range").stdout.split())
    assert "stages and nodes of 15 pods drawn: this is one draw, -n 300 makes 300" in told
    constant = " ".join(sim("run", UPDATE).stdout.split())
    assert "stages constant, nodes of 15 pods drawn: this is one draw" in constant
    assert "one draw" not in sim("run", "scenarios/model-as-deployment.yaml").stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-n", "0"], "0 is not in the range"),
        (["-n", "3", "--workers", "0"], "0 is not in the range"),
        (["--workers", "2"], "--workers is about many runs: say how many with -n"),
        (["--run-timeout", "3s"], "--run-timeout is about many runs"),
        (["-n", "3", "--run-timeout", "3"], "'3' has no unit: write 3s"),
        (["-n", "3", "--precision", "5"], "expected a percentage such as 99.9%"),
        (["-n", "3", "--precision", "0%"], "expected more than 0% and less than 100%, as in 5%"),
        (["-n", "3", "--details"], "--details is about one run: give its --seed"),
        (["-n", "3", "--check-determinism"], "--check-determinism is about one run"),
        (["--until-decided"], "nothing to decide: give an objective a probability"),
        (["--until-decided", "--precision", "5%"], "give either a precision or until decided"),
    ],
)
def test_what_cannot_be_asked_for_is_an_error_that_says_what_would_be_right(
    options: list[str], message: str
) -> None:
    done = sim("run", UPDATE, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in " ".join(done.stderr.split())


def test_runs_that_take_too_long_are_named(tmp_path: Path) -> None:
    done = sim("run", scenario(tmp_path), "-n", "3", "--run-timeout", "1ms", "--workers", "1")
    assert done.returncode == 4, "nothing is known of any objective"
    assert done.stdout.startswith(
        "? No run came to an end: 3 not over after 1ms; a longer --run-timeout may tell.\n"
    )
    for seed in range(3):
        assert f"seed {seed}: not over after 1ms" in done.stdout
        assert f"scenario.yaml --seed {seed}" in done.stdout


def test_interrupted_it_prints_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def play(variant: Variant, seed: int) -> Replication:
        if seed == 5:
            signal.raise_signal(signal.SIGINT)
        return replication.play(variant, seed)

    monkeypatch.setattr("kubeinfer_sim.experiment.worker.play", play)
    done = sim("run", UPDATE, "-n", "100000", "--workers", "1")
    assert done.returncode == 130
    assert "5 runs · seeds 0-4 · interrupted: 100,000 were asked for" in " ".join(done.stdout.split())


def test_the_garbage_collector_is_left_as_it_was() -> None:
    """Or who looks for the referrers of something afterwards (`gc.get_referrers`, as Hypothesis does) gets none."""
    before = gc.get_freeze_count(), gc.get_threshold()
    assert sim("run", UPDATE, "-n", "2", "--workers", "1").returncode == 0
    assert (gc.get_freeze_count(), gc.get_threshold()) == before


def test_a_progress_bar_is_for_terminals_and_for_what_takes_longer_than_a_second(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from kubeinfer_sim.cli import progress

    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress.ProgressBar("runs") as bar:
        for done in range(1, 31):
            now[0] += 0.1
            bar.update(done, 100, lambda: "held in 98 % of runs (90–99)")
            if now[0] < 0.95:
                assert capsys.readouterr().err == ""
    shown = capsys.readouterr().err
    assert "/100" in shown
    assert "10/s" in shown
