"""Whatever a user writes: the invariants hold, every report can be written, and the commands come to an end.

A sample runs in every CI. `--sweep` runs a part of the twenty thousand, `--sweep --whole` all of them; the same
ones each time with the same version of Hypothesis. A scenario takes about 80 ms: all of them a quarter of an hour on two cores.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import pytest
from command_line import ROOT
from hypothesis import given, settings
from sweeps import blocks
from testing.generated import UNHURRIED, for_each, generated
from testing.limits import RunsTooLong, limits

from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.metrics.cause_kinds import ORDERS, record_name
from kubeinfer_sim.report.result import build_result
from kubeinfer_sim.report.terminal import render
from kubeinfer_sim.report.verdict import Assessment, assess
from kubeinfer_sim.report.why import moment_of, render_why
from kubeinfer_sim.report.why_result import why_json
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate
from kubeinfer_sim.testing.invariants import (
    checked,
    same_beside_an_inert_action,
    same_beside_an_unused_pool,
    same_in_any_order,
    same_twice,
)
from kubeinfer_sim.testing.strategies import WrittenScenario, scenarios

#: Blocks of so many scenarios each.
BLOCK, BLOCKS = 200, 100
#: End to end: so many, in parts of so many.
COMMANDS, PART = 500, 25
#: Processor time and memory that each scenario, and each command, may take.
SECONDS, MEGABYTES = 60, 2048

WHY = jsonschema.Draft202012Validator(
    json.loads((ROOT / "docs" / "schemas" / "why.schema.json").read_text("utf-8"))
)


# -- invariants and reports -----------------------------------------------------------------------------------


def check(written: WrittenScenario, *, twice: bool = False) -> None:
    with limits(SECONDS, MEGABYTES):
        run = checked(written.load())
        assessment = assess(run)
        assert max(map(len, render(assessment).splitlines())) <= 80
        build_result(assessment)
        nothing_is_unknown(assessment)
        why_answers(run, Random(run.history.total))
        if twice:
            same_twice(run.scenario, run)


def check_twice(written: WrittenScenario) -> None:
    check(written, twice=True)


def nothing_is_unknown(assessment: Assessment) -> None:
    """Every cause is the beginning of its chain and something people know; every stage is one of those told."""
    for each in assessment.causes:
        record, kind = each.began_with, each.kind
        assert record is assessment.run.history[each.cause]
        assert record.cause == NO_CAUSE
        # Of what has no name of its own the type is told: a person's doing (out of service).
        told = kind in ORDERS or kind != record_name(record) or kind == "node out of service"
        assert told, kind
    for life in assessment.measures.instances:
        for pod in life.pods:
            for span in pod.spans:
                assert "unknown" not in str(span.stage).lower()


def why_answers(run: Run, rng: Random) -> None:
    for at in (0, run.ended_at, rng.randrange(run.ended_at + 1)):
        moment = moment_of(run, f"{at}ms", None)
        text = render_why(run, moment, None)
        assert max(map(len, text.splitlines())) <= 80
        assert "in stage" not in text
        document = json.loads(why_json(run, moment))
        WHY.validate(document)
        for each in document["instances"]:
            # What is not ready has a cause; only what was so from the very beginning has none before it.
            assert each["state"] == "ready" or each["causes"] or each["sinceMs"] == 0


@settings(UNHURRIED, max_examples=25)
@given(scenarios("small"))
def test_invariants_hold_in_small_scenarios(scenario: WrittenScenario) -> None:
    check_twice(scenario)


@settings(UNHURRIED, max_examples=20)
@given(scenarios("medium"))
def test_invariants_hold_in_scenarios_with_much_at_once(scenario: WrittenScenario) -> None:
    check(scenario)


@pytest.mark.parametrize("block", blocks(BLOCKS, of_ci=5))
def test_invariants_hold_in_twenty_thousand_scenarios(block: int) -> None:
    for_each("small" if block % 5 == 4 else "medium", block, BLOCK, check)


@pytest.mark.sweep
@pytest.mark.parametrize("block", range(2))
def test_the_same_scenario_gives_the_same_bytes_in_a_hundred_ways(block: int) -> None:
    for_each("medium", 1000 + block, 50, check_twice)


def check_order(written: WrittenScenario, folder: Path) -> None:
    same_in_any_order(WrittenScenario.read(written.write(folder)).files["scenario.yaml"][0])


def test_the_order_of_keys_changes_nothing(tmp_path: Path) -> None:
    for_each("small", 1100, 6, lambda written: check_order(written, tmp_path))


@pytest.mark.sweep
def test_the_order_of_keys_changes_nothing_in_eighty_scenarios(tmp_path: Path) -> None:
    for_each("medium", 1101, 80, lambda written: check_order(written, tmp_path))


def check_beside(written: WrittenScenario, folder: Path) -> None:
    """Neither a pool that nothing fits on nor an action that nobody heeds changes what pods go through."""
    run = simulate(written.load())
    same_beside_an_unused_pool(run.scenario, run)
    document = WrittenScenario.read(written.write(folder)).files["scenario.yaml"][0]
    same_beside_an_inert_action(document, run.ended_at // 2)


def test_what_nobody_uses_or_heeds_changes_nothing(tmp_path: Path) -> None:
    for_each("small", 1102, 3, lambda written: check_beside(written, tmp_path))


def test_how_long_a_crash_loop_is_played_is_no_life_of_a_pod() -> None:
    """It is given up so long after something else was last done in it; the action is something else."""
    probe = {"httpGet": {"path": "/health", "port": 9000}, "periodSeconds": 10, "failureThreshold": 30}
    npus = {"huawei.com/ascend-1980": 8}
    container = {
        "name": "engine",
        "image": "repo/vllm:v1",
        "startupProbe": probe,
        "resources": {"limits": npus},
    }
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    head = {"apiVersion": "kubeinfer-sim/v1", "kind": "Scenario", "metadata": {"name": "loop"}}
    same_beside_an_inert_action({**head, "spec": {"manifest": manifest, "cluster": "1x8"}}, 7_200_000)


@pytest.mark.sweep(whole=True)
def test_what_nobody_uses_or_heeds_changes_nothing_in_sixty_scenarios(tmp_path: Path) -> None:
    for_each("medium", 1103, 60, lambda written: check_beside(written, tmp_path))


def test_a_scenario_that_does_not_end_is_found_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args: object) -> object:
        return next(value for value in itertools.repeat(1) if value is None)

    monkeypatch.setitem(globals(), "checked", never)
    monkeypatch.setitem(globals(), "SECONDS", 0.1)
    with pytest.raises(RunsTooLong, match=r"goes on after 0\.1 s"):
        for_each("small", 1, 1, check)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on the address space holds on Linux")
def test_a_scenario_that_takes_all_memory_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "checked", lambda scenario: bytearray(MEGABYTES << 21))
    with pytest.raises(MemoryError):
        for_each("small", 1, 1, check)


@pytest.mark.parametrize("story", sorted((ROOT / "scenarios").glob("*.yaml")), ids=lambda path: path.stem)
def test_invariants_hold_in_every_story(story: Path) -> None:
    run = checked(load_scenario(str(story)))
    why_answers(run, Random(story.stem))


# -- end to end -----------------------------------------------------------------------------------------------


def commands(written: WrittenScenario, folder: Path) -> list[tuple[str, list[str]]]:
    """What a user types with such a scenario."""
    folder.mkdir()
    written.write(folder)
    cluster = []
    if "nodes.json" in written.files:
        cluster = ["--cluster", "nodes.json"]
        cluster += ["--pods", "pods.json"] if "pods.json" in written.files else []
    lines = [
        ["validate", "scenario.yaml"],
        ["run", "scenario.yaml", *cluster, "--json", "result.json"],
        ["run", "scenario.yaml", *cluster, "-o", "json"],
        ["pods", "scenario.yaml", "--at", "0s"],
        ["why", "scenario.yaml", "--at", "0s"],
    ]
    return [(str(folder), line) for line in lines]


def run_limited(lines: list[tuple[str, list[str]]]) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-P", str(Path(__file__).parent / "limited.py"), str(SECONDS), str(MEGABYTES)],
        input=json.dumps(lines),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def check_end_to_end(profile: str, number: int, count: int, folder: Path) -> None:
    lines: list[tuple[str, list[str]]] = []
    for place, written in enumerate(generated(profile, number, count)):
        lines += commands(written, folder / f"{number}-{place}")
    for (where, words), done in zip(lines, run_limited(lines), strict=True):
        said = f"{where}: {' '.join(words)}: {done}"
        # 1: what was asked for does not hold; anything else is an error of input that there is none of, or ours.
        assert done["code"] in ((0, 1) if words[0] == "run" else (0,)), said
        assert not done["err"] or "Traceback" not in done["err"], said
        if "-o" in words:
            first = json.loads((Path(where) / "result.json").read_text("utf-8"))
            assert json.loads(done["out"]) == first, said


def test_commands_end_and_say_what_they_should(tmp_path: Path) -> None:
    check_end_to_end("medium", 7, 3, tmp_path)


@pytest.mark.parametrize("part", blocks(COMMANDS // PART, of_ci=3))
def test_commands_end_with_five_hundred_scenarios(part: int, tmp_path: Path) -> None:
    check_end_to_end("medium", 5000 + part, PART, tmp_path)


def test_a_command_that_does_not_end_is_killed_at_its_limit(tmp_path: Path) -> None:
    script = Path(__file__).parent / "limited.py"
    code = (
        f"import runpy, sys; sys.argv[1:] = ['1', '2048']; import kubeinfer_sim.cli.main\n"
        f"def never(words):\n    while True: pass\n"
        f"sys.modules['kubeinfer_sim.cli.main'].run = never\nrunpy.run_path({str(script)!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        input=json.dumps([[str(tmp_path), ["run"]]]),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    (only,) = json.loads(done.stdout)
    assert only["code"] < 0
    assert only["seconds"] < 5
