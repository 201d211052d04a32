"""`init scenario` and `init ci`: the files hold what they say, and what pipelines run is run here, step by step."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from field.user import Raw, User, asking, bare_pod, both, deployment, kubeinfer
from kubectl_objects import listed, node

PLUGIN = "kubeinfer_sim.testing.plugin"
NPUS = asking(npu=8)
CI = ("init", "ci", "m.yaml", "--nodes", "3x8")
FILES = [
    "kubeinfer-sim/m.scenario.yaml",
    "kubeinfer-sim/test_near_m.py",
    ".github/workflows/kubeinfer-sim.yml",
    ".gitlab/kubeinfer-sim.yml",
    ".gitlab-ci.yml",
    ".pre-commit-config.yaml",
]


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


def there(user: User) -> set[str]:
    files = (each for each in user.folder.rglob("*") if each.is_file())
    return {each.relative_to(user.folder).as_posix() for each in files} - {"m.yaml"}


def read(user: User, name: str) -> Any:
    return yaml.safe_load((user.folder / name).read_text(encoding="utf-8"))


def words(text: str) -> str:
    """Comments as they are read, over the ends of lines."""
    return " ".join(text.replace("#", " ").split())


def spec_of(user: User, name: str = FILES[0]) -> Raw:
    spec: Raw = read(user, name)["spec"]
    return spec


# -- a first scenario --------------------------------------------------------------------------------------


@both
def test_a_first_scenario_holds_the_objectives_it_asks_for(user: User, workload: Callable[..., Raw]) -> None:
    user.has("m.yaml", workload({**NPUS, "image": "${image}"}, replicas=3))
    line = ("init", "scenario", "m.yaml", "--nodes", "3x8", "--set", "image=repo/vllm:1.10")
    made = user.types(*line, "--write-scenario", "s.yaml")
    assert made.returncode == 0, made.stderr
    assert "✔" in made.told
    text = (user.folder / "s.yaml").read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) <= 80
    assert "An update may leave 2 of 3 ready; the fewest here are 2." in text
    spec = spec_of(user, "s.yaml")
    assert spec["objectives"]["minReadyInstances"] == 2
    assert spec["manifest"] == {"path": "m.yaml", "set": {"image": "repo/vllm:1.10"}}
    # A field of the spec or of the objectives has a line of why above it.
    lines = text.partition("spec:\n")[2].splitlines()
    fields = [
        place for place, each in enumerate(lines) if re.match(r"  \w+:|    (set|min\w+|com\w+|no\w+):", each)
    ]
    assert len(fields) == 12
    assert all(lines[place - 1].lstrip().startswith("#") for place in fields)
    done = user.types("run", "s.yaml")
    assert done.returncode == 0, done.stdout
    assert ("✔ held" in done.stdout, "missed" in done.stdout) == (True, False)
    assert user.types(*line).stdout == text.replace("s.yaml", "scenario.yaml")


def test_of_a_deployment_whose_deadline_goes_by_that_is_told_and_not_asked_for(user: User) -> None:
    made = deployment(NPUS, replicas=3)
    made["spec"]["progressDeadlineSeconds"] = 10
    user.has("m.yaml", made)
    done = user.types("init", "scenario", "m.yaml", "--nodes", "3x8")
    assert done.returncode == 0
    assert "noStall: Its progressDeadlineSeconds go by here" in done.told
    assert "    # noStall: true\n" in done.stdout


def test_what_never_finishes_is_told_and_stands_there_as_a_comment(user: User) -> None:
    user.has("m.yaml", kubeinfer(NPUS, replicas=3, surge=1))
    done = user.types("init", "scenario", "m.yaml", "--nodes", "3x8")
    assert done.returncode == 1
    assert "✘ The update never finishes" in done.told
    assert "chat: completes: The update does not complete here." in done.told
    assert "    # completes: true\n" in done.stdout
    (user.folder / "s.yaml").write_text(done.stdout, encoding="utf-8")
    assert spec_of(user, "s.yaml")["objectives"] == {"minReadyInstances": 3}
    ran = user.types("run", "s.yaml")
    assert (ran.returncode, "✔ held" in ran.stdout) == (1, True)


def test_what_no_run_can_judge_is_no_objective(user: User) -> None:
    """Without instances a KubeInfer's update completes nothing; a Deployment's is complete at once (as kubectl says)."""
    user.has("m.yaml", kubeinfer(NPUS, replicas=0))
    done = user.types("init", "scenario", "m.yaml", "--nodes", "3x8", "--write-scenario", "s.yaml")
    assert done.returncode == 1
    assert "no run judges completesWithin" in (user.folder / "s.yaml").read_text(encoding="utf-8")
    assert spec_of(user, "s.yaml")["objectives"] == {"noStall": True}
    assert "open" not in user.types("run", "s.yaml").stdout
    user.has("m.yaml", deployment(NPUS, replicas=0))
    done = user.types("init", "scenario", "m.yaml", "--nodes", "3x8", "--write-scenario", "d.yaml")
    assert done.returncode == 0
    assert spec_of(user, "d.yaml")["objectives"]["completesWithin"] == "1m"
    assert "held    completes within 1m" in user.types("run", "d.yaml").stdout


def test_fewer_ready_than_an_update_may_leave_are_written_as_measured(user: User) -> None:
    user.has("m.yaml", kubeinfer(NPUS, replicas=3))
    done = user.types("init", "scenario", "m.yaml", "--nodes", "1x8")
    assert done.returncode == 1
    assert "may leave 2 of 3 ready, but only 1 is, at 0s: this is as measured" in done.told
    assert "    minReadyInstances: 1\n" in done.stdout


def test_each_workload_of_a_manifest_is_updated_and_has_its_own_objectives(user: User) -> None:
    router = deployment({}, replicas=2)
    router["metadata"]["name"] = "router"
    user.has("m.yaml", kubeinfer(NPUS, replicas=2), router)
    assert user.types(*CI).returncode == 0
    spec = spec_of(user)
    assert [each["object"] for each in spec["actions"]] == ["KubeInfer/chat", "Deployment/router"]
    assert spec["objectives"]["minReadyInstances"] == 1
    assert spec["objectives"]["objects"]["Deployment/router"]["minReadyInstances"] == 1
    assert user.types("run", FILES[0]).returncode == 0
    property_test = (user.folder / FILES[1]).read_text(encoding="utf-8")
    assert 'assert min_ready(run, "Deployment/router") >= 1' in property_test


def test_nodes_that_the_configuration_gives_are_left_to_it(user: User) -> None:
    (user.folder / ".kubeinfer-sim.yaml").write_text("cluster: 3x8\n", encoding="utf-8")
    user.has("m.yaml", kubeinfer(NPUS, replicas=2))
    assert user.types("init", "ci", "m.yaml").returncode == 0
    assert "cluster" not in spec_of(user)
    assert user.types("run", FILES[0]).returncode == 0
    assert "configuration=find_configuration()" in (user.folder / FILES[1]).read_text(encoding="utf-8")
    without = user.types("init", "scenario", "m.yaml", "--no-config")
    assert (without.returncode, "give the nodes either as --nodes 8x8" in without.told) == (2, True)


@both
def test_how_long_an_update_may_take_is_said_to_come_of_one_draw_only_where_something_is_drawn(
    user: User, workload: Callable[..., Raw]
) -> None:
    user.has("m.yaml", workload(NPUS, replicas=2))
    line = ("init", "scenario", "m.yaml", "--nodes", "3x8")
    said = "That is one draw, of this seed: `run -n 300` tells how long others take."
    assert said not in words(user.types(*line).stdout)
    (user.folder / ".kubeinfer-sim.yaml").write_text("timings: {profile: range}\n", encoding="utf-8")
    drawn = user.types(*line).stdout
    assert said in words(drawn.partition("completesWithin:")[0])
    assert max(map(len, drawn.splitlines())) <= 80


def test_nodes_and_values_from_files_are_named_as_seen_from_the_scenario(user: User) -> None:
    user.has("m.yaml", kubeinfer({**NPUS, "args": ["${args}"]}, replicas=2))
    nodes = listed(*(node(f"n-{i}", npus=8) for i in range(3)))
    (user.folder / "nodes.json").write_text(nodes, encoding="utf-8")
    (user.folder / "args.txt").write_text("serve: now\n", encoding="utf-8")
    done = user.types("init", "ci", "m.yaml", "--cluster", "nodes.json", "--set-file", "args=args.txt")
    assert done.returncode == 0, done.stderr
    assert spec_of(user)["manifest"] == {"path": "../m.yaml", "setFile": {"args": "../args.txt"}}
    assert spec_of(user)["cluster"] == "../nodes.json"
    assert user.types("run", FILES[0]).returncode == 0


# -- what is there -----------------------------------------------------------------------------------------


def test_nothing_that_is_there_is_written_over_and_what_it_lacks_is_told(user: User) -> None:
    user.has("m.yaml", kubeinfer(NPUS, replicas=2))
    mine = user.types("init", "scenario", "m.yaml", "--nodes", "3x8").stdout
    own = {
        ".gitlab-ci.yml": "stages: [test]\n",
        FILES[0]: mine.replace("path: m.yaml", "path: ../m.yaml") + "# mine\n",
        ".pre-commit-config.yaml": "repos: []\n",
    }
    for name, text in own.items():
        (user.folder / name).parent.mkdir(exist_ok=True)
        (user.folder / name).write_text(text, encoding="utf-8")
    done = user.types(*CI)
    assert done.returncode == 0, done.stderr
    assert "There already, and left as it is" in done.stdout
    assert ".gitlab-ci.yml, to which this is to be added:\n    include:\n" in done.stdout
    for name, text in own.items():
        assert (user.folder / name).read_text(encoding="utf-8") == text
    assert there(user) == {*own, ".github/workflows/kubeinfer-sim.yml", ".gitlab/kubeinfer-sim.yml"}
    # Another manifest joins them; what pipelines run is the folder.
    user.has("n.yaml", kubeinfer(NPUS, replicas=1))
    more = user.types("init", "ci", "n.yaml", "--nodes", "3x8")
    assert more.returncode == 0
    assert {"kubeinfer-sim/n.scenario.yaml", "kubeinfer-sim/test_near_n.py"} <= there(user)
    again = user.types("init", "scenario", "m.yaml", "--nodes", "3x8", "--write-scenario", FILES[0])
    assert (again.returncode, "is there already" in again.told) == (2, True)


@both
def test_a_scenario_that_is_there_is_played_as_it_stands(user: User, workload: Callable[..., Raw]) -> None:
    user.has("m.yaml", workload(NPUS, replicas=3, surge=1))
    line = ("init", "ci", "m.yaml", "--pipelines", "github")
    assert user.types(*line, "--nodes", "4x8").returncode == 0
    again = user.types(*line, "--nodes", "4x8")
    assert again.returncode == 0
    assert f"{FILES[0]}: ✔ The update" in again.stdout
    for nodes in ("8y8", "0x8"):
        assert user.types(*line, "--nodes", nodes).returncode == 2
    text = (user.folder / FILES[0]).read_text(encoding="utf-8")
    (user.folder / FILES[0]).write_text(text.replace("cluster: 4x8", "cluster: 3x8"), encoding="utf-8")
    missed = user.types(*line, "--nodes", "4x8")
    assert missed.returncode == 1
    assert f"{FILES[0]}: ✘ The update" in missed.stdout
    (user.folder / FILES[0]).write_text("# mine\n", encoding="utf-8")
    wrong = user.types(*line, "--nodes", "4x8")
    assert (wrong.returncode, FILES[0] in wrong.stderr) == (2, True)


def test_a_dry_run_prints_the_files_and_writes_none(user: User) -> None:
    user.has("m.yaml", kubeinfer(NPUS, replicas=2))
    done = user.types(*CI, "--dry-run", "--pipelines", "gitlab,pre-commit", "--package", "x[y,z]==1")
    assert done.returncode == 0, done.stderr
    assert there(user) == set()
    named = re.findall(r"^# --- (.*)$", done.stdout, re.M)
    assert named == [each for each in FILES if "github" not in each]
    hook = yaml.safe_load(done.stdout.partition("# --- .pre-commit-config.yaml\n")[2])
    assert hook["repos"][0]["hooks"][0]["additional_dependencies"] == ["x[y,z]==1", "pytest"]
    assert "  KUBEINFER_SIM: x[y,z]==1\n" in done.stdout


def test_manifests_of_one_name_have_scenarios_of_two_and_each_only_its_own_values(user: User) -> None:
    for folder, hole in (("a", "image"), ("b", "other")):
        (user.folder / folder).mkdir()
        user.has(f"{folder}/m.yaml", kubeinfer({**NPUS, "image": f"${{{hole}}}"}, replicas=1))
    values = ("--set", "image=i:v1", "--set", "other=o:v1")
    done = user.types(
        "init", "ci", "a/m.yaml", "b/m.yaml", "--nodes", "3x8", "--pipelines", "gitlab", *values
    )
    assert done.returncode == 0, done.stderr
    for name, hole in (("a-m", {"image": "i:v1"}), ("b-m", {"other": "o:v1"})):
        manifest = spec_of(user, f"kubeinfer-sim/{name}.scenario.yaml")["manifest"]
        assert manifest == {"path": f"../{name.replace('-', '/')}.yaml", "set": hole}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("ci", "m.yaml"), "give the nodes either as --nodes 8x8 or as --cluster FILE"),
        (("ci", "none.yaml", "--nodes", "3x8"), "none.yaml: error: no such file"),
        (
            ("ci", "pod.yaml", "--nodes", "3x8"),
            "pod.yaml holds no KubeInfer, Deployment, StatefulSet or DaemonSet",
        ),
        (("ci", "service.yaml", "--nodes", "3x8"), "service.yaml: error: there is no KubeInfer, Deployment"),
        (("ci", "hole.yaml", "--nodes", "3x8"), "open holes: image (line 32); fill each with --set"),
        (("ci", "m.yaml", "--nodes", "3x8", "--set", "imag=x"), "there is no hole ${imag}"),
        (("ci", "m.yaml", "--nodes", "3x8", "--pipelines", "githup"), 'did you mean "github"?'),
        (
            ("ci", "a-b.yaml", "a_b.yaml", "--nodes", "3x8"),
            "two of the manifests would have kubeinfer-sim/test_near_",
        ),
        (("ci", "m.yaml", "--nodes", "3x8", "--pipelines", "gitlab"), ".gitlab is there and is no folder"),
        (("scenario", "-", "--nodes", "3x8"), "-: a scenario names its files by their paths"),
        (("scenario", "m.yaml", "n.yaml"), "init scenario takes one manifest; `kubeinfer-sim init ci`"),
        (("scenari", "m.yaml"), "No such command"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_written(
    user: User, line: tuple[str, ...], said: str
) -> None:
    for name in ("m", "a-b", "a_b"):
        user.has(f"{name}.yaml", kubeinfer(NPUS, replicas=2))
    user.has(".gitlab")
    user.has("hole.yaml", kubeinfer({**NPUS, "image": "${image}"}, replicas=2))
    user.has(
        "service.yaml",
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 1}]}},
    )
    user.has("pod.yaml", bare_pod(NPUS))
    before = there(user)
    done = user.types("init", *line)
    assert done.returncode == 2
    assert said in done.told
    assert there(user) == before


# -- what pipelines run ------------------------------------------------------------------------------------


def steps(user: User, script: list[str]) -> None:
    """Run the lines of a pipeline as a runner does: in a shell that stops at an error, with what was installed."""
    bin_folder = user.folder / "bin"
    bin_folder.mkdir()
    for name, words in (("python", ""), ("kubeinfer-sim", "-m kubeinfer_sim ")):
        path = bin_folder / name
        path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {words}"$@"\n', encoding="utf-8")
        path.chmod(0o755)
    installed = any(each.value == PLUGIN for each in importlib.metadata.entry_points(group="pytest11"))
    env = {
        **os.environ,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": "summary.md",
        "PYTEST_ADDOPTS": "-p no:cacheprovider" + ("" if installed else f" -p {PLUGIN}"),
    }
    for each in script:
        line = ["bash", "-e", "-c", each]
        done = subprocess.run(line, check=False, capture_output=True, text=True, cwd=user.folder, env=env)
        assert done.returncode == 0, (each, done.stdout, done.stderr)


def cases(user: User) -> list[str]:
    """The tests of the JUnit file, all of which passed."""
    suite = ElementTree.parse(user.folder / "kubeinfer-sim.xml").getroot()[0]
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("0", "0", "0")
    return [each.get("name", "") for each in suite.iter("testcase")]


ALL = ["outcome", "minReadyInstances", "completesWithin", "noStall", "test_m_near_its_scenario"]


@pytest.mark.sweep
def test_what_the_workflow_of_github_runs_passes_step_by_step(user: User) -> None:
    user.has("m.yaml", kubeinfer(NPUS, replicas=2))
    assert user.types(*CI).returncode == 0
    workflow = read(user, ".github/workflows/kubeinfer-sim.yml")
    assert workflow["env"] == {"KUBEINFER_SIM": "kubeinfer-sim"}
    install, *script = [each["run"] for each in workflow["jobs"]["simulate"]["steps"] if "run" in each]
    assert install == 'python -m pip install "$KUBEINFER_SIM" pytest'
    steps(user, script)
    assert cases(user) == ALL
    assert "The update completes" in (user.folder / "summary.md").read_text(encoding="utf-8")


@pytest.mark.sweep
def test_what_gitlab_and_pre_commit_run_passes_line_by_line(user: User) -> None:
    user.has("m.yaml", deployment(NPUS, replicas=2))
    assert user.types(*CI).returncode == 0
    assert read(user, ".gitlab-ci.yml") == {"include": [{"local": ".gitlab/kubeinfer-sim.yml"}]}
    job = read(user, ".gitlab/kubeinfer-sim.yml")
    assert job["variables"] == {"KUBEINFER_SIM": "kubeinfer-sim"}
    install, *script = job["kubeinfer-sim"]["script"]
    assert install == 'python -m pip install "$KUBEINFER_SIM" pytest'
    hook = read(user, ".pre-commit-config.yaml")["repos"][0]["hooks"][0]
    assert all(re.search(hook["files"], name) for name in ("m.yaml", FILES[0]))
    steps(user, [*script, hook["entry"]])
    assert cases(user) == ALL
