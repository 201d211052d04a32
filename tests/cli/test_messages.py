"""Messages that help: what a file holds, which command was meant, where a mistake stands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from command_line import ROOT, Done, sim
from kubectl_objects import listed, node, pod

MANIFEST = ROOT / "docs" / "examples" / "qwen3.yaml"
SCENARIO = """apiVersion: kubeinfer-sim/v1
kind: Scenario
metadata: {name: x}
spec:
  manifest: m.yaml
  cluster: 8x16
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(MANIFEST, tmp_path / "m.yaml")
    shutil.copy(ROOT / "scenarios" / "manifests" / "chat-deployment.yaml", tmp_path / "d.yaml")
    (tmp_path / "s.yaml").write_text(SCENARIO, encoding="utf-8")
    return tmp_path


def said(done: Done) -> str:
    return " ".join((done.stdout + done.stderr).split())


# -- a file is known by what it holds ----------------------------------------------------------------------


NODES = listed(*(node(f"n{i}", 16, labels={}) for i in range(8))).replace(
    '"kubernetes.io/hostname"', '"accelerator/huawei-npu": "ascend-1980", "kubernetes.io/hostname"'
)


@pytest.mark.parametrize("name", ["nodes.txt", "nodes", "nodes.yaml", "8-nodes"])
def test_nodes_are_read_whatever_their_file_is_called(folder: Path, name: str) -> None:
    (folder / name).write_text(NODES, encoding="utf-8")
    (folder / "pods.log").write_text(listed(pod("other", "n0", 8)), encoding="utf-8")
    line = ("--cluster", name, "--pods", "pods.log")
    assert sim("rollout", "m.yaml", *line, cwd=folder).returncode in (0, 1)
    assert sim("run", "s.yaml", *line, "--horizon", "1h", cwd=folder).returncode in (0, 1)
    assert sim("pods", "s.yaml", *line, "--horizon", "1h", cwd=folder).returncode == 0
    assert sim("validate", "m.yaml", "--nodes", name, cwd=folder).returncode == 0
    scenario = SCENARIO.replace("cluster: 8x16", f"cluster: {{file: {name}, pods: pods.log}}")
    (folder / "s.yaml").write_text(f"{scenario}  horizon: 1h\n", encoding="utf-8")
    done = sim("run", "s.yaml", cwd=folder)
    assert done.returncode in (0, 1), done.stderr


def test_yaml_in_a_file_called_json_is_yaml(folder: Path) -> None:
    (folder / "s.json").write_text(SCENARIO, encoding="utf-8")
    assert sim("run", "s.json", "-q", cwd=folder).returncode == 0


def test_rules_and_timings_are_read_whatever_their_file_is_called(folder: Path) -> None:
    text = (ROOT / "scenarios" / "recovery" / "save-decode.yaml").read_text(encoding="utf-8")
    (folder / "rules").write_text(text, encoding="utf-8")
    done = sim("compare", "s.yaml", "--recovery", "Instance,rules", cwd=folder)
    assert "is none of Instance" not in done.stderr  # what is wrong, if anything, is told of the rules
    (folder / "times").write_text(
        "apiVersion: kubeinfer-sim/v1\nkind: Timings\nmetadata: {name: t}\nspec: {weights: 1m}\n",
        encoding="utf-8",
    )
    (folder / "s.yaml").write_text(f"{SCENARIO}  timings: {{file: times}}\n", encoding="utf-8")
    assert sim("run", "s.yaml", "-q", cwd=folder).returncode == 0


# -- pipes -------------------------------------------------------------------------------------------------


