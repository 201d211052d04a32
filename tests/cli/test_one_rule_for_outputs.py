"""`-o`, `--json` and `--output` mean the same wherever they are: a table of all commands."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import click
import pytest
from command_line import ROOT, sim
from kubectl_objects import listed, pod
from report.html.pages import small_bundle

from kubeinfer_sim.cli.group import COMMANDS, cli

__all__ = ["small_bundle"]

#: Every command: a line that works, what `-o` may be, whether there is `--json FILE`, the kind of the document.
LINES: dict[str, tuple[str, tuple[str, ...], bool, str]] = {
    "run": ("s.yaml", ("text", "json", "markdown", "junit", "github", "html", "openmetrics"), True, "Result"),
    "rollout": (
        "m.yaml --nodes 8x16",
        ("text", "json", "markdown", "junit", "github", "html", "openmetrics"),
        True,
        "Result",
    ),
    "compare": ("s.yaml --vary maxSurge=0,1", ("text", "json", "markdown", "html"), True, "Comparison"),
    "plan": ("o.yaml --vary nodes=8,16", ("text", "json", "markdown", "html"), True, "Plan"),
    "backtest": ("u.yaml l.json", ("text", "json", "markdown", "html"), True, "Backtest"),
    "sensitivity": (
        "s.yaml -n 1 --workers 1",
        ("text", "json", "markdown", "html"),
        True,
        "Sensitivity",
    ),
    "sweep": (
        "s.yaml --vary maxSurge=0,1",
        ("text", "json", "csv", "markdown", "html"),
        True,
        "Sweep",
    ),
    "recommend": (
        "m.yaml --nodes 8x16 -n 2",
        ("text", "json", "markdown", "html"),
        True,
        "Recommendation",
    ),
    "fuzz": (
        "s.yaml --any-single-fault --faults NodeDeath --workers 1",
        ("text", "json", "markdown", "junit", "html"),
        True,
        "Fuzz",
    ),
    "diff": ("m.yaml m.yaml", ("text", "json", "markdown"), True, "Diff"),
    "why": ("s.yaml --at 1m", ("text", "json"), True, "Why"),
    "pods": ("s.yaml", ("text", "wide", "json", "yaml", "kubectl"), True, "Pods"),
    "events": ("s.yaml", ("text", "json"), False, "List"),
    "results": ("runs.db", ("text", "csv", "json"), True, "Rows"),
    "validate": ("m.yaml", ("text", "json", "sarif", "github", "junit"), True, "Findings"),
    "explain": ("", ("text", "markdown"), False, ""),
    "calibrate": ("past.json", ("yaml", "json"), False, "Timings"),
    "init": ("scenario m.yaml --nodes 8x16", (), False, ""),
    "schema": ("scenario", (), False, ""),
    "completion": ("bash", (), False, ""),
}
SCENARIO = """apiVersion: kubeinfer-sim/v1
kind: Scenario
metadata: {name: x}
spec: {manifest: m.yaml, cluster: 8x16, horizon: 1m}
"""
UPDATE = SCENARIO.replace("horizon: 1m", "update: {newRevision: true}")
PAST = {
    "status": {
        "phase": "Running",
        "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:01Z"},
            {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:20:00Z"},
        ],
        "containerStatuses": [{"name": "c", "state": {"running": {"startedAt": "2026-01-01T00:05:00Z"}}}],
    }
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("outputs")
    shutil.copy(ROOT / "docs" / "examples" / "qwen3.yaml", made / "m.yaml")
    (made / "s.yaml").write_text(SCENARIO, encoding="utf-8")
    (made / "o.yaml").write_text(
        f"{SCENARIO.rstrip()[:-1]}, objectives: {{minReadyInstances: 0}}}}\n", encoding="utf-8"
    )
    (made / "past.json").write_text(listed({**pod("a"), **PAST}), encoding="utf-8")
    (made / "u.yaml").write_text(UPDATE, encoding="utf-8")
    happened = []
    for revision, created in (("old", "2025-12-31T00:00:00Z"), ("new", "2026-01-01T00:00:00Z")):
        labels = {"controller-revision-hash": revision}
        name = f"infer-qwen3-mix-{len(happened)}-role0-0"
        happened.append({**pod(name, namespace="default", labels=labels), **PAST})
        happened[-1]["metadata"]["creationTimestamp"] = created
    (made / "l.json").write_text(listed(*happened), encoding="utf-8")
    assert sim("run", "s.yaml", "-n", "2", "-q", "--store", "runs.db", cwd=made).returncode in (0, 1)
    return made


def files(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def test_the_table_has_every_command_with_the_forms_it_names() -> None:
    assert set(LINES) == set(COMMANDS)
    for name, (_, forms, to_file, _) in LINES.items():
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        types = [each.type for each in command.params if each.name == "form"]
        named = [tuple(each.choices) for each in types if isinstance(each, click.Choice)]
        if name != "calibrate":
            assert named == ([forms] if forms else [])
        assert any("--json" in each.opts for each in command.params) == to_file


@pytest.mark.parametrize("name", [name for name, line in LINES.items() if "json" in line[1]])
def test_json_on_standard_output_is_one_document_of_ours_and_no_file(folder: Path, name: str) -> None:
    line, _, to_file, kind = LINES[name]
    before = files(folder)
    done = sim(name, *line.split(), "-o", "json", cwd=folder)
    assert done.returncode in (0, 1), done.stderr
    document = json.loads(done.stdout)
    # A List is what kubectl writes.
    api = "v1" if kind == "List" else "kubeinfer-sim/v1"
    assert (document["apiVersion"], document["kind"]) == (api, kind)
    assert files(folder) == before
    if not to_file:
        return
    # The same in a file, written over when it is there again, and on standard output where `-` is.
    for _ in range(2):
        written = sim(name, *line.split(), "--json", "out.json", cwd=folder)
        assert written.returncode == done.returncode
    assert (folder / "out.json").read_text(encoding="utf-8") == done.stdout
    (folder / "out.json").unlink()
    assert sim(name, *line.split(), "--json", "-", cwd=folder).stdout == done.stdout


@pytest.mark.parametrize("name", [name for name, line in LINES.items() if line[1]])
def test_a_form_is_one_of_those_of_the_command_and_never_a_file(folder: Path, name: str) -> None:
    line, forms, _, _ = LINES[name]
    before = files(folder)
    for form in {"text", "json", "yaml", "markdown", "csv", "junit", "github", "sarif", "html", "jsn"} - set(
        forms
    ):
        done = sim(name, *line.split(), "-o", form, cwd=folder)
        assert (done.returncode, done.stdout) == (2, "")
        assert all(repr(each) in done.told for each in forms)
    for form in forms:
        assert sim(name, *line.split(), "-o", form, cwd=folder).returncode in (0, 1)
    assert files(folder) == before


@pytest.mark.parametrize("name", [name for name in LINES if name != "calibrate"])
def test_output_is_the_option_of_calibrate_alone_and_elsewhere_told_what_takes_its_place(
    folder: Path, name: str
) -> None:
    line, forms, to_file, _ = LINES[name]
    before = files(folder)
    done = sim(name, *line.split(), "--output", "out.json", cwd=folder)
    assert done.returncode == 2
    assert ("-o FORM says what goes to standard output" in done.told) == bool(forms)
    assert ("--json FILE writes a file besides" in done.told) == to_file
    assert files(folder) == before


def test_calibrate_writes_its_file_where_output_says(folder: Path) -> None:
    printed = sim("calibrate", "past.json", cwd=folder)
    assert sim("calibrate", "past.json", "-o", "yaml", cwd=folder).stdout == printed.stdout
    assert sim("calibrate", "past.json", "--output", "t.yaml", cwd=folder).stdout == ""
    assert (folder / "t.yaml").read_text(encoding="utf-8") == printed.stdout
    (folder / "t.yaml").unlink()
    done = sim("calibrate", "past.json", "-o", "json", "--output", "t.yaml", cwd=folder)
    assert (done.returncode, (folder / "t.yaml").exists()) == (2, False)
    assert "give one of them" in done.told


def test_an_answer_in_sql_is_a_document_too(folder: Path) -> None:
    line = ("results", "runs.db", "--sql", "SELECT count(*) AS n FROM runs")
    assert json.loads(sim(*line, "-o", "json", cwd=folder).stdout)["rows"] == [{"n": 2}]


def test_a_store_is_one_file_once_the_campaign_is_over_also_for_whom_reads_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for line in ("run s.yaml -n 3 -q --store one.db", "results one.db", "results one.db -o csv"):
        assert sim(*line.split(), cwd=folder).returncode in (0, 1)
        assert [each for each in files(folder) if each.startswith("one.db")] == ["one.db"]
    monkeypatch.setattr("kubeinfer_sim.experiment.store.READERS_MS", 50)
    with closing(sqlite3.connect(folder / "one.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM runs").fetchall()
        done = sim(*["run", "s.yaml", "-n", "4", "-q", "--store", "one.db"], cwd=folder)
        assert (done.returncode, "somebody reads it" in done.told) == (2, True)
    assert sim(*["run", "s.yaml", "-n", "4", "-q", "--store", "one.db"], cwd=folder).returncode in (0, 1)
    assert "4 runs" in sim("results", "one.db", cwd=folder).stdout
