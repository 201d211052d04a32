"""A configuration file: what a team writes once, found above the working directory."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command_line import ROOT, Done, sim

SCENARIO = """apiVersion: kubeinfer-sim/v1
kind: Scenario
metadata: {name: x}
spec:
  manifest: m.yaml
  update: {newRevision: true}
"""
FACTS = """# what holds for all of us
cluster: 8x16
kubernetesVersion: "1.34"
assumptions: {startupCrash: kubelet, progressDeadline: 40m}
"""
TOLD = "cluster 8x16 · kubernetesVersion 1.34 · assumptions.startupCrash kubelet · assumptions.progressDeadline 40m"
COMMANDS = {
    "run": ("run", "s.yaml"),
    "rollout": ("rollout", "m.yaml"),
    "compare": ("compare", "s.yaml", "--vary", "maxSurge=1,2"),
    "why": ("why", "s.yaml", "--at", "5m"),
    "pods": ("pods", "s.yaml", "--at", "5m"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a team with one for scenarios in it."""
    work = tmp_path / "work"
    work.mkdir()
    shutil.copy(ROOT / "docs" / "examples" / "qwen3.yaml", work / "m.yaml")
    (work / "s.yaml").write_text(SCENARIO, encoding="utf-8")
    return work


def configured(folder: Path, text: str = FACTS, name: str = ".kubeinfer-sim.yaml") -> None:
    (folder.parent / name).write_text(text, encoding="utf-8")


def said(done: Done) -> str:
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_report_says_what_came_from_which_file(folder: Path, command: str) -> None:
    configured(folder)
    done = sim(*COMMANDS[command], cwd=folder)
    assert done.returncode == 0, done.stderr
    assert f"From ../.kubeinfer-sim.yaml: {TOLD}" in said(done)
    document = json.loads(sim(*COMMANDS[command], "-o", "json", cwd=folder).stdout)
    assert document["configuration"] == {"file": "../.kubeinfer-sim.yaml", "facts": TOLD.split(" · ")}


@pytest.mark.parametrize("form", ["markdown", "junit"])
def test_the_other_forms_of_a_run_say_it_too(folder: Path, form: str) -> None:
    configured(folder)
    text = sim("run", "s.yaml", "-o", form, cwd=folder).stdout.replace("\\", "")
    assert f"From ../.kubeinfer-sim.yaml: {TOLD}" in text


def test_without_a_file_reports_say_nothing_of_one(folder: Path) -> None:
    done = sim("rollout", "m.yaml", "--nodes", "8x16", "-o", "json", cwd=folder)
    assert "configuration" not in json.loads(done.stdout)
    assert "From" not in sim("rollout", "m.yaml", "--nodes", "8x16", cwd=folder).stdout


def test_the_flag_leaves_it_out(folder: Path) -> None:
    configured(folder)
    assert '"cluster" is required' in sim("run", "s.yaml", "--no-config", cwd=folder).told
    done = sim("rollout", "m.yaml", "--nodes", "8x16", "--no-config", "-o", "json", cwd=folder)
    assert "configuration" not in json.loads(done.stdout)


def test_the_scenario_and_the_command_line_go_before_it(folder: Path) -> None:
    configured(folder)
    own = "  cluster: 9x8\n  assumptions: {startupCrash: rebuild}\n"
    (folder / "s.yaml").write_text(SCENARIO + own, encoding="utf-8")
    document = json.loads(sim("run", "s.yaml", "-o", "json", cwd=folder).stdout)
    assert (document["scenario"]["nodes"], document["scenario"]["kubernetesVersion"]) == (9, "1.34")
    values = {each["name"]: each["value"] for each in document["assumptions"]}
    assert (values["startupCrash"], values["progressDeadline"]) == ("rebuild", "40m")
    assert document["configuration"]["facts"] == [
        "kubernetesVersion 1.34",
        "assumptions.progressDeadline 40m",
    ]
    done = sim("rollout", "m.yaml", "--nodes", "7x8", "--timings", "range", "-o", "json", cwd=folder)
    document = json.loads(done.stdout)
    assert document["scenario"]["nodes"] == 7
    assert not any(fact.startswith("cluster") for fact in document["configuration"]["facts"])


def test_a_knob_goes_before_it(folder: Path) -> None:
    configured(folder)
    done = sim("compare", "s.yaml", "--vary", "cluster=8x16,2x16", "-o", "json", cwd=folder)
    document = json.loads(done.stdout)
    assert [each["name"] for each in document["variants"]] == ["cluster=8x16", "cluster=2x16"]
    assert not any(fact.startswith("cluster") for fact in document["configuration"]["facts"])