def bash(folder: Path, line: str) -> Done:
    words = ["bash", "-c", line.replace("ks ", f"{sys.executable} -P -m kubeinfer_sim ")]
    done = subprocess.run(words, cwd=folder, capture_output=True, encoding="utf-8", check=False, timeout=60)
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    "line",
    [
        "ks rollout <(cat m.yaml) --nodes 8x16 -q",
        "ks rollout <(cat m.yaml) --nodes 8x16 -q --set-new a=b; test $? = 2",
        "ks rollout <(sleep 0.3; cat m.yaml) <(cat m.yaml) --cluster <(cat nodes.json) -q; test $? -le 1",
        "ks run s.yaml --cluster <(cat nodes.json) --check-determinism -q",
        "ks compare <(cat s.yaml) --vary maxSurge=1,2",
        "ks diff <(cat m.yaml) <(cat m.yaml) --exit-code",
        "ks validate <(cat m.yaml) --nodes <(cat nodes.json)",
        "cat m.yaml | ks validate /dev/stdin",
        "cat s.yaml | ks why - --at 5m",
        "ks pods <(cat s.yaml)",
    ],
)
def test_a_pipe_of_the_shell_is_read_where_it_can_be_read_once(folder: Path, line: str) -> None:
    (folder / "nodes.json").write_text(NODES, encoding="utf-8")
    done = bash(folder, line)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_a_pipe_whose_command_failed_is_an_empty_file(folder: Path) -> None:
    done = bash(folder, "ks rollout <(false) --nodes 8x16")
    assert done.returncode == 2
    assert "it is empty" in said(done)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_read_when_somebody_writes_to_it(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    writer = threading.Thread(target=lambda: (folder / "pipe").write_bytes((folder / "m.yaml").read_bytes()))
    writer.start()
    done = sim("rollout", "pipe", "--nodes", "8x16", "-q", cwd=folder)
    writer.join(timeout=30)
    assert done.returncode == 0, done.stderr


# -- nothing points into a text that nobody wrote ----------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("rollout", "m.yaml", "--cluster", "no.json"), "no.json: error: no such file"),
        (
            ("rollout", "m.yaml", "new.yaml", "--nodes", "8x16"),
            "--nodes 8x16: error: pods ask for nodes with",
        ),
        (
            ("compare", "s.yaml", "--assume", "startupCrash=foo"),
            "--assume startupCrash=foo: error: expected one of",
        ),
        (("compare", "s.yaml", "--vary", "horizon=1:30"), "--vary horizon=1:30: '1:30' is a time of day"),
        (("run", "s.yaml", "--cluster", "d.yaml"), "d.yaml:"),
    ],
)
def test_errors_name_what_was_written_and_where(folder: Path, arguments: tuple[str, ...], says: str) -> None:
    text = (folder / "m.yaml").read_text(encoding="utf-8")
    text = text.replace("accelerator/huawei-npu: ascend-1980", "accelerator/huawei-npu: ascend-910")
    (folder / "new.yaml").write_text(text, encoding="utf-8")
    done = sim(*arguments, cwd=folder)
    assert done.returncode == 2
    assert says in said(done)
    assert "rollout:1" not in said(done)


def test_a_warning_about_an_object_of_a_rollout_names_its_file(folder: Path) -> None:
    text = (folder / "m.yaml").read_text(encoding="utf-8")
    (folder / "c.yaml").write_text(text.replace("restart: Instance", "restart: Custom"), encoding="utf-8")
    done = sim("rollout", "c.yaml", "--nodes", "8x16", cwd=folder)
    assert "c.yaml:" in said(done)
    assert "rollout:" not in said(done)


# -- which command was meant -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("run m.yaml", "`kubeinfer-sim rollout m.yaml --nodes 8x8`"),
        ("why d.yaml --at 1m", "`kubeinfer-sim rollout d.yaml --nodes 8x8`"),
        ("pods two.yaml", "`kubeinfer-sim rollout two.yaml --nodes 8x8`"),
        ("compare m.yaml --vary maxSurge=0,1", "this is a manifest"),
        ("run nodes.json", "give them as --cluster nodes.json"),
        ("run pods.json", "`kubeinfer-sim calibrate pods.json`"),
        ("run result.json", "an output of kubeinfer-sim, of kind Result"),
        ("run rules.yaml", "these are rules of recovery"),
        ("rollout s.yaml --nodes 8x8", "`kubeinfer-sim run s.yaml`"),
        ("diff s.yaml m.yaml", "`kubeinfer-sim run s.yaml`"),
        ("rollout nodes.json --nodes 8x8", "give them as --cluster nodes.json"),
        (
            "calibrate nodes.json",
            "give them as --cluster nodes.json; Pods are written by: kubectl get pods -A -o json",
        ),
        ("calibrate m.yaml", "this is a manifest"),
        ("rollout m.yaml --cluster pods.json", "give them as --pods pods.json"),
        ("run m.yaml m.yaml", "`kubeinfer-sim rollout m.yaml m.yaml --nodes 8x8`"),
        ("run set.yaml d.yaml", "`kubeinfer-sim rollout set.yaml d.yaml --nodes 8x8`"),
        ("validate result.json", "an output of kubeinfer-sim, of kind Result"),
    ],
)
def test_a_file_for_another_command_is_told_the_command(folder: Path, line: str, says: str) -> None:
    (folder / "nodes.json").write_text(NODES, encoding="utf-8")
    (folder / "pods.json").write_text(listed(pod("other")), encoding="utf-8")
    (folder / "set.yaml").write_text("apiVersion: apps/v1\nkind: StatefulSet\n", encoding="utf-8")
    shutil.copy(ROOT / "scenarios" / "manifests" / "chat-with-router.yaml", folder / "two.yaml")
    shutil.copy(ROOT / "scenarios" / "recovery" / "save-decode.yaml", folder / "rules.yaml")
    assert sim("run", "s.yaml", "--json", "result.json", cwd=folder).returncode == 0
    done = sim(*line.split(), cwd=folder)
    assert done.returncode == 2
    assert says in said(done)


# -- validate knows our own files --------------------------------------------------------------------------


SEVERAL = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n---\n"


@pytest.mark.parametrize("command", ["run", "why --at 1h", "pods", "compare --vary maxSurge=1"])
@pytest.mark.parametrize("manifest", ["m.yaml", "d.yaml"])
def test_a_manifest_of_several_objects_is_known_by_the_one_that_rolls_out(
    folder: Path, command: str, manifest: str
) -> None:
    written = (folder / manifest).read_text(encoding="utf-8")
    (folder / "all.yaml").write_text(SEVERAL + written, encoding="utf-8")
    done = sim(*command.split(), "all.yaml", cwd=folder)
    assert done.returncode == 2
    assert "found 2: ConfigMap settings, " in said(done)
    assert "this is a manifest: `kubeinfer-sim rollout all.yaml --nodes 8x8`" in said(done)


@pytest.mark.parametrize(
    ("line", "more"),
    [
        ("run e.yaml", "expected one document of kind Scenario"),
        ("why e.yaml --at 1h", "expected one document of kind Scenario"),
        ("rollout m.yaml --cluster e.yaml", "expected one document of kind Cluster"),
        ("compare s.yaml --recovery Pod,e.yaml", "expected one document of kind Recovery"),
        ("run t.yaml", "expected one document of kind Timings"),
        ("validate e.yaml", "there is no KubeInfer"),
        ("diff m.yaml e.yaml", "there is no KubeInfer"),
        ("rollout e.yaml --nodes 8x8", "there is no KubeInfer"),
        ("calibrate e.yaml", "write it with: kubectl get pods -A -o json"),
        ("rollout m.yaml --cluster n.json --pods e.yaml", "write it with: kubectl get pods -A -o json"),
    ],
)
@pytest.mark.parametrize(
    ("text", "says"), [("", "it is empty"), ("# nothing\n---\n", "it holds nothing but comments")]
)
def test_a_file_that_holds_nothing_is_told_so(
    folder: Path, line: str, more: str, text: str, says: str
) -> None:
    (folder / "e.yaml").write_text(text, encoding="utf-8")
    (folder / "n.json").write_text(NODES, encoding="utf-8")
    (folder / "t.yaml").write_text(f"{SCENARIO}  timings: {{file: e.yaml}}\n", encoding="utf-8")
    done = sim(*line.split(), cwd=folder)
    assert done.returncode == 2
    for words in ("e.yaml: error:", says, more):
        assert words in said(done)