def test_timings_of_roles_that_a_scenario_does_not_have_are_for_others(folder: Path) -> None:
    configured(folder, "cluster: 8x16\ntimings: {profile: zero, roles: {elsewhere: {weights: 1h}}}\n")
    done = sim("run", "s.yaml", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "timings" in said(done)


def test_files_in_it_are_found_from_where_it_stands(folder: Path) -> None:
    pools = "pools: [{name: a, count: 6, allocatable: {huawei.com/ascend-1980: 16}, labels: {accelerator/huawei-npu: ascend-1980}}]"
    cluster = f"apiVersion: kubeinfer-sim/v1\nkind: Cluster\nmetadata: {{name: c}}\nspec: {{{pools}}}\n"
    (folder.parent / "nodes").write_text(cluster, encoding="utf-8")
    configured(folder, "cluster: nodes\n")
    document = json.loads(sim("run", "s.yaml", "-o", "json", cwd=folder).stdout)
    assert document["scenario"]["nodes"] == 6


def test_validate_lints_for_its_cluster_and_checks_scenarios_with_it(folder: Path) -> None:
    configured(folder, "cluster: 2x16\n")
    done = sim("validate", "m.yaml", "s.yaml", cwd=folder)
    assert "linted for cluster 2x16 from ../.kubeinfer-sim.yaml" in said(done)
    document = json.loads(sim("validate", "m.yaml", "s.yaml", "-o", "json", cwd=folder).stdout)
    assert document["configuration"] == {"file": "../.kubeinfer-sim.yaml", "facts": ["cluster 2x16"]}
    assert document["files"] == [{"file": "s.yaml", "kind": "Scenario"}]
    assert any(each["code"] == "KI017" for each in document["findings"]) == any(
        each["code"] == "KI017"
        for each in json.loads(sim("validate", "m.yaml", "--nodes", "2x16", "-o", "json", cwd=folder).stdout)[
            "findings"
        ]
    )


def test_the_table_in_a_pyproject_is_the_same(folder: Path) -> None:
    table = '[tool.kubeinfer-sim]\ncluster = "8x16"\nkubernetesVersion = "1.34"\n\n[tool.kubeinfer-sim.assumptions]\n'
    configured(folder, f'{table}startupCrash = "kubelet"\nprogressDeadline = "40m"\n', "pyproject.toml")
    document = json.loads(sim("run", "s.yaml", "-o", "json", cwd=folder).stdout)
    assert document["configuration"] == {"file": "../pyproject.toml", "facts": TOLD.split(" · ")}


@pytest.mark.parametrize(
    "text", ["[project]\nname = 'kubeinfer-sim-plans'\n", "[tool.black]\n", "no TOML = = kubeinfer-sim\n"]
)
def test_other_projects_files_are_no_business_of_ours(folder: Path, text: str) -> None:
    configured(folder, text, "pyproject.toml")
    assert sim("rollout", "m.yaml", "--nodes", "8x16", "-q", cwd=folder).returncode == 0


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (".kubeinfer-sim.yaml", "cluster: 8x16\nclster: 1\n", '../.kubeinfer-sim.yaml:2:1: error: clster: unknown field; did you mean "cluster"?'),
        (".kubeinfer-sim.yaml", "a:\n  cluster: [\n", "../.kubeinfer-sim.yaml:"),
        (".kubeinfer-sim.yaml", "- cluster\n", "../.kubeinfer-sim.yaml:1:1: error: expected a mapping"),
        (".kubeinfer-sim.yaml", "cluster: 8x16\nassumptions: {startupCrash: kubelt}\n", "../.kubeinfer-sim.yaml:2:29: error: assumptions.startupCrash"),
        (".kubeinfer-sim.yaml", "# c\ncluster: nodes.json\n", "../.kubeinfer-sim.yaml:2:10: error: cluster: cannot read ../nodes.json: no such file"),
        (".kubeinfer-sim.yaml", "cluster: 8x16\n---\ncluster: 8x16\n", "expected one document, found 2"),
        (".kubeinfer-sim.yaml", "cluster: 8x16\nkubernetesVersion: 1.34\n", "../.kubeinfer-sim.yaml:2:20: error: kubernetesVersion: a version is a text"),
        ("pyproject.toml", "[tool.kubeinfer-sim]\ncluster = 8x16\n", "../pyproject.toml:2:12: error: TOML syntax"),
        ("pyproject.toml", '[tool.kubeinfer-sim]\ncluster = "8x16"\ntimings.weights = "5 minutes"\n', "../pyproject.toml:3:19: error: timings.weights: '5 minutes': write 5m"),
        ("pyproject.toml", "[tool]\nkubeinfer-sim = 3\n", "tool.kubeinfer-sim is a table"),
        ("pyproject.toml", f"[tool.kubeinfer-sim]\ncluster = {'9' * 5000}\n", "../pyproject.toml:2:11: error: TOML: a number of 5,000 digits is too long"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["run", "rollout", "validate"])
def test_what_is_wrong_with_it_has_its_file_and_line(
    folder: Path, command: str, name: str, text: str, says: str
) -> None:
    configured(folder, text, name)
    line = {"run": ("run", "s.yaml"), "rollout": ("rollout", "m.yaml"), "validate": ("validate", "m.yaml")}
    done = sim(*line[command], cwd=folder)
    assert done.returncode == 2
    assert says in said(done)


def test_two_files_in_one_folder_are_one_too_many(folder: Path) -> None:
    configured(folder)
    configured(folder, "[tool.kubeinfer-sim]\n", "pyproject.toml")
    done = sim("run", "s.yaml", cwd=folder)
    assert done.returncode == 2
    assert "keep one of the two" in said(done)


def test_the_nearest_one_counts(folder: Path) -> None:
    configured(folder)
    (folder / ".kubeinfer-sim.yaml").write_text("cluster: 5x16\n", encoding="utf-8")
    document = json.loads(sim("run", "s.yaml", "-o", "json", cwd=folder).stdout)
    assert document["configuration"] == {"file": ".kubeinfer-sim.yaml", "facts": ["cluster 5x16"]}


def test_a_second_run_in_another_process_finds_it_too(folder: Path) -> None:
    configured(folder)
    done = sim("run", "s.yaml", "--check-determinism", "-q", cwd=folder)
    assert done.returncode == 0, done.stderr
    done = sim("rollout", "m.yaml", "--nodes", "8x16", "--no-config", "--check-determinism", cwd=folder)
    assert done.returncode == 0, done.stderr