def test_several_scenarios_in_one_file_are_told_to_stand_apart(folder: Path) -> None:
    (folder / "two.yaml").write_text(f"{SCENARIO}---\n{SCENARIO}", encoding="utf-8")
    assert "each Scenario stands in a file of its own" in said(sim("run", "two.yaml", cwd=folder))
    (folder / "two.yaml").write_text(f"{SCENARIO}---\n{SEVERAL}", encoding="utf-8")
    assert "and names the rest by path" in said(sim("run", "two.yaml", cwd=folder))


@pytest.mark.parametrize(
    "line", ["rollout s.yaml --nodes 8x8", "rollout m.yaml s.yaml --nodes 8x8", "diff m.yaml s.yaml"]
)
def test_a_scenario_where_a_manifest_is_wanted_is_told_as_that_and_warned_of_nothing(
    folder: Path, line: str
) -> None:
    done = sim(*line.split(), cwd=folder)
    assert done.returncode == 2
    assert "it holds Scenario x" in said(done)
    assert "`kubeinfer-sim run s.yaml` simulates it" in said(done)
    assert "warning" not in said(done)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SCENARIO, "x.yaml: Scenario is valid: x: infer-qwen3-mix on 8 nodes"),
        ("apiVersion: kubeinfer-sim/v1\nkind: Cluster\nmetadata: {name: c}\nspec: {nodes: 8x8}\n", "Cluster is valid: 8 nodes"),
        ("apiVersion: kubeinfer-sim/v1\nkind: Timings\nmetadata: {name: t}\nspec: {bind: 1s, roles: {a: {init: 1s}}}\n", "Timings is valid: 2 stages"),
        ((ROOT / "scenarios" / "recovery" / "save-decode.yaml").read_text(encoding="utf-8"), "Recovery is valid: "),
    ],
)  # fmt: skip
def test_files_of_our_own_kinds_are_valid(folder: Path, text: str, says: str) -> None:
    (folder / "x.yaml").write_text(text, encoding="utf-8")
    done = sim("validate", "x.yaml", cwd=folder)
    assert done.returncode == 0, done.stdout
    assert says in said(done)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SCENARIO.replace("8x16", "8x"), "x.yaml:6:12: error: spec.cluster"),
        (f"{SCENARIO}  horizon: 02:13:00\n", "x.yaml:7:12: error: spec.horizon: '02:13:00' is a time of day"),
        (f"{SCENARIO}  actions: [{{at: 2026-11-29T10:00:00Z, scale: 2}}]\n", "is a point in time"),
        ("kind: Scenario\nmetadata: {name: x}\n", "apiVersion"),
        ("apiVersion: kubeinfer-sim/v1\nkind: Cluster\nmetadata: {name: c}\nspec: {nodes: 99999999x8}\n", "at most 100,000 nodes"),
        ("apiVersion: kubeinfer-sim/v1\nkind: Timings\nmetadata: {name: t}\nspec: {bindd: 1s}\n", 'did you mean "bind"'),
        ("apiVersion: kubeinfer-sim/v1\nkind: Recovery\nmetadata: {name: t}\nspec: {rules: [{faults: [Nope], actions: [{restart: pod}]}]}\n", "x.yaml:4"),
        ("apiVersion: kubeinfer-sim/v1\nkind: Senario\n", "there are no files of kind Senario"),
    ],
)  # fmt: skip
def test_files_of_our_own_kinds_are_wrong_where_they_are(folder: Path, text: str, says: str) -> None:
    (folder / "x.yaml").write_text(text, encoding="utf-8")
    done = sim("validate", "x.yaml", cwd=folder)
    assert done.returncode == 2
    assert says in said(done)


def test_a_scenario_and_a_manifest_are_checked_together_and_share_values(folder: Path) -> None:
    shutil.copytree(ROOT / "scenarios" / "manifests", folder / "manifests")
    shutil.copy(ROOT / "scenarios" / "down-first.yaml", folder / "down.yaml")
    done = sim("validate", "manifests/2p1d.yaml", "down.yaml", "--set", "image=r/a:1", cwd=folder)
    assert done.returncode == 0, done.stdout
    done = sim(
        "validate", "manifests/2p1d.yaml", "down.yaml", "--set", "image=r/a:1", "--set", "x=1", cwd=folder
    )
    assert done.returncode == 2
    assert "there is no hole ${x}" in said(done)


# -- full-width punctuation, aliases, long numbers ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("apiVersion：v1\nkind: KubeInfer\n", 'on line 1, "：" is FULLWIDTH COLON (U+FF1A): write ":"'),
        ("apiVersion: v1\nkind：KubeInfer\n", '"：" is FULLWIDTH COLON'),
        (f"{SCENARIO}  seed： 3\n", '"：" is FULLWIDTH COLON'),
        (SCENARIO.replace("{name: x}", "{name：x}"), '"：" is FULLWIDTH COLON'),
        (SCENARIO.replace("8x16", "8×16"), "'8×16' is not a number of nodes: write 8x16"),
        (f"{SCENARIO}  horizon: １0m # 说明，二\n", "'１0m': write 10m"),
        (
            f"{SCENARIO}  objectives: {{minReadyInstances: 80％}}\n",
            '"％" is FULLWIDTH PERCENT SIGN (U+FF05): write "%"',
        ),
        (f"{SCENARIO}\u00a0 seed: 3\n", '"\\xa0" is NO-BREAK SPACE (U+00A0)'),
    ],
)
def test_full_width_punctuation_is_named(folder: Path, text: str, says: str) -> None:
    (folder / "x.yaml").write_text(text, encoding="utf-8")
    done = sim("validate", "x.yaml", cwd=folder)
    assert done.returncode == 2
    assert says in said(done)


def test_full_width_punctuation_of_comments_and_descriptions_is_nobodys_business(folder: Path) -> None:
    text = SCENARIO.replace("{name: x}", "{name: x, description: 先下后上，四个。}")
    (folder / "x.yaml").write_text(f"{text}  sede: 3 # 种子：三\n", encoding="utf-8")
    done = sim("validate", "x.yaml", cwd=folder)
    assert done.returncode == 2
    assert "FULLWIDTH" not in said(done)


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "s.yaml", "--set", "image＝x"),
        ("run", "s.yaml", "--horizon", "10：30：99"),
        ("rollout", "m.yaml", "--nodes", "８x８"),
        ("run", "s.yaml", "--seed", "１a"),
        ("compare", "s.yaml", "--recovery", "Instance，Pod"),
    ],
)
def test_full_width_punctuation_on_the_command_line_is_named(
    folder: Path, arguments: tuple[str, ...]
) -> None:
    done = sim(*arguments, cwd=folder)
    assert done.returncode == 2
    assert "FULLWIDTH" in done.stderr


def test_a_mistake_in_what_an_alias_repeats_is_told_once(folder: Path) -> None:
    action = "&a {at: 5m, scale: -1}"
    (folder / "x.yaml").write_text(f"{SCENARIO}  actions: [{action}, *a, *a]\n", encoding="utf-8")
    done = sim("run", "x.yaml", cwd=folder)
    assert done.stderr.count("error:") == 1


LONG = "9" * 5000


@pytest.mark.parametrize(
    ("name", "text", "arguments", "place"),
    [
        ("nodes.json", NODES.replace('"16"', LONG, 1), ("rollout", "m.yaml", "--cluster", "nodes.json"), "nodes.json:"),
        ("pods.json", listed(pod("a")).replace('"1"', LONG, 1), ("rollout", "m.yaml", "--cluster", "good.json", "--pods", "pods.json"), "pods.json:"),
        ("past.json", listed(pod("a")).replace('"1"', f"-{LONG}", 1), ("calibrate", "past.json"), "past.json:"),
        ("nodes.yaml", f"apiVersion: v1\nkind: Node\nmetadata: {{generation: {LONG}}}\n", ("rollout", "m.yaml", "--cluster", "nodes.yaml"), "nodes.yaml:3:"),
        ("x.yaml", f"{SCENARIO}  seed: {LONG}\n", ("run", "x.yaml"), "x.yaml:7:9"),
        ("x.json", f'{{"apiVersion": "kubeinfer-sim/v1",\n"kind": "Scenario",\n"spec": {{"seed": {LONG}}}}}', ("run", "x.json"), "x.json:3:18"),
        ("n.yaml", f"{MANIFEST.read_text(encoding='utf-8')}\nstatus: {{n: {LONG}}}\n", ("validate", "n.yaml"), "n.yaml:"),
    ],
)  # fmt: skip
def test_a_number_of_thousands_of_digits_is_an_error_where_it_stands(
    folder: Path, name: str, text: str, arguments: tuple[str, ...], place: str
) -> None:
    (folder / "good.json").write_text(NODES, encoding="utf-8")
    (folder / name).write_text(text, encoding="utf-8")
    done = sim(*arguments, cwd=folder)
    assert done.returncode == 2
    line = next(number for number, each in enumerate(text.splitlines(), 1) if LONG in each)
    assert place in said(done)
    assert f"{name}:{line}" in said(done)
    assert "set_int_max_str_digits" not in said(done)


@pytest.mark.parametrize(
    ("nodes", "says"),
    [
        ("99999999x8", "at most 100,000 nodes are simulated"),
        (f"{LONG}x8", "at most 100,000 nodes are simulated"),
        ("8x99999", "at most 9,999 NPUs of a node are simulated"),
        ("0x8", "between 1 and 100,000 nodes"),
        ("8", "write 8x8 for nodes of 8 NPUs"),
        ("8X8", "write 8x8"),
        ("8 by 8", "write 8x8"),
        ("8*16", "write 8x16"),
        ("many", "write 8x8 for 8 nodes of 8 NPUs each, and there is no such file"),
    ],
)
def test_a_number_of_nodes_is_told_how_it_is_written_and_its_limit(
    folder: Path, nodes: str, says: str
) -> None:
    for line in (("rollout", "m.yaml", "--nodes", nodes), ("validate", "m.yaml", "--nodes", nodes)):
        done = sim(*line, cwd=folder)
        assert done.returncode == 2
        assert says in said(done)


# -- holes, templates and what is no text ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind: KubeInfer\nmetadata: {name: ${x}}\n", 'between { and } write "${x}", in quotes'),
        ("kind: KubeInfer\nspec: {image: repo/vllm:${tag}, a: b}\n", 'write "${tag}", in quotes'),
        ("kind: KubeInfer\nmetadata: {name: a{{ .Values.x }}, b: c}\n", "`helm template CHART |"),
        ("kind: KubeInfer\nmetadata:\n  name: {{ .Values.x }}\n", "`helm template CHART |"),
    ],
)
def test_braces_of_a_hole_where_yaml_has_its_own_are_named(folder: Path, text: str, says: str) -> None:
    (folder / "h.yaml").write_text(text, encoding="utf-8")
    done = sim("validate", "h.yaml", cwd=folder)
    assert done.returncode == 2
    assert says in said(done)


def test_what_cannot_be_read_may_ask_for_a_value(folder: Path) -> None:
    flow = "kind: KubeInfer\nmetadata: {name: ${x}}\nspec: {image: ${tag}}\n"
    (folder / "m.yaml").write_text(flow, encoding="utf-8")
    done = said(sim("validate", "m.yaml", "--set", "x=a", "--set", "tag=b", cwd=folder))
    assert "there is no hole" not in done
    assert "m.yaml:2:19: error: YAML syntax" in done
    scenario = SCENARIO.replace("m.yaml", "{path: m.yaml, set: {x: a, tag: b}}")
    (folder / "s.yaml").write_text(scenario, encoding="utf-8")
    done = said(sim("run", "s.yaml", cwd=folder))
    assert "there is no hole" not in done
    assert "m.yaml:2:19: error: YAML syntax" in done


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"SQLite format 3\0\x10", "`kubeinfer-sim results m.yaml`"),
        (b"\x1f\x8b\x08", "`zcat m.yaml`"),
        (b"PK\x03\x04", "a zip archive"),
    ],
)
@pytest.mark.parametrize("command", ["run", "validate", "calibrate"])
def test_what_is_no_text_is_known_by_what_it_holds(
    folder: Path, head: bytes, says: str, command: str
) -> None:
    (folder / "m.yaml").write_bytes(head + bytes(100))
    done = sim(command, "m.yaml", cwd=folder)
    assert done.returncode == 2
    assert says in said(done)


# -- what was meant ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("m.yaml", "`kubeinfer-sim rollout m.yaml --nodes 8x8`"),
        ("s.yaml", "`kubeinfer-sim run s.yaml`"),
        ("lint m.yaml", "`kubeinfer-sim validate --help`"),
        ("get pods", "`kubeinfer-sim pods --help`"),
        ("apply -f m.yaml", "`kubeinfer-sim rollout --help`"),
        ("-o json run s.yaml", "-o stands behind the command: kubeinfer-sim run -o"),
        ("why s.yaml", "at which time? --at 2h13m"),
        ("why s.yaml 1h", "at one time: --at TIME"),
        ("explain m.yaml", "`kubeinfer-sim validate m.yaml`"),
        ("compare s.yaml --vary nodes=4-6", "a range is written 4..6"),
        ("compare s.yaml --vary nodes=4...6", "a range is written 4..6"),
        ("compare s.yaml --assume backoff=1s --assume backoff=2s", "write all its values as one list"),
    ],
)
def test_what_was_meant_is_said(folder: Path, line: str, says: str) -> None:
    done = sim(*line.split(), cwd=folder)
    assert done.returncode == 2
    assert says in said(done)


@pytest.mark.parametrize(
    ("file", "says"), [("m.yaml", "this is a manifest"), ("s.yaml", "`kubeinfer-sim run s.yaml`")]
)
def test_a_file_of_another_kind_than_is_asked_for_is_told_as_that_alone(
    folder: Path, file: str, says: str
) -> None:
    done = said(sim("run", "s.yaml", "--cluster", file, cwd=folder))
    assert "expected kind Cluster, found" in done
    assert says in done
    assert done.count("error:") == 1


def test_a_rule_is_found_by_its_number() -> None:
    for word in ("7", "KI7", "ki-07"):
        assert sim("explain", word).stdout == sim("explain", "KI007").stdout


def test_help_and_version_may_be_words(folder: Path) -> None:
    assert sim("help").stdout == sim("--help").stdout
    assert sim("help", "run").stdout == sim("run", "--help").stdout
    assert sim("version").stdout == sim("--version").stdout


def test_options_of_every_command_may_stand_before_it() -> None:
    line = ("run", "scenarios/down-first.yaml", "-q")
    assert "judged in" in sim("-v", *line).stderr
    assert "\x1b" in sim("-v", *line, FORCE_COLOR="1").stderr
    assert "\x1b" not in sim("--no-color", "-v", *line, FORCE_COLOR="1").stderr


@pytest.mark.parametrize("command", ["run s.yaml", "pods s.yaml", "why s.yaml --at 0s"])
def test_other_nodes_are_given_alike_everywhere(folder: Path, command: str) -> None:
    nodes, cluster = (
        sim(*command.split(), option, "1x16", cwd=folder) for option in ("--nodes", "--cluster")
    )
    assert nodes.returncode in (0, 1)
    assert nodes.stdout == cluster.stdout != sim(*command.split(), cwd=folder).stdout
    done = sim(*command.split(), "--nodes", "1x16", "--cluster", "2x16", cwd=folder)
    assert "--cluster is there twice: 1x16 and 2x16" in said(done)


def test_two_assumptions_are_a_grid() -> None:
    knobs = ("--assume", "startupCrash=rebuild,kubelet", "--assume", "placement=mostAllocated,leastAllocated")
    done = sim("compare", "scenarios/down-first.yaml", *knobs, "-o", "json")
    assert len(json.loads(done.stdout)["variants"]) == 4


@pytest.mark.parametrize(
    ("line", "text", "says"),
    [
        ("validate m.yaml －－strict", "", 'FULLWIDTH HYPHEN-MINUS (U+FF0D): write "-"'),
        ("validate m.yaml —strict", "", 'EM DASH (U+2014): write "-"'),
        (
            "validate x",
            "NAME: chat\nLAST DEPLOYED: today\nMANIFEST:\n",
            "`helm template` or `helm get manifest`",
        ),
        (
            "validate x",
            "apiVersion: v1\nkind: Deploymnt\nmetadata: {name: x}\n",
            'did you mean "Deployment"?',
        ),
        ("validate x", "apiVersion: kubeinfer-sim/v1\nkind: Scenaro\n", 'did you mean "Scenario"?'),
        ("rollout m.yaml --cluster x", "NAME STATUS ROLES\nn1 Ready none\n", "write it with -o json"),
        ("calibrate x", "NAME READY\na 1/1\n", "write it with -o json"),
        ("run s.yaml --horizon Settled", "", "expected settled or a duration such as 90s, found 'Settled'"),
        (
            "run x",
            SCENARIO + "  horizon: setled\n",
            "expected settled or a duration such as 90s, found 'setled'",
        ),
        ("compare s.yaml --vary nodes=99999999", "", "expected a number of nodes from 1 to 99,999"),
        ("diff m.yaml m.yaml --json=", "", "'': is a folder"),
        ("calibrate x", '{"kind": "List", "items": [{"kind": "Event"}]}', "expected a Pod, found an Event"),
    ],
)
def test_what_comes_near_is_told_what_would_be_right(folder: Path, line: str, text: str, says: str) -> None:
    (folder / "x").write_text(text, encoding="utf-8")
    done = sim(*line.split(), cwd=folder)
    assert (done.returncode, says in said(done)) == (2, True), said(done)


def test_what_is_binary_is_told_as_that(folder: Path) -> None:
    (folder / "x").write_bytes(b"\x7fELF\x02\0\0\xd0")
    assert "this is no text, but something binary" in said(sim("validate", "x", cwd=folder))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "maxSurge: 20%\n      maxUnavailable: 20%",
            "maxSurge: 0\n      maxUnavailable: ten",
            "write a number of instances such as 1",
        ),
        ("periodSeconds: 10", "periodSeconds: 10s", 'expected an integer, got the string "10s"; write 10'),
        (
            "periodSeconds: 10",
            'periodSeconds: "10"',
            'expected an integer, got the string "10"; without quotes',
        ),
    ],
)
def test_what_is_wrong_is_told_without_what_only_follows_from_it(
    folder: Path, old: str, new: str, says: str
) -> None:
    text = (folder / "m.yaml").read_text(encoding="utf-8")
    assert old in text
    text = text.replace("replicas: 5", "replicas: 3")
    (folder / "m.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    done = sim("validate", "m.yaml", "--no-lint", cwd=folder)
    assert (done.returncode, says in said(done)) == (2, True), said(done)
    assert "rounds down to 0" not in said(done)


def test_an_open_hole_that_an_alias_repeats_is_told_once(folder: Path) -> None:
    manifest = ROOT / "scenarios" / "manifests" / "2p1d.yaml"
    assert "open holes: image (line 48);" in said(sim("validate", str(manifest), cwd=folder))
